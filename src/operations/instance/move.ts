/**
 * OP_INSTANCE_MOVE: the disks of a stopped instance are copied to another node, and it starts there. Its old
 * volumes go last, once the guest runs on the new ones: until then everything is taken back on failure.
 */

import { ErrorCode, executionFailure, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import { disksOf, instanceNamed, nodeNamed } from '../../model/lookup.ts';
import type { Disk } from '../../model/objects/disk.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';
import { filledBackend } from '../../model/params/fill.ts';
import type { DiskOnNode } from '../../noderpc/calls/shapes.ts';
import { reasonOf } from '../../noderpc/reply.ts';
import { InstanceMove } from '../../opcodes/instance.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { storageAbout } from '../../storage/catalog.ts';
import { primaryOf, requireFreeMemory, requireOnline, requireUsable, runningOn } from '../checks.ts';
import { instanceHooks } from '../hooks-environment.ts';
import { diskOnNode, instanceOnNode } from '../on-node.ts';
import { type JobHandle, operation, type PlanContext } from '../operation.ts';
import { changeObjects, difference } from '../steps/changes.ts';
import { activateDisks, createVolume, deactivateDisks, removeVolume, volumeInfo } from '../steps/disks.ts';
import { startInstance, stopInstance } from '../steps/instance.ts';
import { endTransfer } from '../steps/transfer.ts';
import { requireCompression } from '../transfer/authority.ts';
import { transferDisks, transferSteps } from '../transfer/within.ts';
import { requireDiskSpace, requireLinks } from './create-checks.ts';
import { instanceLocks } from './locks.ts';
import { requireNodePolicy } from './policy.ts';

type Op = OpcodeOf<typeof InstanceMove>;

interface MovePlan {
  readonly configuration: Configuration;
  readonly instance: Instance;
  readonly disks: readonly Disk[];
  readonly source: Node;
  readonly target: Node;
  readonly running: boolean;
  readonly shutdownTimeout: number;
  readonly ignoreConsistency: boolean;
  readonly compress: string;
  readonly debug: number;
}

async function plan(op: Op, context: PlanContext): Promise<MovePlan> {
  const { configuration } = context;
  const instance = instanceNamed(configuration, op.instance_name);
  const source = primaryOf(configuration, instance);
  const target = nodeNamed(configuration, op.target_node);
  const disks = disksOf(configuration, instance);
  for (const [index, { dev_type }] of disks.entries()) {
    if (storageAbout(dev_type).copyable) continue;
    throw prerequisiteFailure(
      `Instance disk ${index} has disk type ${dev_type} and is not suitable for copying`,
      ErrorCode.state,
    );
  }
  if (target.uuid === source.uuid) {
    throw prerequisiteFailure(
      `Instance ${instance.name} is already on the node ${target.name}`,
      ErrorCode.state,
    );
  }
  requireUsable(target);
  requireOnline(source);
  requireNodePolicy(context, instance, target, op.ignore_ipolicy);
  if (instance.admin_state === 'up') {
    const { maxmem } = filledBackend(configuration.cluster, instance);
    const what = `failing over instance ${instance.name}`;
    await requireFreeMemory(context.nodes, configuration, target, what, maxmem, instance.hypervisor);
  } else {
    context.info('Not checking memory on the secondary node as instance will not be started');
  }
  await requireLinks(context, instance, target);
  requireCompression(configuration.cluster.compression_tools, op.compress);
  await requireDiskSpace(context, disks, [target]);
  let running = instance.admin_state === 'up';
  try {
    running = (await runningOn(context.nodes, configuration, instance, source.uuid)) !== null;
  } catch (error) {
    if (!op.ignore_consistency) throw error;
    context.warn(`Can't see whether the instance runs: ${messageOf(error)}`);
  }
  return {
    ...{ configuration, instance, disks, source, target, running },
    shutdownTimeout: op.shutdown_timeout,
    ignoreConsistency: op.ignore_consistency,
    compress: op.compress,
    debug: op.debug_level ?? 0,
  };
}

const onTarget = ({ disks, target }: MovePlan): Disk[] =>
  disks.map((disk) => ({ ...disk, nodes: [target.uuid] }));

function requests(plan: MovePlan, disks: readonly Disk[], node: Node): DiskOnNode[] {
  const { configuration, instance } = plan;
  return disks.map((disk, index) => diskOnNode(configuration, instance, disk, index, node.uuid));
}

async function stop(plan: MovePlan, job: JobHandle): Promise<void> {
  const { configuration, instance, source } = plan;
  job.info(`Shutting down instance ${instance.name} on source node ${source.name}`);
  try {
    await job.do(stopInstance, {
      node: source.uuid,
      instance: instanceOnNode(configuration, instance, source.uuid),
      timeout: plan.shutdownTimeout,
      wasRunning: plan.running,
    });
  } catch (error) {
    job.signal.throwIfAborted();
    const what = `Could not shutdown instance ${instance.name} on node ${source.name}`;
    if (!plan.ignoreConsistency) throw executionFailure(`${what}: ${reasonOf(error)}`, error);
    job.warn(
      `${what}. Proceeding anyway. Please make sure node ${source.name} is down. Error details: ${reasonOf(error)}`,
    );
  }
}

async function copy(plan: MovePlan, job: JobHandle): Promise<void> {
  const { configuration, instance, source, target } = plan;
  const from = requests(plan, plan.disks, source);
  const to = requests(plan, onTarget(plan), target);
  for (const disk of to) {
    const info = volumeInfo(instance.name);
    await job.do(createVolume, { node: target.uuid, disk, info, onPrimary: true });
  }
  const wasActive = instance.disks_active;
  const before = wasActive ? ('primary' as const) : ('inactive' as const);
  await job.do(activateDisks, { node: source.uuid, disks: from, asPrimary: true, before });
  await job.do(activateDisks, { node: target.uuid, disks: to, asPrimary: true, before: 'inactive' as const });
  const results = await transferDisks(
    {
      ...{ configuration, instance, compress: plan.compress, debug: plan.debug },
      ...{ source: source.uuid, target: target.uuid, secretParameters: {} },
      disks: from.map((disk, index) => ({
        label: `disk/${index}`,
        from: { kind: 'disk', disk, isEmpty: false },
        to: { kind: 'disk', disk: to[index]!, isEmpty: storageAbout(disk.disk.dev_type).fileBased },
      })),
    },
    job,
  );
  if (results.includes(false)) {
    job.warn('Some disks failed to copy, aborting');
    throw executionFailure('Errors during disk copy: Failed to transfer instance data');
  }
  // Nobody works on the old volumes any more; should all be undone they come up as they were.
  await job.do(deactivateDisks, { node: source.uuid, disks: from, wasPrimary: true, wasActive });
  const staysUp = instance.admin_state === 'up';
  if (!staysUp)
    await job.do(deactivateDisks, { node: target.uuid, disks: to, wasPrimary: true, wasActive: false });
}

async function start(plan: MovePlan, moved: Instance, job: JobHandle): Promise<void> {
  const { configuration, target } = plan;
  job.info(`Starting instance ${moved.name} on node ${target.name}`);
  try {
    await job.do(startInstance, {
      node: target.uuid,
      instance: instanceOnNode(configuration, moved, target.uuid, { disks: onTarget(plan) }),
      paused: false,
      wasRunning: false,
    });
  } catch (error) {
    job.signal.throwIfAborted();
    throw executionFailure(
      `Could not start instance ${moved.name} on node ${target.name}: ${reasonOf(error)}`,
      error,
    );
  }
}

async function run(plan: MovePlan, job: JobHandle): Promise<null> {
  const { instance, disks, source, target } = plan;
  await stop(plan, job);
  if (disks.length > 0) await copy(plan, job);
  const isUp = instance.admin_state === 'up';
  const moved: Instance = {
    ...instance,
    primary_node: target.uuid,
    disks_active: isUp && (disks.length > 0 || instance.disks_active),
  };
  await job.do(changeObjects, {
    label: `move instance ${instance.name}`,
    changes: [
      ...difference('instances', instance, moved),
      ...onTarget(plan).flatMap((disk, index) => difference('disks', disks[index]!, disk)),
    ],
  });
  if (isUp) await start(plan, moved, job);
  // From here on it lives on the target.
  await job.keep();
  job.info('Removing the disks on the original node');
  for (const disk of requests(plan, disks, source)) {
    try {
      await job.do(removeVolume, { node: source.uuid, disk });
    } catch (error) {
      job.signal.throwIfAborted();
      job.warn(
        `Could not remove disk ${disk.index} on node ${source.name}, continuing anyway: ${reasonOf(error)}`,
      );
    }
  }
  return null;
}

export const instanceMove = operation({
  opcode: InstanceMove,
  steps: [
    stopInstance,
    createVolume,
    activateDisks,
    deactivateDisks,
    ...transferSteps,
    endTransfer,
    changeObjects,
    startInstance,
    removeVolume,
  ],
  locks: (op, configuration) =>
    instanceLocks(configuration, op.instance_name, [nodeNamed(configuration, op.target_node).uuid]),
  plan,
  hooks: (op, { instance, source, target }, configuration) =>
    instanceHooks('instance-move', configuration, instance, [source.uuid, target.uuid], {
      TARGET_NODE: target.name,
      SHUTDOWN_TIMEOUT: String(op.shutdown_timeout),
    }),
  run,
});
