/** There is nothing to drive: every call says so. */
import type { StorageDriver } from '../contract.ts';
import { deviceFailure } from '../host.ts';
import { about } from './about.ts';

export function createDriver(): StorageDriver {
  const none = async (): Promise<never> => {
    throw deviceFailure('an instance without disks has no disk to work on');
  };
  return {
    about,
    create: none,
    remove: none,
    assemble: none,
    shutdown: none,
    open: none,
    close: none,
    find: none,
    grow: none,
    dimensions: none,
    setInfo: none,
    rename: none,
    snapshot: none,
  };
}
