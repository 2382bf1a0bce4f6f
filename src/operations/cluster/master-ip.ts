/** OP_CLUSTER_ACTIVATE_MASTER_IP and OP_CLUSTER_DEACTIVATE_MASTER_IP. */
import type { Cluster } from '../../model/objects/cluster.ts';
import { ClusterActivateMasterIp, ClusterDeactivateMasterIp } from '../../opcodes/cluster.ts';
import { operation } from '../operation.ts';
import { bringMasterIpUp, masterAddressOf, takeMasterIpDown } from '../steps/master-ip.ts';

const wholeCluster = () => [{ level: 'cluster', name: 'BGL', mode: 'exclusive' }] as const;

export const clusterActivateMasterIp = operation({
  opcode: ClusterActivateMasterIp,
  steps: [bringMasterIpUp],
  locks: wholeCluster,
  plan: async (_op, { configuration }): Promise<Cluster> => configuration.cluster,
  run: async (cluster, job) => {
    await job.do(bringMasterIpUp, { node: cluster.master_node, address: masterAddressOf(cluster) });
    return null;
  },
});

export const clusterDeactivateMasterIp = operation({
  opcode: ClusterDeactivateMasterIp,
  steps: [takeMasterIpDown],
  locks: wholeCluster,
  plan: async (_op, { configuration }): Promise<Cluster> => configuration.cluster,
  run: async (cluster, job) => {
    await job.do(takeMasterIpDown, { node: cluster.master_node, address: masterAddressOf(cluster) });
    await job.keep();
    return null;
  },
});
