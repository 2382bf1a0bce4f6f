/**
 * Submitting jobs and following them to their ends (hbal -X, hsqueeze -X, harep). Each set of jobs runs at the
 * same time; the next set begins when all of it succeeded. Asked to stop, the tool lets the running set end and
 * submits no more, so that no move is left half done.
 */
import { Failure } from '../../kit/failure.ts';
import type { LuxiClient } from '../../luxi/client.ts';
import type { Opcode } from '../core/terms/opcodes.ts';
import type { Options, SubmitPriority } from './options.ts';
import { failure, type ProgramContext, versionText } from './program.ts';
import { luxiComplaint } from './sources.ts';

/** Jobs that are submitted together, and what to call them. */
export interface JobSubmission {
  readonly jobs: readonly (readonly Opcode[])[];
  readonly description: string;
}

type JobStatus = 'queued' | 'waiting' | 'canceling' | 'running' | 'canceled' | 'success' | 'error';

const statusLabels: Readonly<Record<JobStatus, string>> = {
  queued: 'JOB_STATUS_QUEUED',
  waiting: 'JOB_STATUS_WAITING',
  canceling: 'JOB_STATUS_CANCELING',
  running: 'JOB_STATUS_RUNNING',
  canceled: 'JOB_STATUS_CANCELED',
  success: 'JOB_STATUS_SUCCESS',
  error: 'JOB_STATUS_ERROR',
};

const unfinished: ReadonlySet<JobStatus> = new Set(['queued', 'waiting', 'canceling', 'running']);
const priorities: Readonly<Record<SubmitPriority, number>> = { low: 10, normal: 0, high: -10 };

interface JobView {
  readonly id: number;
  readonly status: JobStatus;
  /** Messages so far, one list an opcode. */
  readonly log: readonly (readonly unknown[])[];
  readonly results: readonly unknown[];
}

/** Puts who asked, and why, before an opcode. */
export function annotate(
  opcode: Opcode,
  annotation: { readonly tool: string; readonly comment: string },
  options: Options,
  context: ProgramContext,
): Opcode {
  const { tool, comment } = annotation;
  const reason = options.reason ?? `${tool} ${versionText} called`;
  const nanoseconds = Math.trunc(context.now() * 1e6) * 1000;
  return {
    priority: priorities[options.priority ?? 'normal'],
    comment: `${comment} ${versionText}`,
    reason: [[tool, reason, nanoseconds]],
    ...opcode,
  };
}

/** Runs what needs the master daemon; ends the program with the daemon's complaint. */
export async function withMaster<T>(
  context: ProgramContext,
  socketPath: string,
  use: (client: LuxiClient) => Promise<T>,
): Promise<T> {
  try {
    const client = await context.connect(socketPath);
    try {
      return await use(client);
    } finally {
      client.close();
    }
  } catch (error) {
    if (error instanceof Failure) throw failure(luxiComplaint(error, socketPath));
    throw error;
  }
}

/** Submits jobs; returns their ids. */
export async function submitJobs(
  client: LuxiClient,
  jobs: readonly (readonly Opcode[])[],
): Promise<number[]> {
  const answers = (await client.call('SubmitManyJobs', [jobs])) as [boolean, unknown][];
  const refused = answers.find(([accepted]) => !accepted);
  if (refused !== undefined) throw failure(`Job submission error: ${String(refused[1])}`);
  return answers.map(([, id]) => Number(id));
}

/** How the jobs are now; a job that the queue doesn't know ends the program. */
export async function viewJobs(client: LuxiClient, ids: readonly number[]): Promise<JobView[]> {
  const fields = ['status', 'oplog', 'opresult'];
  const rows = (await client.call('QueryJobs', [ids.map(String), fields])) as (unknown[] | null)[];
  return rows.map((row, i) => {
    if (row === null) throw failure(`Checking job status: job ${ids[i]} is not in the queue`);
    const [status, log, results] = row as [JobStatus, JobView['log'] | null, unknown[] | null];
    return { id: ids[i]!, status, log: log ?? [], results: results ?? [] };
  });
}

/** Text of a job message: [serial, time, kind, text or a value]. */
function messageText(entry: unknown): string {
  const content = Array.isArray(entry) ? (entry as unknown[])[3] : entry;
  return typeof content === 'string' ? content : JSON.stringify(content);
}

/** The message of the opcode that failed: [class name, [message, …]] or a text. */
function failureText(result: unknown): string | undefined {
  if (typeof result === 'string') return result;
  if (!Array.isArray(result) || !Array.isArray(result[1])) return undefined;
  const [first] = result[1] as unknown[];
  return typeof first === 'string' ? first : JSON.stringify(first);
}

