/**
 * Block devices that somebody else manages: they are used and left as they are. Nothing is ever made or
 * removed here, only checked to be there.
 */
import { posix } from 'node:path';
import type { DiskRequest, DriverContext, StorageDriver } from '../contract.ts';
import { deviceFailure, runOrFail } from '../host.ts';
import { about } from './about.ts';

/** Only names that stay the same over a restart (constants.ADOPTABLE_BLOCKDEV_ROOT). */
const stableNames = '/dev/disk/';

/** @throws Failure BlockDeviceError for a path elsewhere */
export function devicePathOf(request: DiskRequest): string {
  const path = request.disk.logical_id?.[1];
  if (request.disk.logical_id?.length !== 2 || typeof path !== 'string') {
    throw deviceFailure(
      `a block device can't have the logical id ${JSON.stringify(request.disk.logical_id)}`,
    );
  }
  if (posix.normalize(path) !== path || !path.startsWith(stableNames)) {
    throw deviceFailure(`Full path '${path}' of your block device is not inside ${stableNames}`);
  }
  return path;
}

export function createDriver({ host }: DriverContext): StorageDriver {
  const present = async (request: DiskRequest) => {
    const path = devicePathOf(request);
    const numbers = await host.blockDevice(path);
    if (numbers === undefined) throw deviceFailure(`${path} is not a block device`);
    return { path, ...numbers };
  };
  const nothing = async () => {};
  return {
    about,
    async create(request) {
      await present(request);
    },
    async remove(request) {
      devicePathOf(request);
    },
    async assemble(request) {
      return { path: (await present(request)).path, uri: null };
    },
    shutdown: nothing,
    open: nothing,
    close: nothing,
    async find(request) {
      const path = devicePathOf(request);
      const numbers = await host.blockDevice(path);
      if (numbers === undefined) return null;
      return {
        ...{ path, ...numbers, syncPercent: null, estimatedTime: null },
        ...{ degraded: false, localDisk: 'okay', details: {} },
      };
    },
    async grow() {
      throw deviceFailure('Grow is not supported for PersistentBlockDev storage');
    },
    async dimensions(request) {
      const path = devicePathOf(request);
      if ((await host.blockDevice(path)) === undefined) return null;
      const result = await runOrFail(host, `Can't read the size of ${path}`, [
        'blockdev',
        '--getsize64',
        path,
      ]);
      return { bytes: Number(result.stdout.trim()), spindles: null };
    },
    setInfo: nothing,
    async rename() {
      throw deviceFailure('Rename is not supported for PersistentBlockDev storage');
    },
    async snapshot() {
      throw deviceFailure(`snapshots are not possible with the disk template '${about.name}'`);
    },
  };
}
