/** OP_INSTANCE_DEACTIVATE_DISKS: takes the disks of an instance that doesn't run down. */

import type { Configuration } from '../../../model/configuration.ts';
import { instanceNamed } from '../../../model/lookup.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import { reasonOf } from '../../../noderpc/reply.ts';
import { InstanceDeactivateDisks } from '../../../opcodes/instance.ts';
import { disksOnNode } from '../../on-node.ts';
import { type JobHandle, operation } from '../../operation.ts';
import { runStateOf, setRunState } from '../../steps/configuration.ts';
import { deactivateDisks, forceDiskDown } from '../../steps/disks.ts';
import { bringDisksDown, diskNodes } from '../disk-activity.ts';
import { instanceLocks } from '../locks.ts';
import { down, requireState } from '../state.ts';

interface DeactivatePlan {
  readonly configuration: Configuration;
  readonly instance: Instance;
  readonly force: boolean;
}

/** By force: a disk that can't be taken down is no reason to leave the others up. */
async function forceDown({ configuration, instance }: DeactivatePlan, job: JobHandle): Promise<void> {
  for (const node of diskNodes(configuration, instance).reverse()) {
    const { name, offline } = configuration.nodes.get(node)!;
    if (offline) continue;
    for (const disk of disksOnNode(configuration, instance, node)) {
      try {
        await job.do(forceDiskDown, { node, disk });
      } catch (error) {
        job.warn(`Could not shutdown block device ${disk.disk.iv_name} on node ${name}: ${reasonOf(error)}`);
      }
    }
  }
}

export const instanceDeactivateDisks = operation({
  opcode: InstanceDeactivateDisks,
  steps: [setRunState, deactivateDisks, forceDiskDown],
  locks: (op, configuration) => instanceLocks(configuration, op.instance_name),
  plan: async (op, context): Promise<DeactivatePlan> => {
    const { configuration } = context;
    const instance = instanceNamed(configuration, op.instance_name);
    if (!op.force) await requireState(context, instance, down, 'cannot shutdown disks');
    return { configuration, instance, force: op.force };
  },
  run: async (plan, job) => {
    const { configuration, instance } = plan;
    await job.do(setRunState, {
      uuid: instance.uuid,
      before: runStateOf(instance),
      after: { disks_active: false },
    });
    if (plan.force) {
      // What has gone down by force stays down, and the configuration has to say so.
      await job.keep();
      await forceDown(plan, job);
    } else {
      await bringDisksDown(job, configuration, instance);
    }
    await job.keep();
    return null;
  },
});
