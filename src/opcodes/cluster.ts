/** Opcodes about clusters: their settings, verification, address and end. */
import { opcode, optional, required } from './opcode.ts';
import * as t from './types.ts';
import * as v from './values.ts';

export const ClusterActivateMasterIp = opcode({
  id: 'OP_CLUSTER_ACTIVATE_MASTER_IP',
  doc: "Brings the cluster's address up on the master.",
  params: {},
});

export const ClusterConfigQuery = opcode({
  id: 'OP_CLUSTER_CONFIG_QUERY',
  doc: 'Gives values of the cluster by field.',
  params: {
    output_fields: required(v.names, 'Fields to give, in this order'),
  },
});

export const ClusterDeactivateMasterIp = opcode({
  id: 'OP_CLUSTER_DEACTIVATE_MASTER_IP',
  doc: "Takes the cluster's address down.",
  params: {},
});

export const ClusterDestroy = opcode({
  id: 'OP_CLUSTER_DESTROY',
  doc: 'Checks that the cluster is empty and runs the hooks of its end.',
  params: {},
});

export const ClusterPostInit = opcode({
  id: 'OP_CLUSTER_POST_INIT',
  doc: 'Finishes a new cluster and runs the hooks of its beginning.',
  params: {},
});

export const ClusterQuery = opcode({
  id: 'OP_CLUSTER_QUERY',
  doc: 'Gives facts of the cluster.',
  params: {},
});

export const ClusterRedistConf = opcode({
  id: 'OP_CLUSTER_REDIST_CONF',
  doc: 'Writes configuration and files of the cluster to all nodes again.',
  params: {},
});

export const ClusterRename = opcode({
  id: 'OP_CLUSTER_RENAME',
  summary: 'name',
  doc: 'Gives the cluster a new name and address.',
  params: {
    name: required(t.nonEmptyString, 'New name of the cluster'),
  },
});

export const ClusterRenewCrypto = opcode({
  id: 'OP_CLUSTER_RENEW_CRYPTO',
  doc: 'Renews certificates and keys of the nodes.',
  params: {
    node_certificates: optional(t.boolean, false, 'Make new client certificates for the nodes'),
    renew_ssh_keys: optional(t.boolean, false, 'Make new SSH keys for the nodes'),
    ssh_key_type: optional(t.maybe(v.sshKeyType), null, 'Type of the new SSH keys'),
    ssh_key_bits: optional(t.maybe(t.positive), null, 'Length of the new SSH keys in bits'),
    verbose: optional(t.boolean, false, 'Say more about what is being done'),
    debug: optional(t.boolean, false, 'Say everything that is being done'),
  },
});

export const ClusterRepair = opcode({
  id: 'OP_CLUSTER_REPAIR',
  doc: 'Removes what is provably nobody’s: volumes, mirrors, addresses and ports that no object has.',
  params: {
    only: optional(
      t.maybe(v.names),
      null,
      'What to remove, by the names that a dry run gives; null means all',
    ),
  },
});

export const ClusterRepairDiskSizes = opcode({
  id: 'OP_CLUSTER_REPAIR_DISK_SIZES',
  doc: 'Corrects recorded disk sizes by the real ones.',
  params: {
    instances: optional(v.names, [], 'Instances to look at; none means all'),
  },
});

