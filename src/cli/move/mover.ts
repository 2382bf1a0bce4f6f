/**
 * One instance on its way: the source cluster prepares an export, the destination makes the instance and
 * tells where its disks are awaited, the source sends them and removes its own. Both run at the same time;
 * when one fails the other gives up, but a job that is under way may say first what it has met: often that is why.
 */
import { ErrorCode, Failure, messageOf } from '../../kit/failure.ts';
import type { Options } from '../shared/devices.ts';
import type { LogEntry, RapiClient } from './rapi-client.ts';
import { RapiError } from './rapi-client.ts';

/** Seconds between opportunistic attempts when nothing else was said, and how much of it chance adds or takes. */
const usualDelay = 30;
const delayVariation = 0.15;
/** Seconds for a job under way to end by itself once the other side has failed. */
const grace = 15;
const remoteImport = 'remote-import';

type Values = Readonly<Record<string, unknown>>;

export interface Move {
  readonly instance: string;
  readonly newName: string;
  readonly primary: string | null;
  readonly secondary: string | null;
  readonly iallocator: string | null;
  readonly template: string | null;
  readonly compress: string;
  readonly hvparams: Values;
  readonly beparams: Values;
  readonly osparams: Values;
  readonly nics: readonly Options[];
  readonly tries: number;
  readonly delay: number | null;
  readonly keepsSource: boolean;
}

export interface Surroundings {
  readonly source: RapiClient;
  readonly target: RapiClient;
  readonly log: { debug(text: string): void; info(text: string): void; warning(text: string): void };
  readonly sleep: (seconds: number) => Promise<void>;
  /** Between 0 and 1. */
  readonly random: () => number;
  /** Seconds of a clock that never goes back. */
  readonly now: () => number;
}

interface ExportInfo {
  readonly handshake: unknown;
  readonly x509_key_name: unknown;
  readonly x509_ca: string;
}

interface ImportInfo {
  readonly disks: unknown[];
  readonly x509_ca: string;
}

/** What OP_INSTANCE_QUERY_DATA tells of an instance. */
interface InstanceInfo {
  readonly name: string;
  readonly os: string | null;
  readonly config_state: string;
  readonly hypervisor: string;
  readonly disk_template: string;
  readonly disks: readonly Values[];
  readonly nics: readonly (readonly unknown[])[];
  readonly be_instance: Values;
  readonly hv_instance: Values;
  readonly os_instance: Values;
}

/** The other side has failed. */
class Aborted extends Error {
  constructor() {
    super('Aborted');
  }
}

/** A value that one side waits for and the other gives, unless it fails. */
class Handover<T> {
  readonly value: Promise<T>;
  give!: (value: T) => void;
  withhold!: () => void;

  constructor() {
    this.value = new Promise((resolve, reject) => {
      this.give = resolve;
      this.withhold = () => reject(new Aborted());
    });
    this.value.catch(() => {});
  }
}

function disksOf({ disks }: InstanceInfo): Values[] {
  return disks.map(({ size, mode, name, spindles }) => ({
    size,
    mode,
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof spindles === 'number' ? { spindles } : {}),
  }));
}

/** @throws Failure GenericError when more interfaces are described than there are */
export function nicsOf({ nics }: Pick<InstanceInfo, 'nics'>, changes: readonly Options[]): Values[] {
  if (changes.length > nics.length) throw new Failure('GenericError', ['Can not create new NICs']);
  return nics.map((nic, index) => {
    if (nic.length < 8) {
      throw new Failure('GenericError', [
        'Received NIC information does not match expected format; Do the versions of this tool and the source cluster match?',
      ]);
    }
    const [name, , ip, mac, mode, link, vlan, network] = nic;
    const own = { name, ip, mac, mode, link, vlan, network };
    // A network brings mode and link of its own, and refuses others.
    const told = network ? { name, ip, mac, network } : own;
    return { ...told, ...changes[index] };
  });
}

class Mover {
  readonly #move: Move;
  readonly #with: Surroundings;
  readonly #prepared = new Handover<{ info: InstanceInfo; expinfo: ExportInfo }>();
  readonly #awaited = new Handover<ImportInfo>();
  #abortedAt: number | undefined;

  constructor(move: Move, surroundings: Surroundings) {
    this.#move = move;
    this.#with = surroundings;
  }

