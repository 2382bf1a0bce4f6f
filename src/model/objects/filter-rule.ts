/** A job filter rule (objects.FilterRule, man page gnt-filter). */
import * as z from 'zod';
import { identity, tags } from './common.ts';

export const FilterRule = z
  .looseObject({
    ...identity,
    ...tags,
    watermark: z.int(),
    priority: z.int(),
    /** Each a pair: what it looks at (jobid, opcode, reason) and a filter expression. */
    predicates: z.array(z.array(z.unknown())),
    /** ACCEPT, PAUSE, REJECT, CONTINUE, or ["RATE_LIMIT", n]. */
    action: z.union([z.string(), z.array(z.union([z.string(), z.int()]))]),
    /** [source, text, nanoseconds since the epoch] each. */
    reason_trail: z.array(z.array(z.unknown())).default([]),
  })
  .readonly();
export type FilterRule = z.infer<typeof FilterRule>;