/** Shows on standard error what is new about the jobs. */
class Progress {
  private readonly shown = new Map<string, number>();
  private readonly statuses = new Map<number, JobStatus>();
  private readonly context: ProgramContext;

  constructor(context: ProgramContext) {
    this.context = context;
  }

  show(jobs: readonly JobView[]): void {
    for (const { id, status, log, results } of jobs) {
      log.forEach((messages, opcode) => {
        const key = `${id} ${opcode}`;
        const before = this.shown.get(key) ?? 0;
        for (const message of messages.slice(before)) {
          this.context.err(`job ${id}: ${messageText(message)}\n`);
        }
        this.shown.set(key, messages.length);
      });
      if (this.statuses.get(id) === status) continue;
      this.statuses.set(id, status);
      const why =
        status === 'error' ? results.map(failureText).findLast((text) => text !== undefined) : undefined;
      this.context.err(`job ${id}: ${status}${why === undefined ? '' : `: ${why}`}\n`);
    }
  }
}

const firstPauseMs = 500;
const longestPauseMs = 2000;

/** Waits for all the jobs to end; `quiet` shows nothing on the way. */
export async function waitForJobs(
  client: LuxiClient,
  ids: readonly number[],
  context: ProgramContext,
  quiet: boolean,
): Promise<JobView[]> {
  const progress = new Progress(context);
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, longestPauseMs)) {
    await context.sleep(pause);
    const jobs = await viewJobs(client, ids);
    if (!quiet) progress.show(jobs);
    if (!jobs.some(({ status }) => unfinished.has(status))) return jobs;
  }
}

function idsAndStatuses(jobs: readonly JobView[]): string {
  return jobs.map(({ id, status }) => `(${id},${statusLabels[status]})`).join(',');
}

function showCancelled(
  context: ProgramContext,
  done: readonly { readonly description: string; readonly jobs: readonly JobView[] }[],
  left: readonly JobSubmission[],
): void {
  const submitted = done.map(({ description, jobs }) => `("${description}",[${idsAndStatuses(jobs)}])`);
  context.out(
    `Exiting early due to user request, \n${done.length}jobset(s) submitted: \n[${submitted.join(',')}]\n`,
  );
  context.out(`${left.length} jobset(s) not submitted:\n`);
  for (const { description } of left) context.out(`${description}\n`);
}

/** Whether stopping was asked for; a second request ends the program at once. */
function watchForStop(context: ProgramContext): { readonly asked: () => boolean; readonly end: () => void } {
  let asked = false;
  const end = context.onStop({
    first: () => {
      asked = true;
      context.out('Cancel request registered, will exit at the end of the current job set...\n');
    },
    now: () => context.out('Double cancel request, exiting now...\n'),
  });
  return { asked: () => asked, end };
}

/** Runs the sets one after the other. Ends the program when a job fails or it can't be submitted. */
export async function runJobSets(
  tool: string,
  sets: readonly JobSubmission[],
  socketPath: string,
  context: ProgramContext,
): Promise<void> {
  const stop = watchForStop(context);
  const done: { description: string; jobs: JobView[] }[] = [];
  try {
    for (const [position, { jobs: opcodes, description }] of sets.entries()) {
      if (stop.asked()) {
        showCancelled(context, done, sets.slice(position));
        return;
      }
      const jobs = await withMaster(context, socketPath, async (client) => {
        const ids = await submitJobs(client, opcodes);
        context.out(`Got job IDs ${ids.join(',')}\n`);
        return await waitForJobs(client, ids, context, false);
      });
      const failed = jobs.filter(({ status }) => status !== 'success');
      if (failed.length > 0) {
        const shown = failed.map(({ id, status }) => `(JobId {fromJobId = ${id}},${statusLabels[status]})`);
        throw failure(`${tool}: Not all jobs completed successfully: [${shown.join(',')}]\nAborting.\n`);
      }
      done.push({ description, jobs });
    }
  } finally {
    stop.end();
  }
}

/** Runs one set and waits, showing nothing; ends the program when a job fails. */
export async function runQuietly(
  client: LuxiClient,
  jobs: readonly (readonly Opcode[])[],
  context: ProgramContext,
): Promise<void> {
  const ids = await submitJobs(client, jobs);
  const failed = (await waitForJobs(client, ids, context, true)).filter(({ status }) => status !== 'success');
  if (failed.length === 0) return;
  throw failure(
    `The following jobs failed: ${failed.map(({ id, status }) => `${id}=>${status}`).join(', ')}`,
  );
}
