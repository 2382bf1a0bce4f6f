/** What an instance is, where it belongs and what it should be doing. */
import { ifKnown, ifSet, valued } from '../../cell.ts';
import type { Read } from './builders.ts';
import { field, type InstanceField, plain } from './builders.ts';

const primaryNode: Read = (instance, { configuration }) =>
  ifKnown(configuration.nodes.get(instance.primary_node)?.name);

function primaryGroup(attribute: 'name' | 'uuid'): Read {
  return (instance, { configuration }) => {
    const node = configuration.nodes.get(instance.primary_node);
    return ifKnown(node && configuration.nodegroups.get(node.group)?.[attribute]);
  };
}

function secondaryGroups(attribute: 'name' | 'uuid'): Read {
  return (instance, { configuration, relations }) =>
    valued(
      relations
        .secondaries(instance)
        .flatMap((node) => configuration.nodegroups.get(node.group)?.[attribute] ?? []),
    );
}

export const basicFields: InstanceField[] = [
  {
    ...plain('name', 'Instance', 'text', 'Name of the instance', (instance) => instance.name),
    match: 'hostname',
  },
  plain('os', 'OS', 'text', 'Operating system, with its variant', (instance) => instance.os),
  plain('hypervisor', 'Hypervisor', 'text', 'Hypervisor', (instance) => instance.hypervisor),
  plain(
    'admin_state',
    'InstanceState',
    'text',
    'What it should be doing: up, down or offline',
    (i) => i.admin_state,
  ),
  plain(
    'admin_state_source',
    'InstanceStateSource',
    'text',
    'Who last said what it should be doing',
    (instance) => instance.admin_state_source,
  ),
  plain(
    'admin_up',
    'Autostart',
    'bool',
    'Whether it should run',
    (instance) => instance.admin_state === 'up',
  ),
  plain('disks_active', 'DisksActive', 'bool', 'Whether its disks should be active', (i) => i.disks_active),
  plain(
    'forthcoming',
    'Forthcoming',
    'bool',
    'Whether only its resources are reserved',
    (i) => i.forthcoming ?? false,
  ),
  field(
    'network_port',
    'Network_port',
    'other',
    'TCP port, of a VNC console for example',
    ({ network_port }) => ifSet(network_port),
  ),
  { ...field('pnode', 'Primary_node', 'text', 'Primary node', primaryNode), match: 'hostname' },
  field('pnode.group', 'PrimaryNodeGroup', 'text', 'Group of its primary node', primaryGroup('name')),
  field(
    'pnode.group.uuid',
    'PrimaryNodeGroupUUID',
    'text',
    "UUID of its primary node's group",
    primaryGroup('uuid'),
  ),
  plain('snodes', 'Secondary_Nodes', 'other', 'Secondary nodes', (instance, { relations }) =>
    relations.secondaries(instance).map((node) => node.name),
  ),
  field(
    'snodes.group',
    'SecondaryNodesGroups',
    'other',
    'Groups of its secondary nodes',
    secondaryGroups('name'),
  ),
  field(
    'snodes.group.uuid',
    'SecondaryNodesGroupsUUID',
    'other',
    "UUIDs of its secondary nodes' groups",
    secondaryGroups('uuid'),
  ),
];
