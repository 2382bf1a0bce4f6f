/** Storage behind a provider's scripts (man page ganeti-extstorage-interface). */
import { accessParameter } from '../access.ts';
import type { StorageAbout } from '../contract.ts';

export const about: StorageAbout = {
  name: 'ext',
  params: { access: accessParameter },
  mirrored: 'external',
  needsSecondary: false,
  storageType: 'ext',
  growable: true,
  adoptable: 'no',
  fileBased: false,
  volumeGroup: false,
  snapshots: true,
  exclusiveStorage: false,
  userspaceAccess: true,
  convertibleFrom: true,
  convertibleTo: true,
  copyable: false,
  overheadMiB: 0,
  idParts: ['PROVIDER', 'ID'],
  providers: true,
  layout: ({ unique, index, provider }) => ({ logicalId: [provider, `${unique}.ext.disk${index}`] }),
};
