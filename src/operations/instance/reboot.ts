/** OP_INSTANCE_REBOOT: soft (the hypervisor's reset), hard (stopped and started), full (disks too). */

import * as z from 'zod';
import type { Configuration } from '../../model/configuration.ts';
import { instanceNamed, nodesOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import { instanceReboot as rebootCall } from '../../noderpc/calls/instance.ts';
import { InstanceOnNode } from '../../noderpc/calls/shapes.ts';
import { InstanceReboot } from '../../opcodes/instance.ts';
import { primaryOf, requireOnline, runningOn } from '../checks.ts';
import { instanceHooks } from '../hooks-environment.ts';
import { instanceOnNode } from '../on-node.ts';
import { operation, step } from '../operation.ts';
import { runStateOf, setRunState } from '../steps/configuration.ts';
import { activateDisks, deactivateDisks } from '../steps/disks.ts';
import { startInstance, stopInstance } from '../steps/instance.ts';
import { requireLinks } from './create-checks.ts';
import { bringDisksDown, bringDisksUp } from './disk-activity.ts';
import { instanceLocks } from './locks.ts';
import { online, requireMarked } from './state.ts';

/** A reset has nothing to undo: the guest runs before and after. */
const resetInstance = step({
  name: 'reset-instance',
  input: z.object({
    node: z.string(),
    instance: InstanceOnNode,
    type: z.enum(['soft', 'hard']),
    shutdownTimeout: z.int(),
  }),
  run: async ({ nodes }, { node, ...argument }) => {
    await nodes.call(node, rebootCall, argument);
  },
  undo: 'none',
});

interface RebootPlan {
  readonly configuration: Configuration;
  readonly instance: Instance;
  readonly type: 'soft' | 'hard' | 'full';
  readonly running: boolean;
  readonly ignoreSecondaries: boolean;
  readonly shutdownTimeout: number;
}

export const instanceReboot = operation({
  opcode: InstanceReboot,
  steps: [resetInstance, setRunState, activateDisks, deactivateDisks, startInstance, stopInstance],
  locks: (op, configuration) => instanceLocks(configuration, op.instance_name),
  plan: async (op, context): Promise<RebootPlan> => {
    const { configuration } = context;
    const instance = instanceNamed(configuration, op.instance_name);
    const primary = primaryOf(configuration, instance);
    requireMarked(instance, online);
    requireOnline(primary);
    await requireLinks(context, instance, primary);
    const running = (await runningOn(context.nodes, configuration, instance, primary.uuid)) !== null;
    return {
      configuration,
      instance,
      type: op.reboot_type,
      running,
      ignoreSecondaries: op.ignore_secondaries,
      shutdownTimeout: op.shutdown_timeout,
    };
  },
  hooks: (op, { instance }, configuration) =>
    instanceHooks('instance-reboot', configuration, instance, nodesOf(configuration, instance), {
      IGNORE_SECONDARIES: op.ignore_secondaries ? 'True' : 'False',
      REBOOT_TYPE: op.reboot_type,
      SHUTDOWN_TIMEOUT: String(op.shutdown_timeout),
    }),
  run: async (plan, job) => {
    const { configuration, instance, type, running } = plan;
    const node = instance.primary_node;
    const onNode = instanceOnNode(configuration, instance, node);
    if (running && type !== 'full') {
      await job.do(resetInstance, { node, instance: onNode, type, shutdownTimeout: plan.shutdownTimeout });
    } else {
      if (running) {
        await job.do(stopInstance, {
          node,
          instance: onNode,
          timeout: plan.shutdownTimeout,
          wasRunning: true,
        });
        await bringDisksDown(job, configuration, instance);
      } else {
        job.info(`Instance ${instance.name} was already stopped, starting now`);
      }
      await bringDisksUp(job, configuration, instance, {
        ignoreSecondaries: plan.ignoreSecondaries,
        wasActive: !running && instance.disks_active,
      });
      await job.do(startInstance, { node, instance: onNode, paused: false, wasRunning: false });
    }
    await job.do(setRunState, {
      uuid: instance.uuid,
      before: runStateOf(instance),
      after: { admin_state: 'up', admin_state_source: 'admin', disks_active: true },
    });
    await job.keep();
    return null;
  },
});
