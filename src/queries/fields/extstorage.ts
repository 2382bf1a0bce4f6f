/** External storage providers as the nodes have them. */
import { compareNicely } from '../../kit/nice-sort.ts';
import { extstorageDiagnose, type ProviderOnNode } from '../../noderpc/calls/extstorage.ts';
import { valued } from '../cell.ts';
import { described, type StaticField, type View } from '../field.ts';
import { common, type Found, findOnNodes } from '../live/definitions.ts';
import { resource } from '../resource.ts';

type Provider = Found<ProviderOnNode>;

/** By node: path, valid, why not, parameters; the first one is used. */
function statusOf({ onNodes }: Provider): Record<string, unknown[][]> {
  return Object.fromEntries(
    Array.from(onNodes, ([node, found]) => [
      node,
      found.map(({ path, valid, diagnose, parameters }) => [path, valid, diagnose, parameters]),
    ]),
  );
}

/** By name of the group: has every node of it that answered the provider, and right? */
function groupStatus({ onNodes }: Provider, { configuration }: View): Record<string, boolean> {
  return Object.fromEntries(
    configuration.nodegroups.values().map((group) => {
      const inGroup = Array.from(onNodes).filter(
        ([uuid]) => configuration.nodes.get(uuid)?.group === group.uuid,
      );
      return [group.name, inGroup.every(([, [first]]) => first?.valid === true)];
    }),
  );
}

/** Parameters that all nodes have, up to the first node that doesn't have the provider right. */
function parametersOf({ onNodes }: Provider): [string, string][] {
  const used = Array.from(onNodes.values(), ([first]) => first);
  const wrong = used.findIndex((provider) => provider?.valid !== true);
  const lists = used.slice(0, wrong < 0 ? used.length : wrong).map((provider) => provider?.parameters ?? []);
  return common(lists, (a, b) => a[0] === b[0] && a[1] === b[1]).sort((a, b) => compareNicely(a[0], b[0]));
}

const fields: StaticField<Provider>[] = [
  { ...described('name', 'Name', 'text', 'Name of the provider'), read: ({ name }) => valued(name) },
  {
    ...described('node_status', 'NodeStatus', 'other', 'What each node has'),
    read: (provider) => valued(statusOf(provider)),
  },
  {
    ...described(
      'nodegroup_status',
      'NodegroupStatus',
      'other',
      'Whether all nodes of a group have it right',
    ),
    read: (provider, view) => valued(groupStatus(provider, view)),
  },
  {
    ...described('parameters', 'Parameters', 'other', 'Its parameters, with their descriptions'),
    read: (provider) => valued(parametersOf(provider)),
  },
];

export const storageProviders = resource<Provider, undefined>({
  name: 'extstorage',
  nameField: 'name',
  uuidField: 'name',
  fields,
  items: (context) => findOnNodes(context, extstorageDiagnose),
});
