/**
 * Writing config.data without holding the daemon up: the file is made in pieces with room for other work
 * between them, and each piece reaches the disk before the next, so that a commit's fsync never waits for
 * the whole file. The configuration is a value, so the pieces fit together whatever is committed meanwhile.
 */
import { createHash, randomBytes } from 'node:crypto';
import { open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setImmediate as otherWork } from 'node:timers/promises';
import { syncDirectory } from '../kit/atomic-file.ts';
import {
  type Configuration,
  configurationVersion,
  type Objects,
  storedObject,
  type TableName,
  tableNames,
} from '../model/configuration.ts';
import type { Table } from '../model/table.ts';

const pieceLength = 128 * 1024;

function* texts(configuration: Configuration): IterableIterator<string> {
  yield `{"version":${configurationVersion},"cluster":${JSON.stringify(configuration.cluster)}`;
  for (const name of tableNames) {
    let separator = `,"${name}":{`;
    for (const object of configuration[name] as Table<Objects[TableName]>) {
      yield `${separator}${JSON.stringify(object.uuid)}:${JSON.stringify(storedObject(name, object))}`;
      separator = ',';
    }
    yield separator === ',' ? '}' : `${separator}}`;
  }
  const { serial_no, ctime, mtime } = configuration;
  yield `,"serial_no":${serial_no},"ctime":${ctime},"mtime":${mtime}}\n`;
}

/** The text of config.data in pieces of some 100 KB. */
export function* configurationPieces(configuration: Configuration): IterableIterator<string> {
  let piece = '';
  for (const text of texts(configuration)) {
    piece += text;
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

function temporaryName(path: string, unique: string): string {
  return `.${basename(path)}.${unique}.new`;
}

/** Takes away what a crash in the middle of a writing has left. */
export async function removeLeftovers(path: string): Promise<void> {
  const [begin, end] = temporaryName(path, '*').split('*') as [string, string];
  for (const name of await readdir(dirname(path))) {
    if (name.startsWith(begin) && name.endsWith(end)) await unlink(join(dirname(path), name));
  }
}

export interface WrittenFile {
  readonly sha256: string;
  /** Puts the file in its place. */
  install(): Promise<void>;
  /** Takes it away again. */
  discard(): Promise<void>;
}

/** Writes the configuration beside `path`, durably. */
export async function writeConfigFile(path: string, configuration: Configuration): Promise<WrittenFile> {
  const temporary = join(dirname(path), temporaryName(path, randomBytes(6).toString('hex')));
  const hash = createHash('sha256');
  const handle = await open(temporary, 'wx', 0o640);
  try {
    for (const piece of configurationPieces(configuration)) {
      const bytes = Buffer.from(piece);
      hash.update(bytes);
      await handle.writeFile(bytes);
      await handle.datasync();
      await otherWork();
    }
  } catch (error) {
    await handle.close();
    await unlink(temporary).catch(() => {});
    throw error;
  }
  await handle.close();
  return {
    sha256: hash.digest('hex'),
    async install() {
      await rename(temporary, path);
      await syncDirectory(dirname(path));
    },
    discard: () => unlink(temporary).catch(() => {}),
  };
}
