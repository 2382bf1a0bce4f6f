/**
 * Starts a guest's QEMU from its runtime: makes the taps, adds what belongs to this node to the command
 * line, and sets what can only be set in a running QEMU (passwords, pinning, memory) while the guest
 * stands still. A start that fails leaves nothing behind.
 */
import { mkdir, readFile, unlink } from 'node:fs/promises';
import { constants } from 'node:os';
import { Failure, messageOf } from '../../kit/failure.ts';
import { runProcess } from '../../kit/process.ts';
import { networkAbout } from '../../networks/catalog.ts';
import { parseMultiCpuMask } from '../checks.ts';
import type { Guest } from '../contract.ts';
import { diskLink } from '../disk-links.ts';
import { readLinuxHostFacts, startupMemory } from '../linux-host.ts';
import {
  localArguments,
  portableCommand,
  queueCount,
  type TappedNic,
  usesVhost,
  usesVnetHeader,
} from './hardware/command-line.ts';
import { deviceId, Slots } from './hardware/devices.ts';
import { withLocalDisplay } from './hardware/display.ts';
import type { DriveSource } from './hardware/drives.ts';
import {
  type KvmRuntime,
  nicOfRuntime,
  placeOf,
  type RuntimeDisk,
  runtimeDisk,
  runtimeNic,
} from './hardware/runtime.ts';
import { cleanUpFiles } from './host/clean-up.ts';
import type { GuestFiles } from './host/layout.ts';
import { displayPlace, filesOf, hasVhost, type KvmNode } from './host/node.ts';
import type { RunUser } from './host/users.ts';
import { guestProcess, isRegularFile } from './qemu/process.ts';
import type { QmpConnection } from './qemu/qmp.ts';

/** Where a guest is received that runs on another node. */
export interface Incoming {
  readonly address: string;
  readonly port: number;
}

/** How the guest is to be started: the same on whichever node it comes to run. */
export async function newRuntime(node: KvmNode, guest: Guest, paused: boolean): Promise<KvmRuntime> {
  const files = filesOf(node, guest);
  const qemu = await node.programs.facts(String(guest.hvparams.kvm_path));
  const command = portableCommand({ guest, files, qemu, paused, display: displayPlace(node, guest) });
  const slots = new Slots(guest.hvparams);
  const disks = guest.disks.map((disk, index) => {
    const link = diskLink(node.paths, guest.name, index);
    return runtimeDisk(disk, index, link, slots.place('disk', disk.uuid, guest.hvparams));
  });
  const nics = guest.nics.map((nic) => runtimeNic(nic, slots.place('nic', nic.uuid, guest.hvparams)));
  return { command, nics, hvparams: guest.hvparams, disks };
}

/** How QEMU opens a disk of a runtime on this node. */
export async function driveSource(guest: Guest, entry: RuntimeDisk): Promise<DriveSource> {
  const { uuid, mode } = entry.disk;
  const current = guest.disks.find((disk) => disk.uuid === uuid);
  return {
    id: placeOf(entry.disk)?.id ?? deviceId('disk', uuid),
    path: entry.link,
    uri: entry.uri,
    isFile: entry.link !== null && (await isRegularFile(entry.link)),
    readOnly: mode === 'ro',
    seenElsewhere: current?.seenElsewhere ?? false,
  };
}

async function makeTaps(
  node: KvmNode,
  guest: Guest,
  runtime: KvmRuntime,
  incoming: boolean,
): Promise<TappedNic[]> {
  const files = filesOf(node, guest);
  const vnetHdr = usesVnetHeader(runtime.hvparams);
  const multiQueue = queueCount(runtime.hvparams) > 1;
  const result: TappedNic[] = [];
  for (const [index, device] of runtime.nics.entries()) {
    const nic = nicOfRuntime(device);
    const tap = await node.taps.make(files, index, nic, { vnetHdr, multiQueue, owner: null });
    result.push({ device, tap });
    const { onArrival } = networkAbout(nic.mode);
    if (!incoming) await node.taps.connect(guest, index, nic, tap);
    else if (onArrival === 'before') await node.taps.connect(guest, index, nic, tap);
    else if (onArrival === 'both') {
      await node.taps.connect(guest, index, nic, tap, 'pre').catch((error: unknown) => {
        node.log.warning(`Interface ${tap} of '${guest.name}' before its arrival: ${messageOf(error)}`);
      });
    }
  }
  return result;
}

async function runQemu(
  node: KvmNode,
  files: GuestFiles,
  command: readonly (string | number)[],
): Promise<void> {
  const argv = command.map(String);
  // QEMU empties its log when it starts, and writes there what it can't say on its way into the background.
  await unlink(files.log).catch(() => {});
  node.log.info(`Starting '${files.name}': ${argv.join(' ')}`);
  const result = await runProcess(argv, { cwd: node.folders.ctrl, timeoutMs: 600_000 });
  const log = await readFile(files.log, 'utf8').catch(() => '');
  const said = `${result.stderr}${result.stdout}${log}`.trim();
  if (result.code !== 0) {
    const number = result.signal === null ? null : constants.signals[result.signal];
    const end = number === null ? `exited with exit code ${result.code}` : `terminated by signal ${number}`;
    const reason = result.timedOut ? 'timeout of 600 seconds exceeded' : end;
    throw new Failure('HypervisorError', [`Failed to start instance ${files.name}: ${reason} (${said})`]);
  }
  if (said !== '') node.log.warning(`QEMU of '${files.name}' said: ${said}`);
  if ((await guestProcess(files)) === null) {
    throw new Failure('HypervisorError', [
      `Failed to start instance ${files.name}: QEMU ended at once (${said})`,
    ]);
  }
}

