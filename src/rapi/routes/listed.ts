/** What a list and an object show, field by field in Ganeti's order, and the routes that read them. */
import { flagArgument, type RapiRequest } from '../request.ts';
import { flagNamed, type Item, type Listing } from '../route.ts';

const commonFields = ['ctime', 'mtime', 'uuid', 'serial_no', 'tags'];

export const instanceFields: readonly string[] = [
  ...['name', 'admin_state', 'os', 'pnode', 'snodes', 'disk_template'],
  ...['nic.ips', 'nic.macs', 'nic.modes', 'nic.uuids', 'nic.names', 'nic.links', 'nic.networks'],
  ...['nic.networks.names', 'nic.bridges', 'network_port'],
  ...['disk.sizes', 'disk.spindles', 'disk_usage', 'disk.uuids', 'disk.names'],
  ...['beparams', 'hvparams', 'oper_state', 'oper_ram', 'oper_vcpus', 'status'],
  ...['custom_hvparams', 'custom_beparams', 'custom_nicparams', 'custom_osparams'],
  ...commonFields,
];

export const nodeFields: readonly string[] = [
  ...['name', 'offline', 'master_candidate', 'drained', 'dtotal', 'dfree', 'sptotal', 'spfree'],
  ...['mtotal', 'mnode', 'mfree', 'pinst_cnt', 'sinst_cnt', 'ctotal', 'cnos', 'cnodes', 'csockets'],
  ...['pip', 'sip', 'role', 'pinst_list', 'sinst_list', 'master_capable', 'vm_capable'],
  ...['ndparams', 'group.uuid'],
  ...commonFields,
];

export const networkFields: readonly string[] = [
  ...['name', 'network', 'gateway', 'network6', 'gateway6', 'mac_prefix', 'free_count'],
  ...['reserved_count', 'map', 'group_list', 'inst_list', 'external_reservations'],
  ...commonFields,
];

export const groupFields: readonly string[] = [
  ...['alloc_policy', 'name', 'node_cnt', 'node_list', 'ipolicy', 'custom_ipolicy'],
  ...['diskparams', 'custom_diskparams', 'ndparams', 'custom_ndparams'],
  ...commonFields,
];

export const jobListFields: readonly string[] = [
  ...['id', 'ops', 'status', 'summary', 'opstatus', 'received_ts', 'start_ts', 'end_ts'],
];
export const jobFields: readonly string[] = [...jobListFields, 'oplog', 'opresult'];

export const filterFields: readonly string[] = [
  ...['watermark', 'priority', 'predicates', 'action', 'reason_trail', 'uuid'],
];

type Adapt = NonNullable<Item['adapt']>;
const locking = ({ query }: RapiRequest) => flagArgument(query, 'lock');

/** @param lockable whether the list may ask for locks, as only the one of instances does in Ganeti */
export function listing(
  resource: string,
  luxi: string,
  fields: readonly string[],
  nameKey: 'id' | 'name',
  { adapt, lockable = false }: { readonly adapt?: Adapt; readonly lockable?: boolean } = {},
): Listing {
  return {
    kind: 'list',
    resource,
    luxi,
    fields,
    nameField: 'name',
    nameKey,
    args: (wanted, request) => [[], wanted, lockable && locking(request)],
    ...(lockable ? { contract: { query: [flagNamed('lock')] } } : {}),
    ...(adapt === undefined ? {} : { adapt }),
  };
}

/** The object that the path's variable names. */
export function item(
  resource: string,
  luxi: string,
  fields: readonly string[],
  variable: string,
  adapt?: Adapt,
): Item {
  return {
    kind: 'item',
    resource,
    contract: { query: [flagNamed('lock')] },
    luxi,
    fields,
    args: (wanted, request) => [[request.names[variable]], wanted, locking(request)],
    ...(adapt === undefined ? {} : { adapt }),
  };
}
