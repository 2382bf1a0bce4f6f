/** Exports without snapshots keep the guest down until all of it has been read: only when that was allowed. */
import { executionFailure } from '../../kit/failure.ts';

/** There are no snapshots: may the guest stay down meanwhile? @throws Failure OpExecError when it may not */
export function requireLongSleep(plan: { readonly stops: boolean; readonly longSleep: boolean }): void {
  if (!plan.stops) {
    throw executionFailure('Not all disks could be snapshotted, and you requested a live export; aborting');
  }
  if (plan.longSleep) return;
  throw executionFailure(
    'Not all disks could be snapshotted, and you did not allow the instance to remain offline for a longer' +
      ' time through the --long-sleep option; aborting',
  );
}
