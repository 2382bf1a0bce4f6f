/** Networks and the use of their addresses. */
import type { Network } from '../../model/objects/network.ts';
import { parseIpv4 } from '../../opcodes/addresses.ts';
import { ifSet, valued } from '../cell.ts';
import { described, type StaticField, type View } from '../field.ts';
import { namedObjects, namesOf } from '../objects.ts';
import { resource } from '../resource.ts';
import { identityFields, tagsField } from './common.ts';

type NetworkField = StaticField<Network>;

/** One character an address, "X" where the cluster or somebody else has it. */
function mapOf({ reservations, ext_reservations }: Network): string {
  const own = reservations ?? '';
  const others = ext_reservations ?? '';
  return own.replace(/[\s\S]/g, (bit, index: number) => (bit === '1' || others[index] === '1' ? 'X' : '.'));
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

function externalAddresses({ network, ext_reservations }: Network): string {
  const base = parseIpv4((network ?? '').split('/')[0] ?? '');
  if (base === undefined) return '';
  return (ext_reservations ?? '')
    .split('')
    .flatMap((bit, index) => (bit === '1' ? [dotted(base + index)] : []))
    .join(', ');
}

/** Name of the group, then mode, link and VLAN of the connection; "-" for what is inherited. */
function connectionsOf({ uuid }: Network, { configuration }: View): string[][] {
  return configuration.nodegroups
    .values()
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((group) => {
      const connection = group.networks[uuid];
      if (connection === undefined) return [];
      return [[group.name, connection.mode ?? '-', connection.link ?? '-', connection.vlan ?? '-']];
    });
}

const fields: NetworkField[] = [
  { ...described('name', 'Network', 'text', 'Name of the network'), read: (network) => valued(network.name) },
  { ...described('network', 'Subnet', 'text', 'IPv4 network'), read: ({ network }) => ifSet(network) },
  { ...described('gateway', 'Gateway', 'other', 'IPv4 gateway'), read: ({ gateway }) => ifSet(gateway) },
  {
    ...described('network6', 'IPv6Subnet', 'other', 'IPv6 network'),
    read: ({ network6 }) => ifSet(network6),
  },
  {
    ...described('gateway6', 'IPv6Gateway', 'other', 'IPv6 gateway'),
    read: ({ gateway6 }) => ifSet(gateway6),
  },
  {
    ...described('mac_prefix', 'MacPrefix', 'other', 'First three bytes of its MAC addresses'),
    read: ({ mac_prefix }) => ifSet(mac_prefix),
  },
  {
    ...described('map', 'Map', 'text', 'Its addresses in order: X for taken, a dot for free'),
    read: (network) => valued(mapOf(network)),
  },
  {
    ...described('free_count', 'FreeCount', 'number', 'How many addresses are free'),
    read: (network) => valued(count(mapOf(network), '.')),
  },
  {
    ...described('reserved_count', 'ReservedCount', 'number', 'How many addresses are taken'),
    read: (network) => valued(count(mapOf(network), 'X')),
  },
  {
    ...described('external_reservations', 'ExternalReservations', 'text', 'Addresses reserved for others'),
    read: (network) => valued(externalAddresses(network)),
  },
  {
    ...described('group_list', 'GroupList', 'other', 'Connected groups: name, NIC mode, NIC link, VLAN'),
    read: (network, view) => valued(connectionsOf(network, view)),
  },
  {
    ...described('group_cnt', 'NodeGroups', 'number', 'How many groups it is connected to'),
    read: (network, view) => valued(connectionsOf(network, view).length),
  },
  {
    ...described('inst_list', 'InstanceList', 'other', 'Instances with an interface in it'),
    read: ({ uuid }, { relations }) => valued(namesOf(relations.instancesOfNetwork(uuid))),
  },
  {
    ...described('inst_cnt', 'Instances', 'number', 'How many instances have an interface in it'),
    read: ({ uuid }, { relations }) => valued(relations.instancesOfNetwork(uuid).length),
  },
];

export const networks = resource<Network, undefined>({
  name: 'network',
  nameField: 'name',
  uuidField: 'uuid',
  fields: [...fields, ...identityFields<Network>('network'), tagsField<Network>()],
  items: ({ configuration }, wish) => namedObjects('Network', configuration.networks, wish),
});
