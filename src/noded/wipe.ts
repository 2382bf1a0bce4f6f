/** Overwrites part of a device with zeros, in this process: no `dd` has to be found and waited for. */
import { constants, open } from 'node:fs/promises';

const mebibyte = 1024 * 1024;

/**
 * @param offsetMiB where to begin
 * @param sizeMiB how much; nothing is written beyond it
 */
export async function writeZeros(
  path: string,
  offsetMiB: number,
  sizeMiB: number,
  signal: AbortSignal,
): Promise<void> {
  const zeros = Buffer.alloc(mebibyte);
  const handle = await open(path, constants.O_WRONLY);
  try {
    for (let block = offsetMiB; block < offsetMiB + sizeMiB; block += 1) {
      signal.throwIfAborted();
      for (let done = 0; done < mebibyte; ) {
        const { bytesWritten } = await handle.write(zeros, done, mebibyte - done, block * mebibyte + done);
        done += bytesWritten;
      }
      if (block % 256 === 255) await handle.datasync();
    }
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
