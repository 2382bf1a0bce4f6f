/**
 * Containers on a node, through LXC's commands: the first disk is a container's root, its configuration
 * is written anew at each start. A disk with partitions is looked into through a loop device, which is
 * noted so that it goes with the container.
 */
import { mkdir, readdir, readFile, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { Failure } from '../../kit/failure.ts';
import { describeFailure, runChecked, runProcess } from '../../kit/process.ts';
import { sshConsole } from '../console.ts';
import type { DriverContext, Guest, HypervisorDriver } from '../contract.ts';
import { checkedGuestName, isGuestName } from '../guest-name.ts';
import { readLinuxHostFacts } from '../linux-host.ts';
import { noHotplug, noMigration } from '../unsupported.ts';
import { about } from './about.ts';
import { containerConfig } from './config.ts';
import { groupFiles, LxcTool } from './tool.ts';

const rebootTimeoutSeconds = 120;

class LxcNode {
  readonly tool: LxcTool;
  readonly instances: string;
  readonly logs: string;

  constructor(context: DriverContext, tool: LxcTool) {
    this.tool = tool;
    this.instances = join(context.paths.runDir, 'lxc/instance');
    this.logs = join(context.paths.logDir, 'lxc');
  }

  folder(name: string): string {
    return join(this.instances, checkedGuestName(name));
  }

  async isRunning(name: string): Promise<boolean> {
    return (await this.tool.runningNames()).includes(checkedGuestName(name));
  }

  /** The file that names the loop device of a container's disk, as Ganeti keeps it. */
  stash(name: string): string {
    return join(this.folder(name), 'stash');
  }
}

/** The device to mount as root: the first partition of the disk, or the disk where it has none. */
async function rootDevice(node: LxcNode, guest: Guest): Promise<string> {
  const [disk, ...more] = guest.disks;
  if (disk === undefined) throw new Failure('HypervisorError', ['LXC cannot have diskless instances.']);
  if (more.length > 0) {
    throw new Failure('HypervisorError', [
      'At the moment, LXC cannot support more than one disk attached to it. Please create this instance anew with fewer disks.',
    ]);
  }
  const table = await runProcess(['blkid', '-p', '-s', 'PTTYPE', '-o', 'value', disk.path]).catch(() => null);
  if (table === null || table.code !== 0 || table.stdout.trim() === '') return disk.path;
  const made = await runChecked(['losetup', '--find', '--show', '--partscan', disk.path]);
  const loop = made.stdout.trim();
  await writeFileAtomic(node.stash(guest.name), JSON.stringify({ allocated_loopdev: loop }), { mode: 0o600 });
  return `${loop}p1`;
}

async function releaseLoop(node: LxcNode, name: string): Promise<void> {
  const text = await readFile(node.stash(name), 'utf8').catch(() => null);
  if (text === null) return;
  const { allocated_loopdev: loop } = JSON.parse(text) as { allocated_loopdev?: unknown };
  if (typeof loop === 'string' && /^\/dev\/loop\d+$/.test(loop)) {
    const result = await runProcess(['losetup', '--detach', loop]);
    if (result.code !== 0) {
      throw new Failure('HypervisorError', [
        `Failed to cleanup partition mapping : ${describeFailure(result)}`,
      ]);
    }
  }
  await unlink(node.stash(name)).catch(() => {});
}

async function cleanUp(node: LxcNode, guest: Guest): Promise<void> {
  if (await node.isRunning(guest.name))
    throw new Failure('HypervisorError', ['Cannot cleanup a live instance']);
  await releaseLoop(node, guest.name);
  await rm(node.folder(guest.name), { recursive: true, force: true });
}

async function spawn(node: LxcNode, guest: Guest, configFile: string): Promise<void> {
  const log = join(node.logs, `${guest.name}.${guest.uuid}.log`);
  const started = await node.tool.run('lxc-start', [
    '-n',
    guest.name,
    '-o',
    log,
    '-l',
    'DEBUG',
    '-f',
    configFile,
    '-d',
  ]);
  if (started.code !== 0) {
    throw new Failure('HypervisorError', [
      `Failed to start instance ${guest.name} : ${describeFailure(started)}`,
    ]);
  }
  const seconds = Number(guest.hvparams.startup_timeout);
  const waited = await node.tool.run('lxc-wait', ['-n', guest.name, '-s', 'RUNNING', '-t', String(seconds)]);
  if (waited.code !== 0) {
    throw new Failure('HypervisorError', [
      `Instance ${guest.name} state didn't change to RUNNING within ${seconds} secs; see ${log}`,
    ]);
  }
}

async function start(node: LxcNode, guest: Guest): Promise<void> {
  if (await node.isRunning(guest.name)) return;
  const folder = node.folder(guest.name);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await mkdir(node.logs, { recursive: true, mode: 0o750 });
  await releaseLoop(node, guest.name);
  try {
    const device = await rootDevice(node, guest);
    const consoleLog = join(folder, 'console.log');
    const text = containerConfig(guest, device, consoleLog, await node.tool.facts());
    const file = join(folder, 'config');
    await writeFileAtomic(file, text, { mode: 0o600, durable: false });
    await spawn(node, guest, file);
  } catch (error) {
    await node.tool.run('lxc-stop', ['-n', guest.name, '--kill']).catch(() => {});
    await cleanUp(node, guest).catch(() => {});
    throw error;
  }
}

async function stop(node: LxcNode, guest: Guest, timeoutSeconds: number): Promise<void> {
  if (!(await node.isRunning(guest.name))) return;
  if (timeoutSeconds > 0) {
    // Without these it would kill the container at a time of its own.
    await node.tool.run('lxc-stop', ['-n', guest.name, '--nokill', '--timeout', '-1'], timeoutSeconds * 1000);
    if (!(await node.isRunning(guest.name))) return;
  }
  const killed = await node.tool.run('lxc-stop', ['-n', guest.name, '--kill']);
  if (killed.code !== 0 && (await node.isRunning(guest.name))) {
    throw new Failure('HypervisorError', [
      `Failed to kill instance ${guest.name}: ${describeFailure(killed)}`,
    ]);
  }
}

async function reboot(node: LxcNode, guest: Guest): Promise<void> {
  if (String(guest.hvparams.drop_capabilities).split(',').includes('sys_boot')) {
    throw new Failure('HypervisorError', [
      "The LXC container can't perform a reboot with the SYS_BOOT capability dropped.",
    ]);
  }
  const argument = [
    '-n',
    checkedGuestName(guest.name),
    '--reboot',
    '--timeout',
    String(rebootTimeoutSeconds),
  ];
  const result = await node.tool.run('lxc-stop', argument);
  if (result.code !== 0) {
    throw new Failure('HypervisorError', [
      `Failed to reboot instance ${guest.name}: ${describeFailure(result)}`,
    ]);
  }
}

/** Memory and swap have two limits of which one must never be below the other: the order matters. */
async function balloon(node: LxcNode, guest: Guest, memoryMiB: number): Promise<void> {
  const facts = await node.tool.facts();
  const { memory } = groupFiles(facts.cgroup);
  const name = checkedGuestName(guest.name);
  const before = Number((await node.tool.group(name, memory)).trim());
  const bytes = memoryMiB * 1024 ** 2;
  const keys = facts.cgroup === 1 && facts.swapLimit ? ['memory.memsw.limit_in_bytes', memory] : [memory];
  if (bytes <= before) keys.reverse();
  const done: string[] = [];
  try {
    for (const key of keys) {
      await node.tool.setGroup(name, key, String(bytes));
      done.push(key);
    }
  } catch (error) {
    for (const key of done.reverse()) await node.tool.setGroup(name, key, String(before)).catch(() => {});
    throw new Failure('HypervisorError', [`Failed to balloon the memory of ${name}`], { cause: error });
  }
}

/** `tool` stands for the commands that are installed. */
export function lxcDriver(context: DriverContext, tool: LxcTool = new LxcTool()): HypervisorDriver {
  const node = new LxcNode(context, tool);
  return {
    about,
    async list() {
      const ours = new Set((await readdir(node.instances).catch(() => [])).filter(isGuestName));
      const names = (await tool.runningNames()).filter((name) => ours.has(name));
      return Promise.all(names.map((name) => tool.report(name)));
    },
    info: async (name) => ((await node.isRunning(name)) ? tool.report(name) : null),
    start: (guest) => start(node, guest),
    stop: (guest, timeoutSeconds) => stop(node, guest, timeoutSeconds),
    reboot: (guest) => reboot(node, guest),
    cleanUp: (guest) => cleanUp(node, guest),
    balloon: (guest, memoryMiB) => balloon(node, guest, memoryMiB),
    hostFacts: () => readLinuxHostFacts(),
    async verify(hvparams) {
      await mkdir(node.instances, { recursive: true, mode: 0o750 }).catch(() => {});
      const made = await stat(node.instances).catch(() => null);
      const faults = made === null ? [`The required directory '${node.instances}' does not exist`] : [];
      faults.push(...(await tool.faults()));
      const missing = await tool.missingGroups(String(hvparams.extra_cgroups ?? ''));
      faults.push(...missing.map((name) => `cgroup subsystem '${name}' is not mounted`));
      return faults.length === 0 ? undefined : faults.join('; ');
    },
    validate: async () => {},
    console: (guest) => sshConsole(guest, ['lxc-console', '-n', checkedGuestName(guest.name)]),
    migratable: () =>
      Promise.reject(new Failure('HypervisorError', ['Migration is not supported by the LXC hypervisor'])),
    migrationInfo: async () => '',
    ...noMigration('LXC'),
    ...noHotplug,
  };
}
