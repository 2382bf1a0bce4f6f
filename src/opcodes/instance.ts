/** Opcodes about instances. */
import { opcode, optional, required } from './opcode.ts';
import * as t from './types.ts';
import * as v from './values.ts';

export const InstanceActivateDisks = opcode({
  id: 'OP_INSTANCE_ACTIVATE_DISKS',
  summary: 'instance_name',
  doc: 'Activates the disks of an instance.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    ignore_size: optional(t.boolean, false, 'Activate a disk whose size is not the recorded one'),
    wait_for_sync: optional(t.boolean, false, 'Wait until the disks are in sync'),
  },
});

export const InstanceChangeGroup = opcode({
  id: 'OP_INSTANCE_CHANGE_GROUP',
  summary: 'instance_name',
  doc: 'Moves an instance to another group.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
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
  },
});

export const InstanceConsole = opcode({
  id: 'OP_INSTANCE_CONSOLE',
  summary: 'instance_name',
  doc: 'Says how to reach the console of an instance.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
  },
});

export const InstanceCreate = opcode({
  id: 'OP_INSTANCE_CREATE',
  summary: 'instance_name',
  doc: 'Makes an instance.',
  params: {
    instance_name: required(t.string, 'Name of the new instance'),
    force_variant: optional(t.boolean, false, 'Take an OS variant that the definition does not list'),
    wait_for_sync: optional(t.boolean, true, 'Wait until the disks are in sync'),
    name_check: optional(t.boolean, false, 'Check that the name resolves'),
    ignore_ipolicy: optional(t.boolean, false, 'Allow what the instance policy forbids'),
    opportunistic_locking: optional(t.boolean, false, 'Take only the node locks that are free now'),
    beparams: optional(v.parameters, {}, 'Back-end parameters'),
    disks: required(t.listOf(v.disk), 'Disks, each with its options'),
    disk_template: optional(t.maybe(v.diskTemplate), null, 'Disk template'),
    group_name: optional(v.maybeName, null, 'Group that allocation is limited to'),
    file_driver: optional(t.maybe(v.fileDriver), null, 'Driver for disks in files'),
    file_storage_dir: optional(v.maybeName, null, 'Folder for disks in files, below the allowed one'),
    hvparams: optional(v.parameters, {}, 'Hypervisor parameters'),
    hypervisor: optional(t.maybe(v.hypervisor), null, 'Hypervisor'),
    iallocator: optional(v.maybeName, null, 'Allocator script that chooses the nodes'),
    identify_defaults: optional(t.boolean, false, 'Do not store values that are equal to the inherited ones'),
    ip_check: optional(t.boolean, false, 'Check that the address is not in use'),
    conflicts_check: optional(t.boolean, true, 'Refuse addresses that another network holds'),
    mode: required(v.createMode, 'New, from an export, or from another cluster'),
    nics: required(t.listOf(v.nic), 'Network interfaces, each with its options'),
    no_install: optional(t.maybe(t.boolean), null, 'Do not run the OS scripts'),
    osparams: optional(v.parameters, {}, 'OS parameters'),
    osparams_private: optional(t.maybe(v.secretParameters), null, 'OS parameters that are never shown'),
    osparams_secret: optional(
      t.maybe(v.secretParameters),
      null,
      'OS parameters that are neither shown nor stored',
    ),
    os_type: optional(v.maybeName, null, 'Operating system, with its variant'),
    pnode: optional(v.maybeName, null, 'Primary node'),
    pnode_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    snode: optional(v.maybeName, null, 'Secondary node'),
    snode_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    source_handshake: optional(t.maybe(t.listOf(t.anything)), null, 'Proof that the other cluster may send'),
    source_instance_name: optional(v.maybeName, null, 'Name of the instance on the other cluster'),
    source_shutdown_timeout: optional(t.nonNegative, 120, 'Seconds in which the source has to stop'),
    source_x509_ca: optional(v.maybeName, null, 'Certificate authority of the sender'),
    src_node: optional(v.maybeName, null, 'Node that holds the export'),
    src_node_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    src_path: optional(v.maybeName, null, 'Folder of the export'),
    compress: optional(
      t.string,
      'none',
      'How data is compressed on its way: none, or a tool that the cluster allows',
    ),
    start: optional(t.boolean, true, 'Start it when it is made'),
    forthcoming: optional(t.boolean, false, 'Only reserve the resources'),
    commit: optional(t.boolean, false, 'Make an instance of which the resources are reserved'),
    tags: optional(v.names, [], 'Tags of the instance'),
    instance_communication: optional(
      t.boolean,
      false,
      'Give the instance an interface to the metadata service',
    ),
    helper_startup_timeout: optional(
      t.maybe(t.integer),
      null,
      'Seconds in which a helper instance has to start',
    ),
    helper_shutdown_timeout: optional(
      t.maybe(t.integer),
      null,
      'Seconds in which a helper instance has to stop',
    ),
  },
});

