/** Networks. */
import * as network from '../../opcodes/network.ts';
import { flag, named, type Route, route, submits } from '../route.ts';
import { item, listing, networkFields } from './listed.ts';
import { tagRoutes } from './tags.ts';

const base = '/2/networks/{network_name}';
const network_name = named('network_name');
const fixed = { network_name, dry_run: flag('dry-run') };

export const networkRoutes: readonly Route[] = [
  route('GET', '/2/networks', 'networks.list', listing('network', 'QueryNetworks', networkFields, 'name')),
  submits('POST', '/2/networks', 'networks.create', network.NetworkAdd, {
    fixed: { dry_run: flag('dry-run') },
    rename: { name: 'network_name' },
  }),
  route('GET', base, 'networks.query', item('network', 'QueryNetworks', networkFields, 'network_name')),
  submits('DELETE', base, 'networks.remove', network.NetworkRemove, { fixed }),
  submits('PUT', `${base}/connect`, 'networks.connect', network.NetworkConnect, { fixed }),
  submits('PUT', `${base}/disconnect`, 'networks.disconnect', network.NetworkDisconnect, { fixed }),
  submits('PUT', `${base}/modify`, 'networks.modify', network.NetworkSetParams, { fixed: { network_name } }),
  submits('PUT', `${base}/rename`, 'networks.rename', network.NetworkRename, { fixed }),
  ...tagRoutes(`${base}/tags`, 'network', 'network_name'),
];
