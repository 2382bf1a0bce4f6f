/** OP_NETWORK_CONNECT and OP_NETWORK_DISCONNECT: how a group's nodes reach a network, or that they no longer do. */
import { Failure } from '../../kit/failure.ts';
import type { LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { groupNamed, networkNamed } from '../../model/lookup.ts';
import type { Network } from '../../model/objects/network.ts';
import type { NicParameters } from '../../model/objects/nic.ts';
import type { NodeGroup } from '../../model/objects/node-group.ts';
import { AddressPool } from '../../networks/address-pool.ts';
import { networkAbout } from '../../networks/catalog.ts';
import { NetworkConnect, NetworkDisconnect } from '../../opcodes/network.ts';
import { instancesOfGroup } from '../group/members.ts';
import { operation } from '../operation.ts';
import { changeConnection } from '../steps/network.ts';
import { requireNoConflicts } from './conflicts.ts';
import { connectionHooks } from './hooks.ts';

interface ConnectPlan {
  readonly network: Network;
  readonly group: NodeGroup;
  /** The connection that is made or cut. */
  readonly connection: NicParameters | undefined;
  readonly isNeeded: boolean;
}

interface Ends {
  readonly network_name: string;
  readonly group_name: string;
}

function locksOf(op: Ends, configuration: Configuration, withInstances: boolean): LockRequest[] {
  const network = networkNamed(configuration, op.network_name);
  const group = groupNamed(configuration, op.group_name);
  const instances = withInstances ? instancesOfGroup(configuration, group.uuid) : [];
  return [
    ...instances.map(({ name }): LockRequest => ({ level: 'instance', name, mode: 'shared' })),
    { level: 'nodegroup', name: group.uuid, mode: 'exclusive' },
    { level: 'network', name: network.uuid, mode: 'shared' },
  ];
}

function requireLink({ mode, link }: { readonly mode: string; readonly link: string }): void {
  if (networkAbout(mode).linkIsBridge && link === '')
    throw new Failure('ConfigurationError', ['Missing bridged NIC link']);
}

export const networkConnect = operation({
  opcode: NetworkConnect,
  steps: [changeConnection],
  locks: (op, configuration) => locksOf(op, configuration, op.conflicts_check),
  plan: async (op, context): Promise<ConnectPlan> => {
    const { configuration } = context;
    const network = networkNamed(configuration, op.network_name);
    const group = groupNamed(configuration, op.group_name);
    const connection = { mode: op.network_mode, link: op.network_link, vlan: op.network_vlan };
    requireLink(connection);
    const isNeeded = group.networks[network.uuid] === undefined;
    if (!isNeeded) {
      context.warn(`Network '${op.network_name}' is already mapped to group '${group.name}'`);
    } else if (op.conflicts_check) {
      const pool = new AddressPool(network);
      requireNoConflicts(context, network, group, 'connect to', (nic) => !!nic.ip && pool.contains(nic.ip));
    }
    return { network, group, connection, isNeeded };
  },
  hooks: (_op, { network, group, connection }, configuration) =>
    connectionHooks('network-connect', configuration, network, group, connection),
  run: async ({ network, group, connection, isNeeded }, job) => {
    if (!isNeeded) return null;
    const input = { group: group.uuid, network: network.uuid, before: null, after: connection! };
    await job.do(changeConnection, input);
    await job.keep();
    return null;
  },
});

export const networkDisconnect = operation({
  opcode: NetworkDisconnect,
  steps: [changeConnection],
  locks: (op, configuration) => locksOf(op, configuration, true),
  plan: async (op, context): Promise<ConnectPlan> => {
    const { configuration } = context;
    const network = networkNamed(configuration, op.network_name);
    const group = groupNamed(configuration, op.group_name);
    const connection = group.networks[network.uuid];
    if (connection === undefined) {
      context.warn(`Network '${op.network_name}' is not mapped to group '${group.name}'`);
    } else {
      requireNoConflicts(context, network, group, 'disconnect from', (nic) => nic.network === network.uuid);
    }
    return { network, group, connection, isNeeded: connection !== undefined };
  },
  hooks: (_op, { network, group, connection }, configuration) =>
    connectionHooks('network-disconnect', configuration, network, group, connection),
  run: async ({ network, group, connection, isNeeded }, job) => {
    if (!isNeeded) return null;
    const input = { group: group.uuid, network: network.uuid, before: connection!, after: null };
    await job.do(changeConnection, input);
    await job.keep();
    return null;
  },
});
