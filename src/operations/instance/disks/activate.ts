/** OP_INSTANCE_ACTIVATE_DISKS: brings the disks up without starting the guest. */
import { executionFailure } from '../../../kit/failure.ts';
import type { Configuration } from '../../../model/configuration.ts';
import { disksOf, instanceNamed } from '../../../model/lookup.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import { InstanceActivateDisks } from '../../../opcodes/instance.ts';
import { primaryOf, requireOnline } from '../../checks.ts';
import { disksOnNode } from '../../on-node.ts';
import { operation } from '../../operation.ts';
import { runStateOf, setRunState } from '../../steps/configuration.ts';
import { activateDisks } from '../../steps/disks.ts';
import { waitForSync } from '../../sync.ts';
import { bringDisksUp } from '../disk-activity.ts';
import { instanceLocks } from '../locks.ts';

interface ActivatePlan {
  readonly configuration: Configuration;
  readonly instance: Instance;
  readonly primary: string;
  readonly ignoreSize: boolean;
  readonly waitForSync: boolean;
}

/** Gives [node, name of the disk, device] for each disk. */
export const instanceActivateDisks = operation({
  opcode: InstanceActivateDisks,
  steps: [setRunState, activateDisks],
  locks: (op, configuration) => instanceLocks(configuration, op.instance_name),
  plan: async (op, { configuration }): Promise<ActivatePlan> => {
    const instance = instanceNamed(configuration, op.instance_name);
    const primary = primaryOf(configuration, instance);
    requireOnline(primary);
    return {
      configuration,
      instance,
      primary: primary.name,
      ignoreSize: op.ignore_size,
      waitForSync: op.wait_for_sync,
    };
  },
  run: async (plan, job): Promise<[string, string, string][]> => {
    const { configuration, instance } = plan;
    await job.do(setRunState, {
      uuid: instance.uuid,
      before: runStateOf(instance),
      after: { disks_active: true },
    });
    let paths: string[];
    try {
      paths = await bringDisksUp(job, configuration, instance, { ignoreSize: plan.ignoreSize });
    } catch (error) {
      throw executionFailure('Cannot activate block devices', error);
    }
    if (plan.waitForSync) {
      const disks = disksOnNode(configuration, instance, instance.primary_node);
      if (!(await waitForSync(job, instance.name, instance.primary_node, disks)))
        throw executionFailure('Some disks of the instance are degraded!');
    }
    await job.keep();
    return disksOf(configuration, instance).map((disk, index) => [
      plan.primary,
      disk.iv_name,
      paths[index] ?? '',
    ]);
  },
});
