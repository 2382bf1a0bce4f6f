/** OP_NETWORK_SET_PARAMS: gateway, IPv6 data, MAC prefix and reservations by hand. The range itself stays. */
import { ErrorCode, executionFailure, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import { networkNamed } from '../../model/lookup.ts';
import type { Network } from '../../model/objects/network.ts';
import { AddressPool } from '../../networks/address-pool.ts';
import { NetworkSetParams } from '../../opcodes/network.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { masterHooks } from '../hooks-environment.ts';
import { operation, type PlanContext } from '../operation.ts';
import { macPrefixOf } from '../settings/mac-prefix.ts';
import { fieldChange, setFields } from '../steps/objects.ts';
import { networkEnvironment } from './hooks.ts';

type Op = OpcodeOf<typeof NetworkSetParams>;
type Change = { -readonly [K in keyof Network]?: Network[K] };

interface SetParamsPlan {
  readonly network: Network;
  readonly change: Change;
}

/** The word that takes a value away (constants.VALUE_NONE). */
const none = 'none';

const wishOf = (text: string) => (text === none ? null : text);

/** What is left must still be a network. */
function requireIpv6({ network, network6, gateway6 }: Network): void {
  if (network === null && !network6)
    throw prerequisiteFailure('A network of IPv6 alone needs its IPv6 network', ErrorCode.invalid);
  if (gateway6 && !network6)
    throw prerequisiteFailure('An IPv6 gateway needs an IPv6 network', ErrorCode.invalid);
}

/** The gateway's address belongs to nobody else; the old one's is free again. */
function moveGateway(
  pool: AddressPool,
  network: Network,
  gateway: string | null,
  context: PlanContext,
): AddressPool {
  if (gateway === null) {
    if (!network.gateway) context.warn('The network has no gateway');
    return network.gateway ? pool.release(network.gateway, 'external') : pool;
  }
  if (network.network === null)
    throw prerequisiteFailure('A network of IPv6 alone has no IPv4 gateway', ErrorCode.invalid);
  if (pool.contains(gateway) && pool.isReserved(gateway, 'instance')) {
    throw prerequisiteFailure(`Gateway IP address '${gateway}' is already reserved`, ErrorCode.state);
  }
  if (gateway === network.gateway) {
    context.warn(`Gateway is already ${gateway}`);
    return pool;
  }
  try {
    const taken = pool.reserve(gateway, 'external');
    return network.gateway ? taken.release(network.gateway, 'external') : taken;
  } catch (error) {
    throw executionFailure(messageOf(error), error);
  }
}

function withReservations(pool: AddressPool, network: Network, op: Op, context: PlanContext): AddressPool {
  let result = pool;
  for (const address of op.add_reserved_ips ?? []) {
    try {
      result = result.reserve(address, 'external');
    } catch (error) {
      context.warn(`Cannot reserve IP address ${address}: ${messageOf(error)}`);
    }
  }
  for (const address of op.remove_reserved_ips ?? []) {
    if (address === network.gateway) {
      context.warn("Cannot unreserve Gateway's IP");
      continue;
    }
    try {
      result = result.release(address, 'external');
    } catch (error) {
      context.warn(`Cannot release IP address ${address}: ${messageOf(error)}`);
    }
  }
  return result;
}

export const networkSetParams = operation({
  opcode: NetworkSetParams,
  steps: [setFields],
  locks: (op, configuration) => [
    { level: 'network', name: networkNamed(configuration, op.network_name).uuid, mode: 'exclusive' },
  ],
  plan: async (op, context): Promise<SetParamsPlan> => {
    if (op.gateway && (op.add_reserved_ips?.length || op.remove_reserved_ips?.length)) {
      throw prerequisiteFailure('Cannot modify gateway and reserved ips at once', ErrorCode.invalid);
    }
    const network = networkNamed(context.configuration, op.network_name);
    const change: Change = {};
    let pool = new AddressPool(network);
    if (op.gateway) {
      change.gateway = wishOf(op.gateway);
      pool = moveGateway(pool, network, change.gateway, context);
    }
    if (op.mac_prefix) change.mac_prefix = op.mac_prefix === none ? null : macPrefixOf(op.mac_prefix);
    if (op.network6) change.network6 = wishOf(op.network6);
    if (op.gateway6) change.gateway6 = wishOf(op.gateway6);
    requireIpv6({ ...network, ...change });
    pool = withReservations(pool, network, op, context);
    change.ext_reservations = pool.maps.ext_reservations;
    return { network, change };
  },
  hooks: (_op, { network, change }, configuration) =>
    masterHooks('network-modify', 'NETWORK', configuration, networkEnvironment({ ...network, ...change })),
  run: async ({ network, change }, job) => {
    await job.do(setFields, fieldChange('networks', network, change));
    await job.keep();
    return null;
  },
});
