/** Logical volumes. */
import type { StorageAbout } from '../contract.ts';

export const about: StorageAbout = {
  name: 'plain',
  params: {
    stripes: {
      type: 'int',
      default: 1,
      doc: 'Physical volumes that a new volume is spread over.',
      check: (value) => (Number(value) >= 1 ? undefined : 'must be 1 or more'),
    },
  },
  mirrored: 'no',
  needsSecondary: false,
  storageType: 'lvm-vg',
  growable: true,
  adoptable: 'may',
  fileBased: false,
  volumeGroup: true,
  snapshots: true,
  exclusiveStorage: true,
  userspaceAccess: false,
  convertibleFrom: true,
  convertibleTo: true,
  copyable: true,
  overheadMiB: 0,
  idParts: ['VG', 'ID'],
  layout: ({ vg, unique, index }) => ({ logicalId: [vg, `${unique}.disk${index}`] }),
  claims: ([vg, name]) => ({ volumes: [`${vg}/${name}`] }),
};
