/** Layout of an adopted block device. */
import type { DiskLayout, LayoutRequest } from '../contract.ts';

export function blockdevLayout({ adopt }: LayoutRequest): DiskLayout {
  return { logicalId: ['manual', adopt] };
}
