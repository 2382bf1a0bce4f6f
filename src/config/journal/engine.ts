/**
 * What the store needs of a journal, whatever keeps it: numbered entries, appended in order, durable when
 * said so. `file.ts` keeps them on this machine's disk; an engine over etcd fits behind the same face,
 * since appending is asynchronous, numbers are given at once, and losing the mastership shows as a loss.
 */
import type { JournalEntry } from '../../noderpc/journal/lines.ts';

export type { JournalEntry } from '../../noderpc/journal/lines.ts';

export interface Appended {
  readonly number: number;
  /** Rejects with a Failure when the entry is not kept; then nothing after it is kept either. */
  readonly durable: Promise<void>;
}

export interface JournalEngine {
  /** Counts masters; every entry appended here carries it. */
  readonly epoch: number;
  /** Number of the newest durable entry. */
  readonly last: number;
  /** Number of the oldest entry that can be read. */
  readonly first: number;
  /** Takes the entry under the next number. Entries that come while others are written share one write. */
  append(kind: string, json: string): Appended;
  /** Durable entries from a number on, in order. */
  read(from: number): AsyncIterable<JournalEntry>;
  /** Entries before the number may go; some may stay. */
  dropBefore(number: number): Promise<void>;
  /** How many files (or pages) the entries fill: a measure of what a restart would have to read. */
  readonly bulk: number;
  /** Why nothing can be kept any more until the journal is opened anew; undefined as long as it can. */
  readonly broken: string | undefined;
  /** Called with entries that have just become durable, in order, before their promises resolve. */
  onDurable(listener: (entries: readonly JournalEntry[]) => void): void;
  /** Called before promises reject: entries after `last` are lost and their numbers are given again. */
  onLoss(listener: (error: Error) => void): void;
  /** Writes what was taken, then lets go. */
  close(): Promise<void>;
}

/** Whoever writes to the journal beside the store: the job queue. */
export interface Journal {
  /**
   * Resolves once the entry is durable here and on the master candidates that keep step.
   * @param kind letters and dashes; not "configuration"
   * @throws Failure ConfigurationError when it could not be kept
   */
  append(kind: string, data: unknown): Promise<void>;
}

/** Whose entries stand in the journal too, and who must have them elsewhere before they go. */
export interface JournalKeeper {
  /**
   * Brings its own files up to entry `upTo`, durably.
   * @returns the number of the oldest entry that it still needs at a restart; `upTo + 1` when none
   */
  fold(upTo: number): Promise<number>;
  /**
   * Its files that changed after entry `since` (null: all of them), for master candidates: name below the
   * queue's folder to content, null where the file has gone.
   */
  files(since: number | null): Promise<Readonly<Record<string, string | null>>>;
}

/** For a master without a job queue. */
export const noKeeper: JournalKeeper = {
  fold: (upTo) => Promise.resolve(upTo + 1),
  files: () => Promise.resolve({}),
};
