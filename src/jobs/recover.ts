/**
 * What a starting master makes of the queue it finds: job files, and the journal's entries since its
 * last checkpoint.
 *
 *   queued, or waiting for locks   → queued again, with a pickup entry in the reason trail
 *   running                        → undone step by step, then error, saying what happened
 *   running, its work done         → success, with the result that stands in the journal
 *   ended                          → as it was; what a kill had left to undo is undone
 *
 * Recovering twice gives the same as recovering once: the master may die here too.
 */
import { encodeFailure, Failure } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Durable, JobEntry } from './durable.ts';
import { canceledResult } from './ending.ts';
import type { JobFiles, LoadedQueue } from './files.ts';
import { isFinal, type Job, type LogEntry, logSerialOf, statusOf, timestampOf } from './job.ts';
import type { StepLedger } from './ledger.ts';
import type { QueueState } from './queue.ts';
import { pickupReason, withReason } from './reasons.ts';
import { describeUnwound, type FindStep, type Unwound, unwindFromJournal } from './unwind.ts';

export interface FoundQueue {
  readonly jobs: Map<number, Job>;
  readonly serial: number;
  readonly drained: boolean;
  /** Ended jobs that the journal says are archived. */
  readonly archived: readonly Job[];
  /** Jobs that the journal speaks of, with what their files held: the text, undefined when there is no file. */
  readonly touched: ReadonlyMap<number, string | undefined>;
}

const jobKinds: ReadonlySet<string> = new Set(['job', 'job-state', 'job-archived', 'step']);

/** Whether an entry of a journal that serves others too is one of the job queue's. */
export function isJobEntry(entry: { readonly kind: string; readonly data: unknown }): entry is JobEntry {
  return jobKinds.has(entry.kind);
}

function newerLog(left: readonly LogEntry[], right: readonly LogEntry[]): LogEntry[] {
  return [...((left.at(-1)?.[0] ?? 0) > (right.at(-1)?.[0] ?? 0) ? left : right)];
}

/** Log lines aren't journalled one by one, so a file may have more of them than the journal. */
function withLogsOf(job: Job, older: Job | undefined): Job {
  for (const [index, op] of job.ops.entries()) op.log = newerLog(op.log, older?.ops[index]?.log ?? []);
  return job;
}

/** Files and journal put together; step entries go into `ledger`. */
export function foldJobs(files: LoadedQueue, entries: Iterable<JobEntry>, ledger: StepLedger): FoundQueue {
  const jobs = new Map(files.jobs.map((job) => [job.id, job]));
  const archived: Job[] = [];
  const touched = new Map<number, string | undefined>();
  const touch = (id: number) => {
    const job = jobs.get(id);
    if (!touched.has(id)) touched.set(id, job === undefined ? undefined : JSON.stringify(job));
  };
  let serial = files.serial;
  for (const entry of entries) {
    switch (entry.kind) {
      case 'job': {
        const { id } = entry.data;
        touch(id);
        serial = Math.max(serial, id);
        jobs.set(id, withLogsOf(structuredClone(entry.data), jobs.get(id)));
        break;
      }
      case 'job-state': {
        const job = jobs.get(entry.data.id);
        if (job === undefined) break;
        touch(job.id);
        job.start_timestamp = entry.data.start_timestamp;
        job.end_timestamp = entry.data.end_timestamp;
        for (const [index, state] of entry.data.ops) {
          const op = job.ops[index];
          if (op !== undefined) Object.assign(op, state, { log: newerLog(state.log, op.log) });
        }
        break;
      }
      case 'job-archived':
        for (const id of entry.data.ids) {
          const job = jobs.get(id);
          if (job !== undefined) archived.push(job);
          jobs.delete(id);
        }
        break;
      case 'step':
        ledger.fold(entry.data);
        break;
    }
  }
  for (const { job, op } of ledger.openPages()) {
    if (jobs.get(job)?.ops[op]?.status === 'success' || !jobs.has(job)) ledger.close(job, op);
  }
  for (const { job, op } of ledger.endedOpcodes()) {
    const state = jobs.get(job)?.ops[op];
    if (state === undefined || isFinal(state.status)) ledger.close(job, op);
  }
  return { jobs, serial, drained: files.drained, archived, touched };
}

export interface RecoverParts<World> {
  readonly world: World;
  readonly ledger: StepLedger;
  readonly findStep: FindStep<World>;
  readonly durable: Durable;
  readonly files: JobFiles;
  readonly now: () => number;
  readonly log: Log;
}

