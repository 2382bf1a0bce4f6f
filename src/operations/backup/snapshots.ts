/** Snapshots of an instance's disks for the time of an export. Nothing of them enters the configuration. */

import type { Configuration } from '../../model/configuration.ts';
import { disksOf } from '../../model/lookup.ts';
import type { Disk } from '../../model/objects/disk.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { DiskOnNode } from '../../noderpc/calls/shapes.ts';
import { reasonOf } from '../../noderpc/reply.ts';
import { storageAbout } from '../../storage/catalog.ts';
import { diskOnNode } from '../on-node.ts';
import type { JobHandle, PlanContext } from '../operation.ts';
import { activateDisks, deactivateDisks } from '../steps/disks.ts';
import { removeSnapshot, takeSnapshot } from '../steps/transfer.ts';
import { randomHex } from '../transfer/authority.ts';

/** Can every disk of the instance be copied while it is written? */
export function snapshotsArePossible(configuration: Configuration, instance: Instance): boolean {
  return disksOf(configuration, instance).every((disk) => storageAbout(disk.dev_type).snapshots);
}

/** The volume that a snapshot is taken of: a mirror's is that of its data below. */
function leafOf(disk: Disk): Disk {
  const [data] = disk.children ?? [];
  return data === undefined ? disk : leafOf(data);
}

/** One a disk, named before it exists. The name differs from every other, so that nobody's is taken for it. */
export function planSnapshots(context: PlanContext, instance: Instance): Disk[] {
  const { configuration, reservations, owner } = context;
  const suffix = randomHex(4);
  return disksOf(configuration, instance).map((disk): Disk => {
    const leaf = leafOf(disk);
    const [place = null, volume] = leaf.logical_id ?? [];
    return {
      ...leaf,
      uuid: reservations.generateUuid(owner),
      size: disk.size,
      iv_name: disk.iv_name,
      name: disk.name,
      logical_id: [place, `${String(volume)}.snap-${suffix}`],
      params: { ...disk.params },
      nodes: [instance.primary_node],
      children: [],
    };
  });
}

/** As the node must see it: under a name of its own, so that it never takes the place of the guest's disk. */
export function snapshotOnNode(
  configuration: Configuration,
  instance: Instance,
  snapshot: Disk,
  index: number,
): DiskOnNode {
  const owner = { name: `${instance.name}.snapshot`, uuid: instance.uuid };
  return diskOnNode(configuration, owner, snapshot, index, instance.primary_node);
}

export interface SnapshotPlan {
  readonly configuration: Configuration;
  readonly instance: Instance;
  readonly snapshots: readonly Disk[];
}

/** @returns false when one can't be taken; then none is left */
export async function takeSnapshots(plan: SnapshotPlan, job: JobHandle): Promise<boolean> {
  const { configuration, instance, snapshots } = plan;
  const node = instance.primary_node;
  const name = configuration.nodes.get(node)!.name;
  const requests = snapshots.map((snapshot, index) =>
    snapshotOnNode(configuration, instance, snapshot, index),
  );
  for (const [index, disk] of disksOf(configuration, instance).entries()) {
    job.say(`Creating a snapshot of disk/${index} on node ${name}`);
    const request = diskOnNode(configuration, instance, disk, index, node);
    try {
      await job.do(takeSnapshot, { node, disk: request, snapshot: requests[index]! });
    } catch (error) {
      job.signal.throwIfAborted();
      job.warn(`Could not snapshot disk/${index} on node ${name}: ${reasonOf(error)}`);
      for (const snapshot of requests.slice(0, index + 1)) await job.do(removeSnapshot, { node, snapshot });
      return false;
    }
  }
  const before = 'inactive' as const;
  await job.do(activateDisks, { node, disks: requests, asPrimary: true, before });
  return true;
}

/** The snapshot has been read. What can't be removed now is removed by an undo, or stays and is told. */
export async function dropSnapshot(plan: SnapshotPlan, index: number, job: JobHandle): Promise<void> {
  const { configuration, instance } = plan;
  const node = instance.primary_node;
  const name = configuration.nodes.get(node)!.name;
  const snapshot = snapshotOnNode(configuration, instance, plan.snapshots[index]!, index);
  job.say(`Removing snapshot of disk/${index} on node ${name}`);
  await job.do(deactivateDisks, { node, disks: [snapshot], wasPrimary: true, wasActive: false });
  await job.do(removeSnapshot, { node, snapshot });
}

export const snapshotSteps = [takeSnapshot, activateDisks, deactivateDisks, removeSnapshot] as const;