export const InstanceDeactivateDisks = opcode({
  id: 'OP_INSTANCE_DEACTIVATE_DISKS',
  summary: 'instance_name',
  doc: 'Deactivates the disks of an instance.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    force: optional(t.boolean, false, 'Also while it runs'),
  },
});

export const InstanceFailover = opcode({
  id: 'OP_INSTANCE_FAILOVER',
  summary: 'instance_name',
  doc: 'Stops an instance and starts it on another node.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    shutdown_timeout: optional(
      t.nonNegative,
      120,
      'Seconds to wait for the guest to stop before it is ended',
    ),
    ignore_consistency: optional(t.boolean, false, 'Go on although disks are degraded'),
    target_node: optional(v.maybeName, null, 'Node to go to, for disks that every node sees'),
    target_node_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    ignore_ipolicy: optional(t.boolean, false, 'Allow what the instance policy forbids'),
    cleanup: optional(t.boolean, false, 'Clear up after an attempt that broke off'),
    iallocator: optional(v.maybeName, null, 'Allocator script that chooses the nodes'),
  },
});

export const InstanceGrowDisk = opcode({
  id: 'OP_INSTANCE_GROW_DISK',
  summary: 'instance_name',
  doc: 'Grows a disk.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    wait_for_sync: optional(t.boolean, true, 'Wait until the disks are in sync'),
    disk: required(v.diskIndex, 'Index of the disk'),
    amount: required(t.nonNegative, 'MiB to grow by, or to'),
    absolute: optional(t.boolean, false, 'The amount is the size to reach'),
    ignore_ipolicy: optional(t.boolean, false, 'Allow what the instance policy forbids'),
  },
});

export const InstanceMigrate = opcode({
  id: 'OP_INSTANCE_MIGRATE',
  summary: 'instance_name',
  doc: 'Moves an instance to another node while it runs.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    mode: optional(t.maybe(v.migrationMode), null, 'While it runs, or with a pause'),
    live: optional(t.maybe(t.boolean), null, 'Older spelling of the mode: true for live'),
    target_node: optional(v.maybeName, null, 'Node to go to, for disks that every node sees'),
    target_node_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    allow_runtime_changes: optional(t.boolean, true, "Reduce the guest's memory when the target has less"),
    ignore_ipolicy: optional(t.boolean, false, 'Allow what the instance policy forbids'),
    cleanup: optional(t.boolean, false, 'Clear up after an attempt that broke off'),
    iallocator: optional(v.maybeName, null, 'Allocator script that chooses the nodes'),
    allow_failover: optional(t.boolean, false, 'Fail over when it cannot be migrated'),
    ignore_hvversions: optional(t.boolean, false, 'Go on although hypervisor versions differ'),
  },
});

export const InstanceMove = opcode({
  id: 'OP_INSTANCE_MOVE',
  summary: 'instance_name',
  doc: 'Copies an instance to another node.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    shutdown_timeout: optional(
      t.nonNegative,
      120,
      'Seconds to wait for the guest to stop before it is ended',
    ),
    ignore_ipolicy: optional(t.boolean, false, 'Allow what the instance policy forbids'),
    target_node: required(t.nonEmptyString, 'Node to go to'),
    target_node_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    compress: optional(
      t.string,
      'none',
      'How data is compressed on its way: none, or a tool that the cluster allows',
    ),
    ignore_consistency: optional(t.boolean, false, 'Go on although disks are degraded'),
  },
});

