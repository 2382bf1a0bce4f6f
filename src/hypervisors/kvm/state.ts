/**
 * What guests do now: from their processes and, where it answers in time, from QEMU itself. A guest counts
 * as running here once it has a runtime file; while it is only being received it belongs to the other node, until
 * QEMU says that it runs here: the other one may no longer be there to tell.
 */
import { readdir, stat } from 'node:fs/promises';
import type { RunningGuest } from '../contract.ts';
import { isGuestName } from '../guest-name.ts';
import type { GuestFiles } from './host/layout.ts';
import { filesOf, type KvmNode } from './host/node.ts';
import { cpuSeconds, guestProcess } from './qemu/process.ts';

/** A guest that is slow to answer is reported with what its command line says. */
const answerMs = 3000;
/** Guests asked at once. */
const atOnce = 16;

async function there(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

interface Answer {
  readonly memory: number | null;
  readonly vcpus: number | null;
  readonly paused: boolean;
  /** Its processors run: not those of one that still waits for its memory. */
  readonly runs: boolean;
}

async function ask(node: KvmNode, files: GuestFiles): Promise<Answer | null> {
  const asked = node.sockets.with(
    files.qmp.file,
    async (qmp) => {
      const status = (await qmp.execute('query-status', {}, answerMs)) as { status: string };
      const cpus = (await qmp.execute('query-cpus-fast', {}, answerMs)) as unknown[];
      // Refused by guests without a balloon; then they have what they were started with.
      const balloon = (await qmp.execute('query-balloon', {}, answerMs).catch(() => null)) as {
        actual: number;
      } | null;
      return {
        memory: balloon === null ? null : Math.floor(balloon.actual / 1024 ** 2),
        vcpus: cpus.length,
        paused: ['paused', 'prelaunch', 'postmigrate'].includes(status.status),
        runs: status.status === 'running',
      };
    },
    answerMs,
  );
  return asked.catch(() => null);
}

/** The guest if it runs here, with state "shutdown" if it was shut down from inside; null otherwise. */
export async function guestState(node: KvmNode, name: string): Promise<RunningGuest | null> {
  const files = filesOf(node, { name });
  const found = await guestProcess(files);
  if (found === null) {
    const byUser = await there(files.shutdown);
    return byUser ? { name, memory: 0, vcpus: 0, state: 'shutdown', time: 0 } : null;
  }
  const [isKept, answer, time] = await Promise.all([
    there(files.runtime),
    ask(node, files),
    cpuSeconds(found.pid),
  ]);
  if (!isKept && !answer?.runs) return null;
  return {
    name,
    memory: answer?.memory ?? found.memory,
    vcpus: answer?.vcpus ?? found.vcpus,
    state: answer?.paused ? 'paused' : 'running',
    time,
  };
}

/** Every guest that has a runtime file here and runs, or was shut down from inside. */
export async function allGuests(node: KvmNode): Promise<RunningGuest[]> {
  const suffix = '.runtime';
  const names = (await readdir(node.folders.conf).catch(() => []))
    .filter((file) => file.endsWith(suffix))
    .map((file) => file.slice(0, -suffix.length))
    .filter(isGuestName);
  const result: RunningGuest[] = [];
  for (let start = 0; start < names.length; start += atOnce) {
    const some = names.slice(start, start + atOnce).map((name) => guestState(node, name));
    result.push(...(await Promise.all(some)).filter((guest) => guest !== null));
  }
  return result;
}
