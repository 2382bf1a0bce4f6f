/** gnt-group add, modify, remove, rename, assign-nodes and evacuate. */
import {
  GroupAdd,
  GroupAssignNodes,
  GroupEvacuate,
  GroupRemove,
  GroupRename,
  GroupSetParams,
} from '../../../opcodes/group.ts';
import { command, many, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { followJobsOf } from '../../jobs/executor.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submit } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import {
  groupsOf,
  type IdentifiedValues,
  type KeyValues,
  nestedGroupsOf,
} from '../../optparse/key-values.ts';
import { printChanges } from '../../shared/changes.ts';
import { followResult } from '../../shared/follow-result.ts';
import { typedNode } from '../../shared/parameters.ts';
import { type PolicyOptions, policyOf } from '../../shared/policy.ts';

interface GroupOptions extends PolicyOptions {
  readonly ndparams: KeyValues | null;
  readonly alloc_policy: string | null;
  readonly diskparams: IdentifiedValues[];
  readonly hv_state: IdentifiedValues[];
  readonly disk_state: IdentifiedValues[];
}

/** What both add and modify set. */
function settingsOf(options: GroupOptions, mayBeDefault: boolean) {
  return {
    ndparams: options.ndparams === null ? null : typedNode(options.ndparams),
    alloc_policy: options.alloc_policy as never,
    diskparams: groupsOf(options.diskparams) as never,
    ipolicy: policyOf(options, mayBeDefault) as never,
    hv_state: groupsOf(options.hv_state),
    disk_state: nestedGroupsOf(options.disk_state),
  };
}

export const add = command({
  arguments: [one('group')],
  options: [
    o.dryRun,
    o.allocPolicy,
    o.nodeParameters,
    o.diskParameters,
    o.hypervisorState,
    o.diskState,
    o.priority,
    o.submit,
    o.printJobId,
    o.ipolicyBoundsSpecs,
    o.ipolicyDiskTemplates,
    o.ipolicyVcpuRatio,
    o.ipolicySpindleRatio,
  ],
  usage: '<group-name>',
  description: 'Add a new node group to the cluster',
  run: async (session, options, args) => {
    const opcode = opcodeOf(GroupAdd, { group_name: args[0]!, ...settingsOf(options, false) });
    return await followResult(session, await submit(session, opcode, options), options);
  },
});

export const modify = command({
  arguments: [one('group')],
  options: [
    o.dryRun,
    o.submit,
    o.printJobId,
    o.allocPolicy,
    o.nodeParameters,
    o.hypervisorState,
    o.diskState,
    o.diskParameters,
    o.priority,
    o.ipolicyBoundsSpecs,
    o.ipolicyDiskTemplates,
    o.ipolicyVcpuRatio,
    o.ipolicySpindleRatio,
  ],
  usage: '<group>',
  description: 'Alters the parameters of a node group',
  run: async (session, options, args) => {
    const values = [
      options.ndparams,
      options.alloc_policy,
      options.ipolicy_bounds_specs,
      options.ipolicy_vcpu_ratio,
      options.ipolicy_spindle_ratio,
      options.ipolicy_disk_templates,
    ];
    const lists = [options.diskparams, options.hv_state, options.disk_state];
    if (values.every((value) => value === null) && lists.every(({ length }) => length === 0)) {
      session.warn('Please give at least one of the parameters.');
      return ExitCode.failure;
    }
    const opcode = opcodeOf(GroupSetParams, { group_name: args[0]!, ...settingsOf(options, true) });
    printChanges(session, 'node group', args[0]!, await submit(session, opcode, options));
    return ExitCode.success;
  },
});

export const remove = command({
  arguments: [one('group')],
  options: [o.dryRun, o.priority, o.submit, o.printJobId],
  usage: '[--dry-run] <group>',
  description: 'Remove an (empty) node group from the cluster',
  run: async (session, options, args) => {
    await submit(session, opcodeOf(GroupRemove, { group_name: args[0]! }), options);
    return ExitCode.success;
  },
});

export const rename = command({
  arguments: [{ kind: 'group', min: 2, max: 2 }],
  options: [o.dryRun, o.submit, o.printJobId, o.priority],
  usage: '[--dry-run] <old-name> <new-name>',
  description: 'Rename a node group',
  run: async (session, options, args) => {
    const [name = '', newName = ''] = args;
    await submit(session, opcodeOf(GroupRename, { group_name: name, new_name: newName }), options);
    return ExitCode.success;
  },
});

export const assignNodes = command({
  arguments: [one('group'), many('node')],
  options: [o.dryRun, o.force, o.priority, o.submit, o.printJobId],
  usage: '<group-name> <node-name>...',
  description: 'Assign nodes to a group',
  run: async (session, options, args) => {
    const [name = '', ...nodes] = args;
    const opcode = opcodeOf(GroupAssignNodes, { group_name: name, nodes, force: options.force });
    await submit(session, opcode, options);
    return ExitCode.success;
  },
});

export const evacuate = command({
  arguments: [one('group')],
  options: [o.toGroup, o.iallocator, o.earlyRelease, o.sequential, o.forceFailover, o.submit, o.printJobId],
  usage: '[-I <iallocator>] [--to <group>] <source-group>',
  description: 'Evacuate all instances within a group',
  run: async (session, options, args) => {
    const opcode = opcodeOf(GroupEvacuate, {
      group_name: args[0]!,
      iallocator: options.iallocator,
      target_groups: options.to,
      early_release: options.early_release,
      sequential: options.sequential,
      force_failover: options.force_failover,
    });
    const outcomes = await followJobsOf(session, await submit(session, opcode, options), options);
    const failed = outcomes.filter(({ success }) => !success).length;
    session.print(
      failed === 0
        ? 'All instances evacuated successfully.'
        : `There were ${failed} errors during the evacuation.`,
    );
    return failed === 0 ? ExitCode.success : ExitCode.failure;
  },
});
