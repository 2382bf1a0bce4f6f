/**
 * Child processes whose output is wanted while they run: interactive ones that get this process's own
 * terminal, and ones that report line by line. Arguments are always an array: no shell ever sees them.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Failure } from './failure.ts';

function cannotRun(program: string, error: Error): Failure {
  return new Failure('CommandError', [`can't run ${program}: ${error.message}`], { cause: error });
}

/**
 * Runs a program on this process's standard input, output and error until it ends.
 * Ctrl-C belongs to the program meanwhile. The exit code; -1 when it was ended by a signal.
 * @throws Failure CommandError when it can't be started
 */
export function runInteractive(argv: readonly [string, ...string[]]): Promise<number> {
  const [program, ...rest] = argv;
  const ignore = () => {};
  const others = process.listeners('SIGINT');
  process.removeAllListeners('SIGINT').on('SIGINT', ignore);
  return new Promise<number>((resolve, reject) => {
    const child = spawn(program, rest, { stdio: 'inherit' });
    child.on('error', (error) => reject(cannotRun(program, error)));
    child.on('close', (code) => resolve(code ?? -1));
  }).finally(() => {
    process.removeListener('SIGINT', ignore);
    for (const listener of others) process.on('SIGINT', listener);
  });
}

export interface StreamingOptions {
  readonly input: string;
  /** A line of standard output without its end. */
  readonly onLine: (line: string) => void;
  /** Standard error as it comes. */
  readonly onError: (text: string) => void;
}

/**
 * Runs a program and hands on its output as it comes. The exit code; -1 when it was ended by a signal.
 * @throws Failure CommandError when it can't be started
 */
export function runStreaming(
  argv: readonly [string, ...string[]],
  options: StreamingOptions,
): Promise<number> {
  const [program, ...rest] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
    const lines = createInterface({ input: child.stdout });
    const read = new Promise<void>((done) => lines.on('close', done));
    lines.on('line', options.onLine);
    child.stderr.on('data', (chunk: Buffer) => options.onError(chunk.toString('utf8')));
    child.on('error', (error) => reject(cannotRun(program, error)));
    child.on('close', (code) => void read.then(() => resolve(code ?? -1)));
    // A program that ends without reading its input is told by its exit code.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input);
  });
}
