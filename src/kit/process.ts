/**
 * Runs a child process and waits for its end. Arguments are always an array: no shell ever sees them.
 */
import { spawn } from 'node:child_process';
import { Failure } from './failure.ts';

export interface ProcessOptions {
  /** Text or bytes for standard input; without it standard input is /dev/null. */
  readonly input?: string | Uint8Array;
  /** Added to the inherited environment, or the whole one when `cleanEnvironment` is set. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cleanEnvironment?: boolean;
  readonly cwd?: string;
  /** The whole process group is killed after this many milliseconds. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** File descriptor that receives standard output and error instead of memory. */
  readonly outputFd?: number;
  /** Keeps the terminal of this process, so that the program may ask the person for a password. */
  readonly keepsTerminal?: boolean;
}

export interface ProcessResult {
  readonly argv: readonly string[];
  /** Exit code; -1 when ended by a signal. */
  readonly code: number;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Resolves whatever the exit code; rejects only when the program can't be started or `signal` aborts. */
export function runProcess(argv: readonly string[], options: ProcessOptions = {}): Promise<ProcessResult> {
  const [program, ...rest] = argv;
  if (program === undefined) throw new Failure('ProgrammerError', ['runProcess needs a program']);
  options.signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const output = options.outputFd ?? 'pipe';
    const child = spawn(program, rest, {
      stdio: [options.input === undefined ? 'ignore' : 'pipe', output, output],
      env: { ...(options.cleanEnvironment ? {} : process.env), ...options.env },
      cwd: options.cwd,
      detached: !options.keepsTerminal,
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let timedOut = false;
    const killGroup = () => {
      try {
        if (child.pid !== undefined) process.kill(options.keepsTerminal ? child.pid : -child.pid, 'SIGKILL');
      } catch {
        // The group has already ended.
      }
    };
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            killGroup();
          }, options.timeoutMs);
    options.signal?.addEventListener('abort', killGroup, { once: true });
    const finish = () => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', killGroup);
    };
    child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input);
    child.on('error', (error) => {
      finish();
      reject(new Failure('CommandError', [`can't run ${program}: ${error.message}`], { cause: error }));
    });
    child.on('close', (code, signal) => {
      finish();
      if (options.signal?.aborted) {
        reject(options.signal.reason as Error);
        return;
      }
      resolve({
        argv,
        code: code ?? -1,
        signal,
        timedOut,
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
      });
    });
  });
}

/** One sentence about a process that failed: what ran, how it ended, the last of what it said. */
export function describeFailure(result: ProcessResult): string {
  const end = result.timedOut
    ? 'did not end in time'
    : result.signal === null
      ? `exited with code ${result.code}`
      : `was ended by ${result.signal}`;
  const said = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-8).join('\n');
  return `'${result.argv.join(' ')}' ${end}${said === '' ? '' : `: ${said}`}`;
}

/** Like `runProcess`, and throws a CommandError on any exit code but 0. */
export async function runChecked(
  argv: readonly string[],
  options: ProcessOptions = {},
): Promise<ProcessResult> {
  const result = await runProcess(argv, options);
  if (result.code !== 0) throw new Failure('CommandError', [describeFailure(result)]);
  return result;
}
