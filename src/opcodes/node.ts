/** Opcodes about nodes: their place in the cluster, storage and power. */
import { opcode, optional, required } from './opcode.ts';
import * as t from './types.ts';
import * as v from './values.ts';

export const NodeAdd = opcode({
  id: 'OP_NODE_ADD',
  summary: 'node_name',
  doc: 'Adds a node.',
  params: {
    node_name: required(t.nonEmptyString, 'Name of the new node'),
    hv_state: optional(t.maybe(v.parameters), null, 'Resources that the hypervisor keeps for itself'),
    disk_state: optional(t.maybe(v.parameters), null, 'Disk space that is kept for others'),
    primary_ip: optional(
      v.maybeName,
      null,
      'What clients put here is not taken: the address is always that of its name',
    ),
    secondary_ip: optional(v.maybeName, null, 'Address for replication and migration'),
    readd: optional(t.boolean, false, 'The node is known and comes back'),
    group: optional(v.maybeName, null, 'Group that it joins'),
    master_capable: optional(t.maybe(t.boolean), null, 'Whether the node may become master'),
    vm_capable: optional(t.maybe(t.boolean), null, 'Whether the node may have instances'),
    ndparams: optional(t.maybe(v.parameters), null, 'Node parameters'),
    node_setup: optional(
      t.boolean,
      false,
      'SSH was set up on the node: the keys of the nodes are told to each other',
    ),
  },
});

export const NodeEvacuate = opcode({
  id: 'OP_NODE_EVACUATE',
  summary: 'node_name',
  doc: 'Moves instances away from a node.',
  params: {
    early_release: optional(
      t.boolean,
      false,
      'Remove old disks before the new ones are in sync, to let go of locks early',
    ),
    node_name: required(t.nonEmptyString, 'Name of the node'),
    node_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    remote_node: optional(v.maybeName, null, 'Node that becomes the new secondary'),
    remote_node_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    iallocator: optional(v.maybeName, null, 'Allocator script that chooses the nodes'),
    mode: required(v.evacuationMode, 'Which instances leave'),
    ignore_soft_errors: optional(
      t.maybe(t.boolean),
      null,
      'Go on although the allocator finds the result unhealthy',
    ),
  },
});

export const NodeMigrate = opcode({
  id: 'OP_NODE_MIGRATE',
  summary: 'node_name',
  doc: 'Migrates all instances that have a node as primary.',
  params: {
    node_name: required(t.nonEmptyString, 'Name of the node'),
    node_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    mode: optional(t.maybe(v.migrationMode), null, 'While they run, or with a pause'),
    live: optional(t.maybe(t.boolean), null, 'Older spelling of the mode: true for live'),
    target_node: optional(v.maybeName, null, 'Node to go to'),
    target_node_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    allow_runtime_changes: optional(t.boolean, true, "Reduce the guest's memory when the target has less"),
    ignore_ipolicy: optional(t.boolean, false, 'Allow what the instance policy forbids'),
    iallocator: optional(v.maybeName, null, 'Allocator script that chooses the nodes'),
  },
});

export const NodeModifyStorage = opcode({
  id: 'OP_NODE_MODIFY_STORAGE',
  summary: 'node_name',
  doc: 'Changes a storage unit of a node.',
  params: {
    node_name: required(t.nonEmptyString, 'Name of the node'),
    node_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    storage_type: required(v.storageType, 'Kind of storage'),
    name: optional(v.maybeName, null, 'Name of the storage unit'),
    changes: required(v.parameters, 'What changes, by field'),
  },
});

export const NodePowercycle = opcode({
  id: 'OP_NODE_POWERCYCLE',
  summary: 'node_name',
  doc: 'Restarts a node by force.',
  params: {
    node_name: required(t.nonEmptyString, 'Name of the node'),
    node_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    force: optional(t.boolean, false, 'Also the master'),
  },
});

