/** OP_CLUSTER_REDIST_CONF: configuration, ssconf and shared files go to every node again. */
import { ClusterRedistConf } from '../../opcodes/cluster.ts';
import { operation } from '../operation.ts';
import { uploadAncillaryFiles } from './ancillary-files.ts';

export const clusterRedistConf = operation({
  opcode: ClusterRedistConf,
  steps: [],
  locks: () => [{ level: 'node', name: 'all', mode: 'shared' }],
  plan: async () => null,
  run: async (_plan, job) => {
    const { config, master } = job.world;
    for (const [uuid, fault] of (await master?.redistribute()) ?? []) {
      const name = config.current.nodes.get(uuid)?.name ?? uuid;
      job.warn(`The configuration did not reach node ${name}: ${fault}`);
    }
    await uploadAncillaryFiles(job);
    return null;
  },
});
