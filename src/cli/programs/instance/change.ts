/** gnt-instance modify, rename and remove. */
import { InstanceRemove, InstanceRename, InstanceSetParams } from '../../../opcodes/instance.ts';
import { command, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submit } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import type { ValuesOf } from '../../optparse/option.ts';
import { pythonText } from '../../output/python-text.ts';
import { printChanges } from '../../shared/changes.ts';
import { checkedProviderParameters, deviceChangesOf, diskChangesOf } from '../../shared/devices.ts';
import { typedBackend, typedHypervisor } from '../../shared/parameters.ts';
import { ensureInstanceExists } from './existence.ts';

export const remove = command({
  arguments: [one('instance')],
  options: [o.force, o.shutdownTimeout, o.ignoreFailures, o.submit, o.printJobId, o.dryRun, o.priority],
  usage: '[-f] <instance-name>',
  description: 'Shuts down the instance and removes it',
  run: async (session, options, args) => {
    const name = args[0]!;
    if (!options.force) {
      await ensureInstanceExists(session, name);
      const question =
        `This will remove the volumes of the instance ${name} (including mirrors),` +
        ' thus removing all the data of the instance. Continue?';
      if (!session.ask(question)) return ExitCode.failure;
    }
    const opcode = opcodeOf(InstanceRemove, {
      instance_name: name,
      ignore_failures: options.ignore_failures,
      shutdown_timeout: options.shutdown_timeout,
    });
    await submit(session, opcode, options);
    return ExitCode.success;
  },
});

export const rename = command({
  arguments: [one('instance'), one('host')],
  options: [o.ipCheck, o.nameCheck, o.submit, o.printJobId, o.dryRun, o.priority],
  usage: '<old-name> <new-name>',
  description: 'Rename the instance',
  run: async (session, options, args) => {
    const [name = '', newName = ''] = args;
    const opcode = opcodeOf(InstanceRename, {
      instance_name: name,
      new_name: newName,
      ip_check: options.ip_check,
      name_check: options.name_check,
    });
    const result = await submit(session, opcode, options);
    if (result) session.print(`Instance '${name}' renamed to '${pythonText(result)}'`);
    return ExitCode.success;
  },
});

const modifyOptions = [
  o.backendParameters,
  o.disk,
  o.force,
  o.hypervisorParameters,
  o.net,
  o.submit,
  o.printJobId,
  o.diskTemplate,
  o.node,
  o.iallocator,
  o.osType,
  o.forceVariant,
  o.osParameters,
  o.osParametersPrivate,
  o.dryRun,
  o.priority,
  o.noWaitForSync,
  o.offlineInstance,
  o.onlineInstance,
  o.ignoreIpolicy,
  o.runtimeMemory,
  o.noConflictsCheck,
  o.newPrimary,
  o.noHotplug,
  o.communication,
  o.extParams,
  o.fileDriver,
  o.fileStorageDir,
] as const;

type ModifyOptions = ValuesOf<typeof modifyOptions>;

const isEmpty = (values: object) => Object.keys(values).length === 0;

function changesNothing(options: ModifyOptions): boolean {
  return (
    options.nics.length === 0 &&
    options.disks.length === 0 &&
    !options.disk_template &&
    isEmpty(options.hvparams) &&
    isEmpty(options.beparams) &&
    !options.os &&
    isEmpty(options.osparams) &&
    isEmpty(options.osparams_private) &&
    !options.offline_inst &&
    !options.online_inst &&
    !options.runtime_mem &&
    !options.new_primary_node &&
    options.instance_communication === null
  );
}

/** What is wrong with the options of a conversion to another disk template, if anything. */
async function conversionFault(options: ModifyOptions): Promise<string | undefined> {
  const template = options.disk_template;
  if (template && template !== 'ext' && !isEmpty(options.ext_params)) {
    return "Specifying ExtStorage parameters requires converting to the 'ext' disk template";
  }
  if (template === 'ext' && isEmpty(options.ext_params)) {
    return "Provider option is missing, use either the '--ext-params' or '-e' option";
  }
  const hasFileOptions = options.file_driver !== null || options.file_storage_dir !== null;
  if (!hasFileOptions) return undefined;
  const { fileBased } = await import('../../shared/storage-facts.ts');
  if (!fileBased().includes(template ?? '')) {
    return 'Specifying file-based configuration arguments requires converting to a file-based disk template';
  }
  return undefined;
}

const hotModifyQuestion =
  'You are about to hot-modify a NIC. This will be done by removing the existing NIC and then adding a new' +
  ' one. Network connection might be lost. Continue?';
const restartHint =
  "Please don't forget that most parameters take effect only at the next (re)start of the instance" +
  ' initiated by ganeti; restarting from within the instance will not be enough.';
const hypervisorHint =
  'Note that changing hypervisor parameters without performing a restart might lead to a crash while' +
  ' performing a live migration. This will be addressed in future Ganeti versions.';

export const modify = command({
  arguments: [one('instance')],
  usage: '<instance-name>',
  description: 'Alters the parameters of an instance',
  options: modifyOptions,
  run: async (session, options, args) => {
    const name = args[0]!;
    if (changesNothing(options)) {
      session.warn('Please give at least one of the parameters.');
      return ExitCode.failure;
    }
    const beparams = typedBackend(options.beparams);
    const hvparams = await typedHypervisor(options.hvparams);
    const nics = deviceChangesOf(options.nics);
    const hotModifies = options.hotplug && nics.some(([action]) => action === 'modify');
    if (hotModifies && !options.force && !session.ask(hotModifyQuestion)) return ExitCode.failure;
    const disks = diskChangesOf(options.disks);
    const fault = await conversionFault(options);
    if (fault !== undefined) {
      session.warn(fault);
      return ExitCode.failure;
    }
    const opcode = opcodeOf(InstanceSetParams, {
      instance_name: name,
      nics: nics as never,
      disks: disks as never,
      hotplug: options.hotplug,
      disk_template: options.disk_template as never,
      ext_params: checkedProviderParameters(options.ext_params),
      file_driver: options.file_driver as never,
      file_storage_dir: options.file_storage_dir,
      remote_node: options.node,
      iallocator: options.iallocator,
      pnode: options.new_primary_node,
      hvparams,
      beparams,
      runtime_mem: options.runtime_mem,
      os_name: options.os,
      osparams: options.osparams,
      osparams_private: options.osparams_private,
      force_variant: options.force_variant,
      force: options.force,
      wait_for_sync: options.wait_for_sync,
      offline: options.offline_inst ? true : options.online_inst ? false : null,
      conflicts_check: options.conflicts_check,
      ignore_ipolicy: options.ignore_ipolicy,
      instance_communication: options.instance_communication,
    });
    const changes = await submit(session, opcode, options);
    if (printChanges(session, 'instance', name, changes)) {
      session.print(restartHint);
      if (!isEmpty(options.hvparams)) session.print(hypervisorHint);
    }
    return ExitCode.success;
  },
});