async function setPassword(qmp: QmpConnection, protocol: 'vnc' | 'spice', file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    const what = protocol.toUpperCase();
    throw new Failure('HypervisorError', [
      `Failed to open ${what} password file ${file}: ${messageOf(error)}`,
    ]);
  });
  const password = text.split('\n')[0] ?? '';
  await qmp.execute('set_password', { protocol, password });
}

/** Binds threads to processors of the host: the whole guest, or each virtual processor by itself. */
async function pin(qmp: QmpConnection, pid: number, mask: string): Promise<void> {
  const pinnings = parseMultiCpuMask(mask) ?? [];
  const bind = async (thread: number, cpus: readonly number[], whole: boolean) => {
    const argv = ['taskset', '-p', ...(whole ? ['-a'] : []), '-c', cpus.join(','), String(thread)];
    const result = await runProcess(argv);
    if (result.code !== 0) {
      throw new Failure('HypervisorError', [
        `Failed to pin to CPUs ${cpus.join(',')}: ${result.stderr.trim()}`,
      ]);
    }
  };
  const [only] = pinnings;
  if (pinnings.length === 1 && only !== undefined) {
    if (only !== 'all') await bind(pid, only, true);
    return;
  }
  const cpus = (await qmp.execute('query-cpus-fast')) as { 'cpu-index': number; 'thread-id': number }[];
  if (cpus.length !== pinnings.length) {
    throw new Failure('HypervisorError', [
      `CPU mask '${mask}' is for ${pinnings.length} processors, there are ${cpus.length}`,
    ]);
  }
  for (const cpu of cpus) {
    const pinning = pinnings[cpu['cpu-index']];
    if (pinning !== undefined && pinning !== 'all') await bind(cpu['thread-id'], pinning, false);
  }
}

/** What is set in the running QEMU; the guest goes on afterwards unless it is to stand still. */
async function settle(node: KvmNode, guest: Guest, runtime: KvmRuntime, incoming: boolean): Promise<void> {
  const files = filesOf(node, guest);
  const settings = guest.hvparams;
  const mask = String(runtime.hvparams.cpu_mask ?? '');
  await node.sockets.with(files.qmp.file, async (qmp) => {
    if (settings.vnc_bind_address && settings.vnc_password_file) {
      await setPassword(qmp, 'vnc', String(settings.vnc_password_file));
    }
    if (settings.spice_bind && settings.spice_password_file) {
      await setPassword(qmp, 'spice', String(settings.spice_password_file));
    }
    if (mask !== '' && mask !== 'all') {
      const running = await guestProcess(files);
      if (running !== null) await pin(qmp, running.pid, mask);
    }
    if (incoming) return;
    const memory = startupMemory(guest, await readLinuxHostFacts());
    if (memory < Number(guest.beparams.maxmem)) await qmp.execute('balloon', { value: memory * 1024 ** 2 });
    if (!runtime.command.includes('-S')) await qmp.execute('cont');
  });
}

async function prepareFolders(node: KvmNode, files: GuestFiles, chroot: boolean): Promise<void> {
  const { folders } = node;
  for (const folder of [folders.pid, folders.uid, folders.ctrl, folders.conf, folders.nic, folders.chroot]) {
    await mkdir(folder, { recursive: true, mode: 0o775 });
  }
  await mkdir(folders.log, { recursive: true, mode: 0o750 });
  if (chroot) await mkdir(files.chroot, { recursive: true, mode: 0o711 });
  await unlink(files.shutdown).catch(() => {});
}

async function execute(
  node: KvmNode,
  guest: Guest,
  runtime: KvmRuntime,
  incoming: Incoming | null,
): Promise<void> {
  const files = filesOf(node, guest);
  const settings = guest.hvparams;
  const chroot = settings.use_chroot === true;
  await prepareFolders(node, files, chroot);
  const program = String(settings.kvm_path);
  const qemu = await node.programs.facts(program);
  const nics = await makeTaps(node, guest, runtime, incoming !== null);
  const disks = await Promise.all(
    runtime.disks.map(async (entry) => ({ device: entry.disk, source: await driveSource(guest, entry) })),
  );
  const user: RunUser | null = await node.users.take(guest, files);
  const command = [
    program,
    ...withLocalDisplay(runtime.command, settings, displayPlace(node, guest)).slice(1),
  ];
  const vhost = await hasVhost();
  if (!vhost && nics.length > 0 && usesVhost(runtime.hvparams)) {
    node.log.warning(`No vhost-net on this node: packets of '${guest.name}' go through QEMU`);
  }
  const local = localArguments({
    ...{ files, qemu, settings, command, nics, disks, incoming, vhost },
    hvparams: runtime.hvparams,
    accelerator: settings.kvm_flag === 'disabled' ? 'tcg' : await node.accelerators.best(program),
    user: user?.name ?? null,
    chroot: chroot ? files.chroot : null,
  });
  await runQemu(node, files, [...command, ...local]);
  await settle(node, guest, runtime, incoming !== null);
}

/**
 * Starts the guest from `runtime`, or prepares it to be received.
 * @throws Failure HypervisorError with what QEMU said; nothing is left of the attempt
 */
export async function launch(
  node: KvmNode,
  guest: Guest,
  runtime: KvmRuntime,
  incoming: Incoming | null = null,
): Promise<void> {
  try {
    await execute(node, guest, runtime, incoming);
  } catch (error) {
    await cleanUpFiles(node, guest, runtime, { force: true }).catch((fault: unknown) => {
      node.log.warning(`After the failed start of '${guest.name}': ${messageOf(fault)}`);
    });
    throw error;
  }
}
