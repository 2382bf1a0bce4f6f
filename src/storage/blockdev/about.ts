/** Block devices that exist already, on shared storage that is managed elsewhere; they are taken over by their path. */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { StorageAbout } from '../contract.ts';

export const about: StorageAbout = {
  name: 'blockdev',
  params: {},
  mirrored: 'external',
  needsSecondary: false,
  storageType: 'blockdev',
  growable: false,
  adoptable: 'must',
  fileBased: false,
  volumeGroup: false,
  snapshots: false,
  exclusiveStorage: false,
  userspaceAccess: false,
  convertibleFrom: true,
  convertibleTo: false,
  copyable: false,
  overheadMiB: 0,
  idParts: ['DRIVER', 'ID'],
  layout({ adopt }) {
    if (adopt === null) {
      throw prerequisiteFailure("Disks of template 'blockdev' must be adopted", ErrorCode.invalid);
    }
    return { logicalId: ['manual', adopt] };
  },
};
