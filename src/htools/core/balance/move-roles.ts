/** What each kind of move does to the instance's two nodes and to the target. */
import type { MoveKind } from '../terms/vocabulary.ts';

export interface Roles {
  /** On the old primary: loses the primary role (-1), gains the secondary one (1). */
  readonly primaryLost: number;
  readonly secondaryGained: number;
  /** On the old secondary. */
  readonly secondaryLost: number;
  readonly primaryGained: number;
  /** What the target becomes. */
  readonly target: 'primary' | 'secondary' | 'none';
}

export const roles: Readonly<Record<MoveKind, Roles>> = {
  failover: { primaryLost: -1, secondaryGained: 1, secondaryLost: -1, primaryGained: 1, target: 'none' },
  'failover-to-any': {
    primaryLost: -1,
    secondaryGained: 0,
    secondaryLost: 0,
    primaryGained: 0,
    target: 'primary',
  },
  'replace-primary': {
    primaryLost: -1,
    secondaryGained: 0,
    secondaryLost: 0,
    primaryGained: 0,
    target: 'primary',
  },
  'replace-secondary': {
    primaryLost: 0,
    secondaryGained: 0,
    secondaryLost: -1,
    primaryGained: 0,
    target: 'secondary',
  },
  'replace-and-failover': {
    primaryLost: -1,
    secondaryGained: 1,
    secondaryLost: -1,
    primaryGained: 0,
    target: 'primary',
  },
  'failover-and-replace': {
    primaryLost: -1,
    secondaryGained: 0,
    secondaryLost: -1,
    primaryGained: 1,
    target: 'secondary',
  },
};
