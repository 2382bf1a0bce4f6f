/** Files of the tools; errors in Ganeti's words. */
import { readFileSync, writeFileSync } from 'node:fs';
import { DataError } from '../load/data-error.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist (No such file or directory)',
  EACCES: 'permission denied (Permission denied)',
  EPERM: 'permission denied (Operation not permitted)',
  EISDIR: 'inappropriate type (is a directory)',
  ENOTDIR: 'inappropriate type (Not a directory)',
  EROFS: 'permission denied (Read-only file system)',
  ENOSPC: 'resource exhausted (No space left on device)',
};

function described(path: string, error: unknown): DataError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return new DataError(`${path}: openFile: ${reasons[code] ?? `failed (${message})`}`, { cause: error });
}

export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw described(path, error);
  }
}

export function writeTextFile(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw described(path, error);
  }
}

/** "name.suffix", where a suffix is added to what the user gave. */
export function withSuffix(path: string, suffix: string): string {
  return `${path}.${suffix}`;
}
