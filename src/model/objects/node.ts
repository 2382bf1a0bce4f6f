/** A node: a host that belongs to the cluster (objects.Node). */
import * as z from 'zod';
import { identity, Parameters, tags } from './common.ts';

export const Node = z
  .looseObject({
    ...identity,
    ...tags,
    name: z.string(),
    primary_ip: z.string(),
    secondary_ip: z.string(),
    group: z.string(),
    master_candidate: z.boolean(),
    master_capable: z.boolean().default(true),
    vm_capable: z.boolean().default(true),
    offline: z.boolean().default(false),
    drained: z.boolean().default(false),
    powered: z.boolean().default(true),
    ndparams: Parameters.default({}),
    hv_state_static: z.record(z.string(), z.unknown()).optional(),
    disk_state_static: z.record(z.string(), z.unknown()).optional(),
  })
  .readonly();
export type Node = z.infer<typeof Node>;
