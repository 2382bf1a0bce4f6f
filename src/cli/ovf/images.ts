/**
 * Disk images: what they are, and made into other formats, by `qemu-img` and `gzip`. Images come from strangers: one
 * that names other files of this machine (a backing file, extents elsewhere) would bring what stands in them into the
 * guest, and is refused. An image that a guest wrote to is read as raw, whatever its first bytes say.
 */
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ErrorCode, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import { type ProcessResult, runProcess } from '../../kit/process.ts';
import type { DiskFormat } from './envelope.ts';

/** The name of a format that qemu-img knows; `cow` has grown up. */
const knownAs: Readonly<Record<DiskFormat, string>> = { raw: 'raw', cow: 'qcow2', vmdk: 'vmdk' };

export interface ImageInfo {
  readonly format: string;
  /** Bytes that a guest sees. */
  readonly size: number;
  /** Paths of the other files that it is made of. */
  readonly others: readonly string[];
}

const environmentFault = (text: string) => prerequisiteFailure(text, ErrorCode.environment);

async function run(argv: readonly string[], outputFd?: number): Promise<ProcessResult> {
  try {
    return await runProcess(argv, { ...(outputFd === undefined ? {} : { outputFd }), env: { LC_ALL: 'C' } });
  } catch (error) {
    throw prerequisiteFailure(`${argv[0]} is needed for disk images: ${messageOf(error)}`, ErrorCode.state);
  }
}

const texts = (value: unknown): string[] => (typeof value === 'string' ? [value] : []);

/** Reads what `qemu-img info --output=json` prints. */
export function parseInfo(text: string, path: string): ImageInfo {
  const info = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const specific =
    (info['format-specific'] as { data?: Readonly<Record<string, unknown>> } | undefined)?.data ?? {};
  const extents = Array.isArray(specific.extents) ? (specific.extents as { filename?: unknown }[]) : [];
  const others = [
    ...texts(info['backing-filename']),
    ...texts(info['full-backing-filename']),
    ...texts(specific['data-file']),
    ...extents.flatMap(({ filename }) => texts(filename)),
  ].filter((other) => resolve(dirname(path), other) !== resolve(path));
  if (typeof info.format !== 'string' || typeof info['virtual-size'] !== 'number') {
    throw environmentFault(`qemu-img says neither format nor size of ${path}`);
  }
  return { format: info.format, size: info['virtual-size'], others };
}

export async function imageInfo(path: string): Promise<ImageInfo> {
  const result = await run(['qemu-img', 'info', '--output=json', path]);
  if (result.code !== 0) {
    throw environmentFault(
      `Gathering info about the disk using qemu-img failed, output was: ${result.stderr.trim()}`,
    );
  }
  return parseInfo(result.stdout, path);
}

/** Writes the image at `from`, which has the format `format`, to the empty file `to`. */
export async function convertImage(
  from: string,
  format: string,
  to: string,
  wanted: DiskFormat,
): Promise<void> {
  const result = await run(['qemu-img', 'convert', '-f', format, '-O', knownAs[wanted], from, to]);
  if (result.code !== 0) {
    throw environmentFault(`Convertion to ${wanted} failed, qemu-img output was: ${result.stderr.trim()}`);
  }
}

/** `gzip` from one file to another. @param action what it is called when it fails */
export async function compress(
  from: string,
  to: string,
  action: 'compression' | 'decompression',
): Promise<void> {
  const handle = await open(to, 'w');
  let result: ProcessResult;
  try {
    result = await run(['gzip', ...(action === 'decompression' ? ['-d'] : []), '-c', '--', from], handle.fd);
  } finally {
    await handle.close();
  }
  if (result.code !== 0)
    throw environmentFault(`Disk ${action} failed: gzip exited with code ${result.code}`);
}

/** What conversions need of the machine. */
export interface Images {
  readonly info: typeof imageInfo;
  readonly convert: typeof convertImage;
  readonly compress: typeof compress;
}

export const images: Images = { info: imageInfo, convert: convertImage, compress };
