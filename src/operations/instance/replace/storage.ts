/** New volumes for mirrors on the node where they are: made, filled by the other node, the old ones removed. */

import { executionFailure, messageOf } from '../../../kit/failure.ts';
import type { Disk } from '../../../model/objects/disk.ts';
import { blockdevFind, blockdevStatus } from '../../../noderpc/calls/disk.ts';
import type { DiskOnNode } from '../../../noderpc/calls/shapes.ts';
import { reasonOf } from '../../../noderpc/reply.ts';
import { diskOnNode } from '../../on-node.ts';
import type { JobHandle } from '../../operation.ts';
import { createVolume, removeVolume, volumeInfo } from '../../steps/disks.ts';
import { connectMirrors, swapStorage } from '../../steps/replace.ts';
import { waitForSync } from '../../sync.ts';
import { requireDisks, requireSynced, requireVolumeGroups, requireWhole } from './checks.ts';
import type { ReplacedDisk, ReplacePlan } from './plan.ts';

type LogicalId = NonNullable<Disk['logical_id']>;

interface Volume {
  readonly lasting: DiskOnNode;
  readonly aside: DiskOnNode;
  readonly spare: DiskOnNode;
}

function renamed(disk: Disk, name: (old: string) => string): Disk {
  const [group, old] = disk.logical_id ?? [];
  return { ...disk, logical_id: [group ?? null, name(String(old))] as LogicalId };
}

/** The volumes of a disk on the node, under the three names that they have on the way. */
function volumesOf(plan: ReplacePlan, disk: ReplacedDisk, unique: string): Volume[] {
  const { configuration, instance, target, now } = plan;
  const request = (volume: Disk) => diskOnNode(configuration, instance, volume, disk.index, target.uuid);
  return (disk.before.children ?? []).map((child, position) => ({
    lasting: request(child),
    aside: request(renamed(child, (old) => `${old}_replaced-${now}`)),
    spare: request(renamed(child, () => `${unique}.disk${disk.index}_${position === 0 ? 'data' : 'meta'}`)),
  }));
}

async function removeOld(
  job: JobHandle,
  plan: ReplacePlan,
  volumes: readonly (readonly Volume[])[],
): Promise<void> {
  for (const [position, list] of volumes.entries()) {
    job.info(`Remove logical volumes for disk/${plan.disks[position]!.index}`);
    for (const { aside } of list) {
      try {
        await job.do(removeVolume, { node: plan.target.uuid, disk: aside });
      } catch (error) {
        job.warn(`Can't remove old LV: ${messageOf(error)}`, 'remove unused LVs manually');
      }
    }
  }
}

async function swap(plan: ReplacePlan, job: JobHandle, disk: ReplacedDisk, volumes: readonly Volume[]) {
  const { configuration, instance, target, primary } = plan;
  const node = target.uuid;
  const found: boolean[] = [];
  for (const { lasting } of volumes)
    found.push((await job.world.nodes.call(node, blockdevFind, { disk: lasting })) !== null);
  job.info(`Detaching disk/${disk.index} drbd from local storage`);
  job.info('Renaming the old LVs on the target node');
  job.info('Renaming the new LVs on the target node');
  job.info(`Adding new mirror component on ${target.name}`);
  try {
    await job.do(swapStorage, {
      node,
      disk: diskOnNode(configuration, instance, disk.before, disk.index, node),
      asPrimary: node === primary.uuid,
      volumes: volumes.map((volume, position) => ({ ...volume, wasThere: found[position]! })),
    });
  } catch (error) {
    throw executionFailure(
      `Can't give disk/${disk.index} new storage on node ${target.name}: ${reasonOf(error)}`,
      error,
    );
  }
}

/** Sides that had refused each other have no reason left when one of them begins anew. */
async function reconnect(
  { configuration, instance, disks, primary, secondary }: ReplacePlan,
  job: JobHandle,
) {
  const on = (node: string) =>
    disks.map(({ before, index }) => diskOnNode(configuration, instance, before, index, node));
  const onPrimary = on(primary.uuid);
  const statuses = await job.world.nodes.call(primary.uuid, blockdevStatus, { disks: onPrimary });
  const apart = statuses.flatMap((status, position) =>
    status?.details.connected === false ? [position] : [],
  );
  if (apart.length === 0) return;
  const chosen = (list: readonly DiskOnNode[]) => apart.map((position) => list[position]!);
  job.info(`Connecting disk(s) ${apart.map((position) => disks[position]!.index).join(', ')} again`);
  await job.do(connectMirrors, {
    primary: primary.uuid,
    secondary: secondary.uuid,
    onPrimary: chosen(onPrimary),
    onSecondary: chosen(on(secondary.uuid)),
  });
}

export async function replaceStorage(plan: ReplacePlan, job: JobHandle): Promise<void> {
  const { configuration, instance, disks, target, other, primary } = plan;
  job.say('STEP 1/6 Check device existence');
  await requireDisks(plan, job, [other, target]);
  await requireVolumeGroups(plan, job, [target, other]);
  job.say('STEP 2/6 Check peer consistency');
  // What the guest writes to is what counts, be the other side there or not.
  await requireWhole(plan, job, other, other.uuid === primary.uuid);
  job.say('STEP 3/6 Allocate new storage');
  const volumes = disks.map((disk, position) => volumesOf(plan, disk, plan.unique[position]!));
  const info = volumeInfo(instance.name);
  for (const [position, list] of volumes.entries()) {
    job.info(`Adding storage on ${target.name} for disk/${disks[position]!.index}`);
    for (const { spare } of list)
      await job.do(createVolume, { node: target.uuid, disk: spare, info, onPrimary: true });
  }
  job.say('STEP 4/6 Changing drbd configuration');
  for (const [position, disk] of disks.entries()) await swap(plan, job, disk, volumes[position]!);
  await reconnect(plan, job);
  if (plan.earlyRelease) {
    job.say('STEP 5/6 Removing old storage');
    await job.keep();
    await removeOld(job, plan, volumes);
  }
  job.say(`STEP ${plan.earlyRelease ? 6 : 5}/6 Sync devices`);
  const onPrimary = disks.map(({ before, index }) =>
    diskOnNode(configuration, instance, before, index, primary.uuid),
  );
  await waitForSync(job, instance.name, primary.uuid, onPrimary);
  await requireSynced(job, primary, onPrimary, (disk) => `disk/${disk.index}`);
  await job.keep();
  if (plan.earlyRelease) return;
  job.say('STEP 6/6 Removing old storage');
  await removeOld(job, plan, volumes);
}
