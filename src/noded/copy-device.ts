/** Copies the contents of one device or file to another, in this process. */
import { constants, open } from 'node:fs/promises';

const mebibyte = 1024 * 1024;
/** How much may lie in the page cache before it has to reach the disk, in blocks. */
const syncEvery = 256;

const empty = Buffer.alloc(mebibyte);

export interface CopyOptions {
  readonly sizeMiB: number;
  /** The target holds zeros only: blocks of zeros need not be written, and take no space in a file. */
  readonly targetIsEmpty: boolean;
  readonly signal: AbortSignal;
  /** Called with the MiB that have been copied so far. */
  readonly progress?: (copiedMiB: number) => void;
}

/** Copies the first `sizeMiB` of `source`; a source that ends before that is an error. */
export async function copyDevice(source: string, target: string, options: CopyOptions): Promise<void> {
  const { sizeMiB, targetIsEmpty, signal } = options;
  const from = await open(source, constants.O_RDONLY);
  try {
    const to = await open(target, constants.O_RDWR);
    try {
      const buffer = Buffer.alloc(mebibyte);
      for (let block = 0; block < sizeMiB; block += 1) {
        signal.throwIfAborted();
        await readBlock(from, source, buffer, block);
        if (!targetIsEmpty || !buffer.equals(empty)) await writeBlock(to, buffer, block);
        if (block % syncEvery === syncEvery - 1) await to.datasync();
        options.progress?.(block + 1);
      }
      await to.sync();
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}

type Handle = Awaited<ReturnType<typeof open>>;

async function readBlock(handle: Handle, path: string, buffer: Buffer, block: number): Promise<void> {
  for (let done = 0; done < mebibyte; ) {
    const at = block * mebibyte + done;
    const { bytesRead } = await handle.read(buffer, done, mebibyte - done, at);
    if (bytesRead === 0) throw new Error(`${path} ends after ${at} bytes`);
    done += bytesRead;
  }
}

async function writeBlock(handle: Handle, buffer: Buffer, block: number): Promise<void> {
  for (let done = 0; done < mebibyte; ) {
    const { bytesWritten } = await handle.write(buffer, done, mebibyte - done, block * mebibyte + done);
    done += bytesWritten;
  }
}
