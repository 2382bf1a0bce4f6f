/** Making an instance, anew or from an export: `gnt-instance add` and `gnt-backup import`. */
import { InstanceCreate } from '../../opcodes/instance.ts';
import type { CommonValues } from '../command.ts';
import { opcodeOf } from '../jobs/opcode.ts';
import { submit } from '../jobs/submit.ts';
import * as o from '../options/index.ts';
import type { KeyValues } from '../optparse/key-values.ts';
import type { ValuesOf } from '../optparse/option.ts';
import type { Session } from '../session.ts';
import { disksOf, invalid, nicsOf, type Options } from './devices.ts';
import { typedBackend, typedHypervisor } from './parameters.ts';

/** Options of both commands (cli_opts.COMMON_CREATE_OPTS). */
export const commonCreateOptions = [
  o.backendParameters,
  o.disk,
  o.diskTemplate,
  o.fileStorageDir,
  o.fileDriver,
  o.hypervisor,
  o.iallocator,
  o.net,
  o.nodePlacement,
  o.nodeGroup,
  o.ipCheck,
  o.noIpCheck,
  o.nameCheck,
  o.noNameCheck,
  o.noConflictsCheck,
  o.noNics,
  o.noWaitForSync,
  o.osParameters,
  o.osParametersPrivate,
  o.osParametersSecret,
  o.osSize,
  o.opportunisticLocking,
  o.submit,
  o.printJobId,
  o.tags,
  o.dryRun,
  o.priority,
] as const;

type CreateOptions = ValuesOf<typeof commonCreateOptions> &
  CommonValues & {
    readonly helper_startup_timeout: number | null;
    readonly helper_shutdown_timeout: number | null;
    readonly ignore_ipolicy: boolean;
  };

/** "node1:node2" as primary and secondary. */
export function splitNodes(value: string | null): [string | null, string | null] {
  const colon = value?.indexOf(':') ?? -1;
  return value === null || colon < 0 ? [value, null] : [value.slice(0, colon), value.slice(colon + 1)];
}

function nicsFor(options: CreateOptions, isImport: boolean): Options[] {
  if (options.nics.length > 0) return nicsOf(options.nics);
  return options.no_nics || isImport ? [] : [{}];
}

async function disksFor(options: CreateOptions, isImport: boolean): Promise<Options[]> {
  const { isEmpty } = await import('./storage-facts.ts');
  const hasDisks = options.disks.length > 0;
  const hasSize = options.sd_size !== null;
  if (isEmpty(options.disk_template)) {
    if (hasDisks || hasSize) throw invalid('Diskless instance but disk information passed');
    return [];
  }
  if (hasDisks && hasSize) throw invalid("Please use either the '--disk' or '-s' option");
  if (hasSize) return [{ size: options.sd_size }];
  if (hasDisks) return disksOf(options.disks, isImport);
  if (!isImport) throw invalid('No disk information specified');
  return [];
}

function hypervisorOf(options: CreateOptions): { hypervisor: string | null; hvparams: KeyValues } {
  if (options.hypervisor === null) return { hypervisor: null, hvparams: {} };
  const [hypervisor, hvparams] = options.hypervisor;
  if (hvparams === null || hvparams === false)
    throw invalid(`Hypervisor '${hypervisor}' can't be taken away`);
  return { hypervisor, hvparams };
}

/**
 * Submits OP_INSTANCE_CREATE.
 * @param own the parameters that only one of the two commands sets
 */
export async function createInstance(
  session: Session,
  options: CreateOptions,
  name: string,
  own: Parameters<typeof opcodeOf<(typeof InstanceCreate)['params']>>[1] & {
    readonly mode: 'create' | 'import';
  },
): Promise<number> {
  const isImport = own.mode === 'import';
  const [pnode, snode] = splitNodes(options.node);
  const { hypervisor, hvparams } = hypervisorOf(options);
  const nics = nicsFor(options, isImport);
  const disks = await disksFor(options, isImport);
  const opcode = opcodeOf(InstanceCreate, {
    instance_name: name,
    disks: disks as never,
    disk_template: options.disk_template as never,
    group_name: options.nodegroup,
    nics: nics as never,
    conflicts_check: options.conflicts_check,
    pnode,
    snode,
    ip_check: options.ip_check,
    name_check: options.name_check,
    wait_for_sync: options.wait_for_sync,
    file_storage_dir: options.file_storage_dir,
    file_driver: options.file_driver as never,
    iallocator: options.iallocator,
    hypervisor: hypervisor as never,
    hvparams: await typedHypervisor(hvparams),
    beparams: typedBackend(options.beparams),
    osparams: options.osparams,
    osparams_private: options.osparams_private,
    osparams_secret: options.osparams_secret,
    opportunistic_locking: options.opportunistic_locking,
    tags: options.tags === null ? [] : options.tags.split(','),
    ignore_ipolicy: options.ignore_ipolicy,
    helper_startup_timeout: options.helper_startup_timeout,
    helper_shutdown_timeout: options.helper_shutdown_timeout,
    ...own,
  });
  await submit(session, opcode, options);
  return 0;
}