  /** @returns what went wrong, or nothing */
  async run(): Promise<string | undefined> {
    const side = async (work: () => Promise<void>): Promise<string | null> => {
      try {
        await work();
        return null;
      } catch (error) {
        this.#abortedAt ??= this.#with.now();
        this.#prepared.withhold();
        this.#awaited.withhold();
        return messageOf(error);
      }
    };
    const [source, target] = await Promise.all([side(() => this.#send()), side(() => this.#receive())]);
    if (source === null && target === null) return undefined;
    return `Source error: ${source ?? 'None'}, destination error: ${target ?? 'None'}`;
  }

  #watcher(special?: (entry: LogEntry) => void) {
    return {
      check: () => {
        if (this.#abortedAt !== undefined && this.#with.now() - this.#abortedAt > grace) throw new Aborted();
      },
      log: (entry: LogEntry) => {
        if (entry.type === remoteImport) special?.(entry);
        else if (typeof entry.message === 'string') this.#with.log.info(entry.message);
      },
    };
  }

  async #send(): Promise<void> {
    const { source, log } = this.#with;
    const { instance, compress, keepsSource } = this.#move;
    const path = `/2/instances/${encodeURIComponent(instance)}`;
    log.info('Checking whether instance exists');
    await source.call('GET', path).catch((error: unknown) => {
      if (error instanceof RapiError && error.status === 404)
        throw new Failure('GenericError', [`Instance ${instance} not found (${error.message})`]);
      throw error;
    });
    log.info('Retrieving instance information from source cluster');
    const described = await source.follow(
      await source.submit('GET', `${path}/info?static=1`),
      this.#watcher(),
    );
    const [info] = Object.values(described[0] as Record<string, InstanceInfo>);
    log.info('Preparing export on source cluster');
    const [expinfo] = (await source.follow(
      await source.submit('PUT', `${path}/prepare-export?mode=remote`),
      this.#watcher(),
    )) as [ExportInfo];
    this.#prepared.give({ info: info!, expinfo });
    log.info('Waiting for destination information to become available');
    const awaited = await this.#awaited.value;
    log.info('Starting remote export on source cluster');
    const job = await source.submit('PUT', `${path}/export`, {
      mode: 'remote',
      destination: awaited.disks,
      shutdown: true,
      remove_instance: !keepsSource,
      ...(keepsSource ? { long_sleep: true } : {}),
      x509_key_name: expinfo.x509_key_name,
      destination_x509_ca: awaited.x509_ca,
      compress,
    });
    const [[done, disks]] = (await source.follow(job, this.#watcher())) as [[boolean, boolean[]]];
    const failed = disks.flatMap((good, index) => (good ? [] : [index]));
    if (!done || failed.length > 0)
      throw new Failure('GenericError', [`Export failed for disks ${failed.join(', ')}`]);
    log.info('Export successful');
  }

  async #receive(): Promise<void> {
    const { target, log, sleep, random } = this.#with;
    const { newName, tries, delay } = this.#move;
    log.debug('Waiting for instance information to become available');
    const { info, expinfo } = await this.#prepared.value;
    log.info(`Creating instance ${newName} in remote-import mode`);
    for (let tried = 0; ; tried += 1) {
      const isOpportunistic = tried < tries;
      const job = await target.submit('POST', '/2/instances', this.#request(info, expinfo, isOpportunistic));
      try {
        await target.follow(
          job,
          this.#watcher(({ message }) => this.#awaited.give(message as ImportInfo)),
        );
        log.info('Import successful');
        return;
      } catch (error) {
        const isShort = error instanceof Failure && error.args[1] === ErrorCode.temporaryResources;
        if (!isOpportunistic || !isShort) throw error;
      }
      const seconds = (delay ?? usualDelay) * (1 + delayVariation * (2 * random() - 1));
      log.info(
        `Opportunistic attempt unsuccessful, waiting ${seconds.toFixed(2)} seconds before another creation attempt is made`,
      );
      await sleep(seconds);
    }
  }

  #request(info: InstanceInfo, expinfo: ExportInfo, isOpportunistic: boolean): Values {
    const { newName, primary, secondary, iallocator, template, compress } = this.#move;
    const { hvparams, beparams, osparams, nics } = this.#move;
    return {
      __version__: 1,
      mode: 'remote-import',
      instance_name: newName,
      disk_template: template ?? info.disk_template,
      disks: disksOf(info),
      nics: nicsOf(info, nics),
      ...(info.os ? { os_type: info.os } : {}),
      ...(primary === null ? {} : { pnode: primary }),
      ...(secondary === null ? {} : { snode: secondary }),
      ...(iallocator === null ? {} : { iallocator }),
      start: info.config_state === 'up',
      ip_check: false,
      hypervisor: info.hypervisor,
      source_handshake: expinfo.handshake,
      source_x509_ca: expinfo.x509_ca,
      source_instance_name: info.name,
      compress,
      beparams: { ...info.be_instance, ...beparams },
      hvparams: { ...info.hv_instance, ...hvparams },
      osparams: { ...info.os_instance, ...osparams },
      opportunistic_locking: isOpportunistic,
    };
  }
}

/** @returns what went wrong, or nothing */
export function moveInstance(move: Move, surroundings: Surroundings): Promise<string | undefined> {
  return new Mover(move, surroundings).run();
}
