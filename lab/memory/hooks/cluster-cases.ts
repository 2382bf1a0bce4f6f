/** Hooks of the cluster, its groups and its networks. */
import { clusterDestroy, clusterPostInit } from '../../../src/operations/cluster/lifecycle.ts';
import { clusterRename } from '../../../src/operations/cluster/rename.ts';
import { clusterSetParams } from '../../../src/operations/cluster/set-params.ts';
import { clusterVerifyGroup } from '../../../src/operations/cluster/verify-group.ts';
import { groupAdd } from '../../../src/operations/group/add.ts';
import { groupRemove } from '../../../src/operations/group/remove.ts';
import { groupRename } from '../../../src/operations/group/rename.ts';
import { groupSetParams } from '../../../src/operations/group/set-params.ts';
import { networkAdd } from '../../../src/operations/network/add.ts';
import { networkConnect, networkDisconnect } from '../../../src/operations/network/connect.ts';
import { networkRemove } from '../../../src/operations/network/remove.ts';
import { networkRename } from '../../../src/operations/network/rename.ts';
import { networkSetParams } from '../../../src/operations/network/set-params.ts';
import { nodeName } from '../cluster.ts';
import { all, type Case } from './case.ts';

export const rack2 = { group_name: 'rack2' };
const net1 = { network_name: 'net1', network: '10.88.0.0/29' };
const connection = {
  network_name: 'net1',
  group_name: 'default',
  network_mode: 'bridged',
  network_link: 'br0',
};
const subnet = {
  NETWORK_NAME: 'net1',
  NETWORK_SUBNET: '10.88.0.0/29',
};
const linked = {
  ...subnet,
  GROUP_NAME: 'default',
  GROUP_NETWORK_MODE: 'bridged',
  GROUP_NETWORK_LINK: 'br0',
  GROUP_NETWORK_VLAN: '',
};
const withNetwork = [[networkAdd, net1]] as const;
const withLink = [...withNetwork, [networkConnect, connection]] as const;
const cluster = { type: 'CLUSTER', pre: [1], post: [1] };
const group = { type: 'GROUP', pre: [1], post: [1] };
const network = { type: 'NETWORK', pre: [1], post: [1] };

export const clusterCases: readonly Case[] = [
  {
    ...cluster,
    hook: 'cluster-init',
    operation: clusterPostInit,
    request: {},
    pre: [],
    env: { OP_TARGET: 'cluster.memory.example' },
  },
  {
    ...cluster,
    hook: 'cluster-destroy',
    operation: clusterDestroy,
    request: {},
    options: { nodes: 1 },
    pre: [],
    env: { OP_TARGET: 'cluster.memory.example' },
  },
  {
    ...cluster,
    hook: 'cluster-modify',
    operation: clusterSetParams,
    request: { vg_name: 'xenvg' },
    env: { OP_TARGET: 'cluster.memory.example', NEW_VG_NAME: 'xenvg' },
  },
  {
    ...cluster,
    hook: 'cluster-rename',
    operation: clusterRename,
    request: { name: 'localhost' },
    post: all,
    env: { OP_TARGET: 'cluster.memory.example', NEW_NAME: 'localhost' },
  },
  {
    ...cluster,
    hook: 'cluster-verify',
    operation: clusterVerifyGroup,
    request: { group_name: 'default' },
    pre: [],
    post: all,
    env: { CLUSTER_TAGS: '', ...Object.fromEntries(all.map((node) => [`NODE_TAGS_${nodeName(node)}`, ''])) },
  },
  { ...group, hook: 'group-add', operation: groupAdd, request: rack2, env: { GROUP_NAME: 'rack2' } },
  {
    ...group,
    hook: 'group-modify',
    operation: groupSetParams,
    request: { group_name: 'default', alloc_policy: 'last_resort' },
    env: { GROUP_NAME: 'default', NEW_ALLOC_POLICY: 'last_resort' },
  },
  {
    ...group,
    hook: 'group-rename',
    operation: groupRename,
    request: { group_name: 'default', new_name: 'rack1' },
    pre: all,
    post: all,
    env: { OLD_NAME: 'default', NEW_NAME: 'rack1' },
  },
  {
    ...group,
    hook: 'group-remove',
    operation: groupRemove,
    before: [[groupAdd, rack2]],
    request: rack2,
    env: { GROUP_NAME: 'rack2' },
  },
  { ...network, hook: 'network-add', operation: networkAdd, request: net1, env: subnet },
  {
    ...network,
    hook: 'network-modify',
    operation: networkSetParams,
    before: withNetwork,
    request: { network_name: 'net1', gateway: '10.88.0.1' },
    env: { ...subnet, NETWORK_GATEWAY: '10.88.0.1' },
  },
  {
    ...network,
    hook: 'network-connect',
    operation: networkConnect,
    before: withNetwork,
    request: connection,
    pre: all,
    post: all,
    env: linked,
  },
  {
    ...network,
    hook: 'network-disconnect',
    operation: networkDisconnect,
    before: withLink,
    request: { network_name: 'net1', group_name: 'default' },
    pre: all,
    post: all,
    env: linked,
  },
  {
    ...network,
    hook: 'network-rename',
    operation: networkRename,
    before: withLink,
    request: { network_name: 'net1', new_name: 'lan' },
    pre: all,
    post: all,
    env: { OLD_NAME: 'net1', NEW_NAME: 'lan' },
  },
  {
    ...network,
    hook: 'network-remove',
    operation: networkRemove,
    before: withNetwork,
    request: { network_name: 'net1' },
    env: { NETWORK_NAME: 'net1' },
  },
];
