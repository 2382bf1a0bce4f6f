/**
 * Moves domains with `xl migrate` over a TCP connection made by socat, since nodes can't count on SSH keys
 * (hv_xen). xl ends when the domain has moved, so it runs on while its state is asked for.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pollUntil } from '../../kit/clock.ts';
import { Failure, messageOf } from '../../kit/failure.ts';
import { type ProcessResult, runProcess } from '../../kit/process.ts';
import type { MigrationProgress } from '../contract.ts';

/** The command that xl speaks through; what xl would add for a remote shell is a comment. */
export function sendCommand(address: string, port: number): string {
  return `socat -b524288 - TCP:${address.includes(':') ? `[${address}]` : address}:${port} #`;
}

export function receiveCommand(program: string, address: string, port: number): string[] {
  const bind = address.includes(':') ? `bind=[${address}],pf=ip6` : `bind=${address}`;
  return ['socat', '-b524288', `TCP-LISTEN:${port},${bind},reuseaddr`, `EXEC:${program} migrate-receive`];
}

interface Sending {
  readonly abort: AbortController;
  result: ProcessResult | Error | null;
}

/** Does a socket of /proc/net/tcp wait for connections on the port? Pure. */
export function isListening(table: string, port: number): boolean {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table.split('\n').some((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    return local.endsWith(suffix) && state === '0A';
  });
}

async function listensOn(port: number): Promise<boolean> {
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    if (isListening(await readFile(file, 'utf8').catch(() => ''), port)) return true;
  }
  return false;
}

/** Domains on their way from this node. */
export class Senders {
  readonly #sending = new Map<string, Sending>();

  /** Begins; an earlier attempt that has ended is forgotten. */
  begin(name: string, argv: readonly string[]): void {
    const sending: Sending = { abort: new AbortController(), result: null };
    this.#sending.set(name, sending);
    runProcess(argv, { signal: sending.abort.signal }).then(
      (result) => {
        sending.result = result;
      },
      (error: unknown) => {
        sending.result = error instanceof Error ? error : new Error(String(error));
      },
    );
  }

  /** Null when this daemon knows of none. */
  progress(name: string): MigrationProgress | null {
    const sending = this.#sending.get(name);
    if (sending === undefined) return null;
    const none = { transferredMiB: null, totalMiB: null, downtimeMs: null };
    const { result, abort } = sending;
    if (result === null) return { ...none, status: 'active', message: null };
    if (abort.signal.aborted) return { ...none, status: 'cancelled', message: null };
    if (result instanceof Error) return { ...none, status: 'failed', message: result.message };
    if (result.code === 0) return { ...none, status: 'completed', message: null };
    return { ...none, status: 'failed', message: `${result.stdout}${result.stderr}`.trim() };
  }

  /** Ends the program; the domain stays, perhaps under another name. */
  async cancel(name: string): Promise<void> {
    const sending = this.#sending.get(name);
    if (sending === undefined || sending.result !== null) return;
    sending.abort.abort();
    await pollUntil(async () => sending.result ?? undefined, { everyMs: 50, timeoutMs: 10_000 });
  }

  forget(name: string): void {
    this.#sending.delete(name);
  }
}

/** The program that waits for a domain on this node: one at a time, for there is one port. */
export class Receiver {
  readonly #folder: string;
  readonly #pidFile: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#pidFile = join(folder, 'xl-migration.pid');
  }

  /** Ends what an earlier attempt left, if it is really that. */
  async end(): Promise<void> {
    const pid = Number.parseInt(await readFile(this.#pidFile, 'utf8').catch(() => ''), 10);
    if (pid > 1) {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      try {
        if (line.includes('migrate-receive')) process.kill(-pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
    await unlink(this.#pidFile).catch(() => {});
  }

  /** @throws Failure HypervisorError when it doesn't come to listen */
  async begin(argv: readonly string[], port: number): Promise<void> {
    await this.end();
    await mkdir(this.#folder, { recursive: true, mode: 0o775 });
    const [program = '', ...rest] = argv;
    let ended: Error | undefined;
    const child: ChildProcess = spawn(program, rest, { detached: true, stdio: 'ignore' });
    child.on('error', (error) => {
      ended = error;
    });
    child.on('exit', () => {
      ended ??= new Error('socat ended at once');
    });
    child.unref();
    const listening = await pollUntil(
      async () =>
        ended === undefined && (await listensOn(port)) ? true : ended === undefined ? undefined : false,
      { everyMs: 20, timeoutMs: 5000 },
    );
    if (!listening || child.pid === undefined) {
      const why = ended === undefined ? '' : `: ${messageOf(ended)}`;
      throw new Failure('HypervisorError', [
        `Could not start receiving socat process: check if its port is available${why}`,
      ]);
    }
    await writeFile(this.#pidFile, `${child.pid}\n`, { mode: 0o644 });
  }
}
