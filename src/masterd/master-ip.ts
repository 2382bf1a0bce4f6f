/** The cluster's address is brought up on the master by its own node daemon, as soon as that answers. */
import type { ConfigStore } from '../config/contract.ts';
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { NodeCaller } from '../noderpc/call.ts';
import { nodeActivateMasterIp } from '../noderpc/calls/node.ts';

export interface MasterIpParts {
  readonly config: ConfigStore;
  readonly nodes: NodeCaller;
  readonly log: Log;
}

/** Up already: fine. A failure is logged: the cluster works without it, and the log says what to do. */
export async function bringMasterIpUp({ config, nodes, log }: MasterIpParts): Promise<void> {
  const { cluster } = config.current;
  try {
    await nodes.call(cluster.master_node, nodeActivateMasterIp, {
      ip: cluster.master_ip,
      netmask: cluster.master_netmask,
      netdev: cluster.master_netdev,
      family: cluster.primary_ip_family,
      useExternalScript: cluster.use_external_mip_script,
    });
  } catch (error) {
    log.warning(
      `The master IP ${cluster.master_ip} is not up: ${messageOf(error)}. 'gnt-cluster activate-master-ip' tries again`,
    );
  }
}
