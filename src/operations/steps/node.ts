/** Steps on nodes as members of the cluster. */
import * as z from 'zod';
import { Node } from '../../model/objects/node.ts';
import { etcHostsModify, nodeLeaveCluster } from '../../noderpc/calls/node.ts';
import { step } from '../operation.ts';

/** Puts a node into the configuration, with its certificate when it is a candidate; undone by what was there before. */
export const putNode = step({
  name: 'put-node',
  input: z.object({
    node: Node,
    digest: z.string().nullable(),
    before: Node.nullable(),
    digestBefore: z.string().nullable(),
  }),
  run: async ({ config }, { node, digest }) => {
    await config.change(`node ${node.name}`, (draft) => {
      draft.put('nodes', node);
      const { [node.uuid]: _, ...others } = draft.cluster.candidate_certs;
      draft.changeCluster({ candidate_certs: digest === null ? others : { ...others, [node.uuid]: digest } });
    });
  },
  undo: async ({ config }, { node, before, digestBefore }) => {
    await config.change(`take back node ${node.name}`, (draft) => {
      if (before === null) draft.remove('nodes', node.uuid);
      else draft.put('nodes', before);
      const { [node.uuid]: _, ...others } = draft.cluster.candidate_certs;
      draft.changeCluster({
        candidate_certs: digestBefore === null ? others : { ...others, [node.uuid]: digestBefore },
      });
    });
  },
});

/** Takes a node out; undone by putting it back. */
export const dropNode = step({
  name: 'drop-node',
  input: z.object({ node: Node, digest: z.string().nullable() }),
  run: async ({ config }, { node }) => {
    await config.change(`remove node ${node.name}`, (draft) => {
      draft.remove('nodes', node.uuid);
      const { [node.uuid]: _, ...others } = draft.cluster.candidate_certs;
      draft.changeCluster({ candidate_certs: others });
    });
  },
  undo: async ({ config }, { node, digest }) => {
    await config.change(`put back node ${node.name}`, (draft) => {
      draft.put('nodes', node);
      if (digest !== null)
        draft.changeCluster({ candidate_certs: { ...draft.cluster.candidate_certs, [node.uuid]: digest } });
    });
  },
});

/** Adds the node to the master's hosts file; undone by taking the line away. */
export const addHostsEntry = step({
  name: 'add-hosts-entry',
  input: z.object({ master: z.string(), host: z.string(), ip: z.string() }),
  run: async ({ nodes }, { master, host, ip }) => {
    await nodes.call(master, etcHostsModify, { action: 'add', host, ip });
  },
  undo: async ({ nodes }, { master, host }) => {
    await nodes.call(master, etcHostsModify, { action: 'remove', host, ip: null });
  },
});

/**
 * Stands for what was set up on a joining node before the job. Its undo takes the cluster's files off that
 * node again, unless the node has become, or was, a member.
 */
export const enrol = step({
  name: 'enrol',
  input: z.object({ key: z.string(), name: z.string(), modifySsh: z.boolean() }),
  run: async () => {},
  undo: async ({ nodes, config }, { key, name, modifySsh }) => {
    if (config.current.nodes.byName(name) === undefined)
      await nodes.call(key, nodeLeaveCluster, { modifySsh });
  },
});

/** Takes the cluster's files off a node that has left the configuration; wanted in any case. */
export const leaveCluster = step({
  name: 'leave-cluster',
  input: z.object({ key: z.string(), modifySsh: z.boolean() }),
  run: async ({ nodes }, { key, modifySsh }) => {
    await nodes.call(key, nodeLeaveCluster, { modifySsh });
  },
  undo: 'none',
});

/** Takes a node out of the master's hosts file for good. */
export const dropHostsEntry = step({
  name: 'drop-hosts-entry',
  input: z.object({ master: z.string(), host: z.string() }),
  run: async ({ nodes }, { master, host }) => {
    await nodes.call(master, etcHostsModify, { action: 'remove', host, ip: null });
  },
  undo: 'none',
});
