/**
 * Installation by scripts that nobody trusts on the node (create_untrusted, doc/design-os): they run in a helper virtual
 * machine with the cluster's install image, which gets them as a package from the metadata service. The instance's disks
 * are behind the helper's own there: its first one is the guest's second.
 */
import { hypervisorAbout } from '../../../hypervisors/catalog.ts';
import { ErrorCode, executionFailure, messageOf, prerequisiteFailure } from '../../../kit/failure.ts';
import { communicationNicPrefix } from '../../../metadata/client/control.ts';
import type { Disk } from '../../../model/objects/disk.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import type { Node } from '../../../model/objects/node.ts';
import { filledHypervisor } from '../../../model/params/fill.ts';
import { instanceOnNode } from '../../on-node.ts';
import type { JobHandle, PlanContext } from '../../operation.ts';
import { makeOsPackage, removeOsPackage } from '../../steps/instance.ts';
import { defaultShutdownTimeout, defaultStartupTimeout, type HelperMachine, planHelper } from './plan.ts';
import { type HelperSubject, helperSteps, runHelper } from './run.ts';

/** Seconds; null: the default. */
export interface InstallTimeouts {
  readonly startup: number | null;
  readonly shutdown: number | null;
}

/** A helper that installs, with what it finds in the environment of the script. */
export interface InstallMachine extends HelperMachine {
  readonly environment: Readonly<Record<string, string>>;
}

/** a … z, aa …: the letters at the end of a disk's name in a guest. */
export function diskLetters(index: number): string {
  const last = String.fromCharCode(97 + (index % 26));
  return index < 26 ? last : diskLetters(Math.floor(index / 26) - 1) + last;
}

/** @throws Failure OpExecError where no guest's disks have names that are known */
function environmentFor({ configuration }: PlanContext, instance: Instance, disks: readonly Disk[]) {
  const prefix = hypervisorAbout(instance.hypervisor).guestDiskPrefix?.(
    filledHypervisor(configuration.cluster, instance),
  );
  if (prefix === undefined) {
    throw executionFailure(
      `Cannot run OS scripts in a virtualized environment for hypervisor '${instance.hypervisor}'`,
    );
  }
  return Object.fromEntries([
    ['OS_SCRIPT', 'create_untrusted'],
    ...disks.map((_, index) => [`DISK_${index}_PATH`, `${prefix}${diskLetters(index + 1)}`]),
  ]) as Record<string, string>;
}

/**
 * What an installation by untrusted scripts needs is there, and a disk for the helper is named.
 * @throws Failure OpPrereqError, OpExecError
 */
export async function planInstall(
  context: PlanContext,
  instance: Instance,
  disks: readonly Disk[],
  node: Node,
  timeouts: InstallTimeouts = { startup: null, shutdown: null },
): Promise<InstallMachine> {
  const { install_image: image } = context.configuration.cluster;
  if (image === '') {
    throw executionFailure('Cannot create install instance because an install image has not been specified');
  }
  if (!instance.nics.some(({ name }) => name?.startsWith(communicationNicPrefix))) {
    throw prerequisiteFailure(
      `The scripts of OS '${instance.os}' run in a helper virtual machine, which gets them from the metadata service:` +
        ` the instance needs instance communication`,
      ErrorCode.invalid,
    );
  }
  const environment = environmentFor(context, instance, disks);
  const helper = await planHelper(context, instance.name, node, {
    ...{ image, doing: 'Running OS create script' },
    startupTimeout: timeouts.startup ?? defaultStartupTimeout,
    timeout: timeouts.shutdown ?? defaultShutdownTimeout,
  });
  return { ...helper, environment };
}

export interface InstallWish {
  readonly reinstall: boolean;
  readonly debug: number;
  readonly secretParameters: Readonly<Record<string, string>>;
  readonly secretNames: readonly string[];
}

/** @throws Failure OpExecError; what was made is left to the undo */
export async function installInHelper(
  helper: InstallMachine,
  subject: HelperSubject,
  wish: InstallWish,
  job: JobHandle,
): Promise<void> {
  const { configuration, instance, disks } = subject;
  const node = instance.primary_node;
  const given = instance.osparams['os-install-package'];
  if (given !== undefined) job.say(`Using OS install package '${given}'`);
  let file: string;
  try {
    file = await job.do(makeOsPackage(wish.secretParameters, wish.secretNames), {
      node,
      instance: instanceOnNode(configuration, instance, node, disks === undefined ? {} : { disks }),
      reinstall: wish.reinstall,
      debug: wish.debug,
      environment: { ...helper.environment },
    });
  } catch (error) {
    job.signal.throwIfAborted();
    throw executionFailure(`Could not export OS '${instance.os}': ${messageOf(error)}`, error);
  }
  if (given === undefined) job.say(`Created OS install package '${file}'`);
  await runHelper(helper, subject, job);
  await job.do(removeOsPackage, { node, uuid: instance.uuid });
}

/** The steps of an installation in a helper. */
export const installSteps = [makeOsPackage({}), removeOsPackage, ...helperSteps] as const;
