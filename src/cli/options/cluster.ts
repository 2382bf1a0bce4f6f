/** Options of the cluster, and of node groups and nodes where they set the same things. */
import { verifyCodes } from '../../opcodes/verify-codes.ts';
import {
  choice,
  choices,
  decimal,
  flag,
  integer,
  keyValues,
  manyIdentified,
  maybeKeyValues,
  negativeFlag,
  text,
  undecidedFlag,
  yesNo,
} from '../optparse/option.ts';

export const candidatePoolSize = integer(
  ['-C', '--candidate-pool-size'],
  'candidate_pool_size',
  'Set the candidate pool size',
);
export const enabledHypervisors = text(
  ['--enabled-hypervisors'],
  'enabled_hypervisors',
  'Comma-separated list of hypervisors',
);
export const clusterFileStorageDir = text(
  ['--file-storage-dir'],
  'file_storage_dir',
  'Specify the default directory (cluster-wide) for storing the file-based disks [/srv/ganeti/file-storage]',
  { metavar: 'DIR' },
);
export const manyHypervisorParameters = manyIdentified(
  ['-H', '--hypervisor-parameters'],
  'hvparams',
  'Hypervisor and hypervisor options, in the format hypervisor:option=value,option=value,...',
);
export const macPrefix = text(
  ['-m', '--mac-prefix'],
  'mac_prefix',
  'Specify the mac prefix for the instance IP addresses, in the format XX:XX:XX',
  { metavar: 'PREFIX' },
);
export const masterNetdev = text(
  ['--master-netdev'],
  'master_netdev',
  'Specify the node interface (cluster-wide) on which the master IP address will be added (cluster init default: xen-br0)',
  { metavar: 'NETDEV' },
);
export const masterNetmask = text(
  ['--master-netmask'],
  'master_netmask',
  'Specify the netmask of the master IP',
  { metavar: 'NETMASK' },
);
export const nicParameters = keyValues(['-N', '--nic-parameters'], 'nicparams', 'NIC parameters');
export const noEtcHosts = negativeFlag(['--no-etc-hosts'], 'modify_etc_hosts', "Don't modify /etc/hosts");
export const noSshInit = negativeFlag(['--no-ssh-init'], 'modify_ssh_setup', "Don't initialize SSH keys");
export const secondaryIp = text(
  ['-s', '--secondary-ip'],
  'secondary_ip',
  'Specify the secondary ip for the node',
  { metavar: 'ADDRESS' },
);
export const vgName = text(
  ['--vg-name'],
  'vg_name',
  'Enables LVM and specifies the volume group name (cluster-wide) for disk allocation [xenvg]',
  { metavar: 'VG' },
);
export const maintainNodeHealth = yesNo(
  ['--maintain-node-health'],
  'maintain_node_health',
  'Configure the cluster to automatically maintain node health, by shutting down unknown instances, shutting down unknown DRBD devices, etc.',
  { metavar: 'yes|no' },
);
export const uidPool = text(
  ['--uid-pool'],
  'uid_pool',
  'A list of user-ids or user-id ranges separated by commas',
);
export const drbdUsermodeHelper = text(
  ['--drbd-usermode-helper'],
  'drbd_helper',
  'Specifies usermode helper for DRBD',
);
export const defaultIallocator = text(
  ['-I', '--default-iallocator'],
  'default_iallocator',
  'Set the default instance allocator plugin',
  { metavar: '<NAME>', completes: 'one_iallocator' },
);
export const defaultIallocatorParams = maybeKeyValues(
  ['--default-iallocator-params'],
  'default_iallocator_params',
  'iallocator template parameters, in the format template:option=value, option=value,...',
);
export const primaryIpVersion = text(
  ['--primary-ip-version'],
  'primary_ip_version',
  'Cluster-wide IP version for primary IP',
  { default: '4', metavar: '4|6' },
);
export const preallocWipeDisks = yesNo(
  ['--prealloc-wipe-disks'],
  'prealloc_wipe_disks',
  'Wipe disks prior to instance creation',
  { metavar: 'yes|no' },
);
export const nodeParameters = maybeKeyValues(['--node-parameters'], 'ndparams', 'Node parameters');
export const sharedFileStorageDir = text(
  ['--shared-file-storage-dir'],
  'shared_file_storage_dir',
  'Specify the default directory (cluster-wide) for storing the shared file-based disks [/srv/ganeti/shared-file-storage]',
  { metavar: 'SHAREDDIR' },
);
export const useExternalMipScript = yesNo(
  ['--use-external-mip-script'],
  'use_external_mip_script',
  'Specify whether to run a user-provided script for the master IP address turnup and turndown operations',
  { metavar: 'yes|no' },
);
export const diskParameters = manyIdentified(
  ['-D', '--disk-parameters'],
  'diskparams',
  'Disk template parameters, in the format template:option=value,option=value,...',
);
export const hypervisorState = manyIdentified(
  ['--hypervisor-state'],
  'hv_state',
  'Specify hypervisor state information in the format hypervisor:option=value,...; note this is unused for now',
);
export const diskState = manyIdentified(
  ['--disk-state'],
  'disk_state',
  'Specify disk state information in the format storage_type/identifier:option=value,...; note this is unused for now',
);
export const enabledDiskTemplates = text(
  ['--enabled-disk-templates'],
  'enabled_disk_templates',
  'Comma-separated list of disk templates',
);
export const glusterStorageDir = text(
  ['--gluster-storage-dir'],
  'gluster_storage_dir',
  'Specify the default directory (cluster-wide) for mounting Gluster file systems [/var/run/ganeti/gluster]',
  { default: '/var/run/ganeti/gluster', metavar: 'GLUSTERDIR' },
);
export const installImage = text(
  ['--install-image'],
  'install_image',
  'The OS image to use for running the OS scripts safely',
);
export const zeroingImage = text(
  ['--zeroing-image'],
  'zeroing_image',
  'The OS image to use to zero instance disks',
);
export const compressionTools = text(
  ['--compression-tools'],
  'compression_tools',
  'Comma-separated list of compression tools which are allowed to be used by Ganeti in various operations',
);
export const userShutdown = yesNo(
  ['--user-shutdown'],
  'enabled_user_shutdown',
  'Whether user shutdown is enabled',
);
export const sshKeyBits = integer(
  ['--ssh-key-bits'],
  'ssh_key_bits',
  'Length of SSH keys generated by Ganeti, in bits',
);
export const sshKeyType = choice(
  ['--ssh-key-type'],
  'ssh_key_type',
  ['dsa', 'rsa', 'ecdsa'],
  'Type of SSH key deployed by Ganeti for cluster actions',
);
export const destroyYesDoIt = flag(['--yes-do-it', '--ya-rly'], 'yes_do_it', 'Destroy cluster');
export const redistConfYesDoIt = flag(
  ['--yes-do-it'],
  'yes_do_it',
  'Unconditionally distribute the configuration, even if the queue is drained',
);
export const debugSimulateErrors = flag(
  ['--debug-simulate-errors'],
  'simulate_errors',
  'Debugging option that makes the operation treat most runtime checks as failed',
);
export const errorCodes = flag(['--error-codes'], 'error_codes', 'Enable parseable error messages');
export const noNplus1Mem = flag(['--no-nplus1-mem'], 'skip_nplusone_mem', 'Skip N+1 memory redundancy tests');
export const noHvParamAssessment = flag(
  ['--no-hv-param-assessment'],
  'skip_hvparam_assessment',
  'Skip hypervisor parameter assessment',
);
export const ignoreErrors = choices(
  ['-I', '--ignore-errors'],
  'ignore_errors',
  verifyCodes,
  'Error code to be ignored',
);
export const verifySshClutter = flag(
  ['--verify-ssh-clutter'],
  'verify_clutter',
  "Verify that Ganeti did not clutter up the 'authorized_keys' file",
);
export const noStrict = flag(['--no-strict'], 'no_strict', 'Do not run group verify in strict mode');
export const noVoting = flag(['--no-voting'], 'no_voting', 'Skip node agreement check (dangerous)');
export const masterFailoverYesDoIt = flag(
  ['--yes-do-it'],
  'yes_do_it',
  'Override interactive check for --no-voting',
);
export const masterFailoverIgnoreOfflineNodes = text(
  ['--ignore-offline-nodes'],
  'ignore_offline_nodes',
  'Ignores offline nodes for master failover voting',
);
export const useReplicationNetwork = flag(
  ['--use-replication-network'],
  'use_replication_network',
  'Whether to use the replication network for talking to the nodes',
);
export const showMachineNames = flag(
  ['-M', '--show-machine-names'],
  'show_machine_names',
  'Show machine name for every line in output',
);
export const failureOnly = flag(
  ['--failure-only'],
  'failure_only',
  'Hide successful results and show failures only (determined by the exit code)',
);
export const maxRunningJobs = integer(
  ['--max-running-jobs'],
  'max_running_jobs',
  'Set the maximal number of jobs to run simultaneously',
);
export const maxTrackedJobs = integer(
  ['--max-tracked-jobs'],
  'max_tracked_jobs',
  'Set the maximal number of jobs to be tracked simultaneously for scheduling',
);
export const instanceCommunicationNetwork = text(
  ['--instance-communication-network'],
  'instance_communication_network',
  'Set the network name for instance communication',
);
export const addUids = text(
  ['--add-uids'],
  'add_uids',
  'A list of user-ids or user-id ranges separated by commas, to be added to the user-id pool',
);
export const removeUids = text(
  ['--remove-uids'],
  'remove_uids',
  'A list of user-ids or user-id ranges separated by commas, to be removed from the user-id pool',
);
export const reservedLvs = text(
  ['--reserved-lvs'],
  'reserved_lvs',
  'A comma-separated list of reserved logical volumes names, that will be ignored by cluster verify',
);
export const modifyEtcHosts = yesNo(
  ['--modify-etc-hosts'],
  'modify_etc_hosts',
  'Defines whether the cluster should autonomously modify and keep in sync the /etc/hosts file of the nodes',
  { metavar: 'yes|no' },
);
export const enabledDataCollectors = keyValues(
  ['--enabled-data-collectors'],
  'enabled_data_collectors',
  'Deactivate or reactivate a data collector for reporting, in the format collector=bool, where collector is one of cpu-avg-load, drbd, xen-cpu-avg-load, lv, diskstats, inst-status-xen.',
);
export const dataCollectorInterval = keyValues(
  ['--data-collector-interval'],
  'data_collector_interval',
  'Set collection intervals in seconds of data collectors.',
);
export const newClusterCertificate = flag(
  ['--new-cluster-certificate'],
  'new_cluster_cert',
  'Generate a new cluster certificate',
);
export const newRapiCertificate = undecidedFlag(
  ['--new-rapi-certificate'],
  'new_rapi_cert',
  'Generate a new self-signed RAPI certificate',
);
export const rapiCertificate = text(
  ['--rapi-certificate'],
  'rapi_cert',
  'File containing new RAPI certificate',
);
export const newConfdHmacKey = flag(
  ['--new-confd-hmac-key'],
  'new_confd_hmac_key',
  'Create a new HMAC key for ganeti-confd',
);
export const newClusterDomainSecret = flag(
  ['--new-cluster-domain-secret'],
  'new_cluster_domain_secret',
  'Create a new cluster domain secret',
);
export const clusterDomainSecret = text(
  ['--cluster-domain-secret'],
  'cluster_domain_secret',
  'Load new new cluster domain secret from file',
);
export const newSpiceCertificate = undecidedFlag(
  ['--new-spice-certificate'],
  'new_spice_cert',
  'Generate a new self-signed SPICE certificate',
);
export const spiceCertificate = text(
  ['--spice-certificate'],
  'spice_cert',
  'File containing new SPICE certificate',
);
export const spiceCaCertificate = text(
  ['--spice-ca-certificate'],
  'spice_cacert',
  'File containing the certificate of the CA which signed the SPICE certificate',
);
export const newNodeCertificates = flag(
  ['--new-node-certificates'],
  'new_node_cert',
  'Generate new node certificates (for all nodes)',
);
export const newSshKeys = flag(
  ['--new-ssh-keys'],
  'new_ssh_keys',
  'Generate new node SSH keys (for all nodes)',
);
export const noSshKeyCheck = negativeFlag(
  ['--no-ssh-key-check'],
  'ssh_key_check',
  'Disable SSH key fingerprint checking',
);
export const powerOn = flag(['--on'], 'on', 'Recover from an EPO');
export const groups = flag(['--groups'], 'groups', 'Arguments are node groups instead of nodes');
export const oobTimeout = integer(
  ['--oob-timeout'],
  'oob_timeout',
  'Maximum time to wait for out-of-band helper',
  { default: 60 },
);
export const powerDelay = decimal(
  ['--power-delay'],
  'power_delay',
  'Time in seconds to wait between power-ons',
  { default: 2 },
);
export const yes = flag(['--yes'], 'confirm', 'Do not require confirmation');
export const upgradeTo = text(['--to'], 'to', 'The Ganeti version to upgrade to');
export const resume = flag(['--resume'], 'resume', 'Resume any pending Ganeti upgrades');
