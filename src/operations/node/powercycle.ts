/** OP_NODE_POWERCYCLE: the last resort; it waits for nobody and takes no locks. */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { nodeNamed } from '../../model/lookup.ts';
import { NodePowercycle } from '../../opcodes/node.ts';
import { operation } from '../operation.ts';
import { restartNode } from '../steps/power.ts';

export const nodePowercycle = operation({
  opcode: NodePowercycle,
  steps: [restartNode],
  locks: () => [],
  plan: async (op, { configuration }) => {
    const node = nodeNamed(configuration, op.node_name);
    const { cluster } = configuration;
    if (node.uuid === cluster.master_node && !op.force) {
      throw prerequisiteFailure(
        'The node is the master and the force parameter was not set',
        ErrorCode.invalid,
      );
    }
    const hypervisor = cluster.enabled_hypervisors[0]!;
    return { node: node.uuid, hypervisor, hvparams: cluster.hvparams[hypervisor] ?? {} };
  },
  run: (plan, job) => job.do(restartNode, { ...plan, hvparams: { ...plan.hvparams } }),
});
