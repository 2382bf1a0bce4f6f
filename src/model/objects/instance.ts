/** An instance: a virtual machine and what it should be doing (objects.Instance). */
import * as z from 'zod';
import { identity, Parameters, tags } from './common.ts';
import { Nic } from './nic.ts';

export const adminStates = ['up', 'down', 'offline'] as const;
export type AdminState = (typeof adminStates)[number];

export const Instance = z
  .looseObject({
    ...identity,
    ...tags,
    name: z.string(),
    /** Uuid of the node it should run on; empty for a forthcoming instance that has none. */
    primary_node: z.string(),
    os: z.string(),
    hypervisor: z.string(),
    hvparams: Parameters.default({}),
    beparams: Parameters.default({}),
    osparams: z.record(z.string(), z.string()).default({}),
    osparams_private: z.record(z.string(), z.string()).default({}),
    admin_state: z.enum(adminStates),
    admin_state_source: z.enum(['admin', 'user']).default('admin'),
    nics: z.array(Nic).default([]),
    /** Uuids, in the order in which the guest sees them. */
    disks: z.array(z.string()).default([]),
    disks_active: z.boolean().default(false),
    network_port: z.int().nullish(),
    forthcoming: z.boolean().optional(),
  })
  .readonly();
export type Instance = z.infer<typeof Instance>;
