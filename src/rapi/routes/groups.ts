/** Node groups. */
import * as group from '../../opcodes/group.ts';
import { flag, named, type Route, route, submits } from '../route.ts';
import { groupFields, item, listing } from './listed.ts';
import { tagRoutes } from './tags.ts';

const base = '/2/groups/{group_name}';
const group_name = named('group_name');
const dry_run = flag('dry-run');

export const groupRoutes: readonly Route[] = [
  route('GET', '/2/groups', 'groups.list', listing('group', 'QueryGroups', groupFields, 'name')),
  submits('POST', '/2/groups', 'groups.create', group.GroupAdd, {
    fixed: { dry_run },
    rename: { name: 'group_name' },
  }),
  route('GET', base, 'groups.query', item('group', 'QueryGroups', groupFields, 'group_name')),
  submits('DELETE', base, 'groups.delete', group.GroupRemove, {
    body: false,
    fixed: { group_name, dry_run },
  }),
  submits('PUT', `${base}/assign-nodes`, 'groups.assign_nodes', group.GroupAssignNodes, {
    fixed: { group_name, dry_run, force: flag('force') },
  }),
  submits('PUT', `${base}/modify`, 'groups.modify', group.GroupSetParams, {
    fixed: { group_name },
    rename: { custom_ndparams: 'ndparams', custom_ipolicy: 'ipolicy', custom_diskparams: 'diskparams' },
  }),
  submits('PUT', `${base}/rename`, 'groups.rename', group.GroupRename, { fixed: { group_name, dry_run } }),
  ...tagRoutes(`${base}/tags`, 'nodegroup', 'group_name'),
];
