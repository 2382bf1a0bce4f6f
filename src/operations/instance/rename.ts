/**
 * OP_INSTANCE_RENAME: the name in the configuration, in the paths of file-based disks, in the tags of
 * volumes, and, by the OS definition's script, inside the guest.
 */

import { posix } from 'node:path';
import { ErrorCode, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import { disksOf, instanceNamed, nodesOf } from '../../model/lookup.ts';
import type { Disk } from '../../model/objects/disk.ts';
import type { Instance } from '../../model/objects/instance.ts';
import { reasonOf } from '../../noderpc/reply.ts';
import { InstanceRename } from '../../opcodes/instance.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { storageAbout } from '../../storage/catalog.ts';
import { primaryOf, requireOnline } from '../checks.ts';
import { instanceHooks } from '../hooks-environment.ts';
import { disksOnNode, instanceOnNode } from '../on-node.ts';
import { type JobHandle, operation, type PlanContext } from '../operation.ts';
import { changeObjects, difference, type ObjectChange } from '../steps/changes.ts';
import { renameVolumes, setDiskInfo, volumeInfo } from '../steps/disks.ts';
import { runRenameScript } from '../steps/instance.ts';
import { activitySteps, whileActive } from './disk-activity.ts';
import { instanceLocks } from './locks.ts';
import { checkedName } from './name.ts';
import { notRunning, requireState } from './state.ts';

type Op = OpcodeOf<typeof InstanceRename>;

interface RenamePlan {
  readonly configuration: Configuration;
  readonly instance: Instance;
  readonly renamed: Instance;
  /** Each disk as it is and as it will be. */
  readonly disks: readonly { readonly before: Disk; readonly after: Disk }[];
  readonly changes: readonly ObjectChange[];
  readonly primary: string;
  readonly debug: number;
}

/** The disk with the new name in its path, when the old one is there. */
function renamedDisk(disk: Disk, oldName: string, newName: string): Disk {
  const [driver, path] = disk.logical_id ?? [];
  if (!storageAbout(disk.dev_type).fileBased || typeof path !== 'string' || driver === undefined) return disk;
  const folder = posix.dirname(path);
  if (posix.basename(folder) !== oldName) return disk;
  return {
    ...disk,
    logical_id: [driver, posix.join(posix.dirname(folder), newName, posix.basename(path))],
  };
}

async function plan(op: Op, context: PlanContext): Promise<RenamePlan> {
  const { configuration } = context;
  const instance = instanceNamed(configuration, op.instance_name);
  if (op.ip_check && !op.name_check) {
    throw prerequisiteFailure('IP address check requires a name check', ErrorCode.invalid);
  }
  const { name } = await checkedName(context, {
    name: op.new_name,
    nameCheck: op.name_check,
    ipCheck: op.ip_check,
  });
  if (name !== instance.name && configuration.instances.byName(name) !== undefined) {
    throw prerequisiteFailure(`Instance '${name}' is already in the cluster`, ErrorCode.exists);
  }
  if (!instance.forthcoming) {
    requireOnline(primaryOf(configuration, instance));
    await requireState(context, instance, notRunning, 'cannot rename');
  }
  const disks = disksOf(configuration, instance).map((disk) => ({
    before: disk,
    after: renamedDisk(disk, instance.name, name),
  }));
  const renamed = { ...instance, name };
  return {
    configuration,
    instance,
    renamed,
    disks,
    changes: [
      ...difference('instances', instance, renamed),
      ...disks.flatMap(({ before, after }) => difference('disks', before, after)),
    ],
    primary: configuration.nodes.get(instance.primary_node)?.name ?? '',
    debug: op.debug_level ?? 0,
  };
}

/** Files go where their new paths say. */
async function moveFiles({ configuration, instance, disks }: RenamePlan, job: JobHandle): Promise<void> {
  for (const node of nodesOf(configuration, instance)) {
    const requests = disksOnNode(configuration, instance, node);
    const renames = disks.flatMap(({ before, after }, index) =>
      before === after || !before.nodes.includes(node)
        ? []
        : [{ disk: requests[index]!, logicalId: [...(after.logical_id ?? [])] }],
    );
    if (renames.length > 0) await job.do(renameVolumes, { node, renames });
  }
}

/** Tags of the volumes; a node that can't do it is no reason to fail. */
async function tellStorage({ configuration, instance, renamed }: RenamePlan, job: JobHandle): Promise<void> {
  for (const uuid of nodesOf(configuration, instance)) {
    const node = configuration.nodes.get(uuid);
    if (node === undefined || node.offline) continue;
    for (const disk of disksOnNode(configuration, instance, uuid)) {
      const input = { node: uuid, disk, info: volumeInfo(renamed.name), before: volumeInfo(instance.name) };
      await job.do(setDiskInfo, input).catch((error: unknown) => {
        job.warn(`Error setting info on node ${node.name} for disk ${disk.index}: ${reasonOf(error)}`);
      });
    }
  }
}

/** The guest's own idea of its name, by the script of its OS definition. */
async function tellGuest({ instance, renamed, primary, debug }: RenamePlan, job: JobHandle): Promise<void> {
  if (renamed.os === '') return;
  const node = renamed.primary_node;
  const onNode = instanceOnNode(job.world.config.current, renamed, node);
  const input = { node, instance: onNode, oldName: instance.name, debug };
  await job.do(runRenameScript, input).catch((error: unknown) => {
    job.warn(
      `Could not run OS rename script for instance ${renamed.name} on node ${primary} (but the instance has been renamed in Ganeti): ${messageOf(error)}`,
    );
  });
}

export const instanceRename = operation({
  opcode: InstanceRename,
  steps: [renameVolumes, changeObjects, ...activitySteps, setDiskInfo, runRenameScript],
  locks: (op, configuration) => [
    ...instanceLocks(configuration, op.instance_name, [], { allowForthcoming: true }),
    { level: 'instance', name: op.new_name.toLowerCase().replace(/\.$/, ''), mode: 'exclusive' },
  ],
  plan,
  hooks: (_op, { instance, renamed }, configuration) =>
    instanceHooks('instance-rename', configuration, instance, nodesOf(configuration, instance), {
      INSTANCE_NEW_NAME: renamed.name,
    }),
  run: async (plan, job) => {
    const { instance, renamed } = plan;
    if (!instance.forthcoming) {
      await tellStorage(plan, job);
      await moveFiles(plan, job);
    }
    await job.do(changeObjects, {
      label: `rename instance ${instance.name} to ${renamed.name}`,
      changes: [...plan.changes],
    });
    if (instance.forthcoming || instance.disks.length === 0) return renamed.name;
    const { current } = job.world.config;
    await whileActive(job, current, renamed, () => tellGuest(plan, job));
    return renamed.name;
  },
});