/** How many jobs are unwound at once; their locks were apart, so they don't get in each other's way. */
const parallel = 10;

/** Undoes what was half done. What it gives is what the queue starts with. */
export async function recoverQueue<World>(
  found: FoundQueue,
  parts: RecoverParts<World>,
): Promise<QueueState> {
  for (const job of found.archived) await parts.files.archive(job);
  // Written or not, no process that still lives has seen to it that these files are on the disk.
  for (const [id, text] of found.touched) {
    const job = found.jobs.get(id);
    if (job === undefined) continue;
    if (JSON.stringify(job) === text) parts.files.doubt(id);
    else parts.files.write(job);
  }
  const open = new Set(parts.ledger.openPages().map(({ job }) => job));
  const unsettled = [...found.jobs.values()].filter((job) => !isFinal(statusOf(job)) || open.has(job.id));
  const next = unsettled[Symbol.iterator]();
  const worker = async () => {
    for (const job of next) await settle(job, parts);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  parts.files.writeSerial(found.serial);
  return { jobs: found.jobs.values(), serial: found.serial, drained: found.drained };
}

async function settle<World>(job: Job, parts: RecoverParts<World>): Promise<void> {
  const wasUnfinished = !isFinal(statusOf(job));
  acknowledgeEnded(job, parts);
  const interrupted = job.ops.findIndex((op) => op.status === 'running');
  const results: Unwound[] = [];
  for (const [index, op] of job.ops.entries()) {
    if (parts.ledger.open(job.id, index).length === 0) continue;
    results.push(await unwindFromJournal(parts, op.input.OP_ID, job.id, index));
  }
  const told = results.map(describeUnwound).filter((text) => text !== '');
  if (!wasUnfinished) {
    if (told.length > 0) parts.log.warning(`job ${job.id}: after a restart ${told.join('; ')}`);
    return;
  }
  if (isFinal(statusOf(job))) job.end_timestamp = timestampOf(parts.now());
  else if (interrupted >= 0 || results.length > 0)
    failInterrupted(job, Math.max(interrupted, 0), told, parts.now());
  else if (job.ops.some((op) => op.status === 'canceling')) cancelInterrupted(job, parts.now());
  else requeue(job, parts.now());
  parts.log.info(
    `job ${job.id} is ${statusOf(job)} after a restart${told.length > 0 ? `: ${told.join('; ')}` : ''}`,
  );
  await parts.durable.append('job', job);
  parts.files.write(job);
}

/** Opcodes that had done their work, and only not told so, have succeeded. */
function acknowledgeEnded<World>(job: Job, { ledger, now }: RecoverParts<World>): void {
  for (const [index, op] of job.ops.entries()) {
    const ended = ledger.ended(job.id, index);
    if (ended === undefined || isFinal(op.status)) continue;
    op.status = 'success';
    op.result = ended.result;
    op.end_timestamp = timestampOf(now());
    ledger.close(job.id, index);
  }
}

function failInterrupted(job: Job, first: number, told: readonly string[], seconds: number): void {
  const what = told.length > 0 ? told.join('; ') : 'nothing was left half done';
  const text = `Job was interrupted by a restart of the master daemon; ${what}`;
  const end = timestampOf(seconds);
  for (const [index, op] of job.ops.entries()) {
    if (isFinal(op.status)) continue;
    op.status = 'error';
    if (index <= first) {
      op.result = encodeFailure(new Failure('OpExecError', [text]));
      op.log.push([logSerialOf(job) + 1, end, 'message', ` - WARNING: ${text}`]);
      op.end_timestamp = end;
    } else {
      op.result = encodeFailure(new Failure('OpExecError', ['Preceding opcode failed']));
    }
  }
  job.end_timestamp = end;
}

function cancelInterrupted(job: Job, seconds: number): void {
  for (const op of job.ops) {
    if (isFinal(op.status)) continue;
    op.status = 'canceled';
    op.result = canceledResult;
  }
  job.end_timestamp = timestampOf(seconds);
}

function requeue(job: Job, seconds: number): void {
  for (const [index, op] of job.ops.entries()) {
    if (isFinal(op.status)) continue;
    op.status = 'queued';
    op.input = withReason(op.input, pickupReason(op.input, job.id, index, seconds));
  }
}
