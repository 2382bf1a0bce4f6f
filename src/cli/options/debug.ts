/** Options of gnt-debug. */
import { choice, flag, integer, negativeFlag, size, text, texts } from '../optparse/option.ts';

export const delayNoMaster = negativeFlag(['--no-master'], 'on_master', 'Do not sleep in the master code');
export const delayNodes = texts(['-n'], 'on_nodes', 'Select nodes to sleep on');
export const delayRepeat = integer(['-r', '--repeat'], 'repeat', 'Number of times to repeat the sleep', {
  default: 0,
});
export const delayInterruptible = flag(
  ['-i', '--interruptible'],
  'interruptible',
  'Allows the opcode to be interrupted by using a domain socket',
);
export const delayNoLocks = flag(
  ['-l', '--no-locks'],
  'no_locks',
  "Don't take locks while performing the delay",
);
export const opcodeRepeat = integer(
  ['--op-repeat'],
  'rep_op',
  'Repeat the opcode sequence this number of times',
  { default: 1 },
);
export const jobRepeat = integer(['--job-repeat'], 'rep_job', 'Repeat the job this number of times', {
  default: 1,
});
export const timingStats = flag(['--timing-stats'], 'timing_stats', 'Show timing stats');
export const submitEach = flag(['--each'], 'each', 'Submit each job separately');
export const iallocatorDir = choice(
  ['--dir'],
  'direction',
  ['out', 'in'],
  'Show allocator input (in) or allocator results (out)',
  { default: 'in' },
);
export const iallocatorMode = choice(
  ['-m', '--mode'],
  'mode',
  ['relocate', 'node-evacuate', 'change-group', 'allocate', 'multi-allocate', 'allocate-secondary'],
  'Request mode (one of relocate, node-evacuate, change-group, allocate, multi-allocate, allocate-secondary)',
  { default: 'relocate' },
);
export const iallocatorMemory = size(['--memory'], 'memory', 'Memory size for the instance (MiB)', {
  default: 128,
});
export const iallocatorDisks = text(['--disks'], 'disks', 'Comma separated list of disk sizes (MiB)', {
  default: '4096,4096',
});
export const iallocatorNics = text(
  ['--nics'],
  'nics',
  'Comma separated list of nics, each nic definition is of form mac/ip/bridge, if missing values are replace by None',
  { default: '00:11:22:33:44:55' },
);
export const iallocatorVcpus = integer(
  ['-p', '--vcpus'],
  'vcpus',
  'Select number of VCPUs for the instance',
  { default: 1 },
);
export const iallocatorTags = text(['--tags'], 'tags', 'Comma separated list of tags');
export const iallocatorEvacMode = choice(
  ['--evac-mode'],
  'evac_mode',
  ['all', 'secondary-only', 'primary-only'],
  'Node evacuation mode (one of all, secondary-only, primary-only)',
  { default: 'all' },
);
export const iallocatorTargetGroups = texts(
  ['--target-groups'],
  'target_groups',
  'Target groups for relocation',
);
export const iallocatorSpindleUse = integer(['--spindle-use'], 'spindle_use', 'How many spindles to use', {
  default: 1,
});
export const iallocatorCount = integer(['--count'], 'count', 'How many instances to allocate', {
  default: 2,
});
