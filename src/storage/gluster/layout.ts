/** Layout of a Gluster disk: one file of the volume. */
import type { DiskLayout, LayoutRequest } from '../contract.ts';

export function glusterLayout({ fileDriver, unique, index }: LayoutRequest): DiskLayout {
  return { logicalId: [fileDriver ?? 'loop', `ganeti/${unique}.gluster.disk${index}`] };
}
