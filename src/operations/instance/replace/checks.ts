/** What is looked at before and after storage is replaced. */

import { executionFailure } from '../../../kit/failure.ts';
import type { Node } from '../../../model/objects/node.ts';
import { blockdevFind, type DiskStatus } from '../../../noderpc/calls/disk.ts';
import { vgList } from '../../../noderpc/calls/node.ts';
import type { DiskOnNode } from '../../../noderpc/calls/shapes.ts';
import { reasonOf } from '../../../noderpc/reply.ts';
import { diskOnNode } from '../../on-node.ts';
import type { JobHandle } from '../../operation.ts';
import type { ReplacePlan } from './plan.ts';

const hint =
  '\nDisks seem to be not properly activated. Try running activate-disks on the instance before using replace-disks.';

function requests({ configuration, instance, disks }: ReplacePlan, node: Node): DiskOnNode[] {
  return disks.map(({ before, index }) => diskOnNode(configuration, instance, before, index, node.uuid));
}

async function find(job: JobHandle, node: Node, disk: DiskOnNode): Promise<DiskStatus> {
  let found: DiskStatus | null;
  try {
    found = await job.world.nodes.call(node.uuid, blockdevFind, { disk });
  } catch (error) {
    throw executionFailure(
      `Can't find disk/${disk.index} on node ${node.name}: ${reasonOf(error)}${hint}`,
      error,
    );
  }
  if (found !== null) return found;
  throw executionFailure(`Can't find disk/${disk.index} on node ${node.name}: disk not found${hint}`);
}

/** Every disk is active on each of the nodes. */
export async function requireDisks(plan: ReplacePlan, job: JobHandle, nodes: readonly Node[]): Promise<void> {
  for (const { index } of plan.disks) {
    for (const node of nodes) {
      job.info(`Checking disk/${index} on ${node.name}`);
      const disk = requests(plan, node).find((request) => request.index === index)!;
      await find(job, node, disk);
    }
  }
}

/** The volume groups of the disks are on each of the nodes. */
export async function requireVolumeGroups(
  plan: ReplacePlan,
  job: JobHandle,
  nodes: readonly Node[],
): Promise<void> {
  job.info('Checking volume groups');
  const wanted = new Set(
    plan.disks.flatMap(({ before }) => (before.children ?? []).map((child) => String(child.logical_id?.[0]))),
  );
  for (const node of nodes) {
    const groups = await job.world.nodes.call(node.uuid, vgList, {});
    for (const group of wanted) {
      if (group in groups) continue;
      throw executionFailure(`Volume group '${group}' not found on node ${node.name}`);
    }
  }
}

/**
 * The data that is going to be copied is whole.
 * @param localOnly the other node may be missing; otherwise it has to be connected, and its storage alone may
 *   be broken
 */
export async function requireWhole(
  plan: ReplacePlan,
  job: JobHandle,
  node: Node,
  localOnly: boolean,
): Promise<void> {
  for (const disk of requests(plan, node)) {
    job.info(`Checking disk/${disk.index} consistency on node ${node.name}`);
    const status = await find(job, node, disk);
    if (localOnly ? status.localDisk === 'okay' : !status.degraded) continue;
    throw executionFailure(
      `Node ${node.name} has degraded storage, unsafe to replace disks for instance ${plan.instance.name}`,
    );
  }
}

/** After the sync nothing may be degraded any more. */
export async function requireSynced(
  job: JobHandle,
  node: Node,
  disks: readonly DiskOnNode[],
  nameOf: (disk: DiskOnNode) => string,
): Promise<void> {
  for (const disk of disks) {
    const found = await job.world.nodes.call(node.uuid, blockdevFind, { disk });
    if (found === null) throw executionFailure(`Can't find DRBD device ${nameOf(disk)}: disk not found`);
    if (found.degraded) throw executionFailure(`DRBD device ${nameOf(disk)} is degraded!`);
  }
}
