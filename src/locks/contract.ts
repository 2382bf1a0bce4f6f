/** What an operation says of locks: level, name and mode (design of Ganeti's locking, surface/logical_units). */

/** In the order in which they are taken. */
export const lockLevels = ['cluster', 'instance', 'nodegroup', 'node', 'node-res', 'network'] as const;
export type LockLevel = (typeof lockLevels)[number];
export type LockMode = 'shared' | 'exclusive';

export interface LockRequest {
  readonly level: LockLevel;
  /** Instance name; uuid of a node, group or network; 'BGL' for the cluster; 'all' for the whole level. */
  readonly name: string;
  readonly mode: LockMode;
  /** Taken when free, left out when not; the plan is told which it got. */
  readonly opportunistic?: boolean;
}