export const NodeQueryVols = opcode({
  id: 'OP_NODE_QUERYVOLS',
  doc: 'Lists logical volumes of nodes.',
  params: {
    output_fields: required(v.names, 'Fields to give, in this order'),
    nodes: optional(v.names, [], 'Nodes to look at; none means all'),
  },
});

export const NodeQueryStorage = opcode({
  id: 'OP_NODE_QUERY_STORAGE',
  doc: 'Lists storage units of nodes.',
  params: {
    output_fields: required(v.names, 'Fields to give, in this order'),
    storage_type: optional(
      v.maybeStorageType,
      null,
      'Kind of storage; without it, the one of the default disk template',
    ),
    nodes: optional(v.names, [], 'Nodes to look at; none means all'),
    name: optional(v.maybeName, null, 'Only this unit'),
  },
});

export const NodeRemove = opcode({
  id: 'OP_NODE_REMOVE',
  summary: 'node_name',
  doc: 'Removes a node.',
  params: {
    node_name: required(t.nonEmptyString, 'Name of the node'),
    node_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
  },
});

export const NodeSetParams = opcode({
  id: 'OP_NODE_SET_PARAMS',
  summary: 'node_name',
  doc: 'Changes a node.',
  params: {
    node_name: required(t.nonEmptyString, 'Name of the node'),
    node_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    force: optional(t.boolean, false, 'Go on where a check would ask to be confirmed'),
    hv_state: optional(t.maybe(v.parameters), null, 'Resources that the hypervisor keeps for itself'),
    disk_state: optional(t.maybe(v.parameters), null, 'Disk space that is kept for others'),
    master_candidate: optional(t.maybe(t.boolean), null, 'Whether it is a master candidate'),
    offline: optional(t.maybe(t.boolean), null, 'Whether it counts as down'),
    drained: optional(t.maybe(t.boolean), null, 'Whether nothing new is placed there'),
    auto_promote: optional(t.boolean, false, 'Promote other nodes when too few candidates are left'),
    master_capable: optional(t.maybe(t.boolean), null, 'Whether the node may become master'),
    vm_capable: optional(t.maybe(t.boolean), null, 'Whether the node may have instances'),
    secondary_ip: optional(v.maybeName, null, 'Address for replication and migration'),
    ndparams: optional(t.maybe(v.parameters), null, 'Node parameters'),
    powered: optional(t.maybe(t.boolean), null, 'Whether it has power'),
  },
});

export const OobCommand = opcode({
  id: 'OP_OOB_COMMAND',
  doc: 'Controls the power of nodes.',
  params: {
    node_names: optional(v.names, [], 'Nodes to act on; none means all'),
    node_uuids: optional(v.maybeNames, null, 'Their uuids, when the client knows them'),
    command: required(v.powerCommand, 'What to do'),
    timeout: optional(t.integer, 60, 'Seconds that the program may take'),
    ignore_status: optional(t.boolean, false, 'Power off although the node is not offline'),
    power_delay: optional(t.float, 2, 'Seconds between two nodes that are powered on'),
  },
});

export const RepairNodeStorage = opcode({
  id: 'OP_REPAIR_NODE_STORAGE',
  summary: 'node_name',
  doc: 'Repairs a storage unit of a node.',
  params: {
    node_name: required(t.nonEmptyString, 'Name of the node'),
    node_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    storage_type: required(v.storageType, 'Kind of storage'),
    name: optional(v.maybeName, null, 'Name of the storage unit'),
    ignore_consistency: optional(t.boolean, false, 'Go on although disks are degraded'),
  },
});

export const RestrictedCommand = opcode({
  id: 'OP_RESTRICTED_COMMAND',
  doc: 'Runs a command that the site allows on nodes.',
  params: {
    use_locking: optional(t.boolean, false, 'Take locks, to see one consistent state'),
    nodes: required(v.names, 'Nodes to run it on'),
    node_uuids: optional(v.maybeNames, null, 'Their uuids, when the client knows them'),
    command: required(t.nonEmptyString, 'Name of the command'),
  },
});
