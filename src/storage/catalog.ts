/**
 * Every disk template, one line each. Who reads it gets data; a driver's code is loaded only when a node
 * asks for it.
 */
import { ErrorCode, Failure, prerequisiteFailure } from '../kit/failure.ts';
import { about as blockdev } from './blockdev/about.ts';
import type { DriverContext, MirroringDriver, StorageAbout, StorageDriver } from './contract.ts';
import { about as diskless } from './diskless/about.ts';
import { about as drbd } from './drbd/about.ts';
import { about as ext } from './ext/about.ts';
import { about as file } from './file/about.ts';
import { about as gluster } from './gluster/about.ts';
import type { StorageHost } from './host.ts';
import { about as plain } from './plain/about.ts';
import { about as rbd } from './rbd/about.ts';
import { about as sharedfile } from './sharedfile/about.ts';

interface Entry {
  readonly about: StorageAbout;
  readonly load: () => Promise<{ createDriver(context: DriverContext): StorageDriver }>;
}

const entries: readonly Entry[] = [
  { about: blockdev, load: () => import('./blockdev/driver.ts') },
  { about: diskless, load: () => import('./diskless/driver.ts') },
  { about: drbd, load: () => import('./drbd/driver.ts') },
  { about: ext, load: () => import('./ext/driver.ts') },
  { about: file, load: () => import('./file/driver.ts') },
  { about: gluster, load: () => import('./gluster/driver.ts') },
  { about: plain, load: () => import('./plain/driver.ts') },
  { about: rbd, load: () => import('./rbd/driver.ts') },
  { about: sharedfile, load: () => import('./sharedfile/driver.ts') },
];
const byName = new Map(entries.map((entry) => [entry.about.name, entry]));

/** All templates, in alphabetical order. */
export const storageTemplates: readonly StorageAbout[] = entries.map((entry) => entry.about);

/** The template of an instance without disks. */
export const emptyTemplate: string = entries.find((entry) => entry.about.empty)!.about.name;

/** @throws Failure OpPrereqError wrong_input for an unknown template */
export function storageAbout(template: string): StorageAbout {
  const entry = byName.get(template);
  if (entry === undefined)
    throw prerequisiteFailure(`Invalid disk template name '${template}'`, ErrorCode.invalid);
  return entry.about;
}

/** The drivers of one node, each loaded when first asked for. */
export interface StorageDrivers {
  /** @throws Failure BlockDeviceError for an unknown template */
  driver(template: string): Promise<StorageDriver>;
  /** The template whose disks copy between two nodes. */
  readonly mirroringTemplate: string;
  /** @throws Failure BlockDeviceError when the template doesn't copy between nodes */
  mirroring(template: string): Promise<MirroringDriver>;
}

export function createStorageDrivers(host: StorageHost): StorageDrivers {
  const loaded = new Map<string, Promise<StorageDriver>>();
  const driver = (template: string): Promise<StorageDriver> => {
    const entry = byName.get(template);
    if (entry === undefined) {
      return Promise.reject(new Failure('BlockDeviceError', [`Invalid block device type '${template}'`]));
    }
    let made = loaded.get(template);
    if (made === undefined) {
      made = entry.load().then((module) => module.createDriver({ host, lower: driver }));
      loaded.set(template, made);
    }
    return made;
  };
  return {
    driver,
    mirroringTemplate: entries.find((entry) => entry.about.mirrored === 'internal')!.about.name,
    async mirroring(template) {
      const found = await driver(template);
      if (found.about.mirrored !== 'internal') {
        throw new Failure('BlockDeviceError', [`Disks of template '${template}' have no network side`]);
      }
      return found as MirroringDriver;
    },
  };
}
