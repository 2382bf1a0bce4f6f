/** Files on a Gluster volume, mounted on the host or opened by the hypervisor. */
import { accessParameter } from '../access.ts';
import type { StorageAbout } from '../contract.ts';

export const about: StorageAbout = {
  name: 'gluster',
  params: {
    access: accessParameter,
    host: { type: 'string', default: '127.0.0.1', doc: 'A server of the volume.' },
    port: { type: 'int', default: 24007, doc: 'Port of that server.' },
    volume: { type: 'string', default: 'gv0', doc: 'Name of the volume.' },
  },
  mirrored: 'external',
  needsSecondary: false,
  storageType: 'gluster',
  growable: true,
  adoptable: 'no',
  fileBased: true,
  volumeGroup: false,
  snapshots: false,
  exclusiveStorage: false,
  userspaceAccess: true,
  convertibleFrom: true,
  convertibleTo: true,
  copyable: false,
  overheadMiB: 0,
  idParts: ['DRIVER', 'ID'],
  layout: ({ fileDriver, unique, index }) => ({
    logicalId: [fileDriver ?? 'loop', `ganeti/${unique}.${index}`],
  }),
};
