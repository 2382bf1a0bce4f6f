/** The OVF description of an exported instance, in the form of Ganeti's own packages. Pure. */
import {
  type DiskFormat,
  formatAddresses,
  type Named,
  type NetworkData,
  namespaces,
  resourceTypes,
} from './envelope.ts';
import { formatXml, type Tag, tag, textTag } from './xml.ts';

export interface PackedDisk {
  readonly path: string;
  readonly format: DiskFormat;
  readonly compression: 'gzip' | undefined;
  /** Bytes of the file. */
  readonly fileSize: number;
  /** Bytes that the guest sees. */
  readonly capacity: number;
}

/** What only Ganeti understands. */
export interface GanetiData {
  readonly version: string | undefined;
  readonly diskTemplate: string | undefined;
  readonly autoBalance: string | undefined;
  /** Separated by commas. */
  readonly tags: string | undefined;
  readonly os: Named;
  readonly hypervisor: Named;
}

export interface MachineData {
  readonly name: string;
  readonly vcpus: number;
  /** MiB. */
  readonly memory: number;
  readonly disks: readonly PackedDisk[];
  readonly networks: readonly NetworkData[];
  /** Left out of packages for other programs. */
  readonly ganeti: GanetiData | undefined;
}

/** Numbers that the first items of the hardware have; disks and interfaces follow. */
const numbers = { system: 0, vcpus: 1, memory: 2, scsi: 3 } as const;

const networkName = ({ mode }: NetworkData, index: number) => `${mode}${index}`;

function diskSections(disks: readonly PackedDisk[]): Tag[] {
  const files = disks.map(({ path, fileSize, compression }, index) =>
    tag('File', {
      ...{ 'ovf:href': path, 'ovf:size': String(fileSize), 'ovf:id': `file${index}` },
      ...(compression === undefined ? {} : { 'ovf:compression': compression }),
    }),
  );
  const entries = disks.map(({ capacity, format }, index) =>
    tag('Disk', {
      ...{ 'ovf:capacity': String(capacity), 'ovf:diskId': `disk${index}`, 'ovf:fileRef': `file${index}` },
      'ovf:format': formatAddresses[format],
    }),
  );
  return [
    tag('References', {}, ...files),
    tag('DiskSection', {}, ...textTag('Info', 'Virtual disk information'), ...entries),
  ];
}

function networkSection(networks: readonly NetworkData[]): Tag {
  const entries = networks.map((network, index) =>
    tag('Network', { 'ovf:name': networkName(network, index) }),
  );
  return tag('NetworkSection', {}, ...textTag('Info', 'List of logical networks'), ...entries);
}

function named(name: string, { name: value, parameters }: Named): Tag {
  const entries = Object.entries(parameters).flatMap(([key, text]) => textTag(`gnt:${key}`, text));
  return tag(name, {}, ...textTag('gnt:Name', value), tag('gnt:Parameters', {}, ...entries));
}

function ganetiSection(data: GanetiData, networks: readonly NetworkData[]): Tag {
  const nics = networks.map((network, index) =>
    tag(
      'gnt:Nic',
      { 'ovf:name': networkName(network, index) },
      ...textTag('gnt:Mode', network.mode),
      ...textTag('gnt:MACAddress', network.mac),
      ...textTag('gnt:IPAddress', network.ip),
      ...textTag('gnt:Link', network.link),
      ...textTag('gnt:Net', network.network),
    ),
  );
  return tag(
    'gnt:GanetiSection',
    {},
    ...textTag('gnt:Version', data.version),
    ...textTag('gnt:DiskTemplate', data.diskTemplate),
    ...textTag('gnt:AutoBalance', data.autoBalance),
    ...textTag('gnt:Tags', data.tags),
    named('gnt:OperatingSystem', data.os),
    named('gnt:Hypervisor', data.hypervisor),
    tag('gnt:Network', {}, ...nics),
  );
}

/** An item of the hardware; its fields in the order that the schema asks for, which is that of the alphabet. */
function item(fields: Readonly<Record<string, string | number>>): Tag {
  return tag(
    'Item',
    {},
    ...Object.entries(fields).flatMap(([name, value]) => textTag(`rasd:${name}`, value)),
  );
}

function hardware({ name, vcpus, memory, disks, networks, ganeti }: MachineData): Tag {
  const system = tag(
    'System',
    {},
    ...textTag('vssd:ElementName', 'Virtual Hardware Family'),
    ...textTag('vssd:InstanceID', numbers.system),
    ...textTag('vssd:VirtualSystemIdentifier', name),
    ...textTag('vssd:VirtualSystemType', ganeti === undefined ? 'vmx-04' : 'ganeti-ovf'),
  );
  const first = Object.keys(numbers).length;
  return tag(
    'VirtualHardwareSection',
    {},
    ...textTag('Info', 'Virtual hardware requirements'),
    system,
    item({
      ...{ ElementName: `${vcpus} virtual CPU(s)`, InstanceID: numbers.vcpus },
      ...{ ResourceType: resourceTypes.vcpus, VirtualQuantity: vcpus },
    }),
    item({
      ...{ AllocationUnits: 'byte * 2^20', ElementName: `${memory}MB of memory`, InstanceID: numbers.memory },
      ...{ ResourceType: resourceTypes.memory, VirtualQuantity: memory },
    }),
    item({
      ...{ Address: numbers.system, ElementName: 'scsi_controller0', InstanceID: numbers.scsi },
      ...{ ResourceSubType: 'lsilogic', ResourceType: resourceTypes.scsi },
    }),
    ...disks.map((_disk, index) =>
      item({
        ...{ ElementName: `disk${index}`, HostResource: `ovf:/disk/disk${index}`, InstanceID: first + index },
        ...{ Parent: numbers.scsi, ResourceType: resourceTypes.disk },
      }),
    ),
    ...networks.map((network, index) =>
      item({
        ...{ Address: network.mac, Connection: networkName(network, index) },
        ...{ ElementName: networkName(network, index), InstanceID: first + disks.length + index },
        ResourceType: resourceTypes.ethernet,
      }),
    ),
  );
}

/** @throws Failure OpPrereqError when the name of a parameter can't be one of an element */
export function formatEnvelope(machine: MachineData): string {
  const { name, disks, networks, ganeti } = machine;
  const system = tag(
    'VirtualSystem',
    { 'ovf:id': name },
    ...textTag('Info', 'A virtual machine'),
    ...textTag('Name', name),
    tag('OperatingSystemSection', { 'ovf:id': '0' }, ...textTag('Info', 'Installed guest operating system')),
    hardware(machine),
  );
  const root = tag(
    'Envelope',
    {
      'xmlns:xsi': namespaces.xsi,
      'xmlns:vssd': namespaces.vssd,
      'xmlns:rasd': namespaces.rasd,
      'xmlns:ovf': namespaces.ovf,
      xmlns: namespaces.ovf,
      'xml:lang': 'en-US',
      ...(ganeti === undefined ? {} : { 'xmlns:gnt': namespaces.ganeti }),
    },
    ...diskSections(disks),
    networkSection(networks),
    ...(ganeti === undefined ? [] : [ganetiSection(ganeti, networks)]),
    system,
  );
  return formatXml(root);
}
