/** `gnt-instance migrate --cleanup`: where does the guest really run? Then everything is made to agree with that. */
import { executionFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';
import { blockdevClose, blockdevOpen } from '../../noderpc/calls/disk.ts';
import {
  instanceFinalizeMigrationTarget,
  instanceMigrationCancel,
  migrationInfo,
  type RunningInstance,
} from '../../noderpc/calls/instance.ts';
import { requireOnline, runningOn } from '../checks.ts';
import { disksOnNode, instanceOnNode } from '../on-node.ts';
import type { JobHandle, PlanContext } from '../operation.ts';
import { runStateOf, setRunState } from '../steps/configuration.ts';
import { attach, disconnect, waitUntilMirrored } from '../steps/migration.ts';
import { mirroringOf, moveOf } from './relocation.ts';

export interface CleanupPlan {
  readonly kind: 'cleanup';
  readonly configuration: Configuration;
  readonly instance: Instance;
  readonly source: Node;
  readonly target: Node;
  /** Where the guest runs. */
  readonly running: Node;
  /** Where a copy still waits for memory that won't come any more. */
  readonly waiting: Node | undefined;
}

/** Does `other` stand still while the guest runs as `guest`? Then it is what a broken migration left. */
function waitingFor(guest: RunningInstance | null, other: RunningInstance | null): boolean {
  return guest?.state === 'running' && other !== null && other.state !== 'running';
}

/** Calls a migration off that nobody attends to any more. */
async function abort({ instance, configuration, source, target, waiting }: CleanupPlan, job: JobHandle) {
  if (waiting === undefined) return;
  const { nodes } = job.world;
  const [running, idle] = waiting === target ? [source, target] : [target, source];
  job.say('Trying to cleanup after failed migration');
  const onRunning = instanceOnNode(configuration, instance, running.uuid);
  const onIdle = instanceOnNode(configuration, instance, idle.uuid);
  const info = await nodes.call(running.uuid, migrationInfo, { instance: onRunning });
  await nodes.call(running.uuid, instanceMigrationCancel, { instance: onRunning });
  await nodes.call(idle.uuid, instanceFinalizeMigrationTarget, { instance: onIdle, info, success: false });
}

export async function planCleanup(
  context: PlanContext,
  instance: Instance,
  source: Node,
  target: Node,
): Promise<CleanupPlan> {
  const { configuration } = context;
  requireOnline(source);
  requireOnline(target);
  context.info('Not checking memory on the secondary node as instance will not be started');
  context.say(`Migrating instance ${instance.name}`);
  context.say(
    '* checking where the instance actually runs (if this hangs, the hypervisor might be in a bad state)',
  );
  const [onSource = null, onTarget = null] = await Promise.all(
    [source, target].map((node) => runningOn(context.nodes, configuration, instance, node.uuid)),
  );
  const waiting = waitingFor(onSource, onTarget)
    ? target
    : waitingFor(onTarget, onSource)
      ? source
      : undefined;
  if (onSource && onTarget && waiting === undefined) {
    throw executionFailure(
      `Instance seems to be running on two nodes, or the hypervisor is confused; you will have to ensure manually that it runs only on one and restart this operation`,
    );
  }
  if (!onSource && !onTarget) {
    throw executionFailure(
      "Instance does not seem to be running at all; in this case it's safer to repair by running 'gnt-instance stop' to ensure disk shutdown, and then restarting it",
    );
  }
  const running = onSource && waiting !== source ? source : target;
  context.say(`* instance running on: ${running.name}`);
  return { kind: 'cleanup', configuration, instance, source, target, running, waiting };
}

export async function cleanUp(plan: CleanupPlan, job: JobHandle): Promise<void> {
  const { configuration, instance, source, target, running } = plan;
  await abort(plan, job);
  if (running.uuid === source.uuid) {
    job.say(`* instance confirmed to be running on its primary node (${source.name})`);
  } else {
    job.say(`* instance running on secondary node (${target.name}), updating config`);
    await job.do(setRunState, {
      uuid: instance.uuid,
      before: runStateOf(instance),
      after: { primary_node: target.uuid },
    });
  }
  const idle = running.uuid === source.uuid ? target : source;
  job.say(`* closing instance disks on node ${idle.name}`);
  const { nodes } = job.world;
  await nodes.call(idle.uuid, blockdevClose, { disks: disksOnNode(configuration, instance, idle.uuid) });
  if (mirroringOf(configuration, instance) === 'internal') {
    const move = moveOf(configuration, instance, source, target, true);
    job.say('* changing into standalone mode');
    await disconnect(job.world, move);
    job.say('* changing disks into single-master mode');
    await attach(job.world, move, false);
    job.say('* wait until resync is done');
    await waitUntilMirrored(job.world, move, job.signal);
  } else {
    job.say(`* opening instance disks on node ${running.name} in exclusive mode`);
    await nodes.call(running.uuid, blockdevOpen, {
      disks: disksOnNode(configuration, instance, running.uuid),
      exclusive: true,
    });
  }
  await job.keep();
  job.say('* done');
}
