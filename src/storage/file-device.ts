/**
 * Disks that are files, on a node's own file system or on one that all nodes share. A new file is sparse:
 * it takes space as it is written. The guest is given the file itself.
 */
import { constants, mkdir, open, rename, rmdir, stat, unlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Disk } from '../model/objects/disk.ts';
import type { DeviceState, DiskRequest, StorageAbout, StorageDriver } from './contract.ts';
import { acceptedPath } from './file-storage-paths.ts';
import { deviceFailure, type StorageHost } from './host.ts';

const mebibyte = 1024 * 1024;

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw deviceFailure(`${path}: is not a regular file`);
    return found.size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function pathIn(logicalId: Disk['logical_id']): string {
  const path = logicalId?.[1];
  if (logicalId?.length !== 2 || typeof path !== 'string') {
    throw deviceFailure(`a file disk can't have the logical id ${JSON.stringify(logicalId)}`);
  }
  return path;
}

/** Makes the file at its full size, or throws EEXIST. */
async function createSparse(path: string, sizeMiB: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o750 });
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o660);
  try {
    await handle.truncate(sizeMiB * mebibyte);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function growTo(path: string, bytes: number): Promise<void> {
  const handle = await open(path, constants.O_RDWR);
  try {
    if ((await handle.stat()).size < bytes) await handle.truncate(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** An instance's folder goes with its last file; one that holds anything else stays. */
async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT', 'EBUSY'].includes(error.code ?? '')) throw error;
  });
}

/** Where the files of a template are, when that isn't simply the path in the logical id. */
export interface FilePlace {
  /** Full path in the sense of the configuration; makes it reachable first. */
  reach(request: DiskRequest, path: string): Promise<string>;
  /** For hypervisors that open the file themselves; null when they are to use the path. */
  uri(request: DiskRequest, path: string): string | null;
}

const plainPlace: FilePlace = { reach: async (_, path) => path, uri: () => null };

/** The driver of one file-based template; `about` says which. */
export function createFileDriver(
  about: StorageAbout,
  host: StorageHost,
  place: FilePlace = plainPlace,
): StorageDriver {
  const locateId = async (request: DiskRequest, logicalId: Disk['logical_id']) =>
    acceptedPath(host, await place.reach(request, pathIn(logicalId)));
  const locate = (request: DiskRequest) => locateId(request, request.disk.logical_id);
  const existing = async (request: DiskRequest) => {
    const path = await locate(request);
    const bytes = await sizeOf(path);
    if (bytes === undefined) throw deviceFailure(`${path}: No such file`);
    return { path, bytes };
  };
  const nothing = async () => {};

  return {
    about,
    async create(request, { mustBeNew }) {
      const path = await locate(request);
      try {
        await createSparse(path, request.disk.size);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
          throw deviceFailure(`${path}: can't create: ${(error as Error).message}`, error);
        }
      }
      const { bytes } = await existing(request);
      if (mustBeNew) throw deviceFailure(`${path}: File exists`);
      if (bytes < request.disk.size * mebibyte) {
        throw deviceFailure(`${path}: there is a file of another size (${bytes} bytes)`);
      }
    },
    async remove(request) {
      const path = await locate(request);
      await unlink(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw deviceFailure(`${path}: can't remove: ${error.message}`, error);
      });
      if (basename(dirname(path)) === request.owner) await removeIfEmpty(dirname(path));
    },
    async assemble(request) {
      const { path } = await existing(request);
      return { path, uri: place.uri(request, pathIn(request.disk.logical_id)) };
    },
    shutdown: nothing,
    open: nothing,
    close: nothing,
    async find(request): Promise<DeviceState | null> {
      const path = await locate(request);
      if ((await sizeOf(path)) === undefined) return null;
      return {
        path,
        major: null,
        minor: null,
        syncPercent: null,
        estimatedTime: null,
        degraded: false,
        localDisk: 'okay',
        details: {},
      };
    },
    async grow(request, amount, { dryRun, backingStore }) {
      const { path } = await existing(request);
      if (amount < 0) throw deviceFailure(`${path}: can't grow by negative amount`);
      if (dryRun || !backingStore) return;
      await growTo(path, (request.disk.size + amount) * mebibyte);
    },
    async dimensions(request) {
      const bytes = await sizeOf(await locate(request));
      return bytes === undefined ? null : { bytes, spindles: null };
    },
    setInfo: nothing,
    async rename(request, logicalId) {
      const from = await locate(request);
      const to = await locateId(request, logicalId);
      if (from === to) return;
      if ((await sizeOf(from)) === undefined && (await sizeOf(to)) !== undefined) return;
      if ((await sizeOf(to)) !== undefined) throw deviceFailure(`${to}: File exists`);
      await mkdir(dirname(to), { recursive: true, mode: 0o750 });
      await rename(from, to);
      if (dirname(from) !== dirname(to)) await removeIfEmpty(dirname(from));
    },
    async snapshot() {
      throw deviceFailure(`snapshots are not possible with the disk template '${about.name}'`);
    },
  };
}
