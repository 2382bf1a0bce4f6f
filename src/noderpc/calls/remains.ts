/** Node calls about what no object of the configuration has: mirrors and volumes that were left behind. */
import * as z from 'zod';
import { nodeCall } from '../call.ts';
import { Done } from './shapes.ts';

export const MinorFacts = z.object({
  minor: z.int(),
  /** Somebody may write to it here. */
  isPrimary: z.boolean(),
  /** Paths of the volumes below it; null where it has none. */
  dataDevice: z.string().nullable(),
  metaDevice: z.string().nullable(),
});
export type MinorFacts = z.infer<typeof MinorFacts>;

/** Every DRBD minor that is configured here. */
export const minorFacts = nodeCall({
  name: 'drbd_minor_facts',
  deadline: 60,
  effect: 'read',
  argument: z.object({}),
  result: z.array(MinorFacts),
});

/** Takes a minor down that is secondary and still what the facts say; one that has gone is fine. */
export const minorDown = nodeCall({
  name: 'drbd_minor_down',
  deadline: 120,
  effect: 'change',
  argument: MinorFacts,
  result: Done,
});

/** Removes a volume that still has the mark and that nobody has open; one that has gone is fine. */
export const remainsRemove = nodeCall({
  name: 'lv_remove_remains',
  deadline: 120,
  effect: 'change',
  argument: z.object({
    vg: z.string(),
    name: z.string(),
    /** Tag that says for which instance it was made. */
    mark: z.string(),
  }),
  result: Done,
});
