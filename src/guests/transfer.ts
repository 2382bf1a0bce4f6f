/**
 * Runs the scripts that carry a disk's contents: `export` writes them to its standard output, `import`
 * reads them from its standard input. What they say goes to a log file; an export may tell beforehand how
 * much will come.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PassThrough, pipeline, type Readable, type Writable } from 'node:stream';
import { executionFailure } from '../kit/failure.ts';
import type { OsDefinition } from './definitions.ts';
import type { Environment } from './environment.ts';
import { endOf, lastLines, printable } from './run.ts';

const shownLines = 20;
/** Where an export script writes the size that it expects. */
export const sizeFd = 3;

export interface TransferWish {
  readonly definition: OsDefinition;
  readonly direction: 'export' | 'import';
  /** With what `transferEnvironment` adds; for an export made with `sizeFd`. */
  readonly environment: Environment;
  readonly logFile: string;
}

export interface Transfer {
  /** The contents, of an export. */
  readonly output: Readable | null;
  /** Where the contents go, of an import; its end must be written. */
  readonly input: Writable | null;
  /** Bytes that an export expects, or null when it doesn't say. */
  readonly expectedBytes: Promise<number | null>;
  /** Resolves when the script has done its work; rejects with the last lines of its log. */
  readonly done: Promise<void>;
  /** Ends the script and all that it has started. */
  kill(): void;
}

function readSize(stream: Readable): Promise<number | null> {
  return new Promise((resolve) => {
    let text = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      text = (text + chunk).slice(0, 64);
    });
    const finish = () => {
      const size = /^\s*(\d+)\s*\n/.exec(text)?.[1];
      resolve(size === undefined ? null : Number(size));
    };
    stream.on('end', finish);
    stream.on('error', finish);
  });
}

function ending(child: ChildProcess, wish: TransferWish): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      reject(executionFailure(`can't run the OS ${wish.direction} script: ${error.message}`, error));
    });
    child.on('exit', (code, signal) => {
      if (code === 0) {
        resolve();
        return;
      }
      const end = endOf({ argv: [], code: code ?? -1, signal, timedOut: false, stdout: '', stderr: '' });
      readFile(wish.logFile, 'utf8')
        .catch(() => '')
        .then((log) => {
          const lines = lastLines(log, shownLines).map(printable).join('\n');
          const what = `OS ${wish.direction} script failed (${end}), last lines in the log file:\n${lines}`;
          reject(executionFailure(what));
        }, reject);
    });
  });
}

/** Starts the script; the caller pipes and then waits for `done`. */
export async function startTransfer(wish: TransferWish): Promise<Transfer> {
  const { definition, direction, environment } = wish;
  await mkdir(dirname(wish.logFile), { recursive: true, mode: 0o750 });
  const log = await open(wish.logFile, 'a', 0o640);
  const exporting = direction === 'export';
  const child = spawn(definition.scripts[direction], [], {
    cwd: definition.path,
    env: { ...environment },
    detached: true,
    stdio: exporting ? ['ignore', 'pipe', log.fd, 'pipe'] : ['pipe', log.fd, log.fd],
  });
  // All is listened to at once: what nobody reads when the script ends is thrown away.
  const output = exporting ? new PassThrough() : null;
  if (output !== null) pipeline(child.stdout!, output, () => {});
  const expectedBytes = exporting ? readSize(child.stdio[sizeFd] as Readable) : Promise.resolve(null);
  const done = ending(child, wish);
  // The caller may still be busy with the streams when the script fails.
  done.catch(() => {});
  // A script that ends early closes its side; that it did is told by `done`.
  child.stdin?.on('error', () => {});
  await log.close();
  return {
    output,
    input: child.stdin,
    expectedBytes,
    done,
    kill() {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended already.
      }
    },
  };
}
