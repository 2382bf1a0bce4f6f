/**
 * A job as it stands in memory and in its file: the fields and their names are those of Ganeti's job
 * files (jqueue, `queue/job-<id>`), because other tools read these files. A job's status isn't stored:
 * it follows from the statuses of its opcodes.
 */
import * as z from 'zod';
import { Failure } from '../kit/failure.ts';
import type { AnyOpcode } from '../opcodes/opcode.ts';

export const jobStatuses = [
  'queued',
  'waiting',
  'canceling',
  'running',
  'canceled',
  'success',
  'error',
] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** Seconds and microseconds since the epoch. */
export type Timestamp = readonly [seconds: number, microseconds: number];

/** Number within the job (from 1), time, type (message, delay-test, …), and what was said. */
export type LogEntry = readonly [serial: number, time: Timestamp, type: string, message: unknown];

export interface QueuedOpcode {
  /** With secrets left out (redaction.ts). */
  input: AnyOpcode;
  status: JobStatus;
  /** An encoded failure or a text when the opcode failed or was cancelled. */
  result: unknown;
  log: LogEntry[];
  start_timestamp: Timestamp | null;
  exec_timestamp: Timestamp | null;
  end_timestamp: Timestamp | null;
  priority: number;
}

export interface Job {
  readonly id: number;
  readonly ops: QueuedOpcode[];
  start_timestamp: Timestamp | null;
  end_timestamp: Timestamp | null;
  received_timestamp: Timestamp | null;
  /** Of Ganeti's process a job; always null here, read from files of a taken-over queue. */
  livelock: string | null;
  process_id: number | null;
}

export const defaultPriority = 0;
export const highestPriority = -20;
export const lowestPriority = 19;

export function isFinal(status: JobStatus): boolean {
  return status === 'canceled' || status === 'success' || status === 'error';
}

/** The first opcode that was cancelled, failed or is being cancelled decides; else the last one under way. */
export function statusOf(job: Job): JobStatus {
  let status: JobStatus = 'queued';
  let allDone = true;
  for (const op of job.ops) {
    if (op.status === 'success') continue;
    allDone = false;
    if (op.status === 'canceling' || op.status === 'error' || op.status === 'canceled') return op.status;
    if (op.status !== 'queued') status = op.status;
  }
  return allDone ? 'success' : status;
}

/** The best priority among opcodes that aren't finished. */
export function priorityOf(job: Job): number {
  let best: number | undefined;
  for (const op of job.ops) {
    if (!isFinal(op.status) && (best === undefined || op.priority < best)) best = op.priority;
  }
  return best ?? defaultPriority;
}

/** Number of the newest log entry, 0 when there is none. */
export function logSerialOf(job: Job): number {
  for (let index = job.ops.length - 1; index >= 0; index -= 1) {
    const last = job.ops[index]!.log.at(-1);
    if (last !== undefined) return last[0];
  }
  return 0;
}

/** @param seconds since the epoch, with a fraction */
export function timestampOf(seconds: number): Timestamp {
  const micro = Math.round(seconds * 1e6);
  return [Math.floor(micro / 1e6), micro % 1e6];
}

export function secondsOf(timestamp: Timestamp): number {
  return timestamp[0] + timestamp[1] / 1e6;
}

const Time = z
  .tuple([z.int(), z.int()])
  .nullish()
  .transform((value): Timestamp | null => value ?? null);

const StoredOpcode = z.object({
  input: z.looseObject({ OP_ID: z.string() }),
  status: z.enum(jobStatuses),
  result: z.unknown(),
  log: z.array(z.tuple([z.int(), z.tuple([z.int(), z.int()]), z.string(), z.unknown()])),
  start_timestamp: Time,
  exec_timestamp: Time,
  end_timestamp: Time,
  priority: z.int().default(defaultPriority),
});

const StoredJob = z.object({
  id: z.coerce.number().int().positive(),
  ops: z.array(StoredOpcode).min(1),
  start_timestamp: Time,
  end_timestamp: Time,
  received_timestamp: Time,
  livelock: z
    .string()
    .nullish()
    .transform((value) => value ?? null),
  process_id: z
    .int()
    .nullish()
    .transform((value) => value ?? null),
});

/**
 * From the JSON value of a job file.
 * @throws Failure JobFileCorrupted
 */
export function parseJob(data: unknown): Job {
  const parsed = StoredJob.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new Failure('JobFileCorrupted', [`not a job: ${parsed.error.issues[0]?.message}`], {
    cause: parsed.error,
  });
}

/** The parts of an opcode that change while its job lives. */
export type OpcodeState = Omit<QueuedOpcode, 'input'>;

export function stateOf(op: QueuedOpcode): OpcodeState {
  const { input: _input, ...state } = op;
  return state;
}

/** New values for some fields of one opcode of a job. */
export interface OpcodeChange {
  readonly index: number;
  readonly state: Partial<OpcodeState>;
}
