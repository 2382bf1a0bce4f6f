/** Layout of a RADOS block device: one image of the pool. */
import type { DiskLayout, LayoutRequest } from '../contract.ts';

export function rbdLayout({ unique, index }: LayoutRequest): DiskLayout {
  return { logicalId: ['rbd', `${unique}.rbd.disk${index}`] };
}
