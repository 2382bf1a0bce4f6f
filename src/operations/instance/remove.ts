/** OP_INSTANCE_REMOVE: the guest ends, its volumes go, its name leaves the configuration. */

import { executionFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import { disksOf, instanceNamed, nodesOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import { blockdevRemove } from '../../noderpc/calls/disk.ts';
import { instanceShutdown } from '../../noderpc/calls/instance.ts';
import { reasonOf } from '../../noderpc/reply.ts';
import { InstanceRemove } from '../../opcodes/instance.ts';
import { storageAbout } from '../../storage/catalog.ts';
import { primaryOf } from '../checks.ts';
import { instanceHooks } from '../hooks-environment.ts';
import { disksOnNode, instanceOnNode } from '../on-node.ts';
import { type JobHandle, operation } from '../operation.ts';
import { dropInstance, runStateOf, setRunState } from '../steps/configuration.ts';
import { removeVolume } from '../steps/disks.ts';
import { stopInstance } from '../steps/instance.ts';
import { diskNodes } from './disk-activity.ts';
import { instanceLocks } from './locks.ts';

interface Removal {
  readonly configuration: Configuration;
  readonly instance: Instance;
  readonly ignoreFailures: boolean;
}

interface RemovePlan extends Removal {
  readonly timeout: number;
}

/** Removes every volume on every node; what can't be removed is said, and reported as false. */
async function removeDisks(plan: Removal, job: JobHandle): Promise<boolean> {
  const { configuration, instance } = plan;
  let whole = true;
  for (const node of diskNodes(configuration, instance).reverse()) {
    const { name, offline } = configuration.nodes.get(node)!;
    for (const disk of disksOnNode(configuration, instance, node)) {
      try {
        if (offline) await job.world.nodes.call(node, blockdevRemove, { disk });
        else await job.do(removeVolume, { node, disk });
      } catch (error) {
        if (!plan.ignoreFailures) throw error;
        job.warn(
          `Could not remove disk ${disk.index} on node ${name}, continuing anyway: ${reasonOf(error)}`,
        );
        whole = false;
      }
    }
  }
  return whole;
}

async function stop(plan: RemovePlan, job: JobHandle): Promise<void> {
  const { configuration, instance } = plan;
  const node = instance.primary_node;
  const onNode = instanceOnNode(configuration, instance, node);
  const primary = primaryOf(configuration, instance);
  try {
    if (primary.offline)
      await job.world.nodes.call(node, instanceShutdown, { instance: onNode, timeout: plan.timeout });
    else
      await job.do(stopInstance, {
        node,
        instance: onNode,
        timeout: plan.timeout,
        wasRunning: instance.admin_state === 'up',
      });
  } catch (error) {
    if (!plan.ignoreFailures) {
      throw executionFailure(
        `Could not shutdown instance ${instance.name} on node ${primary.name}: ${reasonOf(error)}`,
        error,
      );
    }
    job.say(`Warning: can't shutdown instance: ${reasonOf(error)}`);
  }
}

/**
 * The volumes and the name of an instance that runs no more. Data is destroyed, so nothing is undone from
 * here on: a failure leaves an instance that is down and can be removed again.
 */
export async function removeForGood(plan: Removal, job: JobHandle): Promise<void> {
  const { configuration, instance } = plan;
  await job.do(setRunState, {
    uuid: instance.uuid,
    before: runStateOf(instance),
    after: { admin_state: 'down', disks_active: false },
  });
  await job.keep();
  if (!instance.forthcoming && !(await removeDisks(plan, job)))
    job.say("Warning: can't remove instance's disks");
  const ports = disksOf(configuration, instance).flatMap((disk) =>
    storageAbout(disk.dev_type).mirrored === 'internal' ? [Number(disk.logical_id?.[2])] : [],
  );
  await job.do(dropInstance, {
    uuid: instance.uuid,
    name: instance.name,
    disks: [...instance.disks],
    ports: instance.network_port ? [...ports, instance.network_port] : ports,
  });
  await job.keep();
}

export const removalSteps = [setRunState, removeVolume, dropInstance] as const;

export const instanceRemove = operation({
  opcode: InstanceRemove,
  steps: [stopInstance, ...removalSteps],
  locks: (op, configuration) =>
    instanceLocks(configuration, op.instance_name, [], { allowForthcoming: true }),
  plan: async (op, { configuration }): Promise<RemovePlan> => ({
    configuration,
    instance: instanceNamed(configuration, op.instance_name),
    ignoreFailures: op.ignore_failures,
    timeout: op.shutdown_timeout,
  }),
  hooks: (op, { instance, configuration: before }, configuration) => ({
    ...instanceHooks(
      'instance-remove',
      configuration,
      instance,
      nodesOf(before, instance),
      { SHUTDOWN_TIMEOUT: String(op.shutdown_timeout) },
      disksOf(before, instance),
    ),
    preNodes: [configuration.cluster.master_node],
  }),
  run: async (plan, job) => {
    if (!plan.instance.forthcoming) await stop(plan, job);
    await removeForGood(plan, job);
    return null;
  },
});
