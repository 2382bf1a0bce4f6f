/**
 * Xen on a node, through xl: domains of both kinds have the same life and differ in their configuration
 * file. The file lies where xl looks for it, and an interface's data where its script does.
 */
import { mkdir, readFile, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { pollUntil } from '../../kit/clock.ts';
import { Failure, messageOf } from '../../kit/failure.ts';
import { type ProcessResult, runProcess } from '../../kit/process.ts';
import { programPath } from '../../kit/programs.ts';
import { nodeConsole } from '../console.ts';
import type { DriverContext, Guest, HypervisorAbout, HypervisorDriver } from '../contract.ts';
import { checkedGuestName } from '../guest-name.ts';
import { startupMemory } from '../linux-host.ts';
import { checkOnNode } from '../on-node.ts';
import { noHotplug } from '../unsupported.ts';
import { hvmAbout } from './about.ts';
import { hvmConfig, nicFile, pvmConfig, withMemory } from './config.ts';
import { Receiver, receiveCommand, Senders, sendCommand } from './migration.ts';
import { controlDomain, type Domain, parseDomains, parseHostFacts } from './output.ts';
import { connectTalks, TalkNames } from './talk.ts';

const listTimeoutMs = 5000;
const rebootTimeoutMs = 600_000;

/** The tool and the folders of one node. */
class XenNode {
  readonly program: string;
  readonly context: DriverContext;
  readonly configFolder: string;
  readonly nicFolder: string;
  readonly senders = new Senders();
  readonly receiver: Receiver;
  readonly talks: TalkNames;

  constructor(context: DriverContext, program: string) {
    this.program = program;
    this.context = context;
    const { root, runDir } = context.paths;
    this.configFolder = join(root === '' ? '/' : root, 'etc/xen');
    this.nicFolder = join(runDir, 'xen-hypervisor/nic');
    this.talks = new TalkNames(this.nicFolder);
    this.receiver = new Receiver(join(runDir, 'xen-hypervisor/migration'));
  }

  run(argument: readonly string[], timeoutMs?: number): Promise<ProcessResult> {
    return runProcess([this.program, ...argument], timeoutMs === undefined ? {} : { timeoutMs });
  }

  /** @throws Failure HypervisorError with `what` and the tool's words */
  async must(what: string, argument: readonly string[]): Promise<void> {
    const result = await this.run(argument);
    if (result.code !== 0) {
      throw new Failure('HypervisorError', [`${what}: ${`${result.stdout}${result.stderr}`.trim()}`]);
    }
  }

  configFile(name: string): string {
    return join(this.configFolder, checkedGuestName(name));
  }

  /** xl refuses to list while domains come and go, so it is asked again. */
  async domains(): Promise<Domain[]> {
    let last = '';
    const listed = await pollUntil(
      async () => {
        const result = await this.run(['list']);
        last = `${result.stdout}${result.stderr}`.trim();
        return result.code === 0 ? parseDomains(result.stdout) : undefined;
      },
      { everyMs: 300, timeoutMs: listTimeoutMs },
    );
    if (listed === undefined) {
      throw new Failure('HypervisorError', [`listing instances failed, timeout exceeded: ${last}`]);
    }
    return listed;
  }

  async domain(name: string): Promise<Domain | null> {
    return (await this.domains()).find((domain) => domain.name === name) ?? null;
  }

  async hostFacts() {
    const result = await this.run(['info']);
    if (result.code !== 0) {
      throw new Failure('HypervisorError', [
        `Can't retrieve xen hypervisor information: ${result.stderr.trim()}`,
      ]);
    }
    return parseHostFacts(result.stdout, await this.domains());
  }

  async writeConfig(name: string, text: string): Promise<void> {
    await mkdir(this.configFolder, { recursive: true, mode: 0o755 });
    await unlink(join(this.configFolder, 'auto', checkedGuestName(name))).catch(() => {});
    // It may hold a password.
    await writeFileAtomic(this.configFile(name), text, { mode: 0o600 });
  }

  async writeNics(guest: Guest): Promise<void> {
    const folder = join(this.nicFolder, checkedGuestName(guest.name));
    await mkdir(folder, { recursive: true, mode: 0o775 });
    for (const [index, nic] of guest.nics.entries()) {
      await writeFileAtomic(join(folder, String(index)), nicFile(guest, nic, index), {
        mode: 0o644,
        durable: false,
      });
    }
  }

  async removeFiles(name: string): Promise<void> {
    await unlink(this.configFile(name)).catch(() => {});
    await rm(join(this.nicFolder, checkedGuestName(name)), { recursive: true, force: true });
  }

  /** A file that didn't lead to a domain is kept with the logs. */
  async stashConfig(name: string): Promise<string> {
    const folder = join(this.context.paths.logDir, 'xen');
    await mkdir(folder, { recursive: true, mode: 0o750 });
    const kept = join(folder, `${name}-${new Date().toISOString().replaceAll(':', '_')}`);
    await rename(this.configFile(name), kept);
    return kept;
  }
}

async function configOf(about: HypervisorAbout, guest: Guest, memoryMiB: number): Promise<string> {
  const surroundings = { talkScript: programPath('vif-ganeti-metad') };
  if (about !== hvmAbout) return pvmConfig(guest, memoryMiB, surroundings);
  const file = String(guest.hvparams.vnc_password_file);
  const password = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Failure('HypervisorError', [`Failed to open VNC password file ${file}: ${messageOf(error)}`]);
  });
  return hvmConfig(guest, memoryMiB, password.trimEnd(), surroundings);
}

