/** OP_CLUSTER_CONFIG_QUERY: values of the cluster by field. */

import { ClusterConfigQuery } from '../../opcodes/cluster.ts';
import { classicQuery } from '../../queries/run.ts';
import { operation } from '../operation.ts';

export const clusterConfigQuery = operation({
  opcode: ClusterConfigQuery,
  steps: [],
  locks: () => [],
  plan: async (op, { configuration, nodes, master }) => {
    const context = (await master?.queryContext()) ?? { configuration, nodes };
    const [values = []] = await classicQuery('cluster', [], op.output_fields, context);
    return values;
  },
  run: async (values) => values,
});
