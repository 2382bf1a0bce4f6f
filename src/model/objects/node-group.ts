/** A node group: nodes that may take each other's instances (objects.NodeGroup). */
import * as z from 'zod';
import { identity, Parameters, tags } from './common.ts';
import { PartialInstancePolicy } from './instance-policy.ts';
import { NicParameters } from './nic.ts';

export const allocationPolicies = ['preferred', 'last_resort', 'unallocable'] as const;

export const NodeGroup = z
  .looseObject({
    ...identity,
    ...tags,
    name: z.string(),
    alloc_policy: z.enum(allocationPolicies).default('preferred'),
    ndparams: Parameters.default({}),
    ipolicy: PartialInstancePolicy.default({}),
    diskparams: z.record(z.string(), Parameters).default({}),
    /** Connected networks: network uuid to the NIC parameters of the connection. */
    networks: z.record(z.string(), NicParameters).default({}),
    hv_state_static: z.record(z.string(), z.unknown()).optional(),
    disk_state_static: z.record(z.string(), z.unknown()).optional(),
  })
  .readonly();
export type NodeGroup = z.infer<typeof NodeGroup>;
