/**
 * The words of the solver: disk templates, instance states, reasons of refusal, moves. Plain constants,
 * spelt on the outside exactly as Ganeti's tools spell them (htools(1), hbal(1)).
 */

/** Disk templates in Ganeti's order; the default policy allows them all in this order. */
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

export const hypervisors = ['kvm', 'xen-pvm', 'chroot', 'xen-hvm', 'lxc', 'fake'] as const;
export type Hypervisor = (typeof hypervisors)[number];

/** Names of the templates in diagnostic output (`hinfo -v -v -v`, policies). */
export const diskTemplateLabels: Readonly<Record<DiskTemplate, string>> = {
  diskless: 'DTDiskless',
  file: 'DTFile',
  sharedfile: 'DTSharedFile',
  plain: 'DTPlain',
  blockdev: 'DTBlock',
  drbd: 'DTDrbd8',
  rbd: 'DTRbd',
  ext: 'DTExt',
  gluster: 'DTGluster',
};

/** How an instance can change nodes: not at all, between its two DRBD sides, or to any node. */
export type Mirror = 'none' | 'internal' | 'external';

export function mirrorOf(template: DiskTemplate): Mirror {
  if (template === 'drbd') return 'internal';
  return template === 'plain' || template === 'file' ? 'none' : 'external';
}

/** Whether free disk of the node is the instance's business (only LVM is tracked per node). */
export function usesLocalStorage(template: DiskTemplate): boolean {
  return template === 'drbd' || template === 'plain';
}

/** Nodes an instance of this template needs. */
export function requiredNodes(template: DiskTemplate): number {
  return template === 'drbd' ? 2 : 1;
}

export const instanceStatuses = [
  'ADMIN_down',
  'ADMIN_offline',
  'ERROR_down',
  'ERROR_up',
  'ERROR_nodedown',
  'ERROR_nodeoffline',
  'running',
  'USER_down',
  'ERROR_wrongnode',
] as const;
export type InstanceStatus = (typeof instanceStatuses)[number];

export const allocationPolicies = ['preferred', 'last_resort', 'unallocable'] as const;
export type AllocationPolicy = (typeof allocationPolicies)[number];

/** Why a node doesn't take an instance. `none` means it does. The order is that of hspace's counts. */
export const Refusal = {
  none: 0,
  memory: 1,
  disk: 2,
  cpu: 3,
  redundancy: 4,
  tags: 5,
  migration: 6,
  diskCount: 7,
  spindles: 8,
  internal: 9,
} as const;
export type Refusal = (typeof Refusal)[keyof typeof Refusal];

/** Ganeti's names of the refusals, by number. */
export const refusalNames = [
  '',
  'FailMem',
  'FailDisk',
  'FailCPU',
  'FailN1',
  'FailTags',
  'FailMig',
  'FailDiskCount',
  'FailSpindles',
  'FailInternal',
] as const;

export const allRefusals: readonly Refusal[] = [1, 2, 3, 4, 5, 6, 7, 8, 9];

/**
 * A move of one instance. `f` failover, `r` replace secondary; the letters are hbal's:
 * failover (f), failover-to-any (fa:T), replace-primary (f r:T f), replace-secondary (r:T),
 * replace-and-failover (r:T f), failover-and-replace (f r:T).
 */
export type MoveKind =
  | 'failover'
  | 'failover-to-any'
  | 'replace-primary'
  | 'replace-secondary'
  | 'replace-and-failover'
  | 'failover-and-replace';

export interface Move {
  readonly kind: MoveKind;
  /** Index of the node that comes in; -1 for a plain failover. */
  readonly target: number;
}

export const failover: Move = { kind: 'failover', target: -1 };

/** The index that stands for "no secondary node". */
export const noNode = -1;

/** CPU, memory, disk and network load, in any unit that all nodes share. */
export interface Utilisation {
  readonly cpu: number;
  readonly memory: number;
  readonly disk: number;
  readonly network: number;
}

export const baseUtilisation: Utilisation = { cpu: 1, memory: 1, disk: 1, network: 1 };
export const zeroUtilisation: Utilisation = { cpu: 0, memory: 0, disk: 0, network: 0 };
