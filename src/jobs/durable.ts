/**
 * The journal as jobs see it, and what they write there. Entries that wait at the same time share one
 * fsync, with each other and with commits of the configuration.
 *
 * | kind          | data |
 * |---------------|------|
 * | `job`         | a whole job: when submitted, and in a checkpoint |
 * | `job-state`   | what changed: times, and the states of some opcodes; applied twice it does the same |
 * | `job-archived`| ids of jobs that went to the archive |
 * | `step`        | a line of the step journal (steps.ts) |
 */
import { sleep } from '../kit/clock.ts';
import { Failure, messageOf } from '../kit/failure.ts';
import type { Job, OpcodeState, Timestamp } from './job.ts';
import type { StepEntry } from './steps.ts';

export interface Durable {
  /**
   * Resolves once the entry is on disk. Entries keep the order of the calls, and `data` is written as it
   * is at the moment of the call: it may change afterwards.
   */
  append(kind: string, data: unknown): Promise<void>;
}

export interface JobState {
  readonly id: number;
  readonly start_timestamp: Timestamp | null;
  readonly end_timestamp: Timestamp | null;
  /** Index within the job, and the state. */
  readonly ops: readonly (readonly [number, OpcodeState])[];
}

export type JobEntry =
  | { readonly kind: 'job'; readonly data: Job }
  | { readonly kind: 'job-state'; readonly data: JobState }
  | { readonly kind: 'job-archived'; readonly data: { readonly ids: readonly number[] } }
  | { readonly kind: 'step'; readonly data: StepEntry };

/** Milliseconds of the first and the longest pause before an entry is tried again. */
const pauses = [100, 5_000] as const;

/**
 * Does what writes to the journal, and when the disk is full waits for room and does it again: for what can't
 * be refused, the end of a job and the undoing of its steps.
 * @param say is told of the first failure, and of one that no waiting mends
 * @returns undefined when it is done, else the failure that no waiting mends
 */
export async function patiently(
  work: () => Promise<void>,
  say: (fault: string) => void = () => {},
): Promise<string | undefined> {
  for (let pause: number = pauses[0]; ; pause = Math.min(pauses[1], pause * 2)) {
    try {
      await work();
      return undefined;
    } catch (error) {
      const isTemporary = error instanceof Failure && error.args[1] === 'temporary';
      if (!isTemporary || pause === pauses[0]) say(messageOf(error));
      if (!isTemporary) return messageOf(error);
      await sleep(pause);
    }
  }
}

/** A journal in memory, for tests and for the proofs of operations. */
export class MemoryJournal implements Durable {
  readonly entries: JobEntry[] = [];

  append(kind: string, data: unknown): Promise<void> {
    // What is appended later changes in memory; the journal keeps what it was.
    this.entries.push(structuredClone({ kind, data }) as JobEntry);
    return Promise.resolve();
  }
}
