/** Disks that are files on the node's own file system. */

import type { StorageAbout } from '../contract.ts';
import { fileLayout } from '../file-layout.ts';

export const about: StorageAbout = {
  name: 'file',
  params: {},
  mirrored: 'no',
  needsSecondary: false,
  storageType: 'file',
  growable: true,
  adoptable: 'no',
  fileBased: true,
  volumeGroup: false,
  snapshots: false,
  exclusiveStorage: false,
  userspaceAccess: false,
  convertibleFrom: true,
  convertibleTo: true,
  copyable: true,
  overheadMiB: 0,
  idParts: ['DRIVER', 'ID'],
  layout: fileLayout('file'),
};
