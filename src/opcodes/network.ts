/** Opcodes about networks. */
import { opcode, optional, required } from './opcode.ts';
import * as t from './types.ts';
import * as v from './values.ts';

export const NetworkAdd = opcode({
  id: 'OP_NETWORK_ADD',
  summary: 'network_name',
  doc: 'Adds a network.',
  params: {
    network_name: required(t.nonEmptyString, 'Name of the new network'),
    network: optional(t.maybe(v.ipv4Network), null, 'IPv4 network; none for IPv6 alone'),
    gateway: optional(t.maybe(v.ipv4Address), null, 'IPv4 gateway'),
    network6: optional(t.maybe(v.ipv6Network), null, 'IPv6 network'),
    gateway6: optional(t.maybe(v.ipv6Address), null, 'IPv6 gateway'),
    mac_prefix: optional(v.maybeName, null, 'First three bytes of generated MAC addresses'),
    add_reserved_ips: optional(t.maybe(t.listOf(v.ipv4Address)), null, 'Addresses to reserve'),
    conflicts_check: optional(t.boolean, true, 'Refuse addresses that another network holds'),
    tags: optional(v.names, [], 'Tags of the network'),
  },
});

export const NetworkConnect = opcode({
  id: 'OP_NETWORK_CONNECT',
  summary: 'network_name',
  doc: 'Connects a network to a group.',
  params: {
    group_name: required(t.nonEmptyString, 'Name of the node group'),
    network_name: required(t.nonEmptyString, 'Name of the network'),
    network_mode: required(v.nicMode, 'How its interfaces are connected'),
    network_link: required(t.nonEmptyString, 'Bridge, switch or routing table'),
    network_vlan: optional(t.string, '', 'VLAN of the switch ports'),
    conflicts_check: optional(t.boolean, true, 'Refuse addresses that another network holds'),
  },
});

export const NetworkDisconnect = opcode({
  id: 'OP_NETWORK_DISCONNECT',
  summary: 'network_name',
  doc: 'Disconnects a network from a group.',
  params: {
    group_name: required(t.nonEmptyString, 'Name of the node group'),
    network_name: required(t.nonEmptyString, 'Name of the network'),
  },
});

export const NetworkRemove = opcode({
  id: 'OP_NETWORK_REMOVE',
  summary: 'network_name',
  doc: 'Removes a network.',
  params: {
    network_name: required(t.nonEmptyString, 'Name of the network'),
    force: optional(t.boolean, false, 'No effect: a network that is connected to a group is never removed'),
  },
});

export const NetworkRename = opcode({
  id: 'OP_NETWORK_RENAME',
  doc: 'Renames a network.',
  params: {
    network_name: required(t.nonEmptyString, 'Name of the network'),
    new_name: required(t.nonEmptyString, 'The new name'),
  },
});

export const NetworkSetParams = opcode({
  id: 'OP_NETWORK_SET_PARAMS',
  summary: 'network_name',
  doc: 'Changes a network.',
  params: {
    network_name: required(t.nonEmptyString, 'Name of the network'),
    gateway: optional(t.maybe(v.orNone(v.ipv4Address)), null, 'IPv4 gateway; "none" takes it away'),
    network6: optional(t.maybe(v.orNone(v.ipv6Network)), null, 'IPv6 network; "none" takes it away'),
    gateway6: optional(t.maybe(v.orNone(v.ipv6Address)), null, 'IPv6 gateway; "none" takes it away'),
    mac_prefix: optional(v.maybeName, null, 'First three bytes of generated MAC addresses'),
    add_reserved_ips: optional(t.maybe(t.listOf(v.ipv4Address)), null, 'Addresses to reserve'),
    remove_reserved_ips: optional(t.maybe(t.listOf(v.ipv4Address)), null, 'Reservations to lift'),
  },
});
