/** A network whose addresses the cluster hands out (objects.Network). */
import * as z from 'zod';
import { identity, tags } from './common.ts';

export const Network = z
  .looseObject({
    ...identity,
    ...tags,
    name: z.string(),
    /** null: a network of IPv6 alone. */
    network: z.string().nullable(),
    network6: z.string().nullish(),
    gateway: z.string().nullish(),
    gateway6: z.string().nullish(),
    mac_prefix: z.string().nullish(),
    /** One character an address, '1' where it is taken. */
    reservations: z.string().nullish(),
    ext_reservations: z.string().nullish(),
  })
  .readonly();
export type Network = z.infer<typeof Network>;
