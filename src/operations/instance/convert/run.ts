/**
 * Carries out a conversion. Whatever the way, the old disks are whole until the new ones stand in the
 * configuration and everything is kept; only then do old volumes go.
 */

import { executionFailure } from '../../../kit/failure.ts';
import { formatUnit } from '../../../kit/units.ts';
import type { Disk } from '../../../model/objects/disk.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import type { DiskOnNode } from '../../../noderpc/calls/shapes.ts';
import { offlineReason, reasonOf } from '../../../noderpc/reply.ts';
import { storageAbout } from '../../../storage/catalog.ts';
import { diskOnNode } from '../../on-node.ts';
import type { JobHandle } from '../../operation.ts';
import { addition, changeObjects, difference, removal } from '../../steps/changes.ts';
import {
  activateDisks,
  copyDisk,
  createVolume,
  deactivateDisks,
  raiseMirror,
  removeVolume,
  renameVolumes,
  volumeInfo,
} from '../../steps/disks.ts';
import { waitForSync } from '../../sync.ts';
import type { ConversionPlan } from './plan.ts';

const nameOf = ({ configuration }: ConversionPlan, uuid: string) =>
  configuration.nodes.get(uuid)?.name ?? uuid;

/** Secondaries of the disks, then the primary. */
function nodesOf(plan: ConversionPlan, disks: readonly Disk[]): string[] {
  const primary = plan.instance.primary_node;
  const mirrored = disks.some((disk) => storageAbout(disk.dev_type).mirrored === 'internal');
  const others = mirrored
    ? [...new Set(disks.flatMap((disk) => disk.nodes))].filter((n) => n !== primary)
    : [];
  return [...others, primary];
}

function onNode(plan: ConversionPlan, disks: readonly Disk[], node: string): DiskOnNode[] {
  return disks.map((disk, index) => diskOnNode(plan.configuration, plan.instance, disk, index, node));
}

/** The instance with its new disks, which are down when all is done. */
export function converted({ instance, newDisks }: ConversionPlan): Instance {
  return { ...instance, disks: newDisks.map((disk) => disk.uuid), disks_active: false };
}

/** The new disks in place of the old ones, in one commit. */
async function exchange(plan: ConversionPlan, job: JobHandle): Promise<void> {
  const { instance, oldDisks, newDisks } = plan;
  await job.do(changeObjects, {
    label: `convert disks of instance ${instance.name}`,
    changes: [
      ...newDisks.map((disk) => addition('disks', disk)),
      ...difference('instances', instance, converted(plan)),
      ...oldDisks.map((disk) => removal('disks', disk)),
    ],
  });
}

async function bringDown(
  plan: ConversionPlan,
  job: JobHandle,
  disks: readonly Disk[],
  wasActive: boolean,
): Promise<void> {
  for (const node of nodesOf(plan, disks).reverse()) {
    if (plan.configuration.nodes.get(node)?.offline) continue;
    const wasPrimary = node === plan.instance.primary_node;
    await job.do(deactivateDisks, { node, disks: onNode(plan, disks, node), wasPrimary, wasActive });
  }
}

async function sync(plan: ConversionPlan, job: JobHandle): Promise<void> {
  const { instance, newDisks } = plan;
  const node = instance.primary_node;
  const oneShot = !plan.waitForSync;
  if (await waitForSync(job, instance.name, node, onNode(plan, newDisks, node), oneShot)) return;
  if (!oneShot) throw executionFailure('There are some degraded disks for this instance');
}

/** Volumes that have left the configuration; what can't be removed is said. */
async function removeVolumes(
  plan: ConversionPlan,
  job: JobHandle,
  node: string,
  disks: readonly Disk[],
): Promise<void> {
  for (const disk of onNode(plan, disks, node)) {
    try {
      if (plan.configuration.nodes.get(node)?.offline) throw executionFailure(offlineReason);
      await job.do(removeVolume, { node, disk });
    } catch (error) {
      job.warn(
        `Could not remove disk ${disk.index} on node ${nameOf(plan, node)}, continuing anyway: ${reasonOf(error)}`,
      );
    }
  }
}

