/**
 * One interface after a change, or a new one on an instance that there is already (the rules and words of
 * LUInstanceSetParams; those for a new instance's interfaces are in plan-nics.ts).
 */
import { isIP } from 'node:net';
import { ErrorCode, messageOf, prerequisiteFailure } from '../../../kit/failure.ts';
import { networkNamed } from '../../../model/lookup.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import type { Network } from '../../../model/objects/network.ts';
import type { Nic, NicParameters } from '../../../model/objects/nic.ts';
import { changeLevel } from '../../../model/params/family.ts';
import { filledNic } from '../../../model/params/fill.ts';
import { networkAbout, nicModes } from '../../../networks/catalog.ts';
import { bridgesExist } from '../../../noderpc/calls/node.ts';
import { primaryOf } from '../../checks.ts';
import type { PlanContext } from '../../operation.ts';
import { connectedNetworkOf, type NicRequest, normalizedMac } from '../plan-nics.ts';

export interface NicScope {
  readonly context: PlanContext;
  readonly instance: Instance;
  /** A missing bridge is only warned of. */
  readonly force: boolean;
  /** An address of a network that the interface isn't in is refused. */
  readonly conflictsCheck: boolean;
}

/** undefined: not spoken of; null: none. */
type Wish = string | null | undefined;
const wishOf = (value: Wish): Wish =>
  typeof value === 'string' && value.toLowerCase() === 'none' ? null : value;

interface Wishes {
  readonly ip: Wish;
  readonly name: Wish;
  readonly network: Wish;
  readonly mac: Wish;
  readonly own: Readonly<Record<string, string>>;
}

function wishesOf(options: NicRequest, isNew: boolean): Wishes {
  const own: Record<string, string> = {};
  for (const [key, value] of Object.entries({ ...options, link: options.link ?? options.bridge })) {
    if (['mode', 'link', 'vlan'].includes(key) && value !== null && value !== undefined) own[key] = value;
  }
  const wishes: Wishes = {
    ip: wishOf(options.ip),
    name: wishOf(options.name),
    network: wishOf(options.network),
    mac: options.mac === undefined && isNew ? 'auto' : options.mac,
    own,
  };
  if (typeof wishes.network === 'string' && ('link' in own || 'mode' in own)) {
    throw prerequisiteFailure('If network is given mode or link should not', ErrorCode.invalid);
  }
  const { ip } = wishes;
  if (ip?.toLowerCase() === 'pool') {
    if (isNew && typeof wishes.network !== 'string')
      throw prerequisiteFailure('If ip=pool, parameter network cannot be none', ErrorCode.invalid);
  } else if (typeof ip === 'string' && isIP(ip) === 0) {
    throw prerequisiteFailure(`Invalid IP address '${ip}'`, ErrorCode.invalid);
  }
  if (!isNew && wishes.mac === 'auto') {
    throw prerequisiteFailure(
      "'auto' is not a valid MAC address when modifying an existing NIC",
      ErrorCode.invalid,
    );
  }
  return wishes;
}

function networkOf(scope: NicScope, wish: Wish, old: Nic | undefined): Network | undefined {
  const { configuration } = scope.context;
  if (wish === undefined) return old?.network ? configuration.networks.get(old.network) : undefined;
  return wish === null ? undefined : networkNamed(configuration, wish);
}

function parametersOf(
  scope: NicScope,
  network: Network | undefined,
  old: Nic | undefined,
  own: Wishes['own'],
): NicParameters {
  const { configuration } = scope.context;
  if (network === undefined) return changeLevel((old?.nicparams ?? {}) as never, own) as NicParameters;
  const group = primaryOf(configuration, scope.instance).group;
  const connection = configuration.nodegroups.get(group)?.networks[network.uuid];
  if (connection === undefined) {
    throw prerequisiteFailure(
      `No netparams found for the network ${network.name}, probably not connected`,
      ErrorCode.invalid,
    );
  }
  return { ...connection };
}

async function requireLink(scope: NicScope, mode: string, link: string): Promise<void> {
  const { context, instance, force } = scope;
  if (!networkAbout(mode).linkIsDevice) return;
  const primary = primaryOf(context.configuration, instance);
  let fault: string | undefined;
  try {
    const { missing } = await context.nodes.call(primary.uuid, bridgesExist, { links: [{ mode, link }] });
    if (missing.length > 0) fault = `Missing bridges ${missing.join(', ')}`;
  } catch (error) {
    fault = messageOf(error);
  }
  if (fault === undefined) return;
  const text = `Error checking bridges on node '${primary.name}': ${fault}`;
  if (!force) throw prerequisiteFailure(text, ErrorCode.environment);
  context.say(`WARNING: ${text}`);
}

