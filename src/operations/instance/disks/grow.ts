/**
 * OP_INSTANCE_GROW_DISK: volumes on every node, then the mirror, then the guest while it runs. Each of them
 * only ever grows, so there is nothing to take back: a broken attempt is simply made again.
 */

import { hypervisorAbout } from '../../../hypervisors/catalog.ts';
import { ErrorCode, executionFailure, messageOf, prerequisiteFailure } from '../../../kit/failure.ts';
import { formatUnit } from '../../../kit/units.ts';
import type { Configuration } from '../../../model/configuration.ts';
import { disksOf, instanceNamed, nodesOf } from '../../../model/lookup.ts';
import type { Disk } from '../../../model/objects/disk.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import { fillInstancePolicy } from '../../../model/params/instance-policy.ts';
import { blockdevGetDimensions } from '../../../noderpc/calls/disk.ts';
import type { DiskOnNode } from '../../../noderpc/calls/shapes.ts';
import { reasonOf } from '../../../noderpc/reply.ts';
import { InstanceGrowDisk } from '../../../opcodes/instance.ts';
import type { OpcodeOf } from '../../../opcodes/opcode.ts';
import { storageAbout } from '../../../storage/catalog.ts';
import { primaryOf, requireOnline, runningOn } from '../../checks.ts';
import { instanceHooks } from '../../hooks-environment.ts';
import { diskOnNode, instanceOnNode } from '../../on-node.ts';
import { type JobHandle, operation, type PlanContext } from '../../operation.ts';
import { changeObjects, difference } from '../../steps/changes.ts';
import { runStateOf, setRunState } from '../../steps/configuration.ts';
import { growDisk } from '../../steps/disks.ts';
import { resizeInGuest } from '../../steps/instance.ts';
import { waitForSync } from '../../sync.ts';
import { requireDiskSpace } from '../create-checks.ts';
import { activitySteps, bringDisksDown, bringDisksUp, diskNodes } from '../disk-activity.ts';
import { instanceLocks } from '../locks.ts';
import { hasExclusiveStorage } from '../modify/disk-requests.ts';
import { policyFaults } from '../policy.ts';
import { wipeDisks, wipeSteps } from '../wipe.ts';

type Op = OpcodeOf<typeof InstanceGrowDisk>;
const mebibyte = 1024 * 1024;

interface GrowPlan {
  readonly configuration: Configuration;
  readonly instance: Instance;
  readonly disk: Disk;
  readonly index: number;
  /** MiB. */
  readonly amount: number;
  /** It runs, and can be told. */
  readonly running: boolean;
  readonly waitForSync: boolean;
}

function diskAt(configuration: Configuration, instance: Instance, index: number): Disk {
  const disks = disksOf(configuration, instance);
  const disk = disks[index];
  if (disk !== undefined) return disk;
  // Without the closing bracket, as clients know it.
  throw prerequisiteFailure(
    `Invalid disk index: ${index} (instace has disks 0 to ${disks.length - 1}`,
    ErrorCode.invalid,
  );
}

function amountOf(op: Op, disk: Disk): number {
  if (!op.absolute) return op.amount;
  if (op.amount >= disk.size) return op.amount - disk.size;
  throw prerequisiteFailure(
    `Requested size (${formatUnit(op.amount, 'h')}) is smaller than current disk size (${formatUnit(disk.size, 'h')})`,
    ErrorCode.state,
  );
}

/** The disk as a request for what it grows by: mirrors need nothing more for their metadata. */
function growthOf(disk: Disk, amount: number): Disk {
  const [data] = disk.children ?? [];
  return { ...(data ?? disk), size: amount };
}

function requireGrownPolicy(
  op: Op,
  context: PlanContext,
  instance: Instance,
  disk: Disk,
  size: number,
): void {
  const { configuration } = context;
  const { cluster, nodegroups } = configuration;
  const group = nodegroups.get(primaryOf(configuration, instance).group)!;
  const sizes = disksOf(configuration, instance).map((each) => (each.uuid === disk.uuid ? size : each.size));
  const policy = fillInstancePolicy(cluster.ipolicy, group.ipolicy);
  const faults = policyFaults(policy, { disks: sizes, template: disk.dev_type });
  if (faults.length === 0) return;
  const text = `Growing disk ${op.disk} violates policy: ${faults.join(', ')}`;
  if (!op.ignore_ipolicy) throw prerequisiteFailure(text, ErrorCode.invalid);
  context.warn(text);
}

async function plan(op: Op, context: PlanContext): Promise<GrowPlan> {
  const { configuration } = context;
  const instance = instanceNamed(configuration, op.instance_name);
  const nodes = nodesOf(configuration, instance).flatMap((uuid) => configuration.nodes.get(uuid) ?? []);
  for (const node of nodes) requireOnline(node);
  const disk = diskAt(configuration, instance, op.disk);
  if (!storageAbout(disk.dev_type).growable) {
    throw prerequisiteFailure(
      `Instance's disk layout ${disk.dev_type} does not support growing`,
      ErrorCode.invalid,
    );
  }
  const amount = amountOf(op, disk);
  const exclusive = hasExclusiveStorage(configuration, nodesOf(configuration, instance));
  // With exclusive storage only the trial before the real growth can tell.
  if (!exclusive) await requireDiskSpace(context, [growthOf(disk, amount)], nodes);
  requireGrownPolicy(op, context, instance, disk, disk.size + amount);
  const guest = hypervisorAbout(instance.hypervisor).hotplug
    ? await runningOn(context.nodes, configuration, instance, instance.primary_node)
    : null;
  return {
    configuration,
    instance,
    disk,
    index: op.disk,
    amount,
    running: guest !== null,
    waitForSync: op.wait_for_sync,
  };
}

