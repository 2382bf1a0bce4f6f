/** Makes a planned instance. Until the last step has succeeded all of it is undone on failure. */

import { executionFailure, messageOf } from '../../../kit/failure.ts';
import { formatUnit } from '../../../kit/units.ts';
import type { DiskOnNode } from '../../../noderpc/calls/shapes.ts';
import { reasonOf } from '../../../noderpc/reply.ts';
import { disksOnNode, instanceOnNode } from '../../on-node.ts';
import type { JobHandle } from '../../operation.ts';
import { changeObjects, difference } from '../../steps/changes.ts';
import { addInstance, runStateOf, setRunState } from '../../steps/configuration.ts';
import {
  activateDisks,
  createVolume,
  deactivateDisks,
  pauseSync,
  renameVolumes,
  volumeInfo,
} from '../../steps/disks.ts';
import { installOs, startInstance } from '../../steps/instance.ts';
import { waitForSync } from '../../sync.ts';
import { installInHelper, installSteps } from '../helper/install.ts';
import { imageSteps, writeOsImage } from '../image.ts';
import { wipeDisks, wipeSteps } from '../wipe.ts';
import { importDisks, importSteps } from './import.ts';
import type { CreatePlan } from './plan.ts';

function onNode({ configuration, instance, disks }: CreatePlan, node: string): DiskOnNode[] {
  return disksOnNode(configuration, instance, node, disks);
}

/** The adopted volumes get the names of the instance's disks. */
async function adoptVolumes(plan: CreatePlan, job: JobHandle): Promise<void> {
  const node = plan.nodes[0]!.uuid;
  const renames = onNode(plan, node).map((disk, index) => {
    const [group = null] = disk.disk.logical_id ?? [];
    const adopted = { ...disk.disk, logical_id: [group, plan.adopted[index]!] };
    return { disk: { ...disk, disk: adopted }, logicalId: [...(disk.disk.logical_id ?? [])] };
  });
  try {
    await job.do(renameVolumes, { node, renames });
  } catch (error) {
    throw executionFailure(`Failed to rename adoped LVs: ${messageOf(error)}`, error);
  }
}

async function makeDisks(plan: CreatePlan, job: JobHandle): Promise<void> {
  const { instance, disks, nodes, about } = plan;
  if (plan.reserved === undefined && about.mirrored !== 'internal')
    for (const [index, disk] of disks.entries())
      job.say(`* disk ${index}, size ${formatUnit(disk.size, 'h')}`);
  if (plan.adopted.length > 0) return await adoptVolumes(plan, job);
  if (plan.forthcoming) return job.say('Instance is forthcoming, not creating disks');
  // Devices that are managed elsewhere are there already.
  if (about.adoptable === 'must') return;
  job.say('* creating instance disks...');
  // The secondary first, so that the primary finds its peer waiting.
  for (const node of [...nodes].reverse()) {
    for (const disk of onNode(plan, node.uuid)) {
      const onPrimary = node === nodes[0];
      await job.do(createVolume, { node: node.uuid, disk, info: volumeInfo(instance.name), onPrimary });
    }
  }
}

/** Writes instance and disks into the configuration, or what was reserved there as made. */
async function commit(plan: CreatePlan, job: JobHandle): Promise<void> {
  const { instance, disks, ports, reserved } = plan;
  job.say(`adding instance ${instance.name} to cluster config`);
  job.say('adding disks to cluster config');
  if (reserved === undefined) {
    await job.do(addInstance, { instance, disks: [...disks], ports: [...ports] });
    return;
  }
  await job.do(changeObjects, {
    label: `make reserved instance ${instance.name}`,
    changes: [
      ...difference('instances', reserved.instance, instance),
      ...disks.flatMap((disk, index) => difference('disks', reserved.disks[index]!, disk)),
    ],
  });
}

async function bringDisksUp(plan: CreatePlan, job: JobHandle): Promise<void> {
  const { instance, nodes } = plan;
  const after = { disks_active: true };
  await job.do(setRunState, { uuid: instance.uuid, before: runStateOf(instance), after });
  for (const node of [...nodes].reverse()) {
    await job.do(activateDisks, {
      node: node.uuid,
      disks: onNode(plan, node.uuid),
      asPrimary: node === nodes[0],
      before: 'inactive' as const,
    });
  }
}

async function wipe(plan: CreatePlan, job: JobHandle): Promise<void> {
  if (!plan.configuration.cluster.prealloc_wipe_disks || plan.adopted.length > 0) return;
  if (plan.about.adoptable === 'must') return;
  job.say('* wiping instance disks...');
  const primary = plan.nodes[0]!.uuid;
  await wipeDisks(job, primary, onNode(plan, primary));
}

