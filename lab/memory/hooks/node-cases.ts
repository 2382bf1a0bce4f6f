/** Hooks of nodes. */
import { nodeAdd } from '../../../src/operations/node/add.ts';
import { nodeMigrate } from '../../../src/operations/node/migrate.ts';
import { nodeRemove } from '../../../src/operations/node/remove.ts';
import { nodeSetParams } from '../../../src/operations/node/set-params.ts';
import { nodeName } from '../cluster.ts';
import { all, type Case, home, running } from './case.ts';

export const nodeCases: readonly Case[] = [
  {
    hook: 'node-add',
    operation: nodeAdd,
    request: { node_name: 'localhost', secondary_ip: '192.0.3.9' },
    options: { nodes: 4, joining: { name: 'localhost', ip: '127.0.0.1' } },
    type: 'NODE',
    pre: all,
    post: [0, ...all],
    env: {
      OP_TARGET: 'localhost',
      NODE_NAME: 'localhost',
      NODE_PIP: '127.0.0.1',
      NODE_SIP: '192.0.3.9',
      MASTER_CAPABLE: 'True',
      VM_CAPABLE: 'True',
    },
  },
  {
    hook: 'node-modify',
    operation: nodeSetParams,
    request: { node_name: nodeName(3), drained: true },
    type: 'NODE',
    pre: [1, 3],
    post: [1, 3],
    env: {
      OP_TARGET: nodeName(3),
      MASTER_CANDIDATE: 'None',
      OFFLINE: 'None',
      DRAINED: 'True',
      MASTER_CAPABLE: 'None',
      VM_CAPABLE: 'None',
    },
  },
  {
    hook: 'node-migrate',
    operation: nodeMigrate,
    options: running,
    request: { node_name: nodeName(2) },
    type: 'NODE',
    pre: [1],
    post: [1],
    env: { NODE_NAME: nodeName(2), ALLOW_RUNTIME_CHANGES: 'True' },
  },
  {
    hook: 'node-remove',
    operation: nodeRemove,
    request: { node_name: nodeName(4) },
    type: 'NODE',
    pre: home,
    post: [0, ...home],
    env: { OP_TARGET: nodeName(4), NODE_NAME: nodeName(4) },
  },
];
