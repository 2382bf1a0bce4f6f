/**
 * Instances that are folders: the first disk is mounted and a script inside starts and stops what belongs
 * to it (hv_chroot). An instance runs for as long as a process has its root or working folder there.
 */
import { mkdir, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pollUntil } from '../../kit/clock.ts';
import { Failure } from '../../kit/failure.ts';
import { describeFailure, runProcess } from '../../kit/process.ts';
import { sshConsole } from '../console.ts';
import type { DriverContext, Guest, HypervisorDriver, RunningGuest } from '../contract.ts';
import { checkedGuestName, isGuestName } from '../guest-name.ts';
import { readLinuxHostFacts } from '../linux-host.ts';
import { mountsWithin, processesWithin, readMountPoints } from '../mounts.ts';
import { noHotplug, noMigration } from '../unsupported.ts';
import { about } from './about.ts';

/** Processes that were told to end get so long, killed ones as well. Milliseconds. */
const endTimeoutMs = 5000;

async function run(what: string, argv: readonly string[], timeoutMs?: number): Promise<void> {
  const result = await runProcess(argv, timeoutMs === undefined ? {} : { timeoutMs });
  if (result.code !== 0) throw new Failure('HypervisorError', [`${what}: ${describeFailure(result)}`]);
}

function sendAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended meanwhile.
    }
  }
}

export function chrootDriver(context: DriverContext): HypervisorDriver {
  const root = join(context.paths.runDir, 'chroot-hypervisor');
  const folderOf = (name: string) => join(root, checkedGuestName(name));
  const running = (name: string): RunningGuest => ({ name, memory: 0, vcpus: 0, state: 'running', time: 0 });

  async function isMounted(folder: string): Promise<boolean> {
    return (await readMountPoints()).includes(folder);
  }

  async function processesOf(name: string): Promise<number[]> {
    const folder = folderOf(name);
    return (await isMounted(folder)) ? processesWithin(folder) : [];
  }

  async function endAll(name: string, signal: NodeJS.Signals): Promise<boolean> {
    sendAll(await processesOf(name), signal);
    const ended = await pollUntil(async () => ((await processesOf(name)).length === 0 ? true : undefined), {
      everyMs: 100,
      timeoutMs: endTimeoutMs,
    });
    return ended === true;
  }

  async function start(guest: Guest): Promise<void> {
    const folder = folderOf(guest.name);
    if ((await processesOf(guest.name)).length > 0) return;
    await mkdir(folder, { recursive: true, mode: 0o755 });
    if (!(await isMounted(folder))) {
      const disk = guest.disks[0];
      if (disk === undefined)
        throw new Failure('HypervisorError', ['The chroot manager needs at least one disk']);
      await run("Can't mount the chroot dir", ['mount', disk.path, folder]);
    }
    const script = String(guest.hvparams.init_script);
    try {
      await run("Can't run the chroot start script", ['chroot', folder, script, 'start']);
    } catch (error) {
      await endAll(guest.name, 'SIGKILL');
      await cleanUp(guest).catch(() => {});
      throw error;
    }
  }

  /** The script may take its time; what it leaves running is ended. */
  async function stop(guest: Guest, timeoutSeconds: number): Promise<void> {
    const folder = folderOf(guest.name);
    if ((await processesOf(guest.name)).length === 0) return;
    if (timeoutSeconds > 0) {
      const script = String(guest.hvparams.init_script);
      const result = await runProcess(['chroot', folder, script, 'stop'], {
        timeoutMs: timeoutSeconds * 1000,
      });
      if (result.code !== 0)
        context.log.warning(`Stop script of '${guest.name}': ${describeFailure(result)}`);
      if (await endAll(guest.name, 'SIGTERM')) return;
    }
    if (!(await endAll(guest.name, 'SIGKILL'))) {
      throw new Failure('HypervisorError', ["Can't stop the processes using the chroot"]);
    }
  }

  async function cleanUp(guest: Guest): Promise<void> {
    const folder = folderOf(guest.name);
    if ((await processesOf(guest.name)).length > 0) {
      throw new Failure('HypervisorError', ['Processes are still using the chroot']);
    }
    for (const point of mountsWithin(await readMountPoints(), folder)) {
      await run("Can't umount the chroot dir", ['umount', point]);
    }
    await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }

  return {
    about,
    async list() {
      const names = (await readdir(root).catch(() => [])).filter(isGuestName);
      const alive = await Promise.all(names.map(async (name) => (await processesOf(name)).length > 0));
      return names.filter((_, index) => alive[index]).map(running);
    },
    info: async (name) => ((await processesOf(name)).length > 0 ? running(name) : null),
    start: (guest) => start(guest),
    stop,
    cleanUp,
    reboot: () =>
      Promise.reject(
        new Failure('HypervisorError', ["The chroot manager doesn't implement the reboot functionality"]),
      ),
    hostFacts: () => readLinuxHostFacts(),
    async verify() {
      return mkdir(root, { recursive: true, mode: 0o775 }).then(
        () => undefined,
        () => `The required directory '${root}' does not exist`,
      );
    },
    validate: async () => {},
    async console(guest) {
      const folder = folderOf(guest.name);
      if (!(await isMounted(folder))) {
        throw new Failure('HypervisorError', [`Instance ${guest.name} is not running`]);
      }
      return sshConsole(guest, ['chroot', folder, '/bin/sh']);
    },
    // There is no memory that could be set.
    balloon: async () => {},
    migratable: () =>
      Promise.reject(new Failure('HypervisorError', ['Migration not supported by the chroot hypervisor'])),
    migrationInfo: async () => '',
    ...noMigration(about.name),
    ...noHotplug,
  };
}
