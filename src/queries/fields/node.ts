/** Nodes: their place in the cluster, what is on them, and what they have. */
import type { Node } from '../../model/objects/node.ts';
import { filledNode } from '../../model/params/fill.ts';
import { nodeParameters } from '../../model/params/node.ts';
import type { ResultOf } from '../../noderpc/call.ts';
import type { nodeInfo } from '../../noderpc/calls/node.ts';
import { type Cell, ifKnown, noData, offline, unavailable, valued } from '../cell.ts';
import {
  described,
  type FieldKind,
  type LiveField,
  type LiveNeed,
  type StaticField,
  type View,
} from '../field.ts';
import { fetchNodes, type NodeLive, spindleType } from '../live/node.ts';
import { namedObjects, namesOf } from '../objects.ts';
import { resource } from '../resource.ts';
import { identityFields, parameterFields, tagsField } from './common.ts';

type NodeField = StaticField<Node>;

function simple(
  name: string,
  title: string,
  kind: FieldKind,
  doc: string,
  get: (node: Node) => unknown,
): NodeField {
  return { ...described(name, title, kind, doc), read: (node) => valued(get(node)) };
}

const filled = (node: Node, { configuration }: View) =>
  filledNode(configuration.cluster, configuration.nodegroups.get(node.group), node);

const isMaster = (node: Node, { configuration }: View) => configuration.cluster.master_node === node.uuid;

/** One letter; the first that is true of M, C, D, O, R. */
function roleOf(node: Node, view: View): string {
  if (isMaster(node, view)) return 'M';
  if (node.master_candidate) return 'C';
  if (node.drained) return 'D';
  return node.offline ? 'O' : 'R';
}

const place: NodeField[] = [
  {
    ...described('name', 'Node', 'text', 'Name of the node'),
    match: 'hostname',
    read: (node) => valued(node.name),
  },
  simple('pip', 'PrimaryIP', 'text', 'Primary IP address', (node) => node.primary_ip),
  simple('sip', 'SecondaryIP', 'text', 'Secondary IP address', (node) => node.secondary_ip),
  {
    ...described('master', 'IsMaster', 'bool', 'Whether it is the master'),
    read: (node, view) => valued(isMaster(node, view)),
  },
  {
    ...described(
      'role',
      'Role',
      'text',
      'M for the master, C for a master candidate, D for drained, O for offline, R for any other',
    ),
    read: (node, view) => valued(roleOf(node, view)),
  },
  simple(
    'master_candidate',
    'MasterC',
    'bool',
    'Whether it is a master candidate',
    (node) => node.master_candidate,
  ),
  simple(
    'master_capable',
    'MasterCapable',
    'bool',
    'Whether it may become master',
    (node) => node.master_capable,
  ),
  simple('vm_capable', 'VMCapable', 'bool', 'Whether it may have instances', (node) => node.vm_capable),
  simple('drained', 'Drained', 'bool', 'Whether nothing new is placed there', (node) => node.drained),
  simple('offline', 'Offline', 'bool', 'Whether it counts as down', (node) => node.offline),
  {
    ...described('powered', 'Powered', 'bool', 'Whether it is thought to have power; needs power control'),
    read: (node, view) => (filled(node, view).oob_program === '' ? unavailable : valued(node.powered)),
  },
  {
    ...described('group', 'Group', 'text', 'Name of its node group'),
    read: (node, { configuration }) => ifKnown(configuration.nodegroups.get(node.group)?.name),
  },
  simple('group.uuid', 'GroupUUID', 'text', 'UUID of its node group', (node) => node.group),
];

const inhabitants: NodeField[] = [
  {
    ...described('pinst_cnt', 'Pinst', 'number', 'How many instances have it as primary node'),
    read: ({ uuid }, { relations }) => valued(relations.primaryInstances(uuid).length),
  },
  {
    ...described('pinst_list', 'PriInstances', 'other', 'Instances that have it as primary node'),
    read: ({ uuid }, { relations }) => valued(namesOf(relations.primaryInstances(uuid))),
  },
  {
    ...described('sinst_cnt', 'Sinst', 'number', 'How many instances have it as secondary node'),
    read: ({ uuid }, { relations }) => valued(relations.secondaryInstances(uuid).length),
  },
  {
    ...described('sinst_list', 'SecInstances', 'other', 'Instances that have it as secondary node'),
    read: ({ uuid }, { relations }) => valued(namesOf(relations.secondaryInstances(uuid))),
  },
];

