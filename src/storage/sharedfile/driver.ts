/** What a node does with these files; all of it is common to file-based disks. */
import type { DriverContext, StorageDriver } from '../contract.ts';
import { createFileDriver } from '../file-device.ts';
import { about } from './about.ts';

export function createDriver({ host }: DriverContext): StorageDriver {
  return createFileDriver(about, host);
}
