/**
 * Zeroing before an export (`--zero-free-space`): the cluster's zeroing image runs in the stopped instance and fills what
 * is free on its disks with zeros, so that the export compresses well. What it has written stays, whatever becomes of the
 * export: nobody's data was there.
 */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import { disksOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import { filledHypervisor } from '../../model/params/fill.ts';
import type { BackupExport } from '../../opcodes/backup.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { primaryOf } from '../checks.ts';
import { defaultStartupTimeout, type HelperMachine, planHelper } from '../instance/helper/plan.ts';
import type { PlanContext } from '../operation.ts';

type Op = OpcodeOf<typeof BackupExport>;

/** Seconds for each MiB of disk (constants.ZEROING_TIMEOUT_PER_MIB). */
const defaultPerMiB = 0.05;

/** What zeroing needs, with Ganeti's words (LUBackupExport). @returns whether it was asked for */
function isWanted(op: Op, { cluster }: Configuration, instance: Instance): boolean {
  const wrong = (text: string) => prerequisiteFailure(text, ErrorCode.invalid);
  if (!op.zero_free_space) {
    if (op.zeroing_timeout_fixed === null && op.zeroing_timeout_per_mib === null) return false;
    throw wrong('Zeroing timeout options can only be used only with the --zero-free-space option');
  }
  if (op.compress === '') throw wrong('Zeroing free space does not make sense unless compression is used');
  if (!op.shutdown) throw wrong('Unless the instance is shut down, zeroing cannot be used.');
  const hvparams = filledHypervisor(cluster, instance);
  if (hvparams.user_shutdown === false)
    throw wrong('Instance shutdown detection must be enabled for zeroing to work');
  if (hvparams.boot_order !== undefined && hvparams.boot_order !== 'disk')
    throw wrong('Booting from disk must be set for zeroing to work');
  if (cluster.zeroing_image === '') throw wrong('A zeroing image must be set for zeroing to work');
  return true;
}

/** @returns the machine that zeroes; undefined when nothing is to be zeroed */
export async function planZeroing(
  op: Op,
  context: PlanContext,
  instance: Instance,
): Promise<HelperMachine | undefined> {
  const { configuration } = context;
  if (!isWanted(op, configuration, instance)) return undefined;
  const disks = disksOf(configuration, instance);
  if (disks.length === 0) {
    context.info(`Instance ${instance.name} has no disks, nothing to zero`);
    return undefined;
  }
  const size = disks.reduce((sum, disk) => sum + disk.size, 0);
  return await planHelper(context, instance.name, primaryOf(configuration, instance), {
    image: configuration.cluster.zeroing_image,
    doing: 'Zeroing free disk space',
    startupTimeout: op.shutdown_timeout,
    timeout:
      (op.zeroing_timeout_fixed ?? defaultStartupTimeout) +
      (op.zeroing_timeout_per_mib ?? defaultPerMiB) * size,
  });
}