async function raise(plan: ConversionPlan, job: JobHandle): Promise<void> {
  const { instance, oldDisks, newDisks } = plan;
  const primary = instance.primary_node;
  const info = volumeInfo(instance.name);
  job.say('Creating additional volumes...');
  for (const node of nodesOf(plan, newDisks)) {
    const isPrimary = node === primary;
    // The primary has the data already, under another name.
    const parts = isPrimary ? newDisks.map((disk) => disk.children!.at(-1)!) : newDisks;
    for (const disk of onNode(plan, parts, node))
      await job.do(createVolume, { node, disk, info, onPrimary: isPrimary });
  }
  job.say('Renaming original volumes...');
  await job.do(renameVolumes, {
    node: primary,
    renames: onNode(plan, oldDisks, primary).map((disk, index) => ({
      disk,
      logicalId: [...(newDisks[index]!.children![0]!.logical_id ?? [])],
    })),
  });
  job.say('Initializing DRBD devices...');
  for (const disk of onNode(plan, newDisks, primary))
    await job.do(raiseMirror, { node: primary, disk, info });
  await exchange(plan, job);
  await sync(plan, job);
  await job.keep();
  if (plan.waitForSync) await bringDown(plan, job, newDisks, true);
}

async function lower(plan: ConversionPlan, job: JobHandle): Promise<void> {
  const { instance, oldDisks } = plan;
  const primary = instance.primary_node;
  await bringDown(plan, job, oldDisks, instance.disks_active);
  await exchange(plan, job);
  await job.keep();
  job.say('Removing volumes on the secondary node...');
  for (const node of nodesOf(plan, oldDisks)) {
    if (node !== primary) await removeVolumes(plan, job, node, oldDisks);
  }
  job.say('Removing unneeded volumes on the primary node...');
  await removeVolumes(
    plan,
    job,
    primary,
    oldDisks.map((disk) => disk.children!.at(-1)!),
  );
}

async function copy(plan: ConversionPlan, job: JobHandle): Promise<void> {
  const { instance, oldDisks, newDisks, oldTemplate, newTemplateShown: shown } = plan;
  const primary = instance.primary_node;
  const info = volumeInfo(instance.name);
  job.say(`Generating new '${shown}' disk template...`);
  for (const [index, disk] of newDisks.entries()) {
    if (storageAbout(disk.dev_type).mirrored !== 'internal')
      job.say(`* disk ${index}, size ${formatUnit(disk.size, 'h')}`);
  }
  job.say(`Creating new empty disks of type '${shown}'...`);
  for (const node of nodesOf(plan, newDisks)) {
    for (const disk of onNode(plan, newDisks, node))
      await job.do(createVolume, { node, disk, info, onPrimary: node === primary });
  }
  for (const disks of [oldDisks, newDisks]) {
    for (const node of nodesOf(plan, disks)) {
      const input = { node, disks: onNode(plan, disks, node), asPrimary: node === primary };
      const before = disks === oldDisks && instance.disks_active ? 'secondary' : 'inactive';
      await job.do(activateDisks, { ...input, before: before as 'secondary' | 'inactive' });
    }
  }
  job.say(`Populating the new empty disks of type '${shown}'...`);
  const sources = onNode(plan, oldDisks, primary);
  for (const target of onNode(plan, newDisks, primary)) {
    const source = sources[target.index]!;
    const size = formatUnit(target.disk.size, 'h');
    job.say(` - copying data from disk ${target.index} (${source.disk.dev_type}), size ${size}`);
    const targetIsEmpty = storageAbout(target.disk.dev_type).fileBased;
    await job.do(copyDisk, { node: primary, source, target, targetIsEmpty });
  }
  await bringDown(plan, job, oldDisks, true);
  job.say(`Detaching old disks (${oldTemplate}) from the instance and removing them from cluster config`);
  job.say(`Adding new disks (${shown}) to cluster config and attaching them to the instance`);
  await exchange(plan, job);
  await sync(plan, job);
  await job.keep();
  if (plan.waitForSync) await bringDown(plan, job, newDisks, true);
  await job.keep();
  job.say(`Removing old block devices of type '${oldTemplate}'...`);
  for (const node of nodesOf(plan, oldDisks)) await removeVolumes(plan, job, node, oldDisks);
}

/** Runs it to the end; what has happened before is kept with it. */
export async function convert(plan: ConversionPlan, job: JobHandle): Promise<void> {
  job.say(`Converting disk template from '${plan.oldTemplate}' to '${plan.newTemplateShown}'`);
  await { raise, lower, copy }[plan.way](plan, job);
}

export const conversionSteps = [
  createVolume,
  renameVolumes,
  raiseMirror,
  changeObjects,
  deactivateDisks,
  activateDisks,
  copyDisk,
  removeVolume,
] as const;
