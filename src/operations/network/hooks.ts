/** What hooks of networks are told, and on which nodes they run. */
import type { Configuration } from '../../model/configuration.ts';
import type { Network } from '../../model/objects/network.ts';
import type { NicParameters } from '../../model/objects/nic.ts';
import type { NodeGroup } from '../../model/objects/node-group.ts';
import { nodesOfGroup } from '../group/members.ts';
import type { HookPlan } from '../operation.ts';

type Facts = Pick<Network, 'name' | 'network' | 'gateway' | 'network6' | 'gateway6' | 'mac_prefix' | 'tags'>;

/** The NETWORK_* variables; what a network hasn't got has no variable. */
export function networkEnvironment(network: Facts): Record<string, string> {
  const values: readonly [string, string | null | undefined][] = [
    ['NETWORK_NAME', network.name],
    ['NETWORK_SUBNET', network.network],
    ['NETWORK_GATEWAY', network.gateway],
    ['NETWORK_SUBNET6', network.network6],
    ['NETWORK_GATEWAY6', network.gateway6],
    ['NETWORK_MAC_PREFIX', network.mac_prefix],
    ['NETWORK_TAGS', network.tags.join(' ')],
  ];
  return Object.fromEntries(values.flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

/** Hooks of a connection that is made or cut: on the nodes of the group. */
export function connectionHooks(
  path: string,
  configuration: Configuration,
  network: Network,
  group: NodeGroup,
  connection: NicParameters | undefined,
): HookPlan {
  const where = nodesOfGroup(configuration, group.uuid).map(({ uuid }) => uuid);
  const env: Record<string, string> = { ...networkEnvironment(network), GROUP_NAME: group.name };
  if (connection !== undefined) {
    env.GROUP_NETWORK_MODE = connection.mode ?? '';
    env.GROUP_NETWORK_LINK = connection.link ?? '';
    env.GROUP_NETWORK_VLAN = connection.vlan ?? '';
  }
  return { path, objectType: 'NETWORK', env, preNodes: where, postNodes: where };
}
