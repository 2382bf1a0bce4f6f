/** Options of gnt-node alone. */
import { choice, flag, negativeFlag, yesNo } from '../optparse/option.ts';

export const readd = flag(['--readd'], 'readd', 'Readd old node after replacing it');
export const forceJoin = flag(['--force-join'], 'force_join', 'Force the joining of a node');
export const noNodeSetup = negativeFlag(
  ['--no-node-setup'],
  'node_setup',
  'Do not make initial SSH setup on remote node (needs to be done manually)',
);
export const masterCapable = yesNo(
  ['--master-capable'],
  'master_capable',
  'Set the master_capable flag on the node',
  { metavar: 'yes|no' },
);
export const vmCapable = yesNo(['--vm-capable'], 'vm_capable', 'Set the vm_capable flag on the node', {
  metavar: 'yes|no',
});
export const ignoreSoftErrors = flag(
  ['--ignore-soft-errors'],
  'ignore_soft_errors',
  'Tell htools to ignore any soft errors like N+1 violations',
);
export const primaryOnly = flag(['-p', '--primary-only'], 'primary_only', 'Evacuate primary instances only');
export const secondaryOnly = flag(
  ['-s', '--secondary-only'],
  'secondary_only',
  'Evacuate secondary instances only (applies only to internally mirrored disk templates, e.g. drbd)',
);
export const masterCandidate = yesNo(
  ['-C', '--master-candidate'],
  'master_candidate',
  'Set the master_candidate flag on the node',
  { metavar: 'yes|no' },
);
export const drained = yesNo(
  ['-D', '--drained'],
  'drained',
  'Set the drained flag on the node (excluded from allocation operations)',
  { metavar: 'yes|no' },
);
export const offline = yesNo(
  ['-O', '--offline'],
  'offline',
  'Set the offline flag on the node (cluster does not communicate with offline nodes)',
  { metavar: 'yes|no' },
);
export const autoPromote = flag(
  ['--auto-promote'],
  'auto_promote',
  'Lock all nodes and auto-promote as needed to MC status',
);
export const nodePowered = yesNo(
  ['--node-powered'],
  'node_powered',
  'Specify if the SoR for node is powered',
  { metavar: 'yes|no' },
);
export const ignoreStatus = flag(
  ['--ignore-status'],
  'ignore_status',
  'Ignore the Node(s) offline status (potentially DANGEROUS)',
);
export const storageType = choice(
  ['-t', '--storage-type'],
  'user_storage_type',
  ['file', 'lvm-pv', 'lvm-vg', 'sharedfile', 'gluster'],
  'Storage type (file, lvm-pv, lvm-vg, sharedfile, gluster)',
  { metavar: 'STORAGE_TYPE' },
);
export const allocatable = yesNo(['--allocatable'], 'allocatable', 'Set the allocatable flag on a volume', {
  metavar: 'yes|no',
});
export const sync = flag(
  ['--sync'],
  'do_locking',
  'Grab locks while doing the queries in order to ensure more consistent results',
);
