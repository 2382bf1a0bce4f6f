/** From the interfaces that a user asks for to NICs with addresses: nothing is made yet. */
import { BlockList, isIP } from 'node:net';
import { ErrorCode, Failure, prerequisiteFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import { networkNamed } from '../../model/lookup.ts';
import type { Network } from '../../model/objects/network.ts';
import type { Nic, NicParameters } from '../../model/objects/nic.ts';
import type { Node } from '../../model/objects/node.ts';
import { filledNic } from '../../model/params/fill.ts';
import { networkAbout, nicModes } from '../../networks/catalog.ts';
import type { PlanContext } from '../operation.ts';

/** One entry of an opcode's `nics`. */
export type NicRequest = Readonly<Record<string, string | null | undefined>>;

const macPattern = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i;
const text = (value: string | null | undefined) =>
  value === undefined || value === null || value === '' ? null : String(value);
const orNone = (value: string | null | undefined) => {
  const given = text(value);
  return given === null || given.toLowerCase() === 'none' ? null : given;
};

function parametersOf(request: NicRequest): NicParameters {
  const link = text(request.link) ?? text(request.bridge);
  const mode = request.mode === 'auto' ? null : text(request.mode);
  const vlan = text(request.vlan);
  if (text(request.bridge) !== null && text(request.link) !== null) {
    throw prerequisiteFailure("Cannot pass 'bridge' and 'link' at the same time", ErrorCode.invalid);
  }
  return {
    ...(mode === null ? {} : { mode }),
    ...(link === null ? {} : { link }),
    ...(vlan === null ? {} : { vlan }),
  };
}

/** In lower case. @throws Failure wrong_input */
export function normalizedMac(mac: string): string {
  if (!macPattern.test(mac)) throw prerequisiteFailure(`Invalid MAC address '${mac}'`, ErrorCode.invalid);
  return mac.toLowerCase();
}

function macOf(context: PlanContext, request: NicRequest, network: Network | undefined): string {
  const mac = text(request.mac) ?? 'auto';
  if (mac === 'auto' || mac === 'generate')
    return context.reservations.generateMac(context.owner, network?.mac_prefix ?? undefined);
  const lower = normalizedMac(mac);
  try {
    context.reservations.reserveMac(context.owner, lower);
  } catch {
    throw prerequisiteFailure(`MAC address ${lower} already in use in cluster`, ErrorCode.notUnique);
  }
  return lower;
}

function inNetwork({ network }: Network, address: string): boolean {
  if (network === null) return false;
  const [base, prefix] = network.split('/');
  const list = new BlockList();
  list.addSubnet(base!, Number(prefix), 'ipv4');
  return list.check(address, 'ipv4');
}

/** The network that a group is connected to and that an address belongs to (ConfigWriter.CheckIPInNodeGroup). */
export function connectedNetworkOf(
  configuration: Configuration,
  group: string,
  address: string,
): Network | undefined {
  if (isIP(address) !== 4) return undefined;
  const connected = Object.keys(configuration.nodegroups.get(group)?.networks ?? {});
  return connected
    .flatMap((uuid) => configuration.networks.get(uuid) ?? [])
    .find((network) => inNetwork(network, address));
}

function ipOf(
  context: PlanContext,
  request: NicRequest,
  network: Network | undefined,
  { instanceName, address, conflictsCheck }: NicPlace,
): string | null {
  const asked = orNone(request.ip);
  if (asked === null) return null;
  if (asked === 'pool') {
    if (network === undefined)
      throw prerequisiteFailure('if ip=pool, parameter network must be passed too', ErrorCode.invalid);
    try {
      const chosen = context.reservations.generateIp(context.owner, network.uuid);
      context.info(`Chose IP ${chosen} from network ${network.name}`);
      return chosen;
    } catch (error) {
      throw prerequisiteFailure(
        `Unable to get a free IP for NIC of ${instanceName} from the address pool`,
        ErrorCode.state,
        error,
      );
    }
  }
  if (asked.toLowerCase() === 'auto') {
    if (address !== undefined) return address;
    throw prerequisiteFailure('IP address set to auto but name checks have been skipped', ErrorCode.invalid);
  }
  if (isIP(asked) === 0) throw prerequisiteFailure(`Invalid IP address '${asked}'`, ErrorCode.invalid);
  if (network !== undefined) {
    try {
      context.reservations.reserveIp(context.owner, network.uuid, asked, !conflictsCheck);
    } catch {
      throw prerequisiteFailure(
        `IP address ${asked} already in use or does not belong to network ${network.name}`,
        ErrorCode.notUnique,
      );
    }
  }
  return asked;
}

/** Where a new instance's NICs will be. */
export interface NicPlace {
  readonly instanceName: string;
  /** What its name resolves to; undefined when that was not looked at. */
  readonly address: string | undefined;
  readonly primary: Node;
  /** Addresses of networks that the NICs aren't in, and addresses that are externally reserved, are refused. */
  readonly conflictsCheck: boolean;
}

/** The NICs of a new instance, in order. @throws Failure OpPrereqError */
export function planNics(context: PlanContext, requests: readonly NicRequest[], place: NicPlace): Nic[] {
  const { configuration, owner, reservations } = context;
  const { primary, conflictsCheck } = place;
  return requests.map((request, index) => {
    const networkName = orNone(request.network);
    const network = networkName === null ? undefined : networkNamed(configuration, networkName);
    const own = parametersOf(request);
    if (network !== undefined && Object.keys(own).length > 0) {
      throw prerequisiteFailure(
        'If network is given, no mode or link is allowed to be passed',
        ErrorCode.invalid,
      );
    }
    const connection = network && configuration.nodegroups.get(primary.group)?.networks[network.uuid];
    if (network !== undefined && connection === undefined) {
      throw prerequisiteFailure(
        `No netparams found for network ${network.name}. Probably not connected to node's ${primary.name} nodegroup`,
        ErrorCode.invalid,
      );
    }
    if (connection !== undefined) {
      const { link, mode, vlan } = connection;
      context.info(`NIC/${index} inherits netparams ['${link}', '${mode}', '${vlan ?? ''}']`);
    }
    const nicparams: NicParameters = { ...own, ...connection };
    const filled = filledNic(configuration.cluster, { nicparams });
    if (!nicModes.includes(filled.mode)) {
      throw new Failure('OpPrereqError', [`Invalid NIC mode '${filled.mode}'`, ErrorCode.invalid]);
    }
    const ip = ipOf(context, request, network, place);
    if (conflictsCheck && network === undefined && ip !== null) {
      const foreign = connectedNetworkOf(configuration, primary.group, ip);
      if (foreign !== undefined) {
        throw prerequisiteFailure(
          `The requested IP address (${ip}) belongs to network ${foreign.name}, but the target NIC does not.`,
          ErrorCode.state,
        );
      }
    }
    if (networkAbout(filled.mode).needsIp && ip === null && network === undefined) {
      throw prerequisiteFailure(
        'Routed nic mode requires an ip address if not attached to a network',
        ErrorCode.invalid,
      );
    }
    const name = orNone(request.name);
    return {
      uuid: reservations.generateUuid(owner),
      mac: macOf(context, request, network),
      nicparams,
      ...(ip === null ? {} : { ip }),
      ...(name === null ? {} : { name }),
      ...(network === undefined ? {} : { network: network.uuid }),
    };
  });
}
