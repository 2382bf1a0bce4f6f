/** OP_INSTANCE_SHUTDOWN: the guest is asked to end, then ended; its disks go down. */
import { messageOf } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import { instanceNamed, nodesOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import { InstanceShutdown } from '../../opcodes/instance.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { primaryOf, requireOnline, runningOn } from '../checks.ts';
import { instanceHooks } from '../hooks-environment.ts';
import { instanceOnNode } from '../on-node.ts';
import { operation, type PlanContext } from '../operation.ts';
import { runStateOf, setRunState } from '../steps/configuration.ts';
import { deactivateDisks } from '../steps/disks.ts';
import { stopInstance } from '../steps/instance.ts';
import { bringDisksDown } from './disk-activity.ts';
import { instanceLocks } from './locks.ts';
import { online, requireMarked } from './state.ts';

type Op = OpcodeOf<typeof InstanceShutdown>;

interface ShutdownPlan {
  readonly configuration: Configuration;
  readonly instance: Instance;
  readonly primaryOffline: boolean;
  readonly running: boolean;
  readonly remember: boolean;
  readonly timeout: number;
  readonly source: 'admin' | 'user';
}

async function plan(op: Op, context: PlanContext): Promise<ShutdownPlan> {
  const { configuration } = context;
  const instance = instanceNamed(configuration, op.instance_name);
  const primary = primaryOf(configuration, instance);
  if (op.no_remember && op.admin_state_source !== null)
    context.warn("Parameter 'admin_state_source' has no effect if used with parameter 'no_remember'");
  if (op.force) context.warn('Ignoring offline instance check');
  else requireMarked(instance, online);
  const source: 'admin' | 'user' = op.admin_state_source === 'user' ? 'user' : 'admin';
  const common = { configuration, instance, remember: !op.no_remember, timeout: op.timeout, source };
  if (primary.offline && op.ignore_offline_nodes) {
    context.warn('Ignoring offline primary node');
    return { ...common, primaryOffline: true, running: false };
  }
  requireOnline(primary);
  let running = true;
  try {
    running = (await runningOn(context.nodes, configuration, instance, primary.uuid)) !== null;
  } catch (error) {
    if (!op.force) throw error;
    context.warn(`Can't see whether the instance runs: ${messageOf(error)}`);
  }
  return { ...common, primaryOffline: false, running };
}

export const instanceShutdown = operation({
  opcode: InstanceShutdown,
  steps: [setRunState, stopInstance, deactivateDisks],
  locks: (op, configuration) => instanceLocks(configuration, op.instance_name),
  plan,
  hooks: (op, { instance }, configuration) =>
    instanceHooks('instance-stop', configuration, instance, nodesOf(configuration, instance), {
      TIMEOUT: String(op.timeout),
    }),
  run: async (plan, job) => {
    const { configuration, instance } = plan;
    const before = runStateOf(instance);
    const down = { admin_state: 'down' as const, admin_state_source: plan.source };
    if (plan.remember) await job.do(setRunState, { uuid: instance.uuid, before, after: down });
    if (plan.primaryOffline) {
      await job.keep();
      job.info('Primary node offline, marked instance as stopped');
      return null;
    }
    await job.do(stopInstance, {
      node: instance.primary_node,
      instance: instanceOnNode(configuration, instance, instance.primary_node),
      timeout: plan.timeout,
      wasRunning: plan.running,
    });
    // The guest has ended and can't be brought back to where it was: what follows is only tidied further.
    await job.keep();
    await bringDisksDown(job, configuration, instance);
    const marked = plan.remember ? { ...before, ...down } : before;
    await job.do(setRunState, { uuid: instance.uuid, before: marked, after: { disks_active: false } });
    await job.keep();
    return null;
  },
});
