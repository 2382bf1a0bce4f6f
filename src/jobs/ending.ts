/** How jobs come to an end that isn't their own: cancelled, or killed. */
import type { JobChanges } from './changes.ts';
import { isFinal, type Job, type JobStatus, type OpcodeChange, statusOf, timestampOf } from './job.ts';
import { nanoseconds, withReason } from './reasons.ts';

/** So long a cancel waits for a job to give up waiting, in seconds (constants.LUXI_CANCEL_JOB_TIMEOUT). */
const cancelPatience = 44;

export type Answer = [done: boolean, text: string];

export const canceledResult = 'Job canceled by request';

/** Changes that end every opcode that hasn't ended, from `first` on. */
export function endRest(job: Job, first: number, status: JobStatus, result: unknown): OpcodeChange[] {
  return job.ops.flatMap((op, index) =>
    index < first || isFinal(op.status) ? [] : [{ index, state: { status, result } }],
  );
}

/** The end of a job that was killed. */
export function markDead(job: Job, seconds: number): void {
  const text = `detected death of job ${job.id}`;
  for (const op of job.ops) {
    if (isFinal(op.status)) continue;
    op.input = withReason(op.input, ['gnt:daemon:luxid:deathdetection', text, nanoseconds(seconds)]);
    op.status = 'error';
    op.result = text;
    if (op.start_timestamp !== null) op.end_timestamp = timestampOf(seconds);
  }
  job.end_timestamp = timestampOf(seconds);
}

/** Whether an opcode ended as it did because its job was cancelled. */
export function isCancel(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  const name = (error as { name?: unknown } | undefined)?.name;
  return error === signal.reason || name === 'AbortError' || name === 'JobCanceled';
}

/** Waits until a waiting job that was asked to stop has done so. */
export async function awaitCancel(job: Job, changes: JobChanges, now: () => number): Promise<Answer> {
  const end = now() + cancelPatience;
  for (;;) {
    const status = statusOf(job);
    if (status === 'canceled') return [true, 'Job successfully cancelled'];
    if (isFinal(status)) return [false, `Job exited before it could have been canceled, status ${status}`];
    const timeout = end - now();
    if (timeout <= 0) return [false, `Job could not be canceled, status ${status}`];
    await changes.wait(job, {
      read: (seen) => [statusOf(seen)],
      previousFields: [status],
      previousSerial: Number.MAX_SAFE_INTEGER,
      timeout,
    });
  }
}