export const ClusterSetParams = opcode({
  id: 'OP_CLUSTER_SET_PARAMS',
  doc: 'Changes what holds for the whole cluster.',
  params: {
    force: optional(t.boolean, false, 'Skip checks that need answers of nodes'),
    hv_state: optional(t.maybe(v.parameters), null, 'Resources that the hypervisor keeps for itself'),
    disk_state: optional(t.maybe(v.parameters), null, 'Disk space that is kept for others'),
    vg_name: optional(t.maybe(t.string), null, 'Volume group for disks; empty for none'),
    enabled_hypervisors: optional(
      t.maybe(t.listOf(v.hypervisor)),
      null,
      'Hypervisors that instances may use',
    ),
    hvparams: optional(t.maybe(v.parametersByName), null, 'Parameters by hypervisor'),
    beparams: optional(t.maybe(v.parameters), null, 'Back-end parameters'),
    os_hvp: optional(t.maybe(v.parametersByName), null, 'Hypervisor parameters by OS and hypervisor'),
    osparams: optional(t.maybe(v.parametersByName), null, 'OS parameters by OS'),
    osparams_private_cluster: optional(
      t.maybe(v.secretParametersByName),
      null,
      'OS parameters by OS that are never shown',
    ),
    diskparams: optional(t.maybe(v.diskParameters), null, 'Parameters by disk template'),
    candidate_pool_size: optional(t.maybe(t.positive), null, 'How many master candidates the cluster keeps'),
    max_running_jobs: optional(t.maybe(t.positive), null, 'How many jobs run at once'),
    max_tracked_jobs: optional(t.maybe(t.positive), null, 'How many waiting jobs are watched closely'),
    uid_pool: optional(t.maybe(v.uidRanges), null, 'Ranges of user ids for guests'),
    add_uids: optional(t.maybe(v.uidRanges), null, 'Ranges of user ids to add'),
    remove_uids: optional(t.maybe(v.uidRanges), null, 'Ranges of user ids to take away'),
    maintain_node_health: optional(
      t.maybe(t.boolean),
      null,
      'Whether the watcher stops what runs where it must not',
    ),
    prealloc_wipe_disks: optional(t.maybe(t.boolean), null, 'Whether new disks are overwritten before use'),
    nicparams: optional(t.maybe(v.nic), null, 'NIC parameters'),
    ndparams: optional(t.maybe(v.parameters), null, 'Node parameters'),
    ipolicy: optional(t.maybe(v.parameters), null, 'Instance policy'),
    drbd_helper: optional(t.maybe(t.string), null, 'User-mode helper of DRBD; empty for none'),
    default_iallocator: optional(t.maybe(t.string), null, 'Allocator script when none is named'),
    default_iallocator_params: optional(
      t.maybe(v.parameters),
      null,
      'Parameters of the default allocator script',
    ),
    mac_prefix: optional(v.maybeName, null, 'First three bytes of generated MAC addresses'),
    master_netdev: optional(t.maybe(t.string), null, 'Interface that bears the address of the cluster'),
    master_netmask: optional(t.maybe(t.nonNegative), null, 'Prefix length of the address of the cluster'),
    reserved_lvs: optional(v.maybeNames, null, 'Patterns of volumes that are not to be touched'),
    hidden_os: optional(t.maybe(v.listChanges), null, 'Changes to the operating systems that are not listed'),
    blacklisted_os: optional(
      t.maybe(v.listChanges),
      null,
      'Changes to the operating systems that new instances may not use',
    ),
    use_external_mip_script: optional(
      t.maybe(t.boolean),
      null,
      "Whether a script of the site brings up the cluster's address",
    ),
    enabled_disk_templates: optional(
      t.maybe(t.listOf(v.diskTemplate)),
      null,
      'Disk templates that instances may use',
    ),
    modify_etc_hosts: optional(t.maybe(t.boolean), null, 'Whether the cluster writes the hosts file'),
    file_storage_dir: optional(t.maybe(t.string), null, 'Folder for disks in files'),
    shared_file_storage_dir: optional(
      t.maybe(t.string),
      null,
      'Folder for disks in files that all nodes share',
    ),
    gluster_storage_dir: optional(t.maybe(t.string), null, 'Folder below which Gluster volumes are mounted'),
    install_image: optional(t.maybe(t.string), null, 'Image that helper instances install from'),
    instance_communication_network: optional(
      t.maybe(t.string),
      null,
      'Network between instances and the metadata service',
    ),
    zeroing_image: optional(t.maybe(t.string), null, 'Image that helper instances zero disks from'),
    compression_tools: optional(v.maybeNames, null, 'Tools that transfers may be compressed with'),
    enabled_user_shutdown: optional(t.maybe(t.boolean), null, 'Whether users may stop instances from within'),
    enabled_data_collectors: optional(
      t.maybe(t.dictionaryOf(t.string, t.boolean)),
      null,
      'Which collectors of the monitoring daemon are active',
    ),
    data_collector_interval: optional(
      t.maybe(t.dictionaryOf(t.string, t.integer)),
      null,
      'Microseconds between two runs, by collector',
    ),
  },
});

/** How the findings of a verification are told. */
const reportForm = {
  debug_simulate_errors: optional(
    t.boolean,
    false,
    'Report every possible finding, to test those who read the report',
  ),
  error_codes: optional(t.boolean, false, 'Report in the form that programs parse'),
} as const;

/** Which of them, and what else. */
const reportContent = {
  ignore_errors: optional(v.ignoredCodes, [], 'Error codes that count as warnings'),
  verbose: optional(t.boolean, false, 'Say more about what is being done'),
} as const;

export const ClusterVerify = opcode({
  id: 'OP_CLUSTER_VERIFY',
  doc: 'Submits the jobs that verify the cluster.',
  params: {
    ...reportForm,
    skip_checks: optional(v.skippedChecks, [], 'Optional checks to leave out'),
    ...reportContent,
    group_name: optional(v.maybeName, null, 'Group to verify; without it, everything'),
    verify_clutter: optional(t.boolean, false, 'Look for files that earlier versions left behind'),
  },
});

export const ClusterVerifyConfig = opcode({
  id: 'OP_CLUSTER_VERIFY_CONFIG',
  doc: 'Verifies the configuration and certificates.',
  params: {
    ...reportForm,
    ...reportContent,
  },
});

export const ClusterVerifyDisks = opcode({
  id: 'OP_CLUSTER_VERIFY_DISKS',
  doc: 'Submits the jobs that verify the disks of each group.',
  params: {
    group_name: optional(v.maybeName, null, 'Group to verify; without it, all'),
    is_strict: optional(t.boolean, true, 'Count a disk as broken when its node cannot say'),
  },
});

export const ClusterVerifyGroup = opcode({
  id: 'OP_CLUSTER_VERIFY_GROUP',
  summary: 'group_name',
  doc: 'Verifies the nodes and instances of a group.',
  params: {
    group_name: required(t.nonEmptyString, 'Name of the node group'),
    ...reportForm,
    skip_checks: optional(v.skippedChecks, [], 'Optional checks to leave out'),
    ...reportContent,
    verify_clutter: optional(t.boolean, false, 'Look for files that earlier versions left behind'),
  },
});
