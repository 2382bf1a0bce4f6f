/** Node calls by which master candidates keep copies of the configuration, its journal and the job queue. */
import * as z from 'zod';
import { nodeCall } from '../call.ts';
import { Done } from './shapes.ts';

/**
 * Entries appended to the journal of the configuration, kept by a master candidate (journal-replica.ts).
 * `last` of the answer is where the copy ends: before `first` when there was a gap, -1 when it needs a
 * snapshot.
 */
export const journalAppend = nodeCall({
  name: 'journal_append',
  deadline: 10,
  effect: 'change',
  argument: z.object({
    /** Counts masters: an entry of an older one is refused. */
    epoch: z.int(),
    /** Number of the first entry. */
    first: z.int(),
    entries: z.array(z.string()),
  }),
  result: z.object({ last: z.int() }),
});

/** config.data and job files: all for a candidate that is new or too far behind, what changed for others. */
export const journalSnapshot = nodeCall({
  name: 'journal_snapshot',
  deadline: 120,
  effect: 'change',
  argument: z.object({
    epoch: z.int(),
    /** The last entry that is in the configuration, and the one after which the journal goes on. */
    folded: z.int(),
    last: z.int(),
    /** Packed by packConfiguration. */
    configuration: z.string(),
    /** Files of the job queue by name; null: gone. */
    jobs: z.record(z.string(), z.string().nullable()),
    whole: z.boolean(),
  }),
  result: Done,
});

/** Where this node's copy of the journal ends; -1 when it needs a snapshot. */
export const journalPosition = nodeCall({
  name: 'journal_position',
  deadline: 10,
  effect: 'read',
  argument: z.object({}),
  result: z.object({ epoch: z.int(), last: z.int() }),
});