export const InstanceMultiAlloc = opcode({
  id: 'OP_INSTANCE_MULTI_ALLOC',
  doc: 'Finds nodes for many instances at once and submits the jobs that make them.',
  params: {
    opportunistic_locking: optional(t.boolean, false, 'Take only the node locks that are free now'),
    iallocator: optional(v.maybeName, null, 'Allocator script that chooses the nodes'),
    instances: optional(t.listOf(t.anything), [], 'Opcodes of the instances to make'),
  },
});

export const InstanceQueryData = opcode({
  id: 'OP_INSTANCE_QUERY_DATA',
  doc: 'Gives everything about instances.',
  params: {
    use_locking: optional(t.boolean, false, 'Take locks, to see one consistent state'),
    instances: optional(v.names, [], 'Instances to look at; none means all'),
    static: optional(t.boolean, false, 'Ask no node'),
  },
});

export const InstanceReboot = opcode({
  id: 'OP_INSTANCE_REBOOT',
  summary: 'instance_name',
  doc: 'Reboots an instance.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    shutdown_timeout: optional(
      t.nonNegative,
      120,
      'Seconds to wait for the guest to stop before it is ended',
    ),
    ignore_secondaries: optional(
      t.boolean,
      false,
      'Go on although disks cannot be activated on a secondary node',
    ),
    reboot_type: required(v.rebootType, 'By the guest, by the hypervisor, or with new disks and settings'),
  },
});

export const InstanceRecreateDisks = opcode({
  id: 'OP_INSTANCE_RECREATE_DISKS',
  summary: 'instance_name',
  doc: 'Makes lost disks again, empty.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    disks: optional(v.disksToRecreate, [], 'Disks to make again, with what changes; none means all'),
    nodes: optional(v.names, [], 'Nodes for the new disks'),
    node_uuids: optional(v.maybeNames, null, 'Their uuids, when the client knows them'),
    iallocator: optional(v.maybeName, null, 'Allocator script that chooses the nodes'),
  },
});

export const InstanceReinstall = opcode({
  id: 'OP_INSTANCE_REINSTALL',
  summary: 'instance_name',
  doc: 'Installs the operating system anew.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    force_variant: optional(t.boolean, false, 'Take an OS variant that the definition does not list'),
    os_type: optional(v.maybeName, null, 'Operating system to install instead'),
    osparams: optional(t.maybe(v.parameters), null, 'OS parameters for this installation'),
    osparams_private: optional(t.maybe(v.secretParameters), null, 'OS parameters that are never shown'),
    osparams_secret: optional(
      t.maybe(v.secretParameters),
      null,
      'OS parameters that are neither shown nor stored',
    ),
  },
});

export const InstanceRemove = opcode({
  id: 'OP_INSTANCE_REMOVE',
  summary: 'instance_name',
  doc: 'Removes an instance and its disks.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    shutdown_timeout: optional(
      t.nonNegative,
      120,
      'Seconds to wait for the guest to stop before it is ended',
    ),
    ignore_failures: optional(
      t.boolean,
      false,
      'Take it out of the configuration although parts could not be removed',
    ),
  },
});

export const InstanceRename = opcode({
  id: 'OP_INSTANCE_RENAME',
  doc: 'Renames an instance.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    new_name: required(t.nonEmptyString, 'New name of the instance'),
    name_check: optional(t.boolean, false, 'Check that the name resolves'),
    ip_check: optional(t.boolean, false, 'Check that the address is not in use'),
  },
});

export const InstanceReplaceDisks = opcode({
  id: 'OP_INSTANCE_REPLACE_DISKS',
  summary: 'instance_name',
  doc: 'Gives mirrored disks new storage.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    early_release: optional(
      t.boolean,
      false,
      'Remove old disks before the new ones are in sync, to let go of locks early',
    ),
    ignore_ipolicy: optional(t.boolean, false, 'Allow what the instance policy forbids'),
    mode: required(v.replaceMode, 'Which disks get new storage, and where'),
    disks: optional(t.listOf(v.diskIndex), [], 'Indices of the disks; none means all'),
    remote_node: optional(v.maybeName, null, 'New secondary node'),
    remote_node_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    iallocator: optional(v.maybeName, null, 'Allocator script that chooses the nodes'),
  },
});

