/** Another secondary node: made ready beside the old one, met by the primary, filled; then the old one is left. */

import { messageOf } from '../../../kit/failure.ts';
import type { Disk } from '../../../model/objects/disk.ts';
import type { Node } from '../../../model/objects/node.ts';
import type { DiskOnNode } from '../../../noderpc/calls/shapes.ts';
import { offlineReason } from '../../../noderpc/reply.ts';
import { diskOnNode } from '../../on-node.ts';
import type { JobHandle } from '../../operation.ts';
import { changeObjects, difference } from '../../steps/changes.ts';
import { createVolume, deactivateDisks, removeVolume, volumeInfo } from '../../steps/disks.ts';
import { leaveSecondary, meetSecondary } from '../../steps/replace.ts';
import { waitForSync } from '../../sync.ts';
import { requireDisks, requireSynced, requireVolumeGroups, requireWhole } from './checks.ts';
import type { ReplacePlan } from './plan.ts';

function requests(plan: ReplacePlan, which: 'before' | 'after', node: Node): DiskOnNode[] {
  const { configuration, instance, disks } = plan;
  return disks.map((disk) => diskOnNode(configuration, instance, disk[which], disk.index, node.uuid));
}

/** Without addresses a mirror doesn't look for its other side: the primary is still with the old one. */
const alone = (request: DiskOnNode): DiskOnNode => ({ ...request, addresses: {} });

async function prepareNew(plan: ReplacePlan, job: JobHandle, newNode: Node): Promise<void> {
  const info = volumeInfo(plan.instance.name);
  for (const disk of requests(plan, 'after', newNode)) {
    job.info(`activating a new drbd on ${newNode.name} for disk/${disk.index}`);
    await job.do(createVolume, { node: newNode.uuid, disk: alone(disk), info, onPrimary: false });
  }
}

async function shutDownOld(plan: ReplacePlan, job: JobHandle): Promise<void> {
  const { target } = plan;
  for (const disk of requests(plan, 'before', target)) {
    job.info(`Shutting down drbd for disk/${disk.index} on old node`);
    if (target.offline) {
      job.warn(
        `Failed to shutdown drbd for disk/${disk.index} on oldnode: Node is marked offline`,
        'Please cleanup this device manually as soon as possible',
      );
      continue;
    }
    const input = { node: target.uuid, disks: [disk], wasPrimary: false, wasActive: true };
    await job.do(deactivateDisks, input).catch((error: unknown) => {
      job.warn(
        `Failed to shutdown drbd for disk/${disk.index} on oldnode: ${messageOf(error)}`,
        'Please cleanup this device manually as soon as possible',
      );
    });
  }
}

async function removeOld(plan: ReplacePlan, job: JobHandle): Promise<void> {
  const { target } = plan;
  for (const [position, disk] of requests(plan, 'before', target).entries()) {
    job.info(`Remove logical volumes for ${position}`);
    try {
      if (target.offline) throw new Error(offlineReason);
      await job.do(removeVolume, { node: target.uuid, disk });
    } catch (error) {
      job.warn(`Can't remove old LV: ${messageOf(error)}`, 'remove unused LVs manually');
    }
  }
}

export async function replaceSecondary(plan: ReplacePlan, job: JobHandle, newNode: Node): Promise<void> {
  const { instance, disks, primary } = plan;
  job.say('STEP 1/6 Check device existence');
  await requireDisks(plan, job, [primary]);
  await requireVolumeGroups(plan, job, [primary, newNode]);
  job.say('STEP 2/6 Check peer consistency');
  await requireWhole(plan, job, primary, true);
  job.say('STEP 3/6 Allocate new storage');
  for (const { index } of disks) job.info(`Adding new local storage on ${newNode.name} for disk/${index}`);
  job.say('STEP 4/6 Changing drbd configuration');
  await prepareNew(plan, job, newNode);
  await shutDownOld(plan, job);
  job.info('Detaching primary drbds from the network (=> standalone)');
  const onPrimary = requests(plan, 'after', primary);
  await job.do(leaveSecondary, { primary: primary.uuid, disks: requests(plan, 'before', primary) });
  job.info('Updating instance configuration');
  const changes = disks.flatMap(({ before, after }: { before: Disk; after: Disk }) =>
    difference('disks', before, after),
  );
  await job.do(changeObjects, { label: `new secondary of instance ${instance.name}`, changes });
  job.info('Attaching primary drbds to new secondary (standalone => connected)');
  await job.do(meetSecondary, {
    primary: primary.uuid,
    secondary: newNode.uuid,
    onPrimary,
    onSecondary: requests(plan, 'after', newNode),
  });
  if (plan.earlyRelease) {
    job.say('STEP 5/6 Removing old storage');
    await job.keep();
    await removeOld(plan, job);
  }
  job.say(`STEP ${plan.earlyRelease ? 6 : 5}/6 Sync devices`);
  await waitForSync(job, instance.name, primary.uuid, onPrimary);
  await requireSynced(job, primary, onPrimary, (disk) => String(disk.index));
  await job.keep();
  if (plan.earlyRelease) return;
  job.say('STEP 6/6 Removing old storage');
  await removeOld(plan, job);
}
