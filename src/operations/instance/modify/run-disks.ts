/** Carries out planned changes of disks, with the running guest told of each where that is possible. */

import { executionFailure } from '../../../kit/failure.ts';
import { formatUnit } from '../../../kit/units.ts';
import type { Configuration } from '../../../model/configuration.ts';
import type { Disk } from '../../../model/objects/disk.ts';
import type { DiskOnNode } from '../../../noderpc/calls/shapes.ts';
import { offlineReason, reasonOf } from '../../../noderpc/reply.ts';
import { storageAbout } from '../../../storage/catalog.ts';
import { diskOnNode } from '../../on-node.ts';
import type { JobHandle } from '../../operation.ts';
import { changeObjects } from '../../steps/changes.ts';
import {
  activateDisks,
  createVolume,
  deactivateDisks,
  removeVolume,
  renameVolumes,
  volumeInfo,
} from '../../steps/disks.ts';
import { waitForSync } from '../../sync.ts';
import { wipeNewDisks } from '../wipe.ts';
import type { DiskAction, Layout } from './disks.ts';
import { plug } from './hotplug.ts';
import type { Told } from './nics.ts';

export interface DiskRun {
  readonly configuration: Configuration;
  /** The guest runs, and its devices can be changed. */
  readonly hotplug: boolean;
  readonly waitForSync: boolean;
}

/** Nodes that have to do with the disk, the primary last. */
function holders(layout: Layout, disk: Disk): string[] {
  const primary = layout.instance.primary_node;
  if (storageAbout(disk.dev_type).mirrored !== 'internal') return [primary];
  return [...disk.nodes.filter((node) => node !== primary), primary];
}

class DiskRunner {
  readonly #run: DiskRun;
  readonly #job: JobHandle;
  readonly #action: DiskAction;

  constructor(run: DiskRun, job: JobHandle, action: DiskAction) {
    this.#run = run;
    this.#job = job;
    this.#action = action;
  }

  async run(): Promise<Told[]> {
    const { kind, told } = this.#action;
    switch (kind) {
      case 'add':
        return [...told, ...(await this.#add())];
      case 'attach':
        return [...told, ...(await this.#attach())];
      case 'modify':
        await this.#commit();
        return [...told];
      case 'remove':
      case 'detach':
        return [...told, ...(await this.#takeAway(kind))];
    }
  }

  #onNode(disk: Disk, node: string): DiskOnNode {
    const { index, before } = this.#action;
    return diskOnNode(this.#run.configuration, before.instance, disk, index, node);
  }

  async #commit(): Promise<void> {
    const { changes, before, kind } = this.#action;
    const label = `${kind} disk of instance ${before.instance.name}`;
    await this.#job.do(changeObjects, { label, changes: [...changes] });
  }

  async #plug(action: 'add' | 'remove'): Promise<Told[]> {
    const { index, result, disk, before, after } = this.#action;
    if (!this.#run.hotplug) return [];
    const { configuration } = this.#run;
    const device = { kind: 'disk', action, uuid: (action === 'add' ? result : disk).uuid, index } as const;
    const outcome = await plug(this.#job, configuration, device, before, after);
    return [[`disk/${index}`, outcome]];
  }

  async #add(): Promise<Told[]> {
    const { before, disk, index } = this.#action;
    const { instance } = before;
    const job = this.#job;
    if (storageAbout(disk.dev_type).mirrored !== 'internal')
      job.say(`* disk ${index}, size ${formatUnit(disk.size, 'h')}`);
    for (const node of holders(before, disk)) {
      await job.do(createVolume, {
        node,
        disk: this.#onNode(disk, node),
        info: volumeInfo(instance.name),
        onPrimary: node === instance.primary_node,
      });
    }
    await this.#commit();
    await wipeNewDisks(job, this.#run.configuration, instance.primary_node, [
      this.#onNode(disk, instance.primary_node),
    ]);
    return await this.#bringUp(disk);
  }

  async #attach(): Promise<Told[]> {
    const { disk, result } = this.#action;
    await this.#move(disk, result);
    await this.#commit();
    return await this.#bringUp(result);
  }

  /** Active as the instance's other disks are, in sync, and in the guest. */
  async #bringUp(disk: Disk): Promise<Told[]> {
    const { before } = this.#action;
    const { instance } = before;
    const job = this.#job;
    for (const node of holders(before, disk)) {
      const asPrimary = node === instance.primary_node;
      const disks = [this.#onNode(disk, node)];
      await job.do(activateDisks, { node, disks, asPrimary, before: 'inactive' as const });
    }
    const told = await this.#plug('add');
    const onPrimary = [this.#onNode(disk, instance.primary_node)];
    const oneShot = !this.#run.waitForSync;
    if (!(await waitForSync(job, instance.name, instance.primary_node, onPrimary, oneShot)) && !oneShot)
      throw executionFailure(`Failed to sync disks of ${instance.name}`);
    if (!instance.disks_active) await this.#bringDown(disk, false);
    return told;
  }

  async #bringDown(disk: Disk, wasActive: boolean): Promise<void> {
    const { before } = this.#action;
    for (const node of holders(before, disk).reverse()) {
      if (this.#run.configuration.nodes.get(node)?.offline) continue;
      const wasPrimary = node === before.instance.primary_node;
      await this.#job.do(deactivateDisks, {
        node,
        disks: [this.#onNode(disk, node)],
        wasPrimary,
        wasActive,
      });
    }
  }

  async #takeAway(kind: 'remove' | 'detach'): Promise<Told[]> {
    const { before, disk, result } = this.#action;
    const told = await this.#plug('remove');
    await this.#bringDown(disk, before.instance.disks_active);
    if (kind === 'detach') await this.#move(disk, result);
    await this.#commit();
    return told;
  }

  /** A file goes where its new logical id says. */
  async #move(from: Disk, to: Disk): Promise<void> {
    if (JSON.stringify(from.logical_id) === JSON.stringify(to.logical_id)) return;
    const node = this.#action.before.instance.primary_node;
    const renames = [{ disk: this.#onNode(from, node), logicalId: [...(to.logical_id ?? [])] }];
    await this.#job.do(renameVolumes, { node, renames });
  }
}

/** @returns what clients are told */
export async function runDiskActions(
  job: JobHandle,
  run: DiskRun,
  actions: readonly DiskAction[],
): Promise<Told[]> {
  const told: Told[] = [];
  for (const action of actions) told.push(...(await new DiskRunner(run, job, action).run()));
  return told;
}

/** The volumes of disks that have left the configuration, after the operation's last `keep`. */
export async function removeOldVolumes(
  job: JobHandle,
  configuration: Configuration,
  actions: readonly DiskAction[],
): Promise<void> {
  for (const { kind, disk, index, before } of actions) {
    if (kind !== 'remove') continue;
    for (const uuid of holders(before, disk)) {
      const node = configuration.nodes.get(uuid);
      const request = diskOnNode(configuration, before.instance, disk, index, uuid);
      try {
        if (node?.offline) throw executionFailure(offlineReason);
        await job.do(removeVolume, { node: uuid, disk: request });
      } catch (error) {
        job.warn(
          `Could not remove disk ${index} on node ${node?.name ?? uuid}, continuing anyway: ${reasonOf(error)}`,
        );
      }
    }
  }
}

/** The steps of `runDiskActions`, without the guest's. */
export const diskActionSteps = [
  createVolume,
  changeObjects,
  activateDisks,
  deactivateDisks,
  renameVolumes,
  removeVolume,
] as const;
