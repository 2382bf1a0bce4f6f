/** OP_NODE_REMOVE: a node without instances leaves the cluster, and nothing of the cluster stays on it. */
import { hookEnvironment } from '../../hooks/environment.ts';
import { ErrorCode, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import { nodeNamed, nodesOf } from '../../model/lookup.ts';
import type { Node } from '../../model/objects/node.ts';
import { hooksRunner } from '../../noderpc/calls/node.ts';
import { NodeRemove } from '../../opcodes/node.ts';
import { uploadAncillaryFiles } from '../cluster/ancillary-files.ts';
import { type JobHandle, operation } from '../operation.ts';
import { faultOf } from '../replies.ts';
import { promoteCandidates } from '../steps/candidates.ts';
import { dropHostsEntry, dropNode, leaveCluster } from '../steps/node.ts';
import { followRoles, followSsh } from '../steps/ssh.ts';
import { joiningKey } from './joining.ts';
import { fillCandidatePool } from './promotion.ts';

interface RemovePlan {
  readonly configuration: Configuration;
  readonly node: Node;
}

/** The scripts after it run on the node that goes too, while it still has them (LUNodeRemove). */
async function tellLeaving(job: JobHandle, { name, primary_ip }: Node): Promise<void> {
  const { config, nodes, paths } = job.world;
  const { cluster, nodes: members } = config.current;
  const facts = { OP_TARGET: name, NODE_NAME: name };
  const env = hookEnvironment({
    path: 'node-remove',
    phase: 'post',
    opcode: NodeRemove.id,
    objectType: 'NODE',
    cluster: cluster.cluster_name,
    master: members.get(cluster.master_node)?.name ?? '',
    dataDir: paths.dataDir,
    before: facts,
    after: facts,
  });
  const key = joiningKey(name, primary_ip);
  const reply = (await nodes.callAll([key], hooksRunner, { hook: 'node-remove', phase: 'post', env })).get(
    key,
  );
  if (reply?.kind !== 'answered') {
    job.warn(`Errors occurred running hooks on ${name}: ${faultOf(reply) ?? 'no answer'}`);
    return;
  }
  for (const { script, status, output } of reply.value)
    if (status === 'error') job.warn(`On ${name} script ${script} failed, output: ${output}`);
}

export const nodeRemove = operation({
  opcode: NodeRemove,
  steps: [dropNode, promoteCandidates, followSsh, leaveCluster, dropHostsEntry],
  locks: () => [{ level: 'cluster', name: 'BGL', mode: 'exclusive' }],
  plan: async (op, { configuration }): Promise<RemovePlan> => {
    const node = nodeNamed(configuration, op.node_name);
    if (node.uuid === configuration.cluster.master_node) {
      throw prerequisiteFailure(
        'Node is the master node, failover to another node is required',
        ErrorCode.invalid,
      );
    }
    for (const instance of configuration.instances) {
      if (nodesOf(configuration, instance).includes(node.uuid)) {
        throw prerequisiteFailure(
          `Instance ${instance.name} is still running on the node, please remove first`,
          ErrorCode.invalid,
        );
      }
    }
    return { configuration, node };
  },
  hooks: (op, { node }, configuration) => {
    const others = configuration.nodes
      .values()
      .flatMap((each) => (each.uuid === node.uuid ? [] : [each.uuid]));
    return {
      path: 'node-remove',
      objectType: 'NODE',
      env: { OP_TARGET: op.node_name, NODE_NAME: node.name },
      preNodes: others,
      postNodes: others,
    };
  },
  run: async ({ configuration, node }, job) => {
    const { cluster } = configuration;
    await job.do(dropNode, { node: node as never, digest: cluster.candidate_certs[node.uuid] ?? null });
    await job.keep();
    await fillCandidatePool(job);
    await followRoles(job);
    if (!node.offline) {
      await tellLeaving(job, node);
      try {
        await job.do(leaveCluster, {
          key: joiningKey(node.name, node.primary_ip),
          modifySsh: cluster.modify_ssh_setup,
        });
      } catch (error) {
        job.warn(
          `Errors encountered on the remote node while leaving the cluster: ${messageOf(error)}`,
          `When ${node.name} is back, run 'gnt-node add' for it in a cluster or remove /var/lib/ganeti there`,
        );
      }
    }
    if (cluster.modify_etc_hosts) {
      await job.do(dropHostsEntry, { master: cluster.master_node, host: node.name });
      await uploadAncillaryFiles(job, [job.world.paths.etcHosts]);
    }
    return null;
  },
});
