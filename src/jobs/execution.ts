/**
 * Running one job: its opcodes one after another, each waiting → running → its end. What an opcode does
 * is handed in (`ExecuteOpcode`; operations/runner.ts). An end is shown only when it is durable, so what
 * a client has seen is what a restarted master knows.
 */

import { encodeFailure, Failure, messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { AnyOpcode } from '../opcodes/opcode.ts';
import { canceledResult, endRest, isCancel } from './ending.ts';
import {
  isFinal,
  type Job,
  type JobStatus,
  logSerialOf,
  type OpcodeChange,
  type OpcodeState,
  type QueuedOpcode,
  stateOf,
  type Timestamp,
  timestampOf,
} from './job.ts';

/** What the executor of an opcode gets. */
export interface OpcodeExecution {
  readonly job: number;
  /** Index of the opcode within the job. */
  readonly index: number;
  /** The opcode with its secrets, unless a restart of the master has lost them. */
  readonly input: AnyOpcode;
  /** Aborted with a JobCanceled failure when the job is cancelled. */
  readonly signal: AbortSignal;
  /** The opcode's priority now. */
  readonly priority: () => number;
  /** Calls `listener` whenever the priority changes. */
  readonly onPriority: (listener: (priority: number) => void) => void;
  /** Locks are held and work begins: the opcode runs. Durable when it resolves. */
  readonly started: () => Promise<void>;
  /** A log entry; type 'message' unless told. */
  readonly feedback: (message: unknown, type?: string) => void;
}

/** Resolves with the opcode's result, or rejects once everything is undone. */
export type ExecuteOpcode = (execution: OpcodeExecution) => Promise<unknown>;

export interface JobTimes {
  readonly start_timestamp?: Timestamp;
  readonly end_timestamp?: Timestamp;
}

/** What running a job needs of the queue. */
export interface ExecutionParts {
  readonly execute: ExecuteOpcode;
  readonly log: Log;
  readonly now: () => number;
  /** Makes the change durable, then visible. Never rejects. */
  readonly commit: (job: Job, changes: readonly OpcodeChange[], times?: JobTimes) => Promise<void>;
  /** Visible at once; durable no later than the next commit. */
  readonly show: (job: Job) => void;
  /** Status of any job, archived ones too; undefined when there is none. */
  readonly statusOf: (id: number) => Promise<JobStatus | undefined>;
  /** The opcode has ended and is undone where it had to be. */
  readonly closeSteps: (job: number, index: number) => void;
}

/** A job that was started. */
export interface ActiveJob {
  readonly job: Job;
  readonly inputs: readonly AnyOpcode[];
  readonly controller: AbortController;
  readonly priorityListeners: Set<(priority: number) => void>;
  /** Killed: its end is written already, what it still does is undoing. */
  isAbandoned: boolean;
}

type Outcome =
  | { readonly kind: 'success'; readonly result: unknown }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'canceled' };

/** Runs every opcode that hasn't ended; resolves when the job has. */
export async function runJob(active: ActiveJob, parts: ExecutionParts): Promise<void> {
  const { job } = active;
  for (const [index, op] of job.ops.entries()) {
    if (isFinal(op.status)) continue;
    const outcome = await runOpcode(active, index, op, parts);
    if (active.isAbandoned) {
      parts.closeSteps(job.id, index);
      return;
    }
    const isLast = index === job.ops.length - 1;
    const end = timestampOf(parts.now());
    switch (outcome.kind) {
      case 'success': {
        const state = { status: 'success' as const, result: outcome.result ?? null, end_timestamp: end };
        await parts.commit(job, [{ index, state }], isLast ? { end_timestamp: end } : {});
        break;
      }
      case 'error': {
        const state = {
          status: 'error' as const,
          result: encodeFailure(outcome.error),
          end_timestamp: end,
        };
        const rest = encodeFailure(new Failure('OpExecError', ['Preceding opcode failed']));
        const changes = [{ index, state }, ...endRest(job, index + 1, 'error', rest)];
        await parts.commit(job, changes, { end_timestamp: end });
        break;
      }
      case 'canceled': {
        const changes = endRest(job, index, 'canceled', canceledResult);
        await parts.commit(job, changes, { end_timestamp: end });
        break;
      }
    }
    parts.closeSteps(job.id, index);
  }
}

async function runOpcode(
  active: ActiveJob,
  index: number,
  op: QueuedOpcode,
  parts: ExecutionParts,
): Promise<Outcome> {
  const { job, controller, inputs } = active;
  const { signal } = controller;
  if (signal.aborted) return { kind: 'canceled' };
  op.status = 'waiting';
  op.start_timestamp ??= timestampOf(parts.now());
  job.start_timestamp ??= op.start_timestamp;
  parts.show(job);
  try {
    const refused = await checkDependencies(job, op, parts);
    if (refused !== undefined) return refused;
    const result = await parts.execute({
      job: job.id,
      index,
      input: inputs[index] ?? op.input,
      signal,
      priority: () => op.priority,
      onPriority: (listener) => active.priorityListeners.add(listener),
      started: async () => {
        if (signal.aborted) throw signal.reason;
        const exec_timestamp = timestampOf(parts.now());
        await parts.commit(job, [{ index, state: { status: 'running', exec_timestamp } }]);
      },
      feedback: (message, type = 'message') => {
        if (active.isAbandoned) return;
        op.log.push([logSerialOf(job) + 1, timestampOf(parts.now()), type, message]);
        parts.show(job);
      },
    });
    return { kind: 'success', result };
  } catch (error) {
    if (isCancel(error, signal)) return { kind: 'canceled' };
    parts.log.warning(`job ${job.id}: ${op.input.OP_ID} failed: ${messageOf(error)}`);
    return { kind: 'error', error };
  } finally {
    active.priorityListeners.clear();
  }
}

/** Undefined when the opcode may go on. The queue starts a job when these have ended. */
async function checkDependencies(
  job: Job,
  op: QueuedOpcode,
  parts: ExecutionParts,
): Promise<Outcome | undefined> {
  const failed = (text: string): Outcome => ({ kind: 'error', error: new Failure('OpExecError', [text]) });
  const depends = Array.isArray(op.input.depends) ? (op.input.depends as [number, string[]][]) : [];
  for (const [id, wanted] of depends) {
    if (id === job.id) return failed("Job can't depend on itself");
    const status = await parts.statusOf(id);
    if (status === undefined) return failed(`Dependency error: Job ${id} not found`);
    if (status === 'canceled' && !wanted.includes('canceled')) return { kind: 'canceled' };
    if (wanted.length > 0 && !wanted.includes(status)) {
      return failed(
        `Dependency job ${id} finished with status '${status}', not one of '${wanted.join(', ')}' as required`,
      );
    }
  }
  return undefined;
}

/** The states of the named opcodes after a change, as the journal gets them. */
export function changedStates(
  job: Job,
  changes: readonly OpcodeChange[],
): (readonly [number, OpcodeState])[] {
  return changes.map(({ index, state }) => [index, { ...stateOf(job.ops[index]!), ...state }]);
}