async function start(node: XenNode, about: HypervisorAbout, guest: Guest, paused: boolean): Promise<void> {
  const running = await node.domain(checkedGuestName(guest.name));
  if (running?.state === 'running') return;
  if (running !== null) await node.must(`Failed to clean up instance ${guest.name}`, ['destroy', guest.name]);
  const memory = startupMemory(guest, await node.hostFacts());
  const named = await node.talks.named(guest, async (withNames) => {
    await node.writeConfig(guest.name, await configOf(about, withNames, memory));
    await node.writeNics(withNames);
  });
  const result = await node.run(['create', ...(paused ? ['-p'] : []), node.configFile(guest.name)]);
  if (result.code === 0) {
    try {
      await connectTalks(node.context, named);
    } catch (error) {
      await stop(node, guest, 0);
      throw error;
    }
    return;
  }
  const kept = await node.stashConfig(guest.name);
  await node.removeFiles(guest.name);
  const said = `${result.stdout}${result.stderr}`.trim();
  throw new Failure('HypervisorError', [
    `Failed to start instance ${guest.name}: exited with exit code ${result.code} (${said}). Moved config file to ${kept}`,
  ]);
}

/** A domain that shut down by itself stays until it is destroyed, so that this is noticed. */
async function stop(node: XenNode, guest: Guest, timeoutSeconds: number): Promise<void> {
  const before = await node.domain(checkedGuestName(guest.name));
  if (before?.state === 'running' && timeoutSeconds > 0) {
    await node.run(['shutdown', '-w', guest.name], timeoutSeconds * 1000);
  }
  if ((await node.domain(guest.name)) !== null) {
    const result = await node.run(['destroy', guest.name]);
    if (result.code !== 0 && (await node.domain(guest.name)) !== null) {
      throw new Failure('HypervisorError', [
        `Failed to stop instance ${guest.name}: ${result.stderr.trim()}`,
      ]);
    }
  }
  await node.removeFiles(guest.name);
}

async function reboot(node: XenNode, guest: Guest): Promise<void> {
  const before = await node.domain(checkedGuestName(guest.name));
  if (before === null)
    throw new Failure('HypervisorError', [`Failed to reboot instance ${guest.name}, not running`]);
  await node.must(`Failed to reboot instance ${guest.name}`, ['reboot', guest.name]);
  const done = await pollUntil(
    async () => {
      const now = await node.domain(guest.name);
      return now !== null && (now.id !== before.id || now.time < before.time) ? true : undefined;
    },
    { everyMs: 250, timeoutMs: rebootTimeoutMs },
  );
  if (done === undefined) {
    throw new Failure('HypervisorError', [
      `Failed to reboot instance ${guest.name}: instance did not reboot in the expected interval`,
    ]);
  }
  await connectTalks(node.context, await node.talks.recorded(guest));
}

async function balloon(node: XenNode, guest: Guest, memoryMiB: number): Promise<void> {
  const name = checkedGuestName(guest.name);
  await node.must(`Failed to balloon instance ${name}`, ['mem-set', name, String(memoryMiB)]);
  const config = await readFile(node.configFile(name), 'utf8').catch(() => null);
  if (config !== null) await node.writeConfig(name, withMemory(config, memoryMiB));
}

async function verify(node: XenNode): Promise<string | undefined> {
  const help = await node.run(['help']).catch(() => null);
  if (help === null || help.code !== 0) return "The xen toolstack 'xl' is not available on this node.";
  const info = await node.run(['info']);
  return info.code === 0
    ? undefined
    : `Retrieving information from xen failed: exited with exit code ${info.code}, ${info.stderr.trim()}`;
}

