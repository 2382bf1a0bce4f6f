/** OP_CLUSTER_POST_INIT and OP_CLUSTER_DESTROY: the two ends of a cluster's life that are jobs. */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import { masterNode } from '../../model/lookup.ts';
import { filledNode } from '../../model/params/fill.ts';
import { ClusterDestroy, ClusterPostInit } from '../../opcodes/cluster.ts';
import { operation } from '../operation.ts';
import { configureSwitch, setSwitchUp } from '../steps/switch.ts';

const wholeCluster = () => [{ level: 'cluster', name: 'BGL', mode: 'exclusive' }] as const;

function clusterHooks(path: string, configuration: Configuration) {
  return {
    path,
    objectType: 'CLUSTER',
    env: { OP_TARGET: configuration.cluster.cluster_name },
    preNodes: [],
    postNodes: [configuration.cluster.master_node],
  } as const;
}

/** Sets up the switch of the first node, and runs the hooks of a cluster that has just been made. */
export const clusterPostInit = operation({
  opcode: ClusterPostInit,
  steps: [configureSwitch],
  locks: wholeCluster,
  plan: async (_op, { configuration }) => configuration,
  hooks: (_op, _plan, configuration) => clusterHooks('cluster-init', configuration),
  run: async (configuration, job) => {
    const master = masterNode(configuration);
    const parameters = filledNode(configuration.cluster, configuration.nodegroups.get(master.group), master);
    await setSwitchUp(master.uuid, parameters, job);
    return true;
  },
});

/** Checks that nothing is left but the master; what then goes is the command's work on the master itself. */
export const clusterDestroy = operation({
  opcode: ClusterDestroy,
  steps: [],
  locks: wholeCluster,
  plan: async (_op, { configuration }) => {
    const master = masterNode(configuration);
    const others = configuration.nodes.filter((node) => node.uuid !== master.uuid);
    if (others.length > 0) {
      throw prerequisiteFailure(
        `There are still ${others.length} node(s) in this cluster.`,
        ErrorCode.invalid,
      );
    }
    if (configuration.instances.size > 0) {
      throw prerequisiteFailure(
        `There are still ${configuration.instances.size} instance(s) in this cluster.`,
        ErrorCode.invalid,
      );
    }
    return master.uuid;
  },
  hooks: (_op, _plan, configuration) => clusterHooks('cluster-destroy', configuration),
  run: async (master) => master,
});
