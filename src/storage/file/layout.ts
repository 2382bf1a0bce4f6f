/** Layout of a file disk: one file in the instance's folder. */
import type { DiskLayout, LayoutRequest } from '../contract.ts';

export function fileLayout({ directory, fileDriver, unique, index }: LayoutRequest): DiskLayout {
  return { logicalId: [fileDriver ?? 'loop', `${directory}/${unique}.file.disk${index}`] };
}
