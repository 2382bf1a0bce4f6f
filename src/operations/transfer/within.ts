/** Transfers of an instance's disks from one node of the cluster to another (TransferInstanceData). */
import type { Configuration } from '../../model/configuration.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { TransferEnd, TransferIo } from '../../noderpc/calls/transfer.ts';
import type { JobHandle } from '../operation.ts';
import { startExport, startImport } from '../steps/transfer.ts';
import { isIpv6, magicOf, randomHex, uniqueName } from './authority.ts';
import { describeProgress, type EndResult, TransferLoop } from './follow.ts';

/** Seconds until the sending end has connected (constants.DISK_TRANSFER_CONNECT_TIMEOUT). */
const connectTimeout = 60;

/** One disk. */
export interface DiskTransfer {
  /** "disk/0" or "snapshot/0", for messages. */
  readonly label: string;
  readonly from: TransferIo;
  readonly to: TransferIo;
  /** The sending end has done its work, or failed. */
  readonly sent?: () => Promise<void>;
}

export interface TransferWish {
  readonly configuration: Configuration;
  readonly instance: Instance;
  /** Uuids. */
  readonly source: string;
  readonly target: string;
  readonly compress: string;
  readonly debug: number;
  readonly secretParameters: Readonly<Record<string, string>>;
  /** One a disk; undefined for one that isn't there. */
  readonly disks: readonly (DiskTransfer | undefined)[];
}

interface Named {
  readonly uuid: string;
  readonly name: string;
  readonly secondary_ip: string;
}

/** One disk's two ends. */
class Pair {
  readonly #wish: TransferWish;
  readonly #disk: DiskTransfer;
  readonly #job: JobHandle;
  readonly #loop: TransferLoop;
  readonly #common: Omit<TransferEnd, 'name' | 'io'>;
  readonly #names: { readonly import: string; readonly export: string };
  success = true;

  constructor(
    wish: TransferWish,
    disk: DiskTransfer,
    index: number,
    job: JobHandle,
    loop: TransferLoop,
    base: string,
  ) {
    const { instance, compress, debug, secretParameters } = wish;
    const component = `disk${index}`;
    const now = job.world.now();
    this.#wish = wish;
    this.#disk = disk;
    this.#job = job;
    this.#loop = loop;
    this.#names = {
      import: uniqueName(`import-${component}`, now),
      export: uniqueName(`export-${component}`, now),
    };
    this.#common = {
      ...{ component, instanceName: instance.name, os: instance.os, keyName: null, peerCertificate: null },
      ...{ compress, connectTimeout, debug, secretParameters: { ...secretParameters } },
      magic: magicOf(base, instance.name, index),
      ipv6: isIpv6(this.#node('target').secondary_ip),
    };
  }

  #node(which: 'source' | 'target'): Named {
    return this.#wish.configuration.nodes.get(this.#wish[which])!;
  }

  #end(mode: 'import' | 'export', io: TransferIo): Omit<TransferEnd, 'secretParameters'> {
    const { secretParameters: _, ...shown } = this.#common;
    return { ...shown, name: this.#names[mode], io };
  }

  receive(): void {
    const { label, to } = this.#disk;
    const { uuid, name } = this.#node('target');
    this.#job.say(`Exporting ${label} from ${this.#node('source').name} to ${name}`);
    const end = this.#end('import', to);
    this.#loop.add({
      ...{ mode: 'import', name: end.name, node: uuid, nodeName: name, connectTimeout },
      start: () => this.#job.do(startImport(this.#wish.secretParameters), { node: uuid, end }),
      listening: (port) => {
        this.#job.say(`${label} is now listening, starting export`);
        this.#send(port);
      },
      connected: () => this.#job.say(`${label} is receiving data on ${name}`),
      finished: async (result) => {
        this.#say(result, 'finished receiving data', 'failed to receive data');
        if (!result.success) await this.#loop.abort(this.#names.export);
      },
    });
  }

  #send(port: number): void {
    const { label, from, sent } = this.#disk;
    const { uuid, name } = this.#node('source');
    const end = this.#end('export', from);
    const host = this.#node('target').secondary_ip;
    this.#loop.add({
      ...{ mode: 'export', name: end.name, node: uuid, nodeName: name, connectTimeout },
      start: () => this.#job.do(startExport(this.#wish.secretParameters), { node: uuid, end, host, port }),
      connected: () => this.#job.say(`${label} is sending data on ${name}`),
      progress: (status) => this.#job.say(`${label} sent ${describeProgress(status)}`),
      finished: async (result) => {
        this.#say(result, 'finished sending data', 'failed to send data');
        await sent?.();
        if (!result.success) await this.#loop.abort(this.#names.import);
      },
    });
  }

  #say({ success, message, recent }: EndResult, good: string, bad: string): void {
    this.success &&= success;
    const { label } = this.#disk;
    this.#job.say(success ? `${label} ${good}` : `${label} ${bad}: ${message} (recent output: ${recent})`);
  }
}

/** @returns for each disk whether all of it has arrived */
export async function transferDisks(wish: TransferWish, job: JobHandle): Promise<boolean[]> {
  const loop = new TransferLoop(job);
  const base = randomHex(6);
  const pairs = wish.disks.map((disk, index) =>
    disk === undefined ? undefined : new Pair(wish, disk, index, job, loop, base),
  );
  for (const pair of pairs) pair?.receive();
  await loop.run();
  return pairs.map((pair) => pair?.success ?? false);
}

/** The steps of transfers, for the list of an operation's steps. */
export const transferSteps = [startImport({}), startExport({})] as const;
