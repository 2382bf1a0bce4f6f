/** OP_INSTANCE_MIGRATE: a running guest moves to another node without stopping. */

import { hypervisorAbout } from '../../hypervisors/catalog.ts';
import { ErrorCode, executionFailure, prerequisiteFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import { instanceNamed, nodesOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';
import { filledBackend, filledHypervisor } from '../../model/params/fill.ts';
import { blockdevClose } from '../../noderpc/calls/disk.ts';
import * as calls from '../../noderpc/calls/instance.ts';
import { InstanceMigrate } from '../../opcodes/instance.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { primaryOf, requireFreeMemory, requireNotDrained, requireOnline, runningOn } from '../checks.ts';
import { instanceHooks, rolesBeforeAndAfter } from '../hooks-environment.ts';
import { instanceOnNode } from '../on-node.ts';
import { type JobHandle, operation, type PlanContext } from '../operation.ts';
import { setRunState } from '../steps/configuration.ts';
import { balloon } from '../steps/instance.ts';
import {
  acceptOnTarget,
  completeMove,
  connectDualPrimary,
  type Move,
  shareDisks,
  transferGuest,
  waitUntilMirrored,
} from '../steps/migration.ts';
import { requireLinks } from './create-checks.ts';
import { type FailoverPlan, failoverSteps, planFailover, runFailover } from './failover.ts';
import { endsOf, memoryToFit, requireVersions } from './migrate-checks.ts';
import { type CleanupPlan, cleanUp, planCleanup } from './migrate-cleanup.ts';
import { moveOf, relocationLocks, requireConsistentDisks, targetOf } from './relocation.ts';

type Op = OpcodeOf<typeof InstanceMigrate>;

interface LivePlan {
  readonly kind: 'live';
  readonly configuration: Configuration;
  readonly instance: Instance;
  readonly source: Node;
  readonly target: Node;
  readonly live: boolean;
  /** Memory in MiB that the guest has, and what it must come down to before it fits on the target. */
  readonly memory: { readonly before: number; readonly after: number } | undefined;
}

type MigratePlan = LivePlan | CleanupPlan | { readonly kind: 'failover'; readonly failover: FailoverPlan };

function modeOf(op: Op, configuration: Configuration, instance: Instance): boolean {
  if (op.mode !== null && op.live !== null) {
    throw prerequisiteFailure("Only one of the 'live' and 'mode' parameters are accepted", ErrorCode.invalid);
  }
  if (op.live !== null) return op.live;
  const mode = op.mode ?? filledHypervisor(configuration.cluster, instance).migration_mode ?? 'live';
  return mode === 'live';
}

async function asFailover(op: Op, context: PlanContext): Promise<MigratePlan> {
  const failover = await planFailover(
    {
      instance_name: op.instance_name,
      target_node: op.target_node,
      iallocator: op.iallocator,
      ignore_consistency: false,
      ignore_ipolicy: op.ignore_ipolicy,
      shutdown_timeout: 120,
      cleanup: false,
    },
    context,
  );
  return { kind: 'failover', failover };
}

async function plan(op: Op, context: PlanContext): Promise<MigratePlan> {
  const { configuration } = context;
  const instance = instanceNamed(configuration, op.instance_name);
  const target = await targetOf(
    context,
    instance,
    { targetNode: op.target_node, iallocator: op.iallocator, ignoreIpolicy: op.ignore_ipolicy },
    'migrations',
  );
  const source = primaryOf(configuration, instance);
  if (op.cleanup) return await planCleanup(context, instance, source, target);
  const mustFailOver =
    filledBackend(configuration.cluster, instance).always_failover ||
    !hypervisorAbout(instance.hypervisor).migration;
  if (op.allow_failover && (instance.admin_state !== 'up' || mustFailOver)) {
    context.info(
      mustFailOver
        ? 'Instance is configured to use failover only, fallback allowed, switching to failover'
        : 'Instance is marked down or offline, fallback allowed, switching to failover',
    );
    return await asFailover(op, context);
  }
  if (mustFailOver) {
    throw prerequisiteFailure(
      `Instance ${instance.name} can't be migrated live (always_failover, or its hypervisor can't), use failover`,
      ErrorCode.state,
    );
  }
  requireOnline(source);
  requireOnline(target);
  requireNotDrained(target);
  await requireFreeMemory(
    context.nodes,
    configuration,
    target,
    `migrating instance ${instance.name}`,
    filledBackend(configuration.cluster, instance).minmem,
    instance.hypervisor,
  );
  await requireLinks(context, instance, target);
  const guest = await runningOn(context.nodes, configuration, instance, source.uuid);
  if (guest === null) {
    if (op.allow_failover) {
      context.info('Instance is not running, fallback allowed, switching to failover');
      return await asFailover(op, context);
    }
    throw prerequisiteFailure(
      `Can't migrate, please use failover: Instance ${instance.name} is not running`,
      ErrorCode.state,
    );
  }
  await context.nodes.call(source.uuid, calls.instanceMigratable, {
    instance: instanceOnNode(configuration, instance, source.uuid),
  });
  const ends = await endsOf(context, instance, source, target);
  requireVersions(context, instance.hypervisor, ends, op.ignore_hvversions);
  await requireConsistentDisks(context, instance, source, target);
  const fitting = memoryToFit(ends, instance, target, guest.memory, op.allow_runtime_changes);
  const memory = fitting === undefined ? undefined : { before: guest.memory, after: fitting };
  const live = modeOf(op, configuration, instance);
  return { kind: 'live', configuration, instance, source, target, live, memory };
}

async function prepareDisks(move: Move, plan: LivePlan, job: JobHandle): Promise<void> {
  const { source, target } = plan;
  job.say(`* closing instance disks on node ${target.name}`);
  if (move.internal) {
    await job.world.nodes.call(target.uuid, blockdevClose, { disks: move.targetDisks });
    job.say('* changing into standalone mode');
    job.say('* changing disks into dual-master mode');
    await job.do(connectDualPrimary, move);
    job.say('* wait until resync is done');
    await waitUntilMirrored(job.world, move, job.signal);
  }
  job.say(`* opening instance disks on node ${source.name} in shared mode`);
  job.say(`* opening instance disks on node ${target.name} in shared mode`);
  await job.do(shareDisks, move);
}

async function runLive(plan: LivePlan, job: JobHandle): Promise<void> {
  const { configuration, instance, source, target } = plan;
  const move = moveOf(configuration, instance, source, target, plan.live);
  job.say(`Migrating instance ${instance.name}`);
  job.say('* checking disk consistency between source and target');
  if (plan.memory !== undefined) {
    job.say(`* setting instance memory to ${plan.memory.after}`);
    const { before, after: memory } = plan.memory;
    await job.do(balloon, { node: source.uuid, instance: move.onSource, memory, before });
  }
  await prepareDisks(move, plan, job);
  const info = await job.world.nodes.call(source.uuid, calls.migrationInfo, { instance: move.onSource });
  job.say(`* preparing ${target.name} to accept the instance`);
  await job.do(acceptOnTarget, { ...move, info });
  job.say(`* migrating instance to ${target.name}`);
  job.say('* starting memory transfer');
  let toldAt = job.world.now();
  const transfer = transferGuest((status) => {
    if (status.totalMiB === null || status.transferredMiB === null || job.world.now() - toldAt < 10) return;
    toldAt = job.world.now();
    job.say(
      `* memory transfer progress: ${((100 * status.transferredMiB) / Math.max(1, status.totalMiB)).toFixed(2)} %`,
    );
  }, job.signal);
  const { downtimeMs } = await job.do(transfer, { ...move, info });
  job.say('* memory transfer complete');
  await job.keep();
  job.say(`* closing instance disks on node ${source.name}`);
  await job.do(completeMove, { ...move, info });
  if (move.internal) {
    job.say('* wait until resync is done');
    job.say('* changing into standalone mode');
    job.say('* changing disks into single-master mode');
    job.say('* wait until resync is done');
  } else {
    job.say(`* opening instance disks on node ${target.name} in exclusive mode`);
  }
  await job.keep();
  if (downtimeMs !== null) job.info(`The guest stood still for ${downtimeMs} ms`);
  job.say('* done');
}

export const instanceMigrate = operation({
  opcode: InstanceMigrate,
  steps: [
    balloon,
    connectDualPrimary,
    shareDisks,
    acceptOnTarget,
    transferGuest(),
    completeMove,
    setRunState,
    ...failoverSteps,
  ],
  locks: (op, configuration) => relocationLocks(configuration, op),
  plan,
  hooks: (op, plan, configuration) => {
    const { instance, source, target } = plan.kind === 'failover' ? plan.failover : plan;
    const where = [...nodesOf(configuration, instance), target.uuid];
    return instanceHooks('instance-migrate', configuration, instance, where, {
      MIGRATE_LIVE: plan.kind === 'live' && plan.live ? 'True' : 'False',
      MIGRATE_CLEANUP: op.cleanup ? 'True' : 'False',
      ...rolesBeforeAndAfter(configuration, instance, source, target),
      ALLOW_RUNTIME_CHANGES: op.allow_runtime_changes ? 'True' : 'False',
    });
  },
  run: async (plan, job) => {
    if (plan.kind === 'live') await runLive(plan, job);
    else if (plan.kind === 'cleanup') await cleanUp(plan, job);
    else if (plan.kind === 'failover') await runFailover(plan.failover, job);
    else throw executionFailure('unknown plan');
    return null;
  },
});
