/** Exports of instances that lie on nodes: one row an export. A node that can't be asked has one row. */
import type { Node } from '../../model/objects/node.ts';
import { exportList } from '../../noderpc/calls/export.ts';
import { type Cell, noData, offline, valued } from '../cell.ts';
import type { QueryContext } from '../context.ts';
import { described, type LiveField } from '../field.ts';
import { namedObjects } from '../objects.ts';
import { type Row, resource } from '../resource.ts';

async function fetchExports(context: QueryContext, nodes: readonly Node[]): Promise<Row<Node, Cell>[]> {
  const online = nodes.filter((node) => !node.offline).map((node) => node.uuid);
  const replies = await context.nodes.callAll(online, exportList, {});
  return nodes.flatMap((item) => {
    const reply = replies.get(item.uuid);
    if (reply?.kind === 'answered') return reply.value.map((name) => ({ item, live: valued(name) }));
    return [{ item, live: item.offline || reply?.kind === 'offline' ? offline : noData }];
  });
}

const fields: LiveField<Node, Cell>[] = [
  {
    ...described('node', 'Node', 'text', 'Name of the node'),
    match: 'hostname',
    live: ['exports'],
    read: (node) => valued(node.name),
  },
  {
    ...described('export', 'Export', 'text', 'Name of the export'),
    live: ['exports'],
    read: (_node, _view, name) => name,
  },
];

export const exportsOnNodes = resource<Node, Cell>({
  name: 'export',
  nameField: 'node',
  uuidField: 'node',
  fields,
  items: ({ configuration }, wish) => namedObjects('Node', configuration.nodes, wish),
  fetch: fetchExports,
});
