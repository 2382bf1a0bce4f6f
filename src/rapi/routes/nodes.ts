/** Nodes: lists, role, evacuation, settings and storage. */
import * as node from '../../opcodes/node.ts';
import { badRequest, HttpError } from '../http-error.ts';
import {
  type Body,
  bodyObject,
  checkType,
  flagArgument,
  numberArgument,
  type RapiRequest,
  textArgument,
} from '../request.ts';
import {
  flag,
  flagNamed,
  named,
  namedAlone,
  neededText,
  type Route,
  route,
  type Source,
  submits,
  text,
  textNamed,
} from '../route.ts';
import { item, listing, nodeFields } from './listed.ts';
import { tagRoutes } from './tags.ts';

const base = '/2/nodes/{node_name}';
const node_name = named('node_name');

/** The letter that fields show, in words. */
const roles: Readonly<Record<string, string>> = {
  M: 'master',
  C: 'master-candidate',
  D: 'drained',
  O: 'offline',
  R: 'regular',
};

interface RoleFlags {
  readonly master_candidate: boolean | null;
  readonly offline: boolean | null;
  readonly drained: boolean | null;
}

/** What makes a node have a role. */
const roleFlags: Readonly<Record<string, RoleFlags>> = {
  regular: { master_candidate: false, offline: false, drained: false },
  'master-candidate': { master_candidate: true, offline: null, drained: null },
  drained: { master_candidate: null, offline: null, drained: true },
  offline: { master_candidate: null, offline: true, drained: null },
};

const roleFlag = (name: keyof RoleFlags): Source => ({
  read({ body }) {
    checkType(body, 'str', 'Body contents');
    const role = body as string;
    if (!Object.hasOwn(roleFlags, role)) throw badRequest(`Can't set '${role}' role`);
    return roleFlags[role]![name];
  },
});

/** Clients before the feature string say how to migrate in the query. */
function migration({ query, body }: RapiRequest): Body {
  if (query.size === 0) return bodyObject(body);
  if (query.has('live') && query.has('mode')) {
    throw badRequest("Only one of 'live' and 'mode' should be passed");
  }
  if (!query.has('live')) return { mode: textArgument(query, 'mode', null) };
  return { mode: numberArgument(query, 'live', 1) === 0 ? 'non-live' : 'live' };
}

const storageChanges: Source = {
  argument: flagNamed('allocatable'),
  read: ({ query }) => (query.has('allocatable') ? { allocatable: flagArgument(query, 'allocatable') } : {}),
};

const outputFields: Source = {
  argument: { ...textNamed('output_fields'), required: true },
  read: (request) => (neededText('output_fields').read(request) as string).split(','),
};

const storage = { node_name, storage_type: text('storage_type'), name: neededText('name') };

export const nodeRoutes: readonly Route[] = [
  route('GET', '/2/nodes', 'nodes.list', listing('node', 'QueryNodes', nodeFields, 'id')),
  route(
    'GET',
    base,
    'nodes.query',
    item('node', 'QueryNodes', nodeFields, 'node_name', (row) => ({ ...row, secondary_ip: row.sip })),
  ),
  route('GET', `${base}/role`, 'nodes.role.query', {
    kind: 'read',
    contract: {
      doc: 'The role of a node.',
      query: [flagNamed('lock')],
      result: { enum: Object.values(roles) },
    },
    ask: ({ names, query }) => ({
      method: 'QueryNodes',
      args: [[names.node_name], ['role'], flagArgument(query, 'lock')],
    }),
    shape(rows) {
      const [row] = rows as string[][];
      if (row === undefined) throw new HttpError(404);
      return roles[row[0]!];
    },
  }),
  submits('PUT', `${base}/role`, 'nodes.role.modify', node.NodeSetParams, {
    body: false,
    contract: { doc: 'Gives a node another role.', body: { enum: Object.keys(roleFlags) }, bodyNeeded: true },
    fixed: {
      node_name,
      master_candidate: roleFlag('master_candidate'),
      offline: roleFlag('offline'),
      drained: roleFlag('drained'),
      force: flag('force'),
      auto_promote: flag('auto-promote'),
    },
  }),
  submits('POST', `${base}/evacuate`, 'nodes.evacuate', node.NodeEvacuate, {
    fixed: { node_name, dry_run: flag('dry-run') },
  }),
  submits('POST', `${base}/migrate`, 'nodes.migrate', node.NodeMigrate, {
    fixed: { node_name },
    body: migration,
    contract: { query: [textNamed('mode'), flagNamed('live')] },
  }),
  submits('POST', `${base}/modify`, 'nodes.modify', node.NodeSetParams, { fixed: { node_name } }),
  submits('POST', `${base}/powercycle`, 'nodes.powercycle', node.NodePowercycle, {
    fixed: { node_name, force: flag('force') },
  }),
  submits('GET', `${base}/storage`, 'nodes.storage.query', node.NodeQueryStorage, {
    body: false,
    access: ['write'],
    fixed: {
      nodes: namedAlone('node_name'),
      storage_type: text('storage_type'),
      output_fields: outputFields,
    },
  }),
  submits('PUT', `${base}/storage/modify`, 'nodes.storage.modify', node.NodeModifyStorage, {
    body: false,
    fixed: { ...storage, changes: storageChanges },
  }),
  submits('PUT', `${base}/storage/repair`, 'nodes.storage.repair', node.RepairNodeStorage, {
    body: false,
    fixed: storage,
  }),
  ...tagRoutes(`${base}/tags`, 'node', 'node_name'),
];
