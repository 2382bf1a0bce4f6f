/**
 * Files that are either wholly the old or wholly the new ones, whenever the power goes.
 */
import { randomBytes } from 'node:crypto';
import { open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Permission bits that new files of this process don't get by themselves. Nothing here changes them later. */
const withheld = process.umask();

export interface WriteOptions {
  /** Permission bits of the new file. */
  readonly mode: number;
  /** With fsync of file and folder before the call returns (the default). */
  readonly durable?: boolean;
}

/** Makes a rename in `directory` durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes beside the target and renames over it; the target is never seen half written. */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: WriteOptions,
): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, `.${basename(path)}.${randomBytes(6).toString('hex')}.new`);
  const durable = options.durable ?? true;
  const handle = await open(temporary, 'wx', options.mode);
  try {
    try {
      if ((options.mode & withheld) !== 0) await handle.chmod(options.mode);
      await handle.writeFile(data);
      if (durable) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
  if (durable) await syncDirectory(directory);
}
