/** OP_INSTANCE_REPLACE_DISKS: mirrors get new storage on one of their nodes, or another secondary node. */
import { pythonText } from '../../../kit/python-text.ts';
import { nodeNamed } from '../../../model/lookup.ts';
import { InstanceReplaceDisks } from '../../../opcodes/instance.ts';
import { instanceHooks } from '../../hooks-environment.ts';
import { type JobHandle, operation } from '../../operation.ts';
import { changeObjects, difference } from '../../steps/changes.ts';
import { runStateOf, setRunState } from '../../steps/configuration.ts';
import { createVolume, removeVolume } from '../../steps/disks.ts';
import { connectMirrors, leaveSecondary, meetSecondary, swapStorage } from '../../steps/replace.ts';
import { candidateLocks } from '../choose-nodes.ts';
import { activitySteps, bringDisksDown, bringDisksUp } from '../disk-activity.ts';
import { instanceLocks } from '../locks.ts';
import { planReplace, type ReplacePlan } from './plan.ts';
import { replaceSecondary } from './secondary.ts';
import { replaceStorage } from './storage.ts';

async function replace(plan: ReplacePlan, job: JobHandle): Promise<void> {
  if (plan.newNode === undefined) await replaceStorage(plan, job);
  else await replaceSecondary(plan, job, plan.newNode);
}

/** Of a stopped instance the disks are up for the time that it takes. */
async function run(plan: ReplacePlan, job: JobHandle): Promise<null> {
  const { configuration, instance, primary, secondary } = plan;
  if (plan.kind === 'nothing') {
    job.say(`No disks need replacement for instance '${instance.name}'`);
    return null;
  }
  const indices = plan.disks.map(({ index }) => index).join(', ');
  job.say(`Replacing disk(s) ${indices} for instance '${instance.name}'`);
  job.say(`Current primary node: ${primary.name}`);
  job.say(`Current secondary node: ${secondary.name}`);
  if (instance.forthcoming) {
    job.say(
      plan.newNode === undefined
        ? 'Instance forthcoming, not touching disks'
        : 'Instance fortcoming, will only update the configuration',
    );
    await job.do(changeObjects, {
      label: `new secondary of instance ${instance.name}`,
      changes: plan.disks.flatMap(({ before, after }) => difference('disks', before, after)),
    });
    await job.keep();
    return null;
  }
  if (instance.disks_active) {
    await replace(plan, job);
    return null;
  }
  const { uuid } = instance;
  const before = runStateOf(instance);
  await job.do(setRunState, { uuid, before, after: { disks_active: true } });
  await bringDisksUp(job, configuration, instance, { ignoreSecondaries: true });
  await replace(plan, job);
  await job.keep();
  const active = { ...before, disks_active: true };
  await job.do(setRunState, { uuid, before: active, after: { disks_active: false } });
  await bringDisksDown(job, job.world.config.current, { ...instance, disks_active: true });
  await job.keep();
  return null;
}

export const instanceReplaceDisks = operation({
  opcode: InstanceReplaceDisks,
  steps: [
    ...activitySteps,
    createVolume,
    removeVolume,
    swapStorage,
    connectMirrors,
    leaveSecondary,
    meetSecondary,
    changeObjects,
  ],
  locks: (op, configuration) => [
    ...instanceLocks(
      configuration,
      op.instance_name,
      op.remote_node === null ? [] : [nodeNamed(configuration, op.remote_node).uuid],
      { allowForthcoming: true },
    ),
    ...(op.iallocator === null ? [] : candidateLocks(configuration)),
  ],
  plan: planReplace,
  hooks: (op, { instance, primary, secondary, newNode }, configuration) =>
    instanceHooks(
      'mirrors-replace',
      configuration,
      instance,
      [primary.uuid, ...(newNode === undefined ? [] : [newNode.uuid])],
      { MODE: op.mode, NEW_SECONDARY: pythonText(newNode?.name), OLD_SECONDARY: secondary.name },
    ),
  run,
});
