/** Disks that are files on a file system that all nodes share. */

import type { StorageAbout } from '../contract.ts';
import { fileLayout } from '../file-layout.ts';

export const about: StorageAbout = {
  name: 'sharedfile',
  params: {},
  mirrored: 'external',
  needsSecondary: false,
  storageType: 'sharedfile',
  growable: true,
  adoptable: 'no',
  fileBased: true,
  volumeGroup: false,
  snapshots: false,
  exclusiveStorage: false,
  userspaceAccess: false,
  convertibleFrom: true,
  convertibleTo: true,
  copyable: false,
  overheadMiB: 0,
  idParts: ['DRIVER', 'ID'],
  layout: fileLayout('sharedfile'),
};
