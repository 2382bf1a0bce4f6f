/** A network interface of an instance (objects.NIC). */
import * as z from 'zod';

/** mode, link and vlan, each of which may be inherited from the cluster. */
export const NicParameters = z
  .looseObject({ mode: z.string(), link: z.string(), vlan: z.string() })
  .partial()
  .readonly();
export type NicParameters = z.infer<typeof NicParameters>;

export const Nic = z
  .looseObject({
    uuid: z.string(),
    mac: z.string(),
    ip: z.string().nullish(),
    name: z.string().nullish(),
    network: z.string().nullish(),
    nicparams: NicParameters.default({}),
  })
  .readonly();
export type Nic = z.infer<typeof Nic>;
