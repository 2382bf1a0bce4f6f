/** OP_NETWORK_ADD: a network with its address pool, in which the cluster's own addresses are not for guests. */
import { ErrorCode, executionFailure, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import { Network } from '../../model/objects/network.ts';
import { requireTags } from '../../model/tags.ts';
import { AddressPool, addressNumber } from '../../networks/address-pool.ts';
import { NetworkAdd } from '../../opcodes/network.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { masterHooks } from '../hooks-environment.ts';
import { nodesByName } from '../node/wanted.ts';
import { operation, type PlanContext } from '../operation.ts';
import { macPrefixOf } from '../settings/mac-prefix.ts';
import { addObject } from '../steps/objects.ts';
import { networkEnvironment } from './hooks.ts';

type Op = OpcodeOf<typeof NetworkAdd>;

function requireNewName({ networks }: Configuration, name: string): void {
  const same = networks.byName(name) ?? networks.get(name);
  if (same !== undefined) {
    throw prerequisiteFailure(
      `Desired network name '${name}' already exists as a network (UUID: ${same.uuid})`,
      ErrorCode.exists,
    );
  }
}

/** A network has IPv4 addresses, IPv6 ones, or both; what belongs to the other kind makes no sense. */
function requireAddresses({ network, gateway, network6, gateway6, add_reserved_ips: reserved }: Op): void {
  const refuse = (what: string) => prerequisiteFailure(what, ErrorCode.invalid);
  if (network === null && network6 === null)
    throw refuse('A network needs an IPv4 network, an IPv6 network, or both');
  if (network === null && (gateway !== null || reserved?.length))
    throw refuse('A network of IPv6 alone has neither an IPv4 gateway nor IPv4 addresses to reserve');
  if (network6 === null && gateway6 !== null) throw refuse('An IPv6 gateway needs an IPv6 network');
}

function newPool(op: Op): AddressPool {
  const [address = '', prefix] = (op.network ?? '').split('/');
  const size = 2 ** (32 - Number(prefix ?? 32));
  if ((addressNumber(address) ?? 0) % size !== 0) throw executionFailure(`${op.network} has host bits set`);
  try {
    return AddressPool.initialise(op.network, op.gateway);
  } catch (error) {
    throw executionFailure(
      `Cannot create IP address pool for network '${op.network_name}': ${messageOf(error)}`,
      error,
    );
  }
}

/** Addresses of nodes and of the cluster itself are kept from guests. */
function withoutOwnAddresses(pool: AddressPool, context: PlanContext): AddressPool {
  const { cluster } = context.configuration;
  let result = pool;
  const reserve = (address: string, told: string, failed: string) => {
    if (!pool.contains(address)) return;
    try {
      result = result.reserve(address, 'external');
      context.info(`Reserved ${told}`);
    } catch (error) {
      context.warn(`Cannot reserve ${failed}: ${messageOf(error)}`);
    }
  };
  for (const node of nodesByName(context.configuration)) {
    for (const address of new Set([node.primary_ip, node.secondary_ip])) {
      const told = `IP address of node '${node.name}' (${address})`;
      reserve(address, told, `IP address '${address}' of node '${node.name}'`);
    }
  }
  const master = `cluster master IP address (${cluster.master_ip})`;
  reserve(cluster.master_ip, master, master);
  return result;
}

function withReserved(pool: AddressPool, addresses: readonly string[]): AddressPool {
  let result = pool;
  for (const address of addresses) {
    try {
      result = result.reserve(address, 'external');
    } catch (error) {
      throw executionFailure(`Cannot reserve IP address '${address}': ${messageOf(error)}`, error);
    }
  }
  return result;
}

export const networkAdd = operation({
  opcode: NetworkAdd,
  steps: [addObject],
  locks: (op) => (op.conflicts_check ? [{ level: 'node', name: 'all', mode: 'shared' }] : []),
  plan: async (op, context): Promise<Network> => {
    const macPrefix = op.mac_prefix === null ? null : macPrefixOf(op.mac_prefix);
    requireNewName(context.configuration, op.network_name);
    requireTags(op.tags);
    requireAddresses(op);
    const empty = newPool(op);
    const own = op.conflicts_check ? withoutOwnAddresses(empty, context) : empty;
    const time = context.now();
    return Network.parse({
      uuid: context.reservations.generateUuid(context.owner),
      ctime: time,
      mtime: time,
      name: op.network_name,
      network: op.network,
      gateway: op.gateway,
      network6: op.network6,
      gateway6: op.gateway6,
      mac_prefix: macPrefix,
      tags: [...new Set(op.tags)],
      ...withReserved(own, op.add_reserved_ips ?? []).maps,
    });
  },
  hooks: (_op, network, configuration) =>
    masterHooks('network-add', 'NETWORK', configuration, networkEnvironment(network)),
  run: async (network, job) => {
    const { name } = network;
    await job.do(addObject, { table: 'networks', label: `network ${name}`, object: network as never });
    await job.keep();
    return null;
  },
});
