/** Network interfaces of an instance: as lists, and each of the first 8. */
import type { Instance } from '../../../model/objects/instance.ts';
import type { Nic } from '../../../model/objects/nic.ts';
import type { FilledNicParameters } from '../../../model/params/fill.ts';
import { networkAbouts } from '../../../networks/catalog.ts';
import type { FieldKind, View } from '../../field.ts';
import { type InstanceField, indexed, plain } from './builders.ts';

/** How many interfaces have fields of their own (constants.MAX_NICS). */
const most = 8;

const aboutMode = (mode: string) => networkAbouts.find(({ name }) => name === mode);
/** Ports of a switch have VLANs; those of a bridge are not told as such. */
const hasVlan = (mode: string) => aboutMode(mode)?.vlan === true && !isBridge(mode);
const isBridge = (mode: string) => aboutMode(mode)?.linkIsBridge === true;

type Get = (nic: Nic, params: FilledNicParameters, view: View) => unknown;

interface NicField {
  /** "mac" gives the field "nic.mac/0". */
  readonly one: string;
  readonly title: string;
  readonly doc: string;
  /** Name and title of the field that lists all. */
  readonly list: readonly [name: string, title: string];
  readonly get: Get;
}

const table: readonly NicField[] = [
  { one: 'mac', title: 'NicMAC', doc: 'MAC address', list: ['macs', 'NIC_MACs'], get: (nic) => nic.mac },
  { one: 'ip', title: 'NicIP', doc: 'IP address', list: ['ips', 'NIC_IPs'], get: (nic) => nic.ip },
  { one: 'name', title: 'NicName', doc: 'Name', list: ['names', 'NIC_Names'], get: (nic) => nic.name },
  { one: 'uuid', title: 'NicUUID', doc: 'UUID', list: ['uuids', 'NIC_UUIDs'], get: (nic) => nic.uuid },
  { one: 'mode', title: 'NicMode', doc: 'Mode', list: ['modes', 'NIC_modes'], get: (_, { mode }) => mode },
  { one: 'link', title: 'NicLink', doc: 'Link', list: ['links', 'NIC_links'], get: (_, { link }) => link },
  {
    one: 'vlan',
    title: 'NicVLAN',
    doc: 'VLAN, at a switch',
    list: ['vlans', 'NIC_VLANs'],
    get: (_, { mode, vlan }) => (hasVlan(mode) ? vlan : null),
  },
  {
    one: 'bridge',
    title: 'NicBridge',
    doc: 'Bridge, where it is bridged',
    list: ['bridges', 'NIC_bridges'],
    get: (_, { mode, link }) => (isBridge(mode) ? link : null),
  },
  {
    one: 'network',
    title: 'NicNetwork',
    doc: 'UUID of the network',
    list: ['networks', 'NIC_networks'],
    get: (nic) => nic.network,
  },
  {
    one: 'network.name',
    title: 'NicNetworkName',
    doc: 'Name of the network',
    list: ['networks.names', 'NIC_networks_names'],
    get: ({ network }, _, { configuration }) =>
      network === null || network === undefined ? null : configuration.networks.get(network)?.name,
  },
];

function listField({ list: [name, title], doc, get }: NicField): InstanceField {
  const kind: FieldKind = 'other';
  return plain(`nic.${name}`, title, kind, `${doc} of each interface`, (instance, view) => {
    const params = view.relations.nics(instance);
    return instance.nics.map((nic, index) => get(nic, params[index]!, view) ?? null);
  });
}

function oneField({ one, title, doc, get }: NicField, index: number): InstanceField {
  const value = (instance: Instance, view: View) => {
    const nic = instance.nics[index];
    return nic && get(nic, view.relations.nics(instance)[index]!, view);
  };
  return indexed(`nic.${one}`, title, 'text', `${doc} of the %s interface`, index, value);
}

export const nicFields: InstanceField[] = [
  plain('nic.count', 'NICs', 'number', 'How many interfaces it has', (instance) => instance.nics.length),
  ...table.map(listField),
  ...Array.from({ length: most }, (_, index) => table.map((entry) => oneField(entry, index))).flat(),
];
