/** What the runner makes of the locks that an operation names (pure). */
import { merged, wholeLevel } from '../locks/allocation.ts';
import type { LockRequest } from '../locks/contract.ts';

/** The Big Ganeti Lock: shared by every operation but those that ask for it alone. */
const bigLock: LockRequest = { level: 'cluster', name: 'BGL', mode: 'shared' };

/** With the Big Ganeti Lock; one that the operation names itself counts. */
export function withClusterLock(requests: readonly LockRequest[]): LockRequest[] {
  return merged([bigLock, ...requests]);
}

export function isOpportunistic(requests: readonly LockRequest[]): boolean {
  return requests.some((request) => request.opportunistic === true);
}

/** The same locks, every one of them waited for. */
export function insistent(requests: readonly LockRequest[]): LockRequest[] {
  return requests.map(({ level, name, mode }) => ({ level, name, mode }));
}

/** Whether who asked for `asked` has no need to ask again when the answer is now `wanted`. */
export function covers(asked: readonly LockRequest[], wanted: readonly LockRequest[]): boolean {
  return wanted.every((want) =>
    asked.some(
      (one) =>
        one.level === want.level &&
        (one.name === want.name || one.name === wholeLevel) &&
        (one.mode === 'exclusive' || want.mode === 'shared') &&
        (one.opportunistic !== true || want.opportunistic === true),
    ),
  );
}
