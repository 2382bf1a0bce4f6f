/** Opcodes about node groups. */
import { opcode, optional, required } from './opcode.ts';
import * as t from './types.ts';
import * as v from './values.ts';

/** What a group has of its own. */
const settings = {
  alloc_policy: optional(
    t.maybe(v.allocationPolicy),
    null,
    'Whether allocators may place new instances here',
  ),
  ndparams: optional(t.maybe(v.parameters), null, 'Node parameters'),
  diskparams: optional(t.maybe(v.diskParameters), null, 'Parameters by disk template'),
  hv_state: optional(t.maybe(v.parameters), null, 'Resources that the hypervisor keeps for itself'),
  disk_state: optional(t.maybe(v.parameters), null, 'Disk space that is kept for others'),
  ipolicy: optional(t.maybe(v.parameters), null, 'Instance policy'),
} as const;

export const GroupAdd = opcode({
  id: 'OP_GROUP_ADD',
  summary: 'group_name',
  doc: 'Adds a node group.',
  params: {
    group_name: required(t.nonEmptyString, 'Name of the new group'),
    ...settings,
  },
});

export const GroupAssignNodes = opcode({
  id: 'OP_GROUP_ASSIGN_NODES',
  summary: 'group_name',
  doc: 'Puts nodes into a group.',
  params: {
    group_name: required(t.nonEmptyString, 'Name of the node group'),
    force: optional(t.boolean, false, 'Go on although instances are split between groups'),
    nodes: required(v.names, 'Nodes that come into the group'),
    node_uuids: optional(v.maybeNames, null, 'Their uuids, when the client knows them'),
  },
});

export const GroupEvacuate = opcode({
  id: 'OP_GROUP_EVACUATE',
  summary: 'group_name',
  doc: 'Moves every instance out of a group.',
  params: {
    group_name: required(t.nonEmptyString, 'Name of the node group'),
    early_release: optional(
      t.boolean,
      false,
      'Remove old disks before the new ones are in sync, to let go of locks early',
    ),
    iallocator: optional(v.maybeName, null, 'Allocator script that chooses the nodes'),
    target_groups: optional(
      v.maybeNames,
      null,
      'Groups that may receive the instances; none means any other',
    ),
    sequential: optional(t.boolean, false, 'Move one instance after the other'),
    force_failover: optional(t.boolean, false, 'Fail over instead of migrating'),
  },
});

export const GroupRemove = opcode({
  id: 'OP_GROUP_REMOVE',
  summary: 'group_name',
  doc: 'Removes an empty group.',
  params: {
    group_name: required(t.nonEmptyString, 'Name of the node group'),
  },
});

export const GroupRename = opcode({
  id: 'OP_GROUP_RENAME',
  doc: 'Renames a group.',
  params: {
    group_name: required(t.nonEmptyString, 'Name of the node group'),
    new_name: required(t.nonEmptyString, 'The new name'),
  },
});

export const GroupSetParams = opcode({
  id: 'OP_GROUP_SET_PARAMS',
  summary: 'group_name',
  doc: 'Changes a group.',
  params: {
    group_name: required(t.nonEmptyString, 'Name of the node group'),
    ...settings,
  },
});

export const GroupVerifyDisks = opcode({
  id: 'OP_GROUP_VERIFY_DISKS',
  summary: 'group_name',
  doc: 'Finds broken and inactive disks of a group.',
  params: {
    group_name: required(t.nonEmptyString, 'Name of the node group'),
    is_strict: optional(t.boolean, true, 'Count a disk as broken when its node cannot say'),
  },
});
