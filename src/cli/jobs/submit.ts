/**
 * From a command to a job: the options that every opcode takes, the reason trail, and submitting with or
 * without waiting (cli.SubmitOpCode, cli.SubmitOrSend).
 */
import { JobSubmitted } from '../output/errors.ts';
import type { Session } from '../session.ts';
import { waitForJob } from './wait.ts';

export interface Opcode {
  readonly OP_ID: string;
  readonly [parameter: string]: unknown;
}

/** What commands with jobs may have been told. Those that don't offer an option leave it out. */
export interface JobOptions {
  readonly debug?: number;
  readonly reason?: string | null;
  readonly dry_run?: boolean;
  readonly priority?: number | null;
  readonly submit_only?: boolean;
  readonly print_jobid?: boolean;
}

const nanosecondsPerMillisecond = 1e6;

/** Who asked for the job and why: [source, text, nanoseconds since the epoch] each. */
function reasonTrail(session: Session, reason: string | null | undefined): unknown[] {
  const nanoseconds = Date.now() * nanosecondsPerMillisecond;
  const trail: unknown[] = [];
  if (reason) trail.push(['gnt:user', reason, nanoseconds]);
  trail.push([`gnt:client:${session.program}`, session.command, nanoseconds]);
  return trail;
}

/** The opcode with the common options in it (cli.SetGenericOpcodeOpts). */
export function withJobOptions(session: Session, opcode: Opcode, options: JobOptions): Opcode {
  return {
    ...opcode,
    debug_level: options.debug ?? 0,
    ...(options.dry_run === undefined ? {} : { dry_run: options.dry_run }),
    ...(options.priority === undefined || options.priority === null ? {} : { priority: options.priority }),
    reason: reasonTrail(session, options.reason),
  };
}

async function send(session: Session, opcodes: readonly Opcode[], options: JobOptions): Promise<unknown> {
  const jobId = await session.call('SubmitJob', [
    opcodes.map((opcode) => withJobOptions(session, opcode, options)),
  ]);
  if (options.print_jobid) session.print(String(jobId));
  return jobId;
}

/** Submits opcodes as one job and waits; their results. */
export async function submitAllAndWait(
  session: Session,
  opcodes: readonly Opcode[],
  options: JobOptions,
): Promise<unknown[]> {
  return await waitForJob(session, await send(session, opcodes, options));
}

/** Submits a job of one opcode and waits; its result, with its messages on standard output meanwhile. */
export async function submitAndWait(session: Session, opcode: Opcode, options: JobOptions): Promise<unknown> {
  return (await submitAllAndWait(session, [opcode], options))[0];
}

/** Waits, or with `--submit` ends the command by telling the job's id. @throws JobSubmitted */
export async function submit(session: Session, opcode: Opcode, options: JobOptions): Promise<unknown> {
  if (!options.submit_only) return await submitAndWait(session, opcode, options);
  throw new JobSubmitted(await send(session, [opcode], options));
}

/** The same for several opcodes in one job. */
export async function submitAll(
  session: Session,
  opcodes: readonly Opcode[],
  options: JobOptions,
): Promise<unknown[]> {
  if (!options.submit_only) return await submitAllAndWait(session, opcodes, options);
  throw new JobSubmitted(await send(session, opcodes, options));
}

/** Also while the queue takes no jobs; waits. */
export async function submitToDrainedQueue(
  session: Session,
  opcode: Opcode,
  options: JobOptions,
): Promise<unknown> {
  const jobId = await session.call('SubmitJobToDrainedQueue', [[withJobOptions(session, opcode, options)]]);
  return (await waitForJob(session, jobId))[0];
}
