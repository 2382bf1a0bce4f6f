/** Node calls about who is master: what a master asks before it serves, and how another takes over from it. */
import * as z from 'zod';
import { nodeCall } from '../call.ts';
import { Done } from './shapes.ts';

const Nothing = z.object({});

/** What a copy of the journal has, whether or not its node follows a newer master by now. */
export const HeldCopy = z.object({
  /** The master that it was written by. */
  epoch: z.int(),
  /** Its newest entry. */
  last: z.int(),
});
export type HeldCopy = z.infer<typeof HeldCopy>;

/** Which master this node follows. A node that is busy for so long may as well be gone. */
export const masterEpoch = nodeCall({
  name: 'master_epoch',
  deadline: 4,
  effect: 'read',
  argument: Nothing,
  result: z.object({
    /** The newest that was heard of; 0: none. */
    epoch: z.int(),
    /** The master's name as the ssconf files here have it; empty when there are none. */
    master: z.string(),
    /** null: this node has no whole copy. */
    held: HeldCopy.nullable(),
  }),
});

/**
 * From now on this node follows nobody older than `epoch`.
 * An epoch that was promised already, to whomever, is refused: [sentence, "stale_epoch"].
 */
export const journalPromise = nodeCall({
  name: 'journal_promise',
  deadline: 10,
  effect: 'change',
  argument: z.object({ epoch: z.int() }),
  result: z.object({ held: HeldCopy.nullable() }),
});

/** Entries of this node's copy from a number on, as lines, oldest first: as many as fit into one answer. */
export const journalRead = nodeCall({
  name: 'journal_read',
  deadline: 60,
  effect: 'read',
  argument: z.object({ from: z.int() }),
  result: z.object({ entries: z.array(z.string()) }),
});

/** Stops the daemons that run on the master only; not running: fine. */
export const nodeStopMaster = nodeCall({
  name: 'node_stop_master',
  deadline: 120,
  effect: 'change',
  argument: Nothing,
  result: Done,
});
