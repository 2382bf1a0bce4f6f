/** The connection to the master daemon, which only the master node has. */
import type { Paths } from '../kit/paths.ts';
import { isOwnName } from '../kit/resolve.ts';
import { luxiAddress } from '../luxi/address.ts';
import { connectLuxi, type LuxiClient } from '../luxi/client.ts';

/** This isn't the master: there is nothing to do here beyond the node's own daemons. */
export class NotMaster extends Error {}

/** @throws NotMaster; Failure NoMasterError when the daemon doesn't run */
export async function openMaster(paths: Paths): Promise<LuxiClient> {
  const client = await connectLuxi(luxiAddress(paths));
  try {
    const [master] = (await client.call('QueryConfigValues', [['master_node']])) as [string];
    if (!isOwnName(master)) throw new NotMaster(`the cluster's master is ${master}`);
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}
