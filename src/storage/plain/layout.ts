/** Layout of a plain disk: one logical volume, its own or one that is adopted. */
import type { DiskLayout, LayoutRequest } from '../contract.ts';

export function plainLayout({ vg, unique, index, adopt }: LayoutRequest): DiskLayout {
  return { logicalId: [vg, adopt ?? `${unique}.disk${index}`] };
}
