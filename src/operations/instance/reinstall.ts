/** OP_INSTANCE_REINSTALL: runs the OS definition's create script on the disks that there are. */

import { ErrorCode, executionFailure, prerequisiteFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import { disksOf, instanceNamed, nodesOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import { reasonOf } from '../../noderpc/reply.ts';
import { InstanceReinstall } from '../../opcodes/instance.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { primaryOf } from '../checks.ts';
import { instanceHooks } from '../hooks-environment.ts';
import { disksOnNode, instanceOnNode } from '../on-node.ts';
import { type JobHandle, operation, type PlanContext } from '../operation.ts';
import { changeObjects, difference } from '../steps/changes.ts';
import { installOs } from '../steps/instance.ts';
import { requireMemory, requireOs } from './create-checks.ts';
import { activitySteps, whileActive } from './disk-activity.ts';
import { type InstallMachine, installInHelper, installSteps, planInstall } from './helper/install.ts';
import { imageSteps, writeOsImage } from './image.ts';
import { instanceLocks } from './locks.ts';
import { changedOs, hiddenOs, osImage, osValues } from './os-parameters.ts';
import { down, requireState } from './state.ts';

type Op = OpcodeOf<typeof InstanceReinstall>;

interface ReinstallPlan {
  readonly configuration: Configuration;
  readonly instance: Instance;
  /** With the OS and the parameters that it is to have. */
  readonly after: Instance;
  readonly newOs: string | null;
  /** What the first disk begins with, before the OS is installed if there is one. */
  readonly image: string | undefined;
  /** Installs instead of the node, which does not trust the scripts. */
  readonly installer: InstallMachine | undefined;
  /** The image was named with the request. */
  readonly isNewImage: boolean;
  readonly primary: string;
  readonly secretParameters: Readonly<Record<string, string>>;
  readonly secretNames: readonly string[];
  readonly debug: number;
}

async function plan(op: Op, context: PlanContext): Promise<ReinstallPlan> {
  const { configuration } = context;
  const instance = instanceNamed(configuration, op.instance_name);
  const primary = primaryOf(configuration, instance);
  if (primary.offline) {
    throw prerequisiteFailure(
      `Instance primary node offline, cannot reinstall: ${primary.name}`,
      ErrorCode.state,
    );
  }
  if (instance.disks.length === 0) {
    throw prerequisiteFailure(`Instance '${instance.name}' has no disks`, ErrorCode.invalid);
  }
  await requireState(context, instance, down, 'cannot reinstall');
  const os = op.os_type ?? instance.os;
  const after: Instance = { ...instance, os, ...changedOs(instance, op) };
  const image = osImage(after.osparams);
  const { cluster } = configuration;
  const secretParameters = hiddenOs(cluster, os, after.osparams_private, op.osparams_secret);
  let untrusted = false;
  if (os !== '') {
    const nodes = nodesOf(configuration, instance).flatMap((uuid) => configuration.nodes.get(uuid) ?? []);
    for (const node of nodes.filter((each) => !each.offline && each.vm_capable)) {
      const found = await requireOs(context, after, node, secretParameters, op.force_variant);
      if (node === primary) untrusted = found;
    }
  }
  const disks = disksOf(configuration, instance);
  const installer = untrusted ? await planInstall(context, after, disks, primary) : undefined;
  if (installer !== undefined) await requireMemory(context, after, primary);
  return {
    configuration,
    instance,
    after,
    newOs: op.os_type,
    image,
    installer,
    isNewImage: osImage(osValues(op.osparams)) !== undefined,
    primary: primary.name,
    secretParameters,
    secretNames: Object.keys(osValues(op.osparams_secret)),
    debug: op.debug_level ?? 0,
  };
}

async function writeImage({ configuration, after, primary }: ReinstallPlan, image: string, job: JobHandle) {
  const node = after.primary_node;
  const disks = disksOnNode(configuration, after, node);
  await writeOsImage(job, image, { instance: after.name, node, nodeName: primary, disks });
}

async function install({ configuration, after, ...plan }: ReinstallPlan, job: JobHandle): Promise<void> {
  job.info('Running instance OS create scripts...');
  const { installer, secretParameters, secretNames, debug } = plan;
  if (installer !== undefined) {
    const wish = { reinstall: true, debug, secretParameters, secretNames };
    await installInHelper(installer, { configuration, instance: after }, wish, job);
    return;
  }
  const node = after.primary_node;
  const instance = instanceOnNode(configuration, after, node);
  const step = installOs(plan.secretParameters, plan.secretNames);
  try {
    await job.do(step, { node, instance, reinstall: true, debug: plan.debug });
  } catch (error) {
    throw executionFailure(
      `Could not install OS for instance '${after.name}' on node '${plan.primary}': ${reasonOf(error)}`,
      error,
    );
  }
}

export const instanceReinstall = operation({
  opcode: InstanceReinstall,
  steps: [...new Set([changeObjects, ...activitySteps, ...imageSteps, ...installSteps, installOs({})])],
  locks: (op, configuration) => instanceLocks(configuration, op.instance_name),
  plan,
  hooks: (_op, { instance }, configuration) =>
    instanceHooks('instance-reinstall', configuration, instance, nodesOf(configuration, instance)),
  run: async (plan, job) => {
    const { configuration, instance, after } = plan;
    if (plan.isNewImage) job.say(`Using OS image '${plan.image}'`);
    if (plan.newOs !== null) job.say(`Changing OS scripts to '${plan.newOs}'...`);
    await job.do(changeObjects, {
      label: `reinstall ${instance.name}`,
      changes: difference('instances', instance, after),
    });
    if (after.os === '' && plan.image === undefined) {
      job.info(
        "No OS scripts or OS image specified or found in the instance's configuration, nothing to install",
      );
      return null;
    }
    await whileActive(job, configuration, after, async () => {
      if (plan.image !== undefined) await writeImage(plan, plan.image, job);
      if (after.os !== '') await install(plan, job);
    });
    return null;
  },
});
