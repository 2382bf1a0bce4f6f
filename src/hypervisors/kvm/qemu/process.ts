/** Guests as processes: who runs, by pid file and by what the kernel says of the process. */
import { readFile, stat } from 'node:fs/promises';
import { pollUntil } from '../../../kit/clock.ts';
import type { GuestFiles } from '../host/layout.ts';

/** What the command line of a running QEMU says. */
export interface QemuProcess {
  readonly pid: number;
  readonly name: string;
  /** MiB. */
  readonly memory: number;
  readonly vcpus: number;
  readonly pidFile: string | null;
}

/** Reads /proc/<pid>/cmdline; null for anything that isn't a guest. Pure. */
export function parseCommandLine(pid: number, text: string): QemuProcess | null {
  const words = text.split('\0');
  const after = (option: string) => {
    const at = words.indexOf(option);
    return at < 0 ? undefined : words[at + 1];
  };
  const name = after('-name')?.split(',')[0];
  if (name === undefined) return null;
  return {
    pid,
    name,
    memory: Number.parseInt(after('-m') ?? '0', 10) || 0,
    vcpus: Number.parseInt(after('-smp') ?? '0', 10) || 0,
    pidFile: after('-pidfile') ?? null,
  };
}

/** Seconds of processor time from /proc/<pid>/stat, where ticks are hundredths of a second. Pure. */
export function parseCpuTime(text: string): number {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100 || 0;
}

async function readProcess(pid: number): Promise<QemuProcess | null> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text === '' ? null : parseCommandLine(pid, text);
}

/** The guest's running process, or null: the pid file may be old and its number somebody else's. */
export async function guestProcess(files: GuestFiles): Promise<QemuProcess | null> {
  const text = await readFile(files.pid, 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  if (!(pid > 1)) return null;
  const found = await readProcess(pid);
  const ours = found?.name === files.name && (found.pidFile === null || found.pidFile === files.pid);
  return ours ? found : null;
}

export async function cpuSeconds(pid: number): Promise<number> {
  return parseCpuTime(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''));
}

/** True once the process is gone (or only its entry is left), false when time is up. */
export async function waitForEnd(pid: number, timeoutMs: number): Promise<boolean> {
  const gone = await pollUntil(
    async () => {
      const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      return line === '' || / Z /.test(line.slice(line.lastIndexOf(')'))) ? true : undefined;
    },
    { everyMs: 50, timeoutMs },
  );
  return gone === true;
}

/** Sends a signal; a process that is gone is fine. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Is it a regular file rather than a device? Follows links. */
export async function isRegularFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
