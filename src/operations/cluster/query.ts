/** OP_CLUSTER_QUERY: facts of the cluster as a job's result. */
import type { Configuration } from '../../model/configuration.ts';
import { ClusterQuery } from '../../opcodes/cluster.ts';
import { operation } from '../operation.ts';
import { clusterInformation } from './information.ts';

export const clusterQuery = operation({
  opcode: ClusterQuery,
  steps: [],
  locks: () => [],
  plan: async (_op, { configuration }): Promise<Configuration> => configuration,
  run: async (configuration) => clusterInformation(configuration),
});
