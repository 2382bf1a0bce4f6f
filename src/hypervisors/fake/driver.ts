/**
 * Guests that are files: `fake-hypervisor/<name>` in the run directory holds id, memory and processors,
 * one a line, as Ganeti's fake hypervisor writes them. Everything but a real guest is true, so whole
 * clusters can be tried on one machine without rights.
 */
import { mkdir, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { Failure } from '../../kit/failure.ts';
import type { DriverContext, Guest, HypervisorDriver, RunningGuest } from '../contract.ts';
import { checkedGuestName, isGuestName } from '../guest-name.ts';
import { readLinuxHostFacts, startupMemory } from '../linux-host.ts';
import { noHotplug } from '../unsupported.ts';
import { about } from './about.ts';

/** What stands in a guest's file; a line that can't be read counts as nothing. */
export function parseGuestFile(name: string, text: string): RunningGuest {
  const [, memory, vcpus] = text.split('\n').map((line) => Number.parseInt(line, 10));
  return { name, memory: memory || 0, vcpus: vcpus || 1, state: 'running', time: 0 };
}

export function fakeDriver(context: DriverContext): HypervisorDriver {
  const folder = join(context.paths.runDir, 'fake-hypervisor');
  const fileOf = (name: string) => join(folder, checkedGuestName(name));

  async function info(name: string): Promise<RunningGuest | null> {
    const text = await readFile(fileOf(name), 'utf8').catch(() => null);
    return text === null ? null : parseGuestFile(name, text);
  }

  async function list(): Promise<RunningGuest[]> {
    const names = await readdir(folder).catch(() => []);
    const guests = await Promise.all(names.filter(isGuestName).map((name) => info(name)));
    return guests.filter((guest) => guest !== null);
  }

  async function markUp(guest: Guest, memoryMiB: number): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o775 });
    const text = `0\n${memoryMiB}\n${Number(guest.beparams.vcpus)}\n`;
    await writeFileAtomic(fileOf(guest.name), text, { mode: 0o644, durable: false });
  }

  async function markDown(name: string): Promise<void> {
    await unlink(fileOf(name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }

  async function hostFacts() {
    const [facts, guests] = await Promise.all([readLinuxHostFacts(), list()]);
    const used = guests.reduce((sum, guest) => sum + guest.memory, 0);
    return { ...facts, memoryFree: Math.max(0, facts.memoryFree - used) };
  }

  return {
    about,
    list,
    info: (name) => info(name),
    hostFacts,
    ...noHotplug,

    async start(guest) {
      if ((await info(guest.name)) === null) {
        await markUp(guest, startupMemory(guest, await hostFacts()));
      }
    },
    stop: (guest) => markDown(guest.name),
    reboot: async () => {},
    cleanUp: async () => {},
    async balloon(guest, memoryMiB) {
      if ((await info(guest.name)) === null) {
        throw new Failure('HypervisorError', [`Failed to balloon memory for ${guest.name}: not running`]);
      }
      await markUp(guest, memoryMiB);
    },

    async verify() {
      await mkdir(folder, { recursive: true, mode: 0o775 }).catch(() => {});
      const there = await stat(folder).then(
        (found) => found.isDirectory(),
        () => false,
      );
      return there ? undefined : `The required directory '${folder}' does not exist`;
    },
    validate: async () => {},
    console: () => ({
      kind: 'msg',
      message: 'Console not available for fake hypervisor',
      host: null,
      port: null,
      user: null,
      command: null,
      display: null,
    }),

    async migratable(guest) {
      if ((await info(guest.name)) === null) {
        throw new Failure('HypervisorError', [`Instance ${guest.name} is not running`]);
      }
    },
    migrationInfo: async () => '',
    async accept(guest) {
      if ((await info(guest.name)) !== null) {
        throw new Failure('HypervisorError', ["Can't accept instance, already running"]);
      }
    },
    migrate: async () => {},
    migrationStatus: async () => ({
      status: 'completed',
      transferredMiB: null,
      totalMiB: null,
      downtimeMs: null,
      message: null,
    }),
    cancelMigration: async () => {},
    async finalizeSource(guest, success) {
      if (success) await markDown(guest.name);
    },
    async finalizeTarget(guest, _info, success) {
      if (success) await markUp(guest, startupMemory(guest, await hostFacts()));
      else await markDown(guest.name);
    },
  };
}
