/**
 * `position.json` beside the journal's files: which master wrote them, and which entry is the last one
 * that config.data has in it. config.data stays exactly Ganeti's, so the number can't stand inside; the
 * file's sum ties the two together. `next` is written before config.data is replaced and `folded` tells
 * what was there before, so that a crash between the two leaves one of them true.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { Failure, messageOf } from '../../kit/failure.ts';

export interface Folded {
  /** The last entry that is in the file. */
  readonly number: number;
  /** Of the file's bytes, in hex. */
  readonly sha256: string;
}

export interface Backup extends Folded {
  /** Name beside config.data. */
  readonly file: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

export interface Position {
  /** The master whose entries are here. */
  readonly epoch: number;
  /** Entries of an older master are refused; higher than `epoch` once a newer one was heard of. */
  readonly promised: number;
  /** Where a journal without files goes on. */
  readonly base: number;
  readonly folded: Folded | null;
  readonly next: Folded | null;
  /** The oldest entry that whoever writes beside the configuration still needs; missing: all of them. */
  readonly keep?: number;
  /** Copies of config.data, newest first. */
  readonly backups: readonly Backup[];
}

export const firstPosition: Position = {
  epoch: 1,
  promised: 1,
  base: 0,
  folded: null,
  next: null,
  backups: [],
};

export function positionFile(directory: string): string {
  return join(directory, 'position.json');
}

/**
 * undefined when there is none.
 * @throws Failure ConfigurationError when it can't be read or understood
 */
export async function readPosition(directory: string): Promise<Position | undefined> {
  const path = positionFile(directory);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Failure('ConfigurationError', [`Can't read ${path}: ${messageOf(error)}`], { cause: error });
  }
  try {
    const raw = JSON.parse(text) as Partial<Position>;
    if (!Number.isInteger(raw.epoch) || !Number.isInteger(raw.promised) || !Number.isInteger(raw.base)) {
      throw new Error('numbers are missing');
    }
    return { ...firstPosition, ...raw };
  } catch (error) {
    throw new Failure('ConfigurationError', [`${path} can't be understood: ${messageOf(error)}`]);
  }
}

export async function writePosition(directory: string, position: Position): Promise<void> {
  await writeFileAtomic(positionFile(directory), `${JSON.stringify(position)}\n`, { mode: 0o640 });
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
