/** Node calls about OS definitions: which a node has, and whether parameters suit one. */
import * as z from 'zod';
import { nodeCall } from '../call.ts';
import { Done, InstanceOnNode } from './shapes.ts';

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
  result: z.object({
    found: z.boolean(),
    /** Its create script may not run on the node: a helper virtual machine has to. */
    untrusted: z.boolean().default(false),
  }),
});

/**
 * Makes what a helper virtual machine runs the definition's scripts from, and tells the metadata service of the
 * instance; gives the package's path. Disks must be active.
 */
export const osPackageMake = nodeCall({
  name: 'os_package_make',
  deadline: 900,
  effect: 'change',
  argument: z.object({
    instance: InstanceOnNode,
    debug: z.int(),
    reinstall: z.boolean(),
    /** What the script finds in its environment instead of what it would on the node. */
    environment: z.record(z.string(), z.string()),
    /** Private and secret OS parameters, never stored in a journal or logged; the package holds private ones. */
    secretParameters: z.record(z.string(), z.string()).default({}),
    secretNames: z.array(z.string()).default([]),
  }),
  result: z.string(),
});

/** Removes the package of an instance; none there: fine. */
export const osPackageRemove = nodeCall({
  name: 'os_package_remove',
  deadline: 60,
  effect: 'change',
  argument: z.object({ uuid: z.string() }),
  result: Done,
});
