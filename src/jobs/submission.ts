/** From what a client submits to a job: opcodes checked and completed, dependencies made absolute. */
import { ErrorCode, Failure, messageOf, prerequisiteFailure } from '../kit/failure.ts';
import { type AnyOpcode, type OpcodeDefinition, parseOpcode } from '../opcodes/opcode.ts';
import { defaultPriority, type Job, statusOf, timestampOf } from './job.ts';
import { pickupReason, submissionReason, withReason } from './reasons.ts';
import { redact, type SecretNames } from './redaction.ts';

/** The definition of an opcode by its OP_ID. */
export type FindOpcode = (id: string) => OpcodeDefinition | undefined;

/** Priorities that a client may ask for (constants.OP_PRIO_SUBMIT_VALID). */
const submitPriorities: readonly number[] = [-10, 0, 10];

const finalStatuses: readonly unknown[] = ['canceled', 'success', 'error'];

function isDependency(pair: unknown): boolean {
  if (!Array.isArray(pair) || pair.length !== 2) return false;
  const [id, statuses] = pair as unknown[];
  if (!(Number.isInteger(id) && id !== 0)) return false;
  return Array.isArray(statuses) && statuses.every((status) => finalStatuses.includes(status));
}

/**
 * The opcode with every default filled in.
 * @throws Failure OpCodeUnknown, or OpPrereqError wrong_input naming the parameter
 */
export function checkOpcode(input: AnyOpcode, findOpcode: FindOpcode): AnyOpcode {
  const definition = findOpcode(input.OP_ID);
  if (definition === undefined) throw new Failure('OpCodeUnknown', [`Unknown opcode ${input.OP_ID}`]);
  const opcode: AnyOpcode = parseOpcode(definition, input);
  if (Array.isArray(opcode.depends) && !opcode.depends.every(isDependency)) {
    throw prerequisiteFailure(`Parameter '${definition.id}.depends' fails validation`, ErrorCode.invalid);
  }
  return opcode;
}

/** @throws Failure GenericError for a priority that is given to nobody */
export function checkPriority(priority: number): void {
  if (submitPriorities.includes(priority)) return;
  const allowed = submitPriorities.join(', ');
  throw new Failure('GenericError', [`Invalid priority ${priority}, allowed are ${allowed}`]);
}

/**
 * Relative ids (negative: counted back within what is submitted together) made absolute.
 * @param earlier ids of the jobs before this one in the same submission
 * @throws Failure GenericError when there is no such job
 */
function resolveDependencies(input: AnyOpcode, earlier: readonly number[]): AnyOpcode {
  if (!Array.isArray(input.depends)) return input;
  const depends = (input.depends as [number, string[]][]).map(([id, statuses]) => {
    if (id > 0) return [id, statuses];
    const absolute = earlier[earlier.length + id];
    if (absolute === undefined) {
      throw new Failure('GenericError', [`Unable to resolve relative job ID ${id}`]);
    }
    return [absolute, statuses];
  });
  return { ...input, depends };
}

export interface NewJob {
  readonly job: Job;
  /** The opcodes with their secrets; they stay in memory. */
  readonly inputs: readonly AnyOpcode[];
}

/** @param inputs checked, with absolute dependencies */
function newJob(id: number, inputs: readonly AnyOpcode[], secrets: SecretNames, seconds: number): NewJob {
  if (inputs.length === 0) throw new Failure('GenericError', ['A job needs at least one opcode']);
  const full = inputs.map((input, index) => withReason(input, submissionReason(input, id, index, seconds)));
  const ops = full.map((input) => ({
    input: redact(input, secrets),
    status: 'queued' as const,
    result: null,
    log: [],
    start_timestamp: null,
    exec_timestamp: null,
    end_timestamp: null,
    priority: typeof input.priority === 'number' ? input.priority : defaultPriority,
  }));
  const job: Job = {
    id,
    ops,
    start_timestamp: null,
    end_timestamp: null,
    received_timestamp: timestampOf(seconds),
    livelock: null,
    process_id: null,
  };
  return { job, inputs: full };
}

/**
 * Jobs of what is submitted together; one that is refused takes no id.
 * @param batch opcodes of each job, checked
 * @param serial the highest id given out before
 * @returns the jobs, and for each of the batch its id or why there is none
 */
export function newJobs(
  batch: readonly (readonly AnyOpcode[])[],
  serial: number,
  secrets: SecretNames,
  seconds: number,
): { readonly fresh: readonly NewJob[]; readonly answers: ([true, number] | [false, string])[] } {
  const answers: ([true, number] | [false, string])[] = [];
  const fresh: NewJob[] = [];
  const earlier: number[] = [];
  for (const ops of batch) {
    const id = serial + fresh.length + 1;
    try {
      const inputs = ops.map((op) => resolveDependencies(op, earlier));
      fresh.push(newJob(id, inputs, secrets, seconds));
      answers.push([true, id]);
    } catch (error) {
      answers.push([false, messageOf(error)]);
    }
    earlier.push(id);
  }
  return { fresh, answers };
}

/**
 * A job whose file somebody else has written.
 * @throws Failure JobLost when there is none, GenericError when the job has begun already
 */
export function pickedUp(id: number, job: Job | undefined, seconds: number): NewJob {
  if (job === undefined) throw new Failure('JobLost', ["Can't load job file"]);
  if (statusOf(job) !== 'queued')
    throw new Failure('GenericError', [`Job ${id} can't be picked up: it is ${statusOf(job)}`]);
  for (const [index, op] of job.ops.entries())
    op.input = withReason(op.input, pickupReason(op.input, id, index, seconds));
  job.received_timestamp ??= timestampOf(seconds);
  return { job, inputs: job.ops.map((op) => op.input) };
}
