/** Node calls about external storage providers. */
import * as z from 'zod';
import { nodeCall } from '../call.ts';

/** A provider as found in one of the search folders, valid or not. */
export const ProviderOnNode = z.object({
  name: z.string(),
  path: z.string(),
  valid: z.boolean(),
  /** Why it isn't valid, or empty. */
  diagnose: z.string(),
  /** Name and description. */
  parameters: z.array(z.tuple([z.string(), z.string()])),
});
export type ProviderOnNode = z.infer<typeof ProviderOnNode>;

export const extstorageDiagnose = nodeCall({
  name: 'extstorage_diagnose',
  deadline: 60,
  effect: 'read',
  argument: z.object({}),
  result: z.array(ProviderOnNode),
});
