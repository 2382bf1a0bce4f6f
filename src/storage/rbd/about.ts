/** Images of a Ceph cluster. */
import { accessParameter } from '../access.ts';
import type { StorageAbout } from '../contract.ts';

export const about: StorageAbout = {
  name: 'rbd',
  params: {
    access: accessParameter,
    pool: { type: 'string', default: 'rbd', doc: 'Pool that the images are made in.' },
    'user-id': {
      type: 'string',
      default: '',
      doc: 'Ceph user (without "client."); empty for the default one.',
    },
  },
  mirrored: 'external',
  needsSecondary: false,
  storageType: 'rados',
  growable: true,
  adoptable: 'no',
  fileBased: false,
  volumeGroup: false,
  snapshots: false,
  exclusiveStorage: false,
  userspaceAccess: true,
  convertibleFrom: true,
  convertibleTo: true,
  copyable: false,
  overheadMiB: 0,
  idParts: ['DRIVER', 'ID'],
  layout: ({ unique, index }) => ({ logicalId: ['rbd', `${unique}.rbd.disk${index}`] }),
};
