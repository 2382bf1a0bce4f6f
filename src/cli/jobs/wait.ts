/** Follows a job to its end, printing its messages as they come (cli.PollJob). */
import { decodeFailure, Failure } from '../../kit/failure.ts';
import { pythonText, safeText } from '../output/python-text.ts';
import { formatCtime, isTimestamp } from '../output/time.ts';
import type { Session } from '../session.ts';

/** [serial, time, type, message] */
type LogEntry = readonly [number, unknown, string, unknown];

/** Seconds that the master holds an answer back when nothing happens. */
const changeTimeout = 60;
const notChanged = 'nochange';
const finalStates = ['success', 'error', 'canceling', 'canceled'];
const microsecondsPerSecond = 1e6;

/** A message of any type as text; only "message" is text already. */
export function formatLogMessage(type: string, message: unknown): string {
  return safeText(type === 'message' && typeof message === 'string' ? message : pythonText(message));
}

/** What to do while a job goes on. */
export interface JobReporter {
  message(entry: LogEntry): void;
  /** Nothing has changed for a minute. */
  unchanged(status: string | undefined): void;
}

/** Messages on standard output with their time; a hint on standard error when the job hasn't begun. */
export function printingReporter(session: Session, jobId: unknown): JobReporter {
  const told = new Set<string>();
  const hints: Readonly<Record<string, string>> = {
    queued: `Job ${String(jobId)} is waiting in queue`,
    waiting: `Job ${String(jobId)} is trying to acquire all necessary locks`,
  };
  return {
    message([, time, type, message]) {
      const seconds = isTimestamp(time) ? time[0] + time[1] / microsecondsPerSecond : 0;
      session.print(`${formatCtime(seconds)} ${formatLogMessage(type, message)}`);
    },
    unchanged(status) {
      const hint = status === undefined ? undefined : hints[status];
      if (hint === undefined || told.has(hint)) return;
      told.add(hint);
      session.warn(hint);
    },
  };
}

export const silentReporter: JobReporter = { message() {}, unchanged() {} };

function lost(jobId: unknown): Failure {
  return new Failure('JobLost', [`Job with id ${String(jobId)} lost`]);
}

async function followToEnd(session: Session, jobId: unknown, reporter: JobReporter): Promise<void> {
  let previous: unknown = null;
  let serial: number | null = null;
  let status: string | undefined;
  for (;;) {
    const change = await session.call('WaitForJobChange', [
      jobId,
      ['status'],
      previous,
      serial,
      changeTimeout,
    ]);
    if (!change) throw lost(jobId);
    if (change === notChanged) {
      reporter.unchanged(status);
      continue;
    }
    const [info, entries] = change as [[string], LogEntry[] | null];
    [status] = info;
    for (const entry of entries ?? []) {
      reporter.message(entry);
      serial = Math.max(serial ?? 0, entry[0]);
    }
    // The end counts once all messages before it were read.
    if ((entries ?? []).length === 0 && finalStates.includes(status)) return;
    previous = info;
  }
}

function isEncodedFailure(value: unknown): value is [string, unknown[]] {
  return (
    Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && Array.isArray(value[1])
  );
}

/** The failure of a job by the first of its opcodes that failed. */
function failureOf(opcodeStates: readonly string[], results: readonly unknown[]): Failure {
  const failed = opcodeStates.indexOf('error');
  if (failed < 0) return new Failure('OpExecError', [pythonText(results)]);
  const result = results[failed];
  if (isEncodedFailure(result)) return decodeFailure(result);
  const partial = opcodeStates.slice(0, failed).includes('success');
  const text = pythonText(result);
  return new Failure('OpExecError', [partial ? `partial failure (opcode ${failed}): ${text}` : text]);
}

/**
 * The results of a job's opcodes once it has ended.
 * @throws Failure JobLost, JobCanceled, or the failure of its first opcode that failed
 */
export async function waitForJob(
  session: Session,
  jobId: unknown,
  reporter: JobReporter = printingReporter(session, jobId),
): Promise<unknown[]> {
  await followToEnd(session, jobId, reporter);
  const [job] = (await session.call('QueryJobs', [[Number(jobId)], ['status', 'opstatus', 'opresult']])) as [
    [string, string[], unknown[]] | null,
  ];
  if (!job) throw lost(jobId);
  const [status, opcodeStates, results] = job;
  if (status === 'success') return results;
  if (status === 'canceling' || status === 'canceled') throw new Failure('JobCanceled', ['Job was canceled']);
  throw failureOf(opcodeStates, results);
}