function grown(disk: Disk, amount: number): Disk {
  const [data, ...rest] = disk.children ?? [];
  const size = disk.size + amount;
  return data === undefined ? { ...disk, size } : { ...disk, size, children: [grown(data, amount), ...rest] };
}

/** Where the old contents end, in whole MiB. */
async function endOfData(plan: GrowPlan, job: JobHandle, disk: DiskOnNode): Promise<number | undefined> {
  const { configuration, instance } = plan;
  if (!configuration.cluster.prealloc_wipe_disks) return undefined;
  const node = instance.primary_node;
  const [found] = await job.world.nodes.call(node, blockdevGetDimensions, { disks: [disk] });
  if (!found)
    throw executionFailure(
      `Failed to retrieve disk size from primary node '${primaryOf(configuration, instance).name}'`,
    );
  return Math.ceil(found.bytes / mebibyte);
}

/** Volumes on all nodes, tried everywhere before anything grows; then what stands on them, on the primary. */
async function growEverywhere(plan: GrowPlan, job: JobHandle): Promise<void> {
  const { configuration, instance, disk, index, amount } = plan;
  const nodes = diskNodes(configuration, instance);
  const name = (uuid: string) => configuration.nodes.get(uuid)?.name ?? uuid;
  const grow = async (node: string, what: string, dryRun: boolean, backingStore: boolean) => {
    const request = diskOnNode(configuration, instance, disk, index, node);
    try {
      await job.do(growDisk, { node, disk: request, amount, dryRun, backingStore });
    } catch (error) {
      throw executionFailure(`${what} request failed to node ${name(node)}: ${reasonOf(error)}`, error);
    }
  };
  for (const node of nodes) await grow(node, 'Dry-run grow', true, true);
  for (const node of nodes) await grow(node, 'Grow', false, true);
  await grow(instance.primary_node, 'Grow', false, false);
}

async function tellGuest(plan: GrowPlan, job: JobHandle, after: Disk): Promise<void> {
  const { configuration, instance, index } = plan;
  if (!plan.running) return;
  const node = instance.primary_node;
  const onNode = instanceOnNode(configuration, instance, node);
  try {
    await job.do(resizeInGuest, { node, instance: onNode, index, size: after.size });
  } catch (error) {
    job.warn(
      `The running instance could not be told of the new size of disk ${index}: ${messageOf(error)}`,
      'It will know at its next start',
    );
  }
}

async function settle(plan: GrowPlan, job: JobHandle, request: DiskOnNode): Promise<void> {
  const { instance } = plan;
  if (plan.waitForSync) {
    if (!(await waitForSync(job, instance.name, instance.primary_node, [request])))
      job.warn('Disk syncing has not returned a good status; check the instance');
    return;
  }
  if (!instance.disks_active) {
    job.warn(
      'Not shutting down the disk even if the instance is not supposed to be running because no wait for sync mode was requested',
    );
  }
}

async function run(plan: GrowPlan, job: JobHandle): Promise<null> {
  const { configuration, instance, disk, index, amount } = plan;
  const node = instance.primary_node;
  const { uuid } = instance;
  const before = runStateOf(instance);
  const active = { ...instance, disks_active: true };
  await job.do(setRunState, { uuid, before, after: { disks_active: true } });
  await bringDisksUp(job, configuration, instance);
  // What grows doesn't shrink: should it break off, the disks stay up and are known to be up.
  await job.keep();
  const after = grown(disk, amount);
  job.say(
    `Growing disk ${index} of instance '${instance.name}' by ${formatUnit(amount, 'h')} to ${formatUnit(after.size, 'h')}`,
  );
  const oldEnd = await endOfData(plan, job, diskOnNode(configuration, instance, disk, index, node));
  await growEverywhere(plan, job);
  await tellGuest(plan, job, after);
  await job.do(changeObjects, {
    label: `grow disk ${index} of instance ${instance.name}`,
    changes: difference('disks', disk, after),
  });
  await job.keep();
  const request = diskOnNode(configuration, instance, after, index, node);
  if (oldEnd !== undefined) await wipeDisks(job, node, [request], oldEnd);
  await job.keep();
  await settle(plan, job, request);
  if (instance.disks_active || !plan.waitForSync) return null;
  await job.do(setRunState, {
    uuid,
    before: { ...before, disks_active: true },
    after: { disks_active: false },
  });
  await bringDisksDown(job, job.world.config.current, active);
  await job.keep();
  return null;
}

export const instanceGrowDisk = operation({
  opcode: InstanceGrowDisk,
  steps: [...new Set([...activitySteps, ...wipeSteps, growDisk, resizeInGuest, changeObjects])],
  locks: (op, configuration) => instanceLocks(configuration, op.instance_name),
  plan,
  hooks: (op, { instance }, configuration) =>
    instanceHooks('disk-grow', configuration, instance, nodesOf(configuration, instance), {
      DISK: String(op.disk),
      AMOUNT: String(op.amount),
      ABSOLUTE: op.absolute ? 'True' : 'False',
    }),
  run,
});
