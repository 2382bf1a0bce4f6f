/** Runs a program on one processor and measures it. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

export interface Measured {
  readonly stdout: string;
  /** Undefined when it was stopped at the limit. */
  readonly code: number | undefined;
  /** Seconds of processor time. */
  readonly processor: number;
  /** Seconds that passed. */
  readonly elapsed: number;
  /** The most memory it had, MiB. */
  readonly memory: number;
}

/** Looks at a running process; what is seen last is off by one look at most. */
class Watch {
  processor = 0;
  memory = 0;
  private readonly pid: number;

  constructor(pid: number) {
    this.pid = pid;
  }

  look(): void {
    try {
      const fields = readFileSync(`/proc/${this.pid}/stat`, 'latin1')
        .replace(/^.*\) /, '')
        .split(' ');
      // User and system time in hundredths of a second (proc(5)).
      this.processor = (Number(fields[11]) + Number(fields[12])) / 100;
      const status = readFileSync(`/proc/${this.pid}/status`, 'latin1');
      this.memory = Math.max(this.memory, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      // It has ended.
    }
  }
}

export async function measured(
  program: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  limitMs: number,
): Promise<Measured> {
  const begun = performance.now();
  const processorOf = String(availableParallelism() - 1);
  const child = spawn('taskset', ['-c', processorOf, program, ...args], {
    env: environment,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const watch = new Watch(child.pid!);
  const looks = setInterval(() => watch.look(), 5);
  let stopped = false;
  const limit = setTimeout(() => {
    stopped = true;
    child.kill('SIGKILL');
  }, limitMs);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise<number>((settle, fail) => {
    child.on('error', fail);
    child.on('close', (status) => settle(status ?? -1));
  });
  clearInterval(looks);
  clearTimeout(limit);
  return {
    stdout: Buffer.concat(chunks).toString('utf8'),
    code: stopped ? undefined : code,
    processor: watch.processor,
    elapsed: (performance.now() - begun) / 1000,
    memory: watch.memory,
  };
}
