/** OP_NODE_MIGRATE: one job for each instance that has the node as primary. */
import { compareNicely } from '../../kit/nice-sort.ts';
import { pythonText } from '../../kit/python-text.ts';
import { nodeNamed } from '../../model/lookup.ts';
import { NodeMigrate } from '../../opcodes/node.ts';
import { type FollowUpJobs, operation } from '../operation.ts';

export const nodeMigrate = operation({
  opcode: NodeMigrate,
  steps: [],
  locks: (op, configuration) => [
    { level: 'node', name: nodeNamed(configuration, op.node_name).uuid, mode: 'shared' },
  ],
  plan: async (op, { configuration }): Promise<FollowUpJobs> => {
    const node = nodeNamed(configuration, op.node_name);
    const instances = configuration.instances
      .filter(({ primary_node }) => primary_node === node.uuid)
      .sort((a, b) => compareNicely(a.name, b.name));
    return {
      jobs: instances.map(({ name }) => [
        {
          OP_ID: 'OP_INSTANCE_MIGRATE',
          instance_name: name,
          mode: op.mode,
          live: op.live,
          iallocator: op.iallocator,
          target_node: op.target_node,
          allow_runtime_changes: op.allow_runtime_changes,
          ignore_ipolicy: op.ignore_ipolicy,
        },
      ]),
    };
  },
  hooks: (op, _plan, { cluster }) => ({
    path: 'node-migrate',
    objectType: 'NODE',
    env: { NODE_NAME: op.node_name, ALLOW_RUNTIME_CHANGES: pythonText(op.allow_runtime_changes) },
    preNodes: [cluster.master_node],
    postNodes: [cluster.master_node],
  }),
  run: async (jobs) => jobs,
});
