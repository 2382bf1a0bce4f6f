/**
 * Volume groups beside a node's main one (an HDD group next to the SSD group, say). Ganeti's tools know one
 * free-disk figure per node and plan moves that the job then refuses. Here a node whose other volume groups
 * are known takes an instance only when each group the instance needs is there with room.
 *
 * Nodes whose data source tells nothing of other groups are checked as Ganeti checks them.
 */
import type { Instance } from '../terms/instance.ts';
import { Refusal } from '../terms/vocabulary.ts';
import type { NodeTable } from './node-table.ts';

/** MiB that an instance takes of the node's main volume group; of all it has where no others are known. */
export function mainDisk(nodes: NodeTable, node: number, instance: Instance): number {
  return nodes.volumeGroupFree[node] === undefined ? instance.disk : instance.mainDisk;
}

/** A volume group that is missing or too full on the node, with the MiB that are missing. */
export interface VolumeShortage {
  readonly volumeGroup: string;
  /** Undefined when the node has no such group. */
  readonly missing: number | undefined;
}

export function volumeShortage(
  nodes: NodeTable,
  node: number,
  instance: Instance,
): VolumeShortage | undefined {
  const free = nodes.volumeGroupFree[node];
  if (free === undefined || instance.otherVolumes === undefined) return undefined;
  for (const [volumeGroup, needed] of instance.otherVolumes) {
    const there = free.get(volumeGroup);
    if (there === undefined) return { volumeGroup, missing: undefined };
    if (needed >= there) return { volumeGroup, missing: needed - there + 1 };
  }
  return undefined;
}

export function volumesRefused(nodes: NodeTable, node: number, instance: Instance): Refusal {
  return volumeShortage(nodes, node, instance) === undefined ? Refusal.none : Refusal.disk;
}

function change(nodes: NodeTable, node: number, instance: Instance, sign: 1 | -1): void {
  const free = nodes.volumeGroupFree[node];
  if (free === undefined || instance.otherVolumes === undefined) return;
  const changed = new Map(free);
  for (const [volumeGroup, size] of instance.otherVolumes) {
    const there = changed.get(volumeGroup);
    if (there !== undefined) changed.set(volumeGroup, there + sign * size);
  }
  nodes.volumeGroupFree[node] = changed;
}

export function takeVolumes(nodes: NodeTable, node: number, instance: Instance): void {
  change(nodes, node, instance, -1);
}

export function giveVolumes(nodes: NodeTable, node: number, instance: Instance): void {
  change(nodes, node, instance, 1);
}

/** Volume groups beside the main one, by name, summed up over the nodes that tell of them. MiB. */
export function volumeGroupSums(
  nodes: NodeTable,
): ReadonlyMap<string, { readonly nodes: number; readonly total: number; readonly free: number }> {
  const sums = new Map<string, { nodes: number; total: number; free: number }>();
  for (const node of nodes.order) {
    for (const [name, { total }] of nodes.volumeGroups[node] ?? []) {
      const sum = sums.get(name) ?? { nodes: 0, total: 0, free: 0 };
      sum.nodes++;
      sum.total += total;
      sum.free += nodes.volumeGroupFree[node]?.get(name) ?? 0;
      sums.set(name, sum);
    }
  }
  return sums;
}