const settings: NodeField[] = [
  {
    ...described('ndparams', 'NodeParameters', 'other', 'Node parameters, inherited ones included'),
    read: (node, view) => valued(filled(node, view)),
  },
  simple(
    'custom_ndparams',
    'CustomNodeParameters',
    'other',
    'Node parameters of its own',
    (node) => node.ndparams,
  ),
  ...parameterFields<Node>('ndp', 'node', nodeParameters, filled),
  {
    ...described(
      'hv_state',
      'HypervisorState',
      'other',
      'What the hypervisor keeps; not measured by any node',
    ),
    read: () => unavailable,
  },
  {
    ...described('disk_state', 'DiskState', 'other', 'Disk space kept for others; not measured by any node'),
    read: () => unavailable,
  },
];

type Info = ResultOf<typeof nodeInfo>;

function live(
  name: string,
  title: string,
  kind: FieldKind,
  doc: string,
  need: LiveNeed,
  get: (info: Info, view: View) => unknown,
): LiveField<Node, NodeLive> {
  const read = (_node: Node, view: View, reply: NodeLive): Cell => {
    if (reply.kind === 'answered') return ifKnown(get(reply.value, view));
    return reply.kind === 'offline' ? offline : noData;
  };
  return { ...described(name, title, kind, doc), live: [need], read };
}

type Unit = Info['storage'][number];

const isOtherVolumeGroup = ({ type, name }: Unit, { configuration }: View) =>
  type === 'lvm-vg' && name !== configuration.cluster.volume_group_name;
const disks = (info: Info, view: View) =>
  info.storage.find((unit) => unit.type !== spindleType && !isOtherVolumeGroup(unit, view));
const spindles = (info: Info) => info.storage.find(({ type }) => type === spindleType);

const measured = [
  live(
    'bootid',
    'BootID',
    'text',
    'A UUID that is new after each start of the machine',
    'boot',
    (info) => info.bootId,
  ),
  live(
    'ctotal',
    'CTotal',
    'number',
    'Logical processors',
    'hypervisor',
    ({ hypervisors: [h] }) => h?.cpuTotal,
  ),
  live('cnodes', 'CNodes', 'number', 'NUMA domains', 'hypervisor', ({ hypervisors: [h] }) => h?.cpuNodes),
  live(
    'csockets',
    'CSockets',
    'number',
    'Processor sockets',
    'hypervisor',
    ({ hypervisors: [h] }) => h?.cpuSockets,
  ),
  live(
    'cnos',
    'CNOs',
    'number',
    'Logical processors of the node itself',
    'hypervisor',
    ({ hypervisors: [h] }) => h?.cpuNode,
  ),
  live(
    'mtotal',
    'MTotal',
    'unit',
    'Memory of the machine',
    'hypervisor',
    ({ hypervisors: [h] }) => h?.memoryTotal,
  ),
  live(
    'mnode',
    'MNode',
    'unit',
    'Memory that the node itself uses',
    'hypervisor',
    ({ hypervisors: [h] }) => h?.memoryNode,
  ),
  live(
    'mfree',
    'MFree',
    'unit',
    'Memory that instances may have',
    'hypervisor',
    ({ hypervisors: [h] }) => h?.memoryFree,
  ),
  live('dtotal', 'DTotal', 'unit', 'Disk space in all', 'storage', (info, view) => disks(info, view)?.size),
  live(
    'dfree',
    'DFree',
    'unit',
    'Disk space that is free',
    'storage',
    (info, view) => disks(info, view)?.free,
  ),
  live(
    'sptotal',
    'SpTotal',
    'number',
    'Spindles, under exclusive storage',
    'spindles',
    (info) => spindles(info)?.size,
  ),
  live(
    'spfree',
    'SpFree',
    'number',
    'Free spindles, under exclusive storage',
    'spindles',
    (info) => spindles(info)?.free,
  ),
];

/** For htools, which then know where a disk can go. */
const volumeGroups: LiveField<Node, NodeLive> = {
  ...described(
    'volume_groups',
    'VolumeGroups',
    'other',
    'Size and free space of its volume groups beside the main one, those that disks are in',
  ),
  live: ['volume-groups'],
  read: (_node, view, reply) => {
    if (reply.kind !== 'answered') return reply.kind === 'offline' ? offline : noData;
    const groups = reply.value.storage.filter((unit) => isOtherVolumeGroup(unit, view));
    return valued(
      Object.fromEntries(
        groups.flatMap(({ name, size, free }) =>
          size === null || free === null ? [] : [[name, { total: size, free }]],
        ),
      ),
    );
  },
};

export const nodes = resource<Node, NodeLive>({
  name: 'node',
  nameField: 'name',
  uuidField: 'uuid',
  fields: [
    ...place,
    ...inhabitants,
    ...settings,
    ...measured,
    ...identityFields<Node>('node'),
    tagsField<Node>(),
  ],
  further: [volumeGroups],
  items: ({ configuration }, wish) => namedObjects('Node', configuration.nodes, wish),
  fetch: fetchNodes,
});
