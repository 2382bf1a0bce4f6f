/** Layout of a disk of an external storage provider: one volume. */
import type { DiskLayout, LayoutRequest } from '../contract.ts';

export function extLayout({ provider, unique, index }: LayoutRequest): DiskLayout {
  return { logicalId: [provider, `${unique}.ext.disk${index}`] };
}