export const InstanceSetParams = opcode({
  id: 'OP_INSTANCE_SET_PARAMS',
  summary: 'instance_name',
  doc: 'Changes an instance.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    force: optional(t.boolean, false, 'Go on where a check would ask to be confirmed'),
    force_variant: optional(t.boolean, false, 'Take an OS variant that the definition does not list'),
    ignore_ipolicy: optional(t.boolean, false, 'Allow what the instance policy forbids'),
    nics: optional(v.changesOf(v.nic), [], 'Changes of network interfaces'),
    disks: optional(v.changesOf(v.disk), [], 'Changes of disks'),
    beparams: optional(v.parameters, {}, 'Changes of back-end parameters'),
    runtime_mem: optional(t.maybe(t.positive), null, 'Memory of the running guest in MiB'),
    hvparams: optional(v.parameters, {}, 'Changes of hypervisor parameters'),
    disk_template: optional(t.maybe(v.diskTemplate), null, 'Disk template to convert to'),
    ext_params: optional(v.parameters, {}, 'Parameters of external storage after the conversion'),
    file_driver: optional(t.maybe(v.fileDriver), null, 'Driver for disks in files'),
    file_storage_dir: optional(v.maybeName, null, 'Folder for disks in files, below the allowed one'),
    pnode: optional(v.maybeName, null, 'Node that becomes primary without anything being moved'),
    pnode_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    remote_node: optional(v.maybeName, null, 'Secondary node after the conversion'),
    remote_node_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    iallocator: optional(v.maybeName, null, 'Allocator script that chooses the secondary node'),
    os_name: optional(v.maybeName, null, 'Operating system that it is said to have; nothing is installed'),
    osparams: optional(v.parameters, {}, 'Changes of OS parameters'),
    osparams_private: optional(
      t.maybe(v.secretParameters),
      null,
      'Changes of OS parameters that are never shown',
    ),
    wait_for_sync: optional(t.boolean, true, 'Wait until the disks are in sync'),
    offline: optional(t.maybe(t.boolean), null, 'Mark as offline, or as no longer offline'),
    conflicts_check: optional(t.boolean, true, 'Refuse addresses that another network holds'),
    hotplug: optional(t.boolean, true, 'Change devices of the running guest where possible'),
    instance_communication: optional(
      t.maybe(t.boolean),
      null,
      'Give the instance an interface to the metadata service',
    ),
  },
});

export const InstanceShutdown = opcode({
  id: 'OP_INSTANCE_SHUTDOWN',
  summary: 'instance_name',
  doc: 'Stops an instance.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    force: optional(t.boolean, false, 'Also when it is marked offline'),
    ignore_offline_nodes: optional(t.boolean, false, 'Record the change when the primary node is offline'),
    timeout: optional(t.nonNegative, 120, 'Seconds to wait for the guest to stop before it is ended'),
    no_remember: optional(t.boolean, false, 'Leave the state that the instance is meant to have as it is'),
    admin_state_source: optional(t.maybe(v.stateSource), null, 'Who wants it stopped'),
  },
});

export const InstanceStartup = opcode({
  id: 'OP_INSTANCE_STARTUP',
  summary: 'instance_name',
  doc: 'Starts an instance.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    force: optional(t.boolean, false, 'Go on although a secondary node or its disks fail'),
    ignore_offline_nodes: optional(t.boolean, false, 'Record the change when the primary node is offline'),
    hvparams: optional(v.parameters, {}, 'Hypervisor parameters for this start only'),
    beparams: optional(v.parameters, {}, 'Back-end parameters for this start only'),
    no_remember: optional(t.boolean, false, 'Leave the state that the instance is meant to have as it is'),
    startup_paused: optional(t.boolean, false, 'Start without letting the guest run'),
    shutdown_timeout: optional(
      t.nonNegative,
      120,
      'Seconds to wait for the guest to stop before it is ended',
    ),
  },
});
