/** The names of file-based disks: <folder of the instance>/<unique>.<template>.disk<n>. */
import type { StorageAbout } from './contract.ts';

export function fileLayout(template: string): NonNullable<StorageAbout['layout']> {
  return ({ fileDriver, directory, unique, index }) => ({
    logicalId: [fileDriver ?? 'loop', `${directory}/${unique}.${template}.disk${index}`],
  });
}
