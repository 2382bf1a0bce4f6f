/**
 * What storage drivers know of the machine they run on: programs to run and files to read. Drivers get it
 * handed in, so that the same driver runs on a node and on a machine that exists in a test's memory.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import { describeFailure, type ProcessResult, runProcess } from '../kit/process.ts';

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds; ten minutes when not given. */
  readonly timeoutMs?: number;
  readonly cwd?: string;
  /** Arguments that must not be seen in logs and messages. */
  readonly secrets?: readonly string[];
}

export interface StorageHost {
  readonly paths: Paths;
  readonly log: Log;
  /** Runs a program to its end; the argv of the result has no secrets in it. */
  run(argv: readonly string[], options?: RunOptions): Promise<ProcessResult>;
  /** Text of a file of the kernel or of the configuration; undefined when there is none. */
  readText(path: string): Promise<string | undefined>;
  /** Numbers of a block device; undefined when there is none at that path. */
  blockDevice(path: string): Promise<DeviceNumbers | undefined>;
  sleep(milliseconds: number): Promise<void>;
}

export interface DeviceNumbers {
  readonly major: number;
  readonly minor: number;
}

/** Where a path of the configuration lies on this machine: below the virtual node's root, if there is one. */
export function localPath(paths: Pick<Paths, 'root'>, path: string): string {
  const { root } = paths;
  return root === '' || path === root || path.startsWith(`${root}/`) ? path : join(root, path);
}

/** @throws Failure BlockDeviceError with what the program said */
export async function runOrFail(
  host: StorageHost,
  what: string,
  argv: readonly string[],
  options?: RunOptions,
): Promise<ProcessResult> {
  const result = await host.run(argv, options);
  if (result.code !== 0) throw deviceFailure(`${what}: ${describeFailure(result)}`);
  return result;
}

export function deviceFailure(message: string, cause?: unknown): Failure {
  return new Failure('BlockDeviceError', [message], cause === undefined ? {} : { cause });
}

function withoutSecrets(argv: readonly string[], secrets: readonly string[]): string[] {
  return argv.map((argument) => (secrets.includes(argument) ? '<secret>' : argument));
}

/** Linux packs both numbers into one (makedev(3)). */
export function deviceNumbers(device: number): DeviceNumbers {
  return {
    major: (device >>> 8) & 0xfff,
    minor: (device & 0xff) | ((device >>> 12) & 0xfff00),
  };
}

/** The machine itself. */
export function createStorageHost(paths: Paths, log: Log): StorageHost {
  return {
    paths,
    log,
    async run(argv, options = {}) {
      const shown = withoutSecrets(argv, options.secrets ?? []);
      log.debug(`RunCmd ${shown.join(' ')}`);
      const result = await runProcess(argv, {
        // Programs answer in English and with a point in numbers, for the parsers.
        env: { LC_ALL: 'C.UTF-8', PATH: '/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin', ...options.env },
        timeoutMs: options.timeoutMs ?? 600_000,
        ...(options.input === undefined ? {} : { input: options.input }),
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      });
      return { ...result, argv: shown };
    },
    async readText(path) {
      try {
        return await readFile(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async blockDevice(path) {
      const found = await stat(path).catch(() => undefined);
      return found?.isBlockDevice() ? deviceNumbers(found.rdev) : undefined;
    },
    sleep: (milliseconds) => delay(milliseconds),
  };
}