type Migration = Pick<
  HypervisorDriver,
  | 'migratable'
  | 'migrationInfo'
  | 'accept'
  | 'migrate'
  | 'migrationStatus'
  | 'cancelMigration'
  | 'finalizeSource'
  | 'finalizeTarget'
>;

function migration(node: XenNode): Migration {
  /** xl calls a domain so while it is being sent; when that fails it must get its name back. */
  const away = (name: string) => `${name}--migratedaway`;
  const takeBackName = async (name: string) => {
    if ((await node.domain(away(name))) !== null) {
      await node.must(`Failed to rename instance ${away(name)}`, ['rename', away(name), name]);
    }
  };
  return {
    async migratable(guest) {
      const domain = await node.domain(checkedGuestName(guest.name));
      if (domain?.state !== 'running')
        throw new Failure('HypervisorError', [`Instance ${guest.name} is not running`]);
    },
    async migrationInfo(guest) {
      return readFile(node.configFile(guest.name), 'utf8').catch((error: unknown) => {
        throw new Failure('HypervisorError', [`Failed to load Xen config file: ${messageOf(error)}`]);
      });
    },
    async accept(guest, _info, address) {
      await node.writeNics(guest);
      const port = Number(guest.hvparams.migration_port);
      await node.receiver.begin(receiveCommand(node.program, address, port), port);
    },
    async migrate(guest, address) {
      if ((await node.domain(checkedGuestName(guest.name))) === null) {
        throw new Failure('HypervisorError', ['Instance not running, cannot migrate']);
      }
      const send = sendCommand(address, Number(guest.hvparams.migration_port));
      const config = node.configFile(guest.name);
      node.senders.begin(guest.name, [
        node.program,
        'migrate',
        '-s',
        send,
        '-C',
        config,
        guest.name,
        address,
      ]);
    },
    async migrationStatus(guest) {
      const known = node.senders.progress(guest.name);
      if (known !== null) return known;
      const here = await node.domain(checkedGuestName(guest.name));
      const none = { transferredMiB: null, totalMiB: null, downtimeMs: null };
      return here === null
        ? { ...none, status: 'completed', message: null }
        : { ...none, status: 'failed', message: 'no migration is under way' };
    },
    async cancelMigration(guest) {
      await node.senders.cancel(guest.name);
      await takeBackName(checkedGuestName(guest.name));
    },
    async finalizeSource(guest, success) {
      if (success) await node.removeFiles(guest.name);
      else await takeBackName(checkedGuestName(guest.name));
      node.senders.forget(guest.name);
    },
    async finalizeTarget(guest, info, success) {
      const domain = await node.domain(checkedGuestName(guest.name));
      // Running here means that it arrived, whatever the other side believes.
      if (domain?.state === 'running') await node.writeConfig(guest.name, info);
      if (success) return;
      await node.receiver.end();
      if (domain !== null && domain.time > 0) return;
      if (domain !== null)
        await node.must(`Failed to clean up instance ${guest.name}`, ['destroy', guest.name]);
      await node.removeFiles(guest.name);
    },
  };
}

/** `program` is the toolstack's command. */
export function xenDriver(about: HypervisorAbout, context: DriverContext, program = 'xl'): HypervisorDriver {
  const node = new XenNode(context, program);
  const reported = ({ name, memory, vcpus, state, time }: Domain) => ({ name, memory, vcpus, state, time });
  return {
    about,
    async list() {
      return (await node.domains()).filter((domain) => domain.name !== controlDomain).map(reported);
    },
    async info(name) {
      const domain = await node.domain(checkedGuestName(name));
      return domain === null ? null : reported(domain);
    },
    start: (guest, { paused }) => start(node, about, guest, paused),
    stop: (guest, timeoutSeconds) => stop(node, guest, timeoutSeconds),
    reboot: (guest) => reboot(node, guest),
    async cleanUp(guest) {
      if ((await node.domain(checkedGuestName(guest.name))) === null) await node.removeFiles(guest.name);
    },
    hostFacts: () => node.hostFacts(),
    verify: () => verify(node),
    validate: (hvparams) => checkOnNode(about, hvparams),
    console: (guest) =>
      nodeConsole(guest, '/usr/lib/ganeti/tools/xen-console-wrapper', {
        wrapped: [program, guest.name],
        direct: [program, 'console', guest.name],
      }),
    balloon: (guest, memoryMiB) => balloon(node, guest, memoryMiB),
    ...migration(node),
    ...noHotplug,
  };
}
