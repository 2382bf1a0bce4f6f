/** Layout of a shared file disk: one file in the instance's folder of the shared storage. */
import type { DiskLayout, LayoutRequest } from '../contract.ts';

export function sharedFileLayout({ directory, fileDriver, unique, index }: LayoutRequest): DiskLayout {
  return { logicalId: [fileDriver ?? 'loop', `${directory}/${unique}.sharedfile.disk${index}`] };
}
