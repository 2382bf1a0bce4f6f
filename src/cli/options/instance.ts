/** Options of gnt-instance and of importing instances: what to make, where, and which instances are meant. */
import {
  choice,
  constant,
  flag,
  identified,
  integer,
  keyValues,
  manyIdentified,
  negativeFlag,
  retired,
  size,
  text,
  yesNo,
} from '../optparse/option.ts';

export const node = text(['-n', '--node'], 'node', 'Target node', {
  metavar: '<node>',
  completes: 'one_node',
});
export const disk = manyIdentified(['--disk'], 'disks', 'Disk parameters');
export const fileStorageDir = text(
  ['--file-storage-dir'],
  'file_storage_dir',
  'Relative path under default cluster-wide file storage dir to store file-based disks',
  { metavar: '<DIR>' },
);
export const fileDriver = choice(
  ['--file-driver'],
  'file_driver',
  ['blktap', 'blktap2', 'loop'],
  'Driver to use for image files',
  { metavar: '<DRIVER>' },
);
export const hypervisor = identified(
  ['-H', '--hypervisor-parameters'],
  'hypervisor',
  'Hypervisor and hypervisor options, in the format hypervisor:option=value,option=value,...',
);
export const net = manyIdentified(['--net'], 'nics', 'NIC parameters');
export const nodePlacement = text(['-n', '--node'], 'node', 'Target node and optional secondary node', {
  metavar: '<pnode>[:<snode>]',
  completes: 'inst_add_nodes',
});
export const ipCheck = flag(['--ip-check'], 'ip_check', "Check that the instance's IP is alive (ping)");
export const noIpCheck = retired(
  ['--no-ip-check'],
  'no_ip_check',
  'This option is deprecated/without any effect. IP check is now disabled by default. Use --ip-check for connection test.',
);
export const nameCheck = flag(['--name-check'], 'name_check', "Check that the instance's name is resolvable");
export const noNameCheck = retired(
  ['--no-name-check'],
  'no_name_check',
  'This option is deprecated/without any effect. Name check is now disabled by default. Use --name-check for resolving names.',
);
export const noNics = flag(['--no-nics'], 'no_nics', 'Do not create any network cards for the instance');
export const noWaitForSync = negativeFlag(
  ['--no-wait-for-sync'],
  'wait_for_sync',
  "Don't wait for sync (DANGEROUS!)",
);
export const osSize = size(
  ['-s', '--os-size'],
  'sd_size',
  'Enforces a single-disk configuration using the given disk size, in MiB unless a suffix is used',
  { metavar: '<size>' },
);
export const opportunisticLocking = flag(
  ['--opportunistic-locking'],
  'opportunistic_locking',
  'Opportunistically acquire locks',
);
export const compress = text(['--compress'], 'compress', 'The compression mode to use', { default: 'none' });
export const helperStartupTimeout = integer(
  ['--helper-startup-timeout'],
  'helper_startup_timeout',
  'Startup timeout for the helper VM',
);
export const helperShutdownTimeout = integer(
  ['--helper-shutdown-timeout'],
  'helper_shutdown_timeout',
  'Shutdown timeout for the helper VM',
);
export const forthcoming = flag(
  ['--forthcoming'],
  'forthcoming',
  'Only reserve resources, but do not create the instance yet',
);
export const commit = flag(
  ['--commit'],
  'commit',
  'The instance is already reserved and should be committed now',
);
export const noStart = negativeFlag(['--no-start'], 'start', "Don't start the instance after creation");
export const forceVariant = flag(['--force-variant'], 'force_variant', 'Force an unknown variant');
export const noInstall = flag(['--no-install'], 'no_install', 'Do not install the OS (will enable no-start)');
export const communication = yesNo(
  ['-c', '--communication'],
  'instance_communication',
  'Enable or disable the communication mechanism for an instance',
);
export const showCmd = flag(['--show-cmd'], 'show_command', 'Show command instead of executing it');
export const cleanup = flag(
  ['--cleanup'],
  'cleanup',
  'Instead of performing the migration/failover, try to recover from a failed cleanup. This is safe to run even if the instance is healthy, but it will create extra replication traffic and  disrupt briefly the replication (like during the migration/failover',
);
export const allowFailover = flag(
  ['--allow-failover'],
  'allow_failover',
  'If migration is not possible fallback to failover',
);
export const ignoreHvversions = flag(
  ['--ignore-hvversions'],
  'ignore_hvversions',
  'Ignore incompatible hypervisor versions between source and target',
);
export const staticOnly = flag(
  ['-s', '--static'],
  'static',
  'Only show configuration data, not runtime data',
);
export const forceMultiple = flag(
  ['--force-multiple'],
  'force_multi',
  'Do not ask for confirmation when more than one instance is affected',
);
export const byNode = constant(['--node'], 'multi_mode', 'Filter by nodes (primary and secondary)', 'nodes');
export const byPrimary = constant(['--primary'], 'multi_mode', 'Filter by nodes (primary only)', 'nodes-pri');
export const bySecondary = constant(
  ['--secondary'],
  'multi_mode',
  'Filter by nodes (secondary only)',
  'nodes-sec',
);
export const byAll = constant(['--all'], 'multi_mode', 'Select all instances in the cluster', 'cluster');
export const byInstance = constant(
  ['--instance'],
  'multi_mode',
  'Filter by instance name [default]',
  'instances',
);
export const byNodeTags = constant(['--node-tags'], 'multi_mode', 'Filter by node tag', 'nodes-by-tags');
export const byPriNodeTags = constant(
  ['--pri-node-tags'],
  'multi_mode',
  'Filter by primary node tag',
  'nodes-pri-by-tags',
);
export const bySecNodeTags = constant(
  ['--sec-node-tags'],
  'multi_mode',
  'Filter by secondary node tag',
  'nodes-sec-by-tags',
);
export const byTags = constant(['--tags'], 'multi_mode', 'Filter by instance tag', 'instances-by-tags');
export const selectOs = flag(
  ['--select-os'],
  'select_os',
  'Interactive OS reinstall, lists available OS templates for selection',
);
export const ignoreFailures = flag(
  ['--ignore-failures'],
  'ignore_failures',
  'Remove the instance from the cluster configuration even if there are failures during the removal process',
);
export const autoReplace = flag(
  ['-a', '--auto'],
  'auto',
  'Automatically replace faulty disks (applies only to internally mirrored disk templates, e.g. drbd)',
);
export const diskIndices = text(
  ['--disks'],
  'disks',
  'Comma-separated list of disks indices to act on (e.g. 0,2) (optional, defaults to all disks)',
);
export const onPrimary = flag(
  ['-p', '--on-primary'],
  'on_primary',
  'Replace the disk(s) on the primary node (applies only to internally mirrored disk templates, e.g. drbd)',
);
export const onSecondary = flag(
  ['-s', '--on-secondary'],
  'on_secondary',
  'Replace the disk(s) on the secondary node (applies only to internally mirrored disk templates, e.g. drbd)',
);
export const hypervisorParameters = keyValues(
  ['-H', '--hypervisor-parameters'],
  'hvparams',
  'Hypervisor parameters',
);
export const offlineInstance = flag(['--offline'], 'offline_inst', 'Disable down instance');
export const onlineInstance = flag(['--online'], 'online_inst', 'Enable offline instance');
export const runtimeMemory = size(
  ['-m', '--runtime-memory'],
  'runtime_mem',
  "Sets the instance's runtime memory, ballooning it up or down to the new value",
  { metavar: '<size>' },
);
export const newPrimary = text(['--new-primary'], 'new_primary_node', 'Specifies the new primary node', {
  metavar: '<node>',
  completes: 'one_node',
});
export const noHotplug = negativeFlag(
  ['--no-hotplug'],
  'hotplug',
  'Hotplug supported devices (NICs and Disks)',
);
export const extParams = keyValues(
  ['-e', '--ext-params'],
  'ext_params',
  'Parameters for ExtStorage template conversions in the format: provider=prvdr[,param1=val1,param2=val2,...]',
);
export const timeout = integer(['--timeout'], 'timeout', 'Maximum time (in seconds) to wait', {
  default: 120,
});
export const ignoreOffline = flag(
  ['--ignore-offline'],
  'ignore_offline',
  'Ignore offline nodes and do as much as possible',
);
export const noRemember = flag(
  ['--no-remember'],
  'no_remember',
  'Perform but do not record the change in the configuration',
);
export const paused = flag(['--paused'], 'startup_paused', 'Pause instance at startup');
export const rebootType = choice(
  ['-t', '--type'],
  'reboot_type',
  ['soft', 'hard', 'full'],
  'Type of reboot: soft/hard/full',
  { default: 'hard', metavar: '<REBOOT>' },
);
export const ignoreSecondaries = flag(
  ['--ignore-secondaries'],
  'ignore_secondaries',
  'Ignore errors from secondaries',
);
export const ignoreSize = flag(
  ['--ignore-size'],
  'ignore_size',
  'Ignore current recorded size (useful for forcing activation when the recorded size is wrong)',
);
export const waitForSync = flag(['--wait-for-sync'], 'wait_for_sync', 'Wait for disks to sync');
export const absolute = flag(
  ['--absolute'],
  'absolute',
  'Marks the grow as absolute instead of the (default) relative mode',
);
