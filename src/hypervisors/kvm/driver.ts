/** KVM on a node: starts, stops, lists, moves and changes guests that are QEMU processes. */
import { access, constants, mkdir, readdir, rm } from 'node:fs/promises';
import { Failure, messageOf } from '../../kit/failure.ts';
import type { Parameters } from '../../model/objects/common.ts';
import type { DriverContext, Guest, HypervisorDriver } from '../contract.ts';
import { isGuestName } from '../guest-name.ts';
import { readLinuxHostFacts } from '../linux-host.ts';
import { about } from './about.ts';
import { consoleOf } from './console.ts';
import { cleanUpFiles, killGuest } from './host/clean-up.ts';
import type { GuestFiles } from './host/layout.ts';
import { filesOf, type KvmNode, kvmNode } from './host/node.ts';
import { findRuntime, loadRuntime, readRuntimeText, saveRuntime } from './host/runtime-file.ts';
import { hotplug, hotplugSupported, resizeDisk } from './hotplug.ts';
import { launch, newRuntime } from './launch.ts';
import {
  accept,
  cancelMigration,
  finalizeSource,
  finalizeTarget,
  migrate,
  migrationStatus,
} from './migration.ts';
import { guestProcess, waitForEnd } from './qemu/process.ts';
import { versionText } from './qemu/programs.ts';
import { ShutdownWatch } from './qemu/shutdown-watch.ts';
import { allGuests, guestState } from './state.ts';
import { validate } from './validate.ts';

/** A guest that doesn't hear is asked again after so many milliseconds. */
const askAgainMs = 5000;

/** The program without which nothing works, and the one for its monitor and console. */
async function missingProgram(hvparams: Parameters): Promise<string | undefined> {
  const needed = [String(hvparams.kvm_path || about.params.kvm_path!.default), '/usr/bin/socat'];
  const faults: string[] = [];
  for (const program of needed) {
    await access(program, constants.X_OK).catch(() => {
      faults.push(`The ${program.endsWith('socat') ? 'socat' : 'KVM'} binary ('${program}') does not exist`);
    });
  }
  return faults.length === 0 ? undefined : faults.join('; ');
}

/** Asks the guest to shut down, again and again, until it has ended or time is up. */
async function shutDown(node: KvmNode, files: GuestFiles, pid: number, timeoutMs: number): Promise<boolean> {
  const end = Date.now() + timeoutMs;
  while (Date.now() < end) {
    await node.sockets
      .with(files.qmp.file, (qmp) => qmp.execute('system_powerdown'))
      .catch((error: unknown) =>
        node.log.warning(`Asking '${files.name}' to shut down: ${messageOf(error)}`),
      );
    if (await waitForEnd(pid, Math.min(askAgainMs, Math.max(0, end - Date.now())))) return true;
  }
  return false;
}

/** Ends QEMU in order, so that it writes out what it holds; by force when it doesn't answer. */
async function endQemu(node: KvmNode, files: GuestFiles, pid: number): Promise<void> {
  await node.sockets.with(files.qmp.file, (qmp) => qmp.execute('quit', {}, 2000), 2000).catch(() => {});
  if (!(await waitForEnd(pid, 5000))) await killGuest(files);
}

async function requireRunning(node: KvmNode, guest: Guest, doing: string): Promise<GuestFiles> {
  const files = filesOf(node, guest);
  if ((await guestProcess(files)) === null) {
    throw new Failure('HypervisorError', [`Failed to ${doing} instance ${guest.name}: not running`]);
  }
  return files;
}

async function start(node: KvmNode, watch: ShutdownWatch, guest: Guest, paused: boolean): Promise<void> {
  const files = filesOf(node, guest);
  if ((await guestState(node, guest.name))?.state !== 'shutdown' && (await guestProcess(files)) !== null) {
    if ((await readRuntimeText(files)) !== null) return;
    node.log.warning(`An attempt to receive '${guest.name}' from another node is ended`);
  }
  await cleanUpFiles(node, guest, null, { force: true });
  const runtime = await newRuntime(node, guest, paused);
  await mkdir(node.folders.conf, { recursive: true, mode: 0o775 });
  await saveRuntime(files, runtime);
  await launch(node, guest, runtime);
  if (guest.hvparams.user_shutdown === true) await watch.watch(files);
}