function macOf(scope: NicScope, wish: Wish, network: Network | undefined, old: Nic | undefined): string {
  const { reservations, owner, configuration } = scope.context;
  const prefix = network?.mac_prefix ?? undefined;
  const generate = () => reservations.generateMac(owner, prefix);
  if (wish === null) throw prerequisiteFailure('Cannot unset the NIC MAC address', ErrorCode.invalid);
  if (wish === undefined) {
    // In another network it gets an address with that one's prefix, when the two differ.
    const before = old?.network ? configuration.networks.get(old.network) : undefined;
    const moved = (old?.network ?? undefined) !== network?.uuid;
    return moved && (before?.mac_prefix ?? undefined) !== prefix ? generate() : (old?.mac ?? generate());
  }
  if (wish === 'auto' || wish === 'generate') return generate();
  const mac = normalizedMac(wish);
  if (mac === old?.mac) return mac;
  try {
    reservations.reserveMac(owner, mac);
  } catch (error) {
    throw prerequisiteFailure(`MAC address '${mac}' already in use in cluster`, ErrorCode.notUnique, error);
  }
  return mac;
}

function addressOf(scope: NicScope, wish: Wish, network: Network | undefined, old: Nic | undefined): Wish {
  const { context, conflictsCheck } = scope;
  const { reservations, owner } = context;
  const ip = wish === undefined ? (old?.ip ?? null) : wish;
  const isSame = ip === (old?.ip ?? null) && network?.uuid === (old?.network ?? undefined);
  if (isSame || ip === null) return ip;
  if (ip.toLowerCase() === 'pool') {
    if (network === undefined) throw prerequisiteFailure('ip=pool, but no network found', ErrorCode.invalid);
    try {
      const chosen = reservations.generateIp(owner, network.uuid);
      context.info(`Chose IP ${chosen} from network ${network.name}`);
      return chosen;
    } catch (error) {
      throw prerequisiteFailure('Unable to get a free IP from the address pool', ErrorCode.state, error);
    }
  }
  if (network !== undefined) {
    try {
      reservations.reserveIp(owner, network.uuid, ip, !conflictsCheck);
      context.info(`Reserving IP ${ip} in network ${network.name}`);
    } catch (error) {
      throw prerequisiteFailure(
        `IP ${ip} not available in network ${network.name}`,
        ErrorCode.notUnique,
        error,
      );
    }
    return ip;
  }
  const foreign = conflictsCheck
    ? connectedNetworkOf(context.configuration, primaryOf(context.configuration, scope.instance).group, ip)
    : undefined;
  if (foreign !== undefined) {
    throw prerequisiteFailure(
      `The requested IP address (${ip}) belongs to network ${foreign.name}, but the target NIC does not.`,
      ErrorCode.state,
    );
  }
  return ip;
}

/** @param old the interface as it is; undefined for a new one. @throws Failure OpPrereqError */
export async function plannedNic(scope: NicScope, options: NicRequest, old: Nic | undefined): Promise<Nic> {
  const { context } = scope;
  const wishes = wishesOf(options, old === undefined);
  const network = networkOf(scope, wishes.network, old);
  const nicparams = parametersOf(scope, network, old, wishes.own);
  const { mode, link } = filledNic(context.configuration.cluster, { nicparams });
  if (!nicModes.includes(mode)) throw prerequisiteFailure(`Invalid NIC mode '${mode}'`, ErrorCode.invalid);
  await requireLink(scope, mode, link);
  const ipAfter = wishes.ip === undefined ? old?.ip : wishes.ip;
  if (networkAbout(mode).needsIp && !ipAfter && network === undefined) {
    throw prerequisiteFailure(
      'Cannot set the NIC IP address to None on a routed NIC if not attached to a network',
      ErrorCode.invalid,
    );
  }
  if (old?.network && network?.uuid === old.network && ('link' in wishes.own || 'mode' in wishes.own)) {
    throw prerequisiteFailure(
      'Not allowed to change link or mode of a NIC that is connected to a network',
      ErrorCode.invalid,
    );
  }
  const mac = macOf(scope, wishes.mac, network, old);
  const ip = addressOf(scope, wishes.ip, network, old);
  const name = wishes.name === undefined ? (old?.name ?? null) : wishes.name;
  return {
    ...old,
    uuid: old?.uuid ?? context.reservations.generateUuid(context.owner),
    mac,
    nicparams,
    ip: ip ?? undefined,
    name: name ?? undefined,
    network: network?.uuid,
  };
}
