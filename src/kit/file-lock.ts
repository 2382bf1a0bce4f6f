/**
 * Advisory locks on files, as flock(2) gives them: between processes, and gone with the process. Node has no call for
 * it, so util-linux's `flock` takes the lock on a descriptor that both processes share; it is on the open file, and
 * stays there when that program has ended.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failure } from './failure.ts';

export interface FileLock {
  readonly descriptor: number;
  /** Lets go of it. */
  close(): void;
}

/** What `flock -n` exits with when somebody else has the lock. */
const conflictCode = 75;

/** Locks an open file without waiting. @returns whether it could be had */
export function lockDescriptor(descriptor: number, mode: 'shared' | 'exclusive'): boolean {
  const how = mode === 'shared' ? '--shared' : '--exclusive';
  const argv = ['--nonblock', how, '--conflict-exit-code', String(conflictCode), '3'];
  const { status, error, stderr } = spawnSync('flock', argv, {
    stdio: ['ignore', 'ignore', 'pipe', descriptor],
    encoding: 'utf8',
  });
  if (status === 0) return true;
  if (status === conflictCode) return false;
  throw new Failure('LockError', [`flock: ${error?.message ?? stderr.trim()}`]);
}

/**
 * Opens the file, made when it isn't there, and locks it without waiting.
 * @returns undefined when somebody else has it
 */
export function takeFileLock(path: string, mode: 'shared' | 'exclusive'): FileLock | undefined {
  mkdirSync(dirname(path), { recursive: true });
  const descriptor = openSync(path, 'a+', 0o644);
  const close = () => closeSync(descriptor);
  try {
    if (lockDescriptor(descriptor, mode)) return { descriptor, close };
  } catch (error) {
    close();
    throw error;
  }
  close();
  return undefined;
}
