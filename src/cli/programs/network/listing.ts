/** gnt-network list, list-fields and info. */
import { command, many } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import * as o from '../../options/index.ts';
import { pythonText } from '../../output/python-text.ts';
import { commaList, plain } from '../../output/query-table.ts';
import { wrap } from '../../output/wrap.ts';
import type { Session } from '../../session.ts';
import {
  list as listResource,
  listFields as listResourceFields,
  selectedFields,
} from '../../shared/listing.ts';
import { queryInstances, queryNetworks, type Row, requireRows } from '../../shared/queries.ts';

const usualFields = ['name', 'network', 'gateway', 'mac_prefix', 'group_list', 'tags'];

/** Group, mode, link and VLAN. */
type Connection = readonly [string, string, string, string];

const formats = {
  group_list: plain((value) =>
    (value as Connection[])
      .map(([name, mode, link, vlan]) => `${name} (${mode}, ${link}, ${vlan})`)
      .join(', '),
  ),
  inst_list: commaList,
  tags: commaList,
};

export const list = command({
  arguments: [many('network')],
  options: [o.noHeaders, o.separator, o.output, o.verbose],
  usage: '[<network-name>...]',
  description:
    'Lists the IP networks in the cluster. The available fields can be shown using the "list-fields" command (see the man page for details). The default list is (in order): name, network, gateway, mac_prefix, group_list, tags.',
  run: async (session, options, args) => {
    const fields = selectedFields(options.output, usualFields);
    return await listResource(session, { resource: 'network', fields, formats }, options, args);
  },
});

export const listFields = command({
  arguments: [many('unknown')],
  options: [o.noHeaders, o.separator],
  usage: '[<fields>...]',
  description: 'Lists all available fields for networks',
  run: async (session, options, args) => await listResourceFields(session, 'network', options, args),
});

const infoFields = [
  'name',
  'network',
  'gateway',
  'network6',
  'gateway6',
  'mac_prefix',
  'free_count',
  'reserved_count',
  'map',
  'group_list',
  'inst_list',
  'external_reservations',
  'serial_no',
  'uuid',
];
const mapWidth = 64;

/** The map of used addresses in lines of 64. */
function mapLines(map: string): string[] {
  const lines: string[] = [];
  for (let start = 0; start < map.length; start += mapWidth) {
    const part = map.slice(start, start + mapWidth).padEnd(mapWidth);
    lines.push(`     ${String(start).padStart(4)} ${part} ${start + mapWidth - 1}`);
  }
  return lines;
}

/** "0:10.0.0.7" for each interface of the instance that is in the network. */
async function addressesOf(session: Session, instance: string, uuid: unknown): Promise<string> {
  const [row] = await queryInstances(session, [instance], ['nic.ips', 'nic.networks']);
  const [ips, networks] = (row ?? [[], []]) as [unknown[], unknown[]];
  return ips
    .map((ip, index) => ({ text: `${index}:${pythonText(ip)}`, isInside: networks[index] === uuid }))
    .filter(({ isInside }) => isInside)
    .map(({ text }) => text)
    .join(', ');
}

async function networkLines(session: Session, row: Row): Promise<string[]> {
  const values = Object.fromEntries(infoFields.map((field, index) => [field, row[index]]));
  const text = (field: string) => pythonText(values[field]);
  const free = Number(values.free_count);
  const size = free + Number(values.reserved_count);
  const reservations = values.external_reservations ? text('external_reservations') : '';
  const connections = values.group_list as Connection[];
  const instances = values.inst_list as string[];
  const used = [];
  for (const name of instances) used.push(`    ${name}: ${await addressesOf(session, name, values.uuid)}`);
  return [
    `Network name: ${text('name')}`,
    `UUID: ${text('uuid')}`,
    `Serial number: ${text('serial_no')}`,
    `  Subnet: ${text('network')}`,
    `  Gateway: ${text('gateway')}`,
    `  IPv6 Subnet: ${text('network6')}`,
    `  IPv6 Gateway: ${text('gateway6')}`,
    `  Mac Prefix: ${text('mac_prefix')}`,
    `  Size: ${size}`,
    `  Free: ${free} (${(size === 0 ? 0 : (100 * free) / size).toFixed(2)}%)`,
    '  Usage map:',
    ...mapLines(values.map ? text('map') : ''),
    '         (X) used    (.) free',
    ...(reservations === ''
      ? []
      : ['  externally reserved IPs:', ...wrap(reservations, 64).map((line) => `    ${line}`)]),
    ...(connections.length > 0
      ? [
          '  connected to node groups:',
          ...connections.map(
            ([group, mode, link, vlan]) => `    ${group} (mode:${mode} link:${link} vlan:${vlan})`,
          ),
        ]
      : ['  not connected to any node group']),
    ...(instances.length > 0
      ? [`  used by ${instances.length} instances:`, ...used]
      : ['  not used by any instances']),
  ];
}

export const info = command({
  arguments: [many('network')],
  options: [],
  usage: '[<network>...]',
  description: 'Show information about the network(s)',
  run: async (session, _options, args) => {
    const rows = await queryNetworks(session, args, infoFields);
    requireRows('Network', args, rows);
    for (const row of rows) session.printLines(await networkLines(session, row));
    return ExitCode.success;
  },
});
