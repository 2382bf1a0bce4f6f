/**
 * Names that stand in configurations, opcodes and protocols alike (constants.DISK_TEMPLATES, HYPER_TYPES…).
 * What a driver can do is told by its about.ts; these are only the words. Free of schemas, so that programs
 * that must start fast may load it.
 */

export const diskTemplates = [
  'diskless',
  'file',
  'sharedfile',
  'plain',
  'blockdev',
  'drbd',
  'rbd',
  'ext',
  'gluster',
] as const;
export type DiskTemplate = (typeof diskTemplates)[number];

export const hypervisorNames = ['chroot', 'fake', 'kvm', 'lxc', 'xen-hvm', 'xen-pvm'] as const;

/** What holds disks on a node (constants.STORAGE_TYPES). */
export const storageTypes = [
  'blockdev',
  'diskless',
  'ext',
  'file',
  'gluster',
  'lvm-pv',
  'lvm-vg',
  'rados',
  'sharedfile',
] as const;

/** How a NIC is connected; "pool" asks for what the network's connection says. */
export const nicModes = ['bridged', 'ext', 'openvswitch', 'pool', 'routed'] as const;

/** Final states of a job (constants.JOBS_FINALIZED). */
export const finalJobStates = ['canceled', 'error', 'success'] as const;
