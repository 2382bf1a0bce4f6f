/** Node groups. */
import type { NodeGroup } from '../../model/objects/node-group.ts';
import { filledDisk, filledNode } from '../../model/params/fill.ts';
import { fillInstancePolicy } from '../../model/params/instance-policy.ts';
import { nodeParameters } from '../../model/params/node.ts';
import { valued } from '../cell.ts';
import { described, type StaticField, type View } from '../field.ts';
import { namedObjects, namesOf } from '../objects.ts';
import { resource } from '../resource.ts';
import { identityFields, parameterFields, tagsField } from './common.ts';

type GroupField = StaticField<NodeGroup>;

const filled = (group: NodeGroup, { configuration }: View) => filledNode(configuration.cluster, group);

/** Parameters of every disk template that either level speaks of. */
function filledDisks(group: NodeGroup, { configuration: { cluster } }: View) {
  const templates = new Set([...Object.keys(cluster.diskparams), ...Object.keys(group.diskparams)]);
  return Object.fromEntries(
    Array.from(templates, (template) => [template, filledDisk(cluster, group, template)]),
  );
}

const instancesOf = (group: NodeGroup, { relations }: View) =>
  relations.nodesOfGroup(group.uuid).flatMap((node) => relations.primaryInstances(node.uuid));

const fields: GroupField[] = [
  { ...described('name', 'Group', 'text', 'Name of the group'), read: (group) => valued(group.name) },
  {
    ...described('alloc_policy', 'AllocPolicy', 'text', 'Whether allocators may place new instances there'),
    read: (group) => valued(group.alloc_policy),
  },
  {
    ...described('node_cnt', 'Nodes', 'number', 'How many nodes it has'),
    read: ({ uuid }, { relations }) => valued(relations.nodesOfGroup(uuid).length),
  },
  {
    ...described('node_list', 'NodeList', 'other', 'Its nodes'),
    read: ({ uuid }, { relations }) => valued(namesOf(relations.nodesOfGroup(uuid))),
  },
  {
    ...described('pinst_cnt', 'Instances', 'number', 'How many instances have their primary node in it'),
    read: (group, view) => valued(instancesOf(group, view).length),
  },
  {
    ...described('pinst_list', 'InstanceList', 'other', 'Instances that have their primary node in it'),
    read: (group, view) => valued(namesOf(instancesOf(group, view))),
  },
  {
    ...described('ipolicy', 'InstancePolicy', 'other', 'Instance policy, inherited parts included'),
    read: (group, { configuration }) =>
      valued(fillInstancePolicy(configuration.cluster.ipolicy, group.ipolicy)),
  },
  {
    ...described('custom_ipolicy', 'CustomInstancePolicy', 'other', 'Instance policy of its own'),
    read: (group) => valued(group.ipolicy),
  },
  {
    ...described('diskparams', 'DiskParameters', 'other', 'Disk parameters, inherited ones included'),
    read: (group, view) => valued(filledDisks(group, view)),
  },
  {
    ...described('custom_diskparams', 'CustomDiskParameters', 'other', 'Disk parameters of its own'),
    read: (group) => valued(group.diskparams),
  },
  {
    ...described('ndparams', 'NDParams', 'other', 'Node parameters, inherited ones included'),
    read: (group, view) => valued(filled(group, view)),
  },
  {
    ...described('custom_ndparams', 'CustomNDParams', 'other', 'Node parameters of its own'),
    read: (group) => valued(group.ndparams),
  },
];

export const groups = resource<NodeGroup, undefined>({
  name: 'group',
  nameField: 'name',
  uuidField: 'uuid',
  fields: [
    ...fields,
    ...parameterFields<NodeGroup>('ndp', 'node', nodeParameters, filled),
    ...identityFields<NodeGroup>('group'),
    tagsField<NodeGroup>(),
  ],
  items: ({ configuration }, wish) => namedObjects('NodeGroup', configuration.nodegroups, wish),
});