async function syncDisks(plan: CreatePlan, job: JobHandle): Promise<void> {
  const { instance, nodes } = plan;
  const primary = nodes[0]!.uuid;
  const oneShot = !plan.waitForSync;
  if (oneShot && plan.about.mirrored === 'no') return;
  if (oneShot && plan.about.mirrored === 'internal') job.say('* checking mirrors status');
  if (!(await waitForSync(job, instance.name, primary, onNode(plan, primary), oneShot)) && !oneShot) {
    throw executionFailure('There are some degraded disks for this instance');
  }
}

/** The create script, on the node or, where the node doesn't trust it, in a helper virtual machine. */
async function runScripts(plan: CreatePlan, job: JobHandle): Promise<void> {
  const { configuration, instance, disks, installer, secretParameters, secretNames, debug } = plan;
  const { uuid: node, name } = plan.nodes[0]!;
  if (installer !== undefined) {
    const wish = { reinstall: false, debug, secretParameters, secretNames };
    await installInHelper(installer, { configuration, instance, disks }, wish, job);
    return;
  }
  job.say('* running the instance OS create scripts...');
  try {
    await job.do(installOs(secretParameters, secretNames), {
      node,
      instance: instanceOnNode(configuration, instance, node, { disks }),
      reinstall: false,
      debug,
    });
  } catch (error) {
    throw executionFailure(
      `Could not add os for instance ${instance.name} on node ${name}: ${reasonOf(error)}`,
      error,
    );
  }
}

/** A mirror doesn't copy while the system is installed, unless it has been waited for. */
async function install(plan: CreatePlan, job: JobHandle): Promise<void> {
  const { about } = plan;
  const node = plan.nodes[0]!;
  const pauses = !plan.waitForSync && about.mirrored === 'internal';
  const input = { node: node.uuid, disks: onNode(plan, node.uuid) };
  if (plan.waitForSync) await syncDisks(plan, job);
  if (pauses) {
    job.say('* pausing disk sync to install instance OS');
    await job.do(pauseSync, { ...input, pause: true });
  }
  await runScripts(plan, job);
  if (pauses) {
    job.say('* resuming disk sync');
    await job.do(pauseSync, { ...input, pause: false });
  }
}

async function writeImage(plan: CreatePlan, image: string, job: JobHandle): Promise<void> {
  const { uuid: node, name: nodeName } = plan.nodes[0]!;
  job.say('* imaging instance disks...');
  await writeOsImage(job, image, { instance: plan.instance.name, node, nodeName, disks: onNode(plan, node) });
}

async function start(plan: CreatePlan, job: JobHandle): Promise<void> {
  const { configuration, instance, disks, nodes } = plan;
  const node = nodes[0]!.uuid;
  await job.do(setRunState, {
    uuid: instance.uuid,
    before: { ...runStateOf(instance), disks_active: disks.length > 0 },
    after: { admin_state: 'up', disks_active: true },
  });
  job.say('* starting instance...');
  await job.do(startInstance, {
    node,
    instance: instanceOnNode(configuration, instance, node, { disks }),
    paused: false,
    wasRunning: false,
  });
}

async function leaveStopped(plan: CreatePlan, job: JobHandle): Promise<void> {
  const { instance, disks, nodes } = plan;
  if (disks.length === 0) return;
  for (const node of nodes) {
    await job.do(deactivateDisks, {
      node: node.uuid,
      disks: onNode(plan, node.uuid),
      wasPrimary: node === nodes[0],
      // Should it all be undone, the disks go: there is nothing to activate again.
      wasActive: false,
    });
  }
  await job.do(setRunState, {
    uuid: instance.uuid,
    before: { ...runStateOf(instance), disks_active: true },
    after: { disks_active: false },
  });
}

/** @returns names of its nodes, the primary first */
export async function create(plan: CreatePlan, job: JobHandle): Promise<string[]> {
  const names = plan.nodes.map((node) => node.name);
  await makeDisks(plan, job);
  await commit(plan, job);
  if (plan.forthcoming) {
    job.say('Instance is forthcoming; not creating the actual instance');
    await job.keep();
    return names;
  }
  if (plan.disks.length > 0) {
    await bringDisksUp(plan, job);
    await wipe(plan, job);
    await syncDisks(plan, job);
  }
  if (plan.origin !== undefined && plan.disks.length > 0) await importDisks(plan, plan.origin, job);
  if (plan.image !== undefined) await writeImage(plan, plan.image, job);
  if (plan.installOs) await install(plan, job);
  if (plan.start) await start(plan, job);
  else await leaveStopped(plan, job);
  await job.keep();
  return names;
}

export const createSteps = [
  ...new Set([
    createVolume,
    renameVolumes,
    addInstance,
    changeObjects,
    setRunState,
    activateDisks,
    deactivateDisks,
    installOs({}),
    startInstance,
    ...wipeSteps,
    ...installSteps,
    ...imageSteps,
    ...importSteps,
  ]),
];
