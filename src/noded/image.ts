/**
 * Writes an image, a file of this node or what a web server sends, to the beginning of a device. Whoever may make
 * instances may name any file here, so it has to be one that everybody on the node may read: no key and no password
 * of the node ends up in a guest.
 */
import { createReadStream } from 'node:fs';
import { constants, type FileHandle, open, stat } from 'node:fs/promises';
import { messageOf } from '../kit/failure.ts';
import type { Paths } from '../kit/paths.ts';
import { deviceFailure, localPath } from '../storage/host.ts';

const mebibyte = 1024 * 1024;
const readableByAll = 0o004;
const isAddress = (image: string) => /^https?:\/\//.test(image);

type Chunks = AsyncIterable<Uint8Array>;

/** @throws Failure BlockDeviceError when it is larger than the device */
function requireFits(image: string, bytes: number, sizeMiB: number): void {
  if (bytes <= sizeMiB * mebibyte) return;
  throw deviceFailure(`Image '${image}' is bigger than the device, which has ${sizeMiB} MiB`);
}

/** The file's size in bytes. @throws Failure BlockDeviceError when it is none that may become a disk */
async function fileSize(image: string, path: string): Promise<number> {
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined) throw deviceFailure(`Image '${image}' not found`);
  if (!facts.isFile()) throw deviceFailure(`Image '${image}' is no file`);
  if ((facts.mode & readableByAll) === 0) {
    throw deviceFailure(`Image '${image}' is not readable by everybody, which an image has to be`);
  }
  return facts.size;
}

async function openFile(image: string, path: string, sizeMiB: number): Promise<Chunks> {
  requireFits(image, await fileSize(image, path), sizeMiB);
  return createReadStream(path, { highWaterMark: mebibyte }) as Chunks;
}

async function openAddress(image: string, sizeMiB: number, signal: AbortSignal): Promise<Chunks> {
  const response = await fetch(image, { signal }).catch((error: unknown) => {
    const { cause } = error as { cause?: unknown };
    throw deviceFailure(`Image '${image}' can't be fetched: ${messageOf(cause ?? error)}`);
  });
  if (!response.ok || response.body === null) {
    throw deviceFailure(`Image '${image}' can't be fetched: ${response.status} ${response.statusText}`);
  }
  requireFits(image, Number(response.headers.get('content-length') ?? 0), sizeMiB);
  return response.body as Chunks;
}

/** What the web server says that it would send. */
async function addressSize(image: string, signal: AbortSignal): Promise<number> {
  const response = await fetch(image, { method: 'HEAD', signal }).catch(() => undefined);
  if (!response?.ok) throw deviceFailure(`Could not retrieve image from given url '${image}'`);
  const length = Number(response.headers.get('content-length') ?? 0);
  if (Number.isSafeInteger(length) && length > 0) return length;
  throw deviceFailure(`Could not determine image size from given url '${image}'`);
}

/**
 * How large an image is, for the disk that it is going to be written to.
 * @throws Failure BlockDeviceError as `writeImage` would, or when the size isn't known beforehand
 */
export async function imageSize(
  paths: Pick<Paths, 'root'>,
  image: string,
  signal: AbortSignal,
): Promise<{ readonly bytes: number }> {
  const bytes = isAddress(image)
    ? await addressSize(image, signal)
    : await fileSize(image, localPath(paths, image));
  return { bytes };
}

async function copy(from: Chunks, to: FileHandle, check: (written: number) => void): Promise<void> {
  let written = 0;
  let synced = 0;
  for await (const chunk of from) {
    check(written + chunk.length);
    for (let done = 0; done < chunk.length; ) {
      const { bytesWritten } = await to.write(chunk, done, chunk.length - done, written);
      done += bytesWritten;
      written += bytesWritten;
    }
    if (written - synced < 256 * mebibyte) continue;
    synced = written;
    await to.datasync();
  }
}

/**
 * @param image an absolute path, below the root of a virtual node, or an address of a web server
 * @throws Failure BlockDeviceError
 */
export async function writeImage(
  paths: Pick<Paths, 'root'>,
  request: { readonly image: string; readonly device: string; readonly sizeMiB: number },
  signal: AbortSignal,
): Promise<void> {
  const { image, device, sizeMiB } = request;
  const from = isAddress(image)
    ? await openAddress(image, sizeMiB, signal)
    : await openFile(image, localPath(paths, image), sizeMiB);
  const to = await open(device, constants.O_WRONLY);
  try {
    await copy(from, to, (written) => {
      signal.throwIfAborted();
      requireFits(image, written, sizeMiB);
    });
    await to.datasync();
  } finally {
    await to.close();
  }
}
