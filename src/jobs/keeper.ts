/**
 * What the journal asks of the job queue before it forgets, and for master candidates (the shape is that
 * of config/journal's keeper).
 *
 * Job files carry everything about jobs; only the open lines of the step journal have no file, so they
 * are written to the journal again. Entries are applied to files that may be newer than they are: that
 * is sound because they are whole states, and the last one of a job is never older than its file.
 */
import type { Durable } from './durable.ts';
import type { JobFiles } from './files.ts';
import type { StepLedger } from './ledger.ts';
import type { JobQueue } from './queue.ts';

export interface JobKeeper {
  /**
   * Everything that entries up to `upTo` say is in files, durably, or stands in newer entries.
   * @returns the number of the oldest entry still needed at a restart
   */
  fold(upTo: number): Promise<number>;
  /**
   * Files that changed after entry `since`, for master candidates: name below the queue's folder to
   * content, null for a file that has gone. Null for all but the archive.
   */
  files(since: number | null): Promise<Readonly<Record<string, string | null>>>;
}

export function createKeeper(parts: {
  readonly queue: JobQueue;
  readonly files: JobFiles;
  readonly ledger: StepLedger;
  readonly durable: Durable;
}): JobKeeper {
  const { queue, files, ledger, durable } = parts;
  return {
    async fold(upTo) {
      await queue.settled();
      await files.flush(true);
      await Promise.all(ledger.checkpoint().map((entry) => durable.append('step', entry)));
      return upTo + 1;
    },
    files: (since) => (since === null ? files.all() : files.changedSince(since)),
  };
}
