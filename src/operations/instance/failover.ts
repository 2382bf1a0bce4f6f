/** OP_INSTANCE_FAILOVER: stopped where it is, started where its mirror is. Also when its node has died. */

import { ErrorCode, executionFailure, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import { instanceNamed, secondariesOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';
import { filledBackend } from '../../model/params/fill.ts';
import { blockdevClose, blockdevStatus } from '../../noderpc/calls/disk.ts';
import { offlineReason, reasonOf } from '../../noderpc/reply.ts';
import { InstanceFailover } from '../../opcodes/instance.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { primaryOf, requireFreeMemory, requireNotDrained, requireOnline, runningOn } from '../checks.ts';
import { instanceHooks, rolesBeforeAndAfter } from '../hooks-environment.ts';
import { disksOnNode, instanceOnNode } from '../on-node.ts';
import { type JobHandle, operation, type PlanContext } from '../operation.ts';
import { runStateOf, setRunState } from '../steps/configuration.ts';
import { activateDisks, deactivateDisks } from '../steps/disks.ts';
import { startInstance, stopInstance } from '../steps/instance.ts';
import { requireLinks } from './create-checks.ts';
import { mirroringOf, relocationLocks, targetOf } from './relocation.ts';

type Op = OpcodeOf<typeof InstanceFailover>;

export interface FailoverPlan {
  readonly configuration: Configuration;
  readonly instance: Instance;
  readonly source: Node;
  readonly target: Node;
  readonly ignoreConsistency: boolean;
  readonly shutdownTimeout: number;
  /** Runs on the source now, as far as can be known. */
  readonly running: boolean;
}

export async function planFailover(
  op: Pick<
    Op,
    | 'instance_name'
    | 'target_node'
    | 'iallocator'
    | 'ignore_consistency'
    | 'ignore_ipolicy'
    | 'shutdown_timeout'
    | 'cleanup'
  >,
  context: PlanContext,
): Promise<FailoverPlan> {
  const { configuration } = context;
  const instance = instanceNamed(configuration, op.instance_name);
  const source = primaryOf(configuration, instance);
  const target = await targetOf(
    context,
    instance,
    { targetNode: op.target_node, iallocator: op.iallocator, ignoreIpolicy: op.ignore_ipolicy },
    'failovers',
  );
  requireOnline(target);
  requireNotDrained(target);
  if (instance.admin_state === 'up' && !op.cleanup) {
    const { minmem } = filledBackend(configuration.cluster, instance);
    await requireFreeMemory(
      context.nodes,
      configuration,
      target,
      `failing over instance ${instance.name}`,
      minmem,
      instance.hypervisor,
    );
  } else {
    context.info('Not checking memory on the secondary node as instance will not be started');
  }
  await requireLinks(context, instance, target);
  let running = instance.admin_state === 'up';
  if (!source.offline) {
    try {
      running = (await runningOn(context.nodes, configuration, instance, source.uuid)) !== null;
    } catch (error) {
      if (!op.ignore_consistency) {
        throw prerequisiteFailure(
          `Can't reach node ${source.name} to see whether the instance still runs there: ${reasonOf(error)}. ` +
            `If the node is down for certain, mark it so with 'gnt-node modify --offline=yes ${source.name}'`,
          ErrorCode.environment,
          error,
        );
      }
    }
  }
  return {
    configuration,
    instance,
    source,
    target,
    ignoreConsistency: op.ignore_consistency,
    shutdownTimeout: op.shutdown_timeout,
    running,
  };
}

async function checkConsistency(plan: FailoverPlan, job: JobHandle): Promise<void> {
  const { configuration, instance, target, source } = plan;
  if (instance.admin_state !== 'up') {
    job.say('* not checking disk consistency as instance is not running');
    return;
  }
  job.say('* checking disk consistency between source and target');
  if (mirroringOf(configuration, instance) !== 'internal') return;
  const statuses = await job.world.nodes.call(target.uuid, blockdevStatus, {
    disks: disksOnNode(configuration, instance, target.uuid),
  });
  statuses.forEach((status, index) => {
    // A mirror whose peer has gone is degraded, but its own data is whole: that is what counts.
    if (status !== null && status.localDisk === 'okay') return;
    const why = status === null ? 'it is not active there' : `its local storage is ${status.localDisk}`;
    if (!source.offline && !plan.ignoreConsistency) {
      throw executionFailure(`Disk ${index} is degraded on target node, aborting failover: ${why}`);
    }
    if (status !== null && !plan.ignoreConsistency) {
      throw executionFailure(
        `Disk ${index} is degraded on target node ${target.name} and node ${source.name} is offline, aborting failover: ${why}. ` +
          'With --ignore-consistency it is started from what data there is',
      );
    }
    job.info(`Node ${source.name} is offline, ignoring degraded disk ${index} on target node ${target.name}`);
  });
}

async function leaveSource(plan: FailoverPlan, job: JobHandle): Promise<void> {
  const { configuration, instance, source } = plan;
  job.say('* shutting down instance on source node');
  const proceed = (what: string, error: unknown) =>
    job.warn(
      `${what}, proceeding anyway; please make sure node ${source.name} is down; error details: ${reasonOf(error)}`,
    );
  if (source.offline) {
    proceed(`Could not shutdown instance ${instance.name} on node ${source.name}`, offlineReason);
    job.say("* deactivating the instance's disks on source node");
    return;
  }
  const onNode = instanceOnNode(configuration, instance, source.uuid);
  try {
    await job.do(stopInstance, {
      node: source.uuid,
      instance: onNode,
      timeout: plan.shutdownTimeout,
      wasRunning: plan.running,
    });
  } catch (error) {
    if (!plan.ignoreConsistency) {
      throw executionFailure(
        `Could not shutdown instance ${instance.name} on node ${source.name}: ${reasonOf(error)}`,
        error,
      );
    }
    proceed(`Could not shutdown instance ${instance.name} on node ${source.name}`, error);
  }
  if (mirroringOf(configuration, instance) === 'external') {
    job.say(`* closing instance disks on node ${source.name}`);
    await job.world.nodes.call(source.uuid, blockdevClose, { disks: onNode.disks });
  }
  job.say("* deactivating the instance's disks on source node");
  try {
    await job.do(deactivateDisks, {
      node: source.uuid,
      disks: disksOnNode(configuration, instance, source.uuid),
      wasPrimary: true,
      wasActive: instance.disks_active,
    });
  } catch (error) {
    if (!plan.ignoreConsistency) throw executionFailure("Can't shut down the instance's disks", error);
    proceed("Could not shut down the instance's disks", error);
  }
}

/** The steps of a failover, for the opcode itself and for a migration that falls back to it. */
export async function runFailover(plan: FailoverPlan, job: JobHandle): Promise<void> {
  const { configuration, instance, source, target } = plan;
  job.say(`Failover instance ${instance.name}`);
  if (instance.forthcoming) {
    job.say('Instance is forthcoming, just updating the configuration');
    const after = { primary_node: target.uuid };
    await job.do(setRunState, { uuid: instance.uuid, before: runStateOf(instance), after });
    await job.keep();
    return;
  }
  await checkConsistency(plan, job);
  await leaveSource(plan, job);
  const before = runStateOf(instance);
  await job.do(setRunState, { uuid: instance.uuid, before, after: { primary_node: target.uuid } });
  const mirrored = mirroringOf(configuration, instance) === 'internal';
  const moved: Instance = { ...instance, primary_node: target.uuid };
  const others = mirrored && !source.offline ? [source.uuid] : [];
  if (instance.admin_state === 'up') {
    job.say(`* activating the instance's disks on target node ${target.name}`);
    for (const node of [...others, target.uuid]) {
      const disks = disksOnNode(configuration, moved, node);
      if (disks.length === 0) continue;
      const input = {
        node,
        disks,
        asPrimary: node === target.uuid,
        before: node === target.uuid && mirrored && instance.disks_active ? 'secondary' : 'inactive',
      } as const;
      try {
        await job.do(activateDisks, input);
      } catch (error) {
        if (node === target.uuid || !plan.ignoreConsistency)
          throw executionFailure(`Can't activate the instance's disks: ${messageOf(error)}`, error);
        job.warn(
          `Could not prepare block devices on node ${source.name} (is_primary=False): ${reasonOf(error)}`,
        );
      }
    }
    job.say(`* starting the instance on the target node ${target.name}`);
    await job.do(startInstance, {
      node: target.uuid,
      instance: instanceOnNode(configuration, moved, target.uuid),
      paused: false,
      wasRunning: false,
    });
  }
  await job.keep();
}

export const failoverSteps = [
  stopInstance,
  deactivateDisks,
  setRunState,
  activateDisks,
  startInstance,
] as const;

export const instanceFailover = operation({
  opcode: InstanceFailover,
  steps: failoverSteps,
  locks: (op, configuration) => relocationLocks(configuration, op, { allowForthcoming: true }),
  plan: planFailover,
  hooks: (op, { instance, source, target }, configuration) => {
    const behind = [...new Set([...secondariesOf(configuration, instance), target.uuid])];
    const hooks = instanceHooks('instance-failover', configuration, instance, [...behind, source.uuid], {
      IGNORE_CONSISTENCY: op.ignore_consistency ? 'True' : 'False',
      SHUTDOWN_TIMEOUT: String(op.shutdown_timeout),
      ...rolesBeforeAndAfter(configuration, instance, source, target),
      FAILOVER_CLEANUP: op.cleanup ? 'True' : 'False',
    });
    // The source may be dead: it is asked afterwards only.
    return { ...hooks, preNodes: [...new Set([configuration.cluster.master_node, ...behind])] };
  },
  run: async (plan, job) => {
    await runFailover(plan, job);
    return null;
  },
});
