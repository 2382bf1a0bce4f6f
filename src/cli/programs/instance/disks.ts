/** gnt-instance activate-disks, deactivate-disks, recreate-disks, grow-disk and replace-disks. */

import { parseUnit } from '../../../kit/units.ts';
import {
  InstanceActivateDisks,
  InstanceDeactivateDisks,
  InstanceGrowDisk,
  InstanceRecreateDisks,
  InstanceReplaceDisks,
} from '../../../opcodes/instance.ts';
import { command, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submit } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import { indexOf, invalid, recreatedDisksOf } from '../../shared/devices.ts';
import { splitNodes } from '../../shared/instance-create.ts';

export const activateDisks = command({
  arguments: [one('instance')],
  options: [o.submit, o.printJobId, o.ignoreSize, o.priority, o.waitForSync],
  usage: '<instance-name>',
  description: "Activate an instance's disks",
  run: async (session, options, args) => {
    const opcode = opcodeOf(InstanceActivateDisks, {
      instance_name: args[0]!,
      ignore_size: options.ignore_size,
      wait_for_sync: options.wait_for_sync,
    });
    const devices = (await submit(session, opcode, options)) as [string, string, string][];
    for (const device of devices) session.print(device.join(':'));
    return ExitCode.success;
  },
});

export const deactivateDisks = command({
  arguments: [one('instance')],
  options: [o.force, o.submit, o.printJobId, o.dryRun, o.priority],
  usage: '[-f] <instance-name>',
  description: "Deactivate an instance's disks",
  run: async (session, options, args) => {
    const opcode = opcodeOf(InstanceDeactivateDisks, { instance_name: args[0]!, force: options.force });
    await submit(session, opcode, options);
    return ExitCode.success;
  },
});

export const recreateDisks = command({
  arguments: [one('instance')],
  options: [o.submit, o.printJobId, o.disk, o.nodePlacement, o.dryRun, o.priority, o.iallocator],
  usage: '<instance-name>',
  description: "Recreate an instance's disks",
  run: async (session, options, args) => {
    const disks = recreatedDisksOf(options.disks);
    if (options.node && options.iallocator) {
      throw invalid('At most one of either --nodes or --iallocator can be passed');
    }
    const nodes = options.node ? splitNodes(options.node).filter((node) => node !== null) : [];
    const opcode = opcodeOf(InstanceRecreateDisks, {
      instance_name: args[0]!,
      disks: disks as never,
      nodes,
      iallocator: options.iallocator,
    });
    await submit(session, opcode, options);
    return ExitCode.success;
  },
});

function amountOf(text: string): number {
  try {
    return parseUnit(text);
  } catch (error) {
    throw Object.assign(invalid(`Can't parse the given amount '${text}'`), { cause: error });
  }
}

export const growDisk = command({
  arguments: [one('instance'), one('unknown'), one('unknown')],
  options: [o.submit, o.printJobId, o.noWaitForSync, o.dryRun, o.priority, o.absolute, o.ignoreIpolicy],
  usage: '<instance-name> <disk> <size>',
  description: "Grow an instance's disk",
  run: async (session, options, args) => {
    const [name = '', disk = '', amount = ''] = args;
    const opcode = opcodeOf(InstanceGrowDisk, {
      instance_name: name,
      disk: indexOf(disk, 'Invalid disk index'),
      amount: amountOf(amount),
      wait_for_sync: options.wait_for_sync,
      absolute: options.absolute,
      ignore_ipolicy: options.ignore_ipolicy,
    });
    await submit(session, opcode, options);
    return ExitCode.success;
  },
});

interface ReplaceOptions {
  readonly on_primary: boolean;
  readonly on_secondary: boolean;
  readonly auto: boolean;
  readonly dst_node: string | null;
  readonly iallocator: string | null;
}

type ReplaceMode = 'replace_auto' | 'replace_new_secondary' | 'replace_on_primary' | 'replace_on_secondary';

function replaceModeOf(options: ReplaceOptions): ReplaceMode {
  const offered: [boolean, ReplaceMode][] = [
    [options.on_primary, 'replace_on_primary'],
    [options.on_secondary, 'replace_on_secondary'],
    [options.auto, 'replace_auto'],
    [options.dst_node !== null, 'replace_new_secondary'],
    [options.iallocator !== null, 'replace_new_secondary'],
  ];
  const given = offered.filter(([isGiven]) => isGiven);
  if (given.length !== 1) {
    throw invalid('One and only one of the -p, -s, -a, -n and -I options must be passed');
  }
  return given[0]![1];
}

export const replaceDisks = command({
  arguments: [one('instance')],
  options: [
    o.autoReplace,
    o.diskIndices,
    o.iallocator,
    o.earlyRelease,
    o.newSecondary,
    o.onPrimary,
    o.onSecondary,
    o.submit,
    o.printJobId,
    o.dryRun,
    o.priority,
    o.ignoreIpolicy,
  ],
  usage: '[-s|-p|-a|-n NODE|-I NAME] <instance-name>',
  description: 'Replaces disks for the instance',
  run: async (session, options, args) => {
    const disks = options.disks?.split(',').map((index) => indexOf(index, 'Invalid disk index passed')) ?? [];
    const mode = replaceModeOf(options);
    if (mode === 'replace_auto' && disks.length > 0) {
      throw invalid('Cannot specify disks when using automatic mode');
    }
    const opcode = opcodeOf(InstanceReplaceDisks, {
      instance_name: args[0]!,
      disks,
      remote_node: options.dst_node,
      mode,
      iallocator: options.iallocator,
      early_release: options.early_release,
      ignore_ipolicy: options.ignore_ipolicy,
    });
    await submit(session, opcode, options);
    return ExitCode.success;
  },
});
