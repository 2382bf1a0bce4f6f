/** Node calls about OS definitions: which a node has, and whether parameters suit one. */
import * as z from 'zod';
import { nodeCall } from '../call.ts';

/** OS definitions found here, valid or not. */
export const OsOnNode = z.object({
  name: z.string(),
  path: z.string(),
  valid: z.boolean(),
  /** Why it isn't valid, or empty. */
  diagnose: z.string(),
  variants: z.array(z.string()),
  /** Name and description. */
  parameters: z.array(z.tuple([z.string(), z.string()])),
  apiVersions: z.array(z.int()),
  trusted: z.boolean(),
});
export type OsOnNode = z.infer<typeof OsOnNode>;
export const osDiagnose = nodeCall({
  name: 'os_diagnose',
  deadline: 300,
  effect: 'read',
  argument: z.object({}),
  result: z.array(OsOnNode),
});

/** Runs the OS definition's verify script on the parameters. */
export const osValidate = nodeCall({
  name: 'os_validate',
  deadline: 300,
  effect: 'read',
  argument: z.object({
    name: z.string(),
    checks: z.array(z.string()),
    osparams: z.record(z.string(), z.string()),
    required: z.boolean(),
    forceVariant: z.boolean().default(false),
  }),
  result: z.object({ found: z.boolean() }),
});
