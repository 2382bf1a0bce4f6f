/** OP_INSTANCE_STARTUP: disks up, guest started, and marked as one that should run. */
import { hypervisorAbout } from '../../hypervisors/catalog.ts';
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import { instanceNamed, nodesOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import { backendParameters, splitMemory } from '../../model/params/backend.ts';
import { enforceTypes, findFault, type ParameterValues } from '../../model/params/family.ts';
import { filledBackend, filledHypervisor } from '../../model/params/fill.ts';
import { InstanceStartup } from '../../opcodes/instance.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { primaryOf, requireFreeMemory, requireOnline, runningOn } from '../checks.ts';
import { instanceHooks } from '../hooks-environment.ts';
import { instanceOnNode } from '../on-node.ts';
import { operation, type PlanContext } from '../operation.ts';
import { runStateOf, setRunState } from '../steps/configuration.ts';
import { activateDisks } from '../steps/disks.ts';
import { startInstance, stopInstance } from '../steps/instance.ts';
import { requireLinks } from './create-checks.ts';
import { bringDisksUp } from './disk-activity.ts';
import { instanceLocks } from './locks.ts';
import { online, requireMarked } from './state.ts';

type Op = OpcodeOf<typeof InstanceStartup>;

interface StartupPlan {
  readonly configuration: Configuration;
  readonly instance: Instance;
  readonly primaryOffline: boolean;
  readonly running: boolean;
  /** Its user has shut it down from inside: what is left of the guest goes first, within this many seconds. */
  readonly clearing: number | undefined;
  readonly remember: boolean;
  readonly paused: boolean;
  readonly force: boolean;
  readonly hvparams: ParameterValues;
  readonly beparams: ParameterValues;
}

function overridesOf(
  op: Op,
  configuration: Configuration,
  instance: Instance,
): Pick<StartupPlan, 'hvparams' | 'beparams'> {
  const about = hypervisorAbout(instance.hypervisor);
  const hvparams = enforceTypes(about.params, op.hvparams as ParameterValues);
  const filled = { ...filledHypervisor(configuration.cluster, instance), ...hvparams };
  const fault = findFault(about.params, filled) ?? about.crossCheck?.(filled);
  if (fault !== undefined) throw prerequisiteFailure(fault, ErrorCode.invalid);
  return { hvparams, beparams: enforceTypes(backendParameters, splitMemory(op.beparams as ParameterValues)) };
}

async function plan(op: Op, context: PlanContext): Promise<StartupPlan> {
  const { configuration } = context;
  const instance = instanceNamed(configuration, op.instance_name);
  const primary = primaryOf(configuration, instance);
  requireMarked(instance, online);
  const overrides = overridesOf(op, configuration, instance);
  const common = {
    configuration,
    instance,
    remember: !op.no_remember,
    paused: op.startup_paused,
    force: op.force,
    ...overrides,
  };
  if (primary.offline && op.ignore_offline_nodes) {
    context.warn('Ignoring offline primary node');
    if (Object.keys(op.hvparams).length > 0 || Object.keys(op.beparams).length > 0)
      context.warn('Overridden parameters are ignored');
    return { ...common, primaryOffline: true, running: false, clearing: undefined };
  }
  requireOnline(primary);
  await requireLinks(context, instance, primary);
  const found = await runningOn(context.nodes, configuration, instance, primary.uuid);
  const running = found !== null && found.state !== 'shutdown';
  if (found === null) {
    const { minmem } = {
      ...filledBackend(configuration.cluster, instance),
      ...(overrides.beparams as { minmem?: number }),
    };
    await requireFreeMemory(
      context.nodes,
      configuration,
      primary,
      `starting instance ${instance.name}`,
      minmem,
      instance.hypervisor,
    );
  }
  const clearing = found?.state === 'shutdown' ? op.shutdown_timeout : undefined;
  return { ...common, primaryOffline: false, running, clearing };
}

export const instanceStartup = operation({
  opcode: InstanceStartup,
  steps: [setRunState, activateDisks, stopInstance, startInstance],
  locks: (op, configuration) => instanceLocks(configuration, op.instance_name),
  plan,
  hooks: (op, { instance }, configuration) =>
    instanceHooks('instance-start', configuration, instance, nodesOf(configuration, instance), {
      FORCE: op.force ? 'True' : 'False',
    }),
  run: async (plan, job) => {
    const { configuration, instance } = plan;
    const before = runStateOf(instance);
    if (plan.remember)
      await job.do(setRunState, {
        uuid: instance.uuid,
        before,
        after: { admin_state: 'up', admin_state_source: 'admin' },
      });
    if (plan.primaryOffline) {
      await job.keep();
      job.info('Primary node offline, marked instance as started');
      return null;
    }
    const marked = plan.remember
      ? { ...before, admin_state: 'up' as const, admin_state_source: 'admin' as const }
      : before;
    await job.do(setRunState, { uuid: instance.uuid, before: marked, after: { disks_active: true } });
    await bringDisksUp(job, configuration, instance, {
      ignoreSecondaries: plan.force,
      wasActive: plan.running || instance.disks_active,
    });
    if (plan.clearing !== undefined) {
      await job.do(stopInstance, {
        node: instance.primary_node,
        instance: instanceOnNode(configuration, instance, instance.primary_node),
        timeout: plan.clearing,
        wasRunning: false,
      });
    }
    await job.do(startInstance, {
      node: instance.primary_node,
      instance: instanceOnNode(configuration, instance, instance.primary_node, {
        hvparams: plan.hvparams,
        beparams: plan.beparams,
      }),
      paused: plan.paused,
      wasRunning: plan.running,
    });
    await job.keep();
    return null;
  },
});
