/** Steps with the cluster's address on the master. */
import * as z from 'zod';
import type { Cluster } from '../../model/objects/cluster.ts';
import { nodeActivateMasterIp, nodeDeactivateMasterIp } from '../../noderpc/calls/node.ts';
import { step } from '../operation.ts';

const Address = z.object({
  ip: z.string(),
  netmask: z.int(),
  netdev: z.string(),
  family: z.int(),
  useExternalScript: z.boolean(),
});
export type MasterAddress = z.infer<typeof Address>;

export function masterAddressOf(cluster: Cluster): MasterAddress {
  return {
    ip: cluster.master_ip,
    netmask: cluster.master_netmask,
    netdev: cluster.master_netdev,
    family: cluster.primary_ip_family,
    useExternalScript: cluster.use_external_mip_script,
  };
}

/** Takes the address down; undone by bringing it up again. */
export const takeMasterIpDown = step({
  name: 'take-master-ip-down',
  input: z.object({ node: z.string(), address: Address }),
  run: async ({ nodes }, { node, address }) => {
    await nodes.call(node, nodeDeactivateMasterIp, address);
  },
  undo: async ({ nodes }, { node, address }) => {
    await nodes.call(node, nodeActivateMasterIp, address);
  },
});

/** Brings the address up; wanted in any case, and done by a starting master as well. */
export const bringMasterIpUp = step({
  name: 'bring-master-ip-up',
  input: z.object({ node: z.string(), address: Address }),
  run: async ({ nodes }, { node, address }) => {
    await nodes.call(node, nodeActivateMasterIp, address);
  },
  undo: 'none',
});
