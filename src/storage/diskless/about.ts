/** Instances without disks, for guests that boot over the network. */
import type { StorageAbout } from '../contract.ts';

export const about: StorageAbout = {
  name: 'diskless',
  params: {},
  mirrored: 'external',
  needsSecondary: false,
  storageType: 'diskless',
  growable: false,
  adoptable: 'no',
  fileBased: false,
  volumeGroup: false,
  snapshots: false,
  exclusiveStorage: false,
  userspaceAccess: false,
  convertibleFrom: false,
  convertibleTo: false,
  copyable: false,
  overheadMiB: 0,
  idParts: [],
  empty: true,
};
