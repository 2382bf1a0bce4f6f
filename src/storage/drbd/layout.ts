/** Layout of a DRBD disk: a data and a metadata volume on each of two nodes, and the connection between them. */
import type { DiskLayout, LayoutRequest } from '../contract.ts';

/** MiB of the metadata volume (constants.DRBD_META_SIZE). */
export const metadataSizeMiB = 128;
const lower = 'plain';

export function drbdLayout({
  nodes,
  port,
  minors,
  secret,
  vg,
  metaVg,
  unique,
  index,
  size,
}: LayoutRequest): DiskLayout {
  const [primary = null, secondary = null] = nodes;
  const [primaryMinor = null, secondaryMinor = null] = minors;
  return {
    logicalId: [primary, secondary, port, primaryMinor, secondaryMinor, secret],
    children: [
      { template: lower, size, logicalId: [vg, `${unique}.disk${index}_data`] },
      { template: lower, size: metadataSizeMiB, logicalId: [metaVg ?? vg, `${unique}.disk${index}_meta`] },
    ],
  };
}