async function stop(
  node: KvmNode,
  watch: ShutdownWatch,
  guest: Guest,
  timeoutSeconds: number,
): Promise<void> {
  const files = filesOf(node, guest);
  watch.forget(files);
  const running = await guestProcess(files);
  if (running === null) {
    // Shut down from inside: with this it counts as stopped, whoever has wished it.
    await rm(files.shutdown, { force: true });
    return;
  }
  const gently = guest.hvparams.acpi !== false && timeoutSeconds > 0;
  if (gently && (await shutDown(node, files, running.pid, timeoutSeconds * 1000))) return;
  await endQemu(node, files, running.pid);
}

/** The reset button; where QEMU takes a reset as its end, it is started again as it was. */
async function reboot(node: KvmNode, watch: ShutdownWatch, guest: Guest): Promise<void> {
  const files = await requireRunning(node, guest, 'reboot');
  const runtime = await loadRuntime(files);
  if (!runtime.command.includes('-no-reboot')) {
    await node.sockets.with(files.qmp.file, (qmp) => qmp.execute('system_reset'));
    return;
  }
  await stop(node, watch, guest, 0);
  await cleanUpFiles(node, guest, runtime, { force: true });
  await saveRuntime(files, runtime);
  await launch(node, guest, runtime);
  if (guest.hvparams.user_shutdown === true) await watch.watch(files);
}

/** After a restart of the daemon, guests that may be shut down from inside are listened to again. */
async function watchRunning(node: KvmNode, watch: ShutdownWatch): Promise<void> {
  for (const file of await readdir(node.folders.conf).catch(() => [])) {
    const name = file.replace(/\.runtime$/, '');
    if (!file.endsWith('.runtime') || !isGuestName(name)) continue;
    const files = filesOf(node, { name });
    const runtime = await findRuntime(files).catch(() => null);
    if (runtime?.hvparams.user_shutdown === true && (await guestProcess(files)) !== null)
      await watch.watch(files);
  }
}

async function migratable(node: KvmNode, guest: Guest): Promise<void> {
  const state = await guestState(node, guest.name);
  if (state === null || state.state === 'shutdown') {
    throw new Failure('HypervisorError', [`Instance ${guest.name} is not running`]);
  }
}

async function migrationInfo(node: KvmNode, guest: Guest): Promise<string> {
  const text = await readRuntimeText(filesOf(node, guest));
  if (text === null)
    throw new Failure('HypervisorError', [`Failed to load KVM runtime file of ${guest.name}`]);
  return text;
}

export async function kvmDriver(context: DriverContext): Promise<HypervisorDriver> {
  const node = kvmNode(context);
  const watch = new ShutdownWatch(context.log);
  await watchRunning(node, watch);
  return {
    about,
    list: () => allGuests(node),
    info: (name) => guestState(node, name),
    start: (guest, { paused }) => start(node, watch, guest, paused),
    stop: (guest, timeoutSeconds) => stop(node, watch, guest, timeoutSeconds),
    reboot: (guest) => reboot(node, watch, guest),
    cleanUp: (guest) => cleanUpFiles(node, guest, null, { force: false }),
    async hostFacts(hvparams) {
      const facts = await readLinuxHostFacts();
      const program = String(hvparams.kvm_path || about.params.kvm_path!.default);
      return { ...facts, version: versionText((await node.programs.facts(program)).version) };
    },
    verify: missingProgram,
    validate: (hvparams) => validate(node.programs, hvparams),
    console: (guest) => consoleOf(guest, filesOf(node, guest)),

    migratable: (guest) => migratable(node, guest),
    migrationInfo: (guest) => migrationInfo(node, guest),
    accept: (guest, info, address) => accept(node, guest, info, address),
    migrate: (guest, address, live) => migrate(node, guest, address, live),
    migrationStatus: (guest) => migrationStatus(node, guest),
    cancelMigration: (guest) => cancelMigration(node, guest),
    async finalizeSource(guest, success) {
      if (success) watch.forget(filesOf(node, guest));
      await finalizeSource(node, guest, success);
    },
    async finalizeTarget(guest, info, success) {
      await finalizeTarget(node, guest, info, success);
      if (success && guest.hvparams.user_shutdown === true) await watch.watch(filesOf(node, guest));
    },

    async balloon(guest, memoryMiB) {
      const files = await requireRunning(node, guest, 'balloon memory for');
      await node.sockets.with(files.qmp.file, (qmp) =>
        qmp.execute('balloon', { value: memoryMiB * 1024 ** 2 }),
      );
    },
    hotplugSupported: (guest) => hotplugSupported(node, guest),
    hotplug: (guest, action, target, device) => hotplug(node, guest, action, target, device),
    resizeDisk: (guest, index, sizeMiB) => resizeDisk(node, guest, index, sizeMiB),
  };
}
