/** The configuration of a new cluster: one node, one group, and every default (bootstrap.InitCluster). */
import { randomUUID } from 'node:crypto';
import { type Configuration, configurationVersion, parseConfiguration } from '../model/configuration.ts';
import type { Cluster } from '../model/objects/cluster.ts';
import type { Node } from '../model/objects/node.ts';
import { hypervisorStateDefaults } from '../model/params/fill.ts';
import { storageTemplates } from '../storage/catalog.ts';
import { firstPort } from './pools.ts';
import { fillDefaults } from './upgrades/defaults.ts';
import { collectors } from './upgrades/older.ts';
import type { Raw } from './upgrades/raw.ts';

type NeededOfCluster =
  | 'cluster_name'
  | 'master_ip'
  | 'master_netdev'
  | 'enabled_hypervisors'
  | 'enabled_disk_templates';

export interface InitialRequest {
  /**
   * What was asked for, over the defaults. Parameters may be partial: hvparams by hypervisor, beparams and
   * nicparams under "default", diskparams by template.
   */
  readonly cluster: Pick<Cluster, NeededOfCluster> & {
    readonly [K in keyof Cluster]?: Cluster[K] | undefined;
  };
  readonly node: Pick<Node, 'name' | 'primary_ip' | 'secondary_ip'> & { readonly uuid?: string };
  /** SHA-1 digest of the node's client certificate. */
  readonly certificateDigest?: string;
  /** Seconds since the epoch. */
  readonly now: number;
  /** Makes uuids; random ones without it. */
  readonly uuid?: () => string;
}

/** Name of the first group (constants.INITIAL_NODE_GROUP_NAME). */
const firstGroup = 'default';

/** DRBD's metadata goes where the data goes, unless somebody says otherwise. */
function diskParameters(cluster: InitialRequest['cluster']): Raw {
  const given = cluster.diskparams ?? {};
  const group = cluster.volume_group_name;
  const entries = storageTemplates.map(({ name, params }) => [
    name,
    { ...('metavg' in params && group ? { metavg: group } : {}), ...given[name] },
  ]);
  return Object.fromEntries(entries) as Raw;
}

function clusterOf(
  { cluster, certificateDigest, now }: InitialRequest,
  ids: { own: string; node: string },
): Raw {
  const asked = Object.entries(cluster).filter(([, value]) => value !== undefined);
  const states = cluster.enabled_hypervisors.map((name) => [name, { ...hypervisorStateDefaults }]);
  return {
    highest_used_port: firstPort - 1,
    tcpudp_port_pool: [],
    mac_prefix: 'aa:00:00',
    candidate_pool_size: 10,
    default_iallocator: 'hail',
    hvparams: {},
    data_collectors: collectors(),
    hv_state_static: Object.fromEntries(states) as Raw,
    ...structuredClone(Object.fromEntries(asked)),
    diskparams: diskParameters(cluster),
    candidate_certs: certificateDigest === undefined ? {} : { [ids.node]: certificateDigest },
    master_node: ids.node,
    uuid: ids.own,
    serial_no: 1,
    ctime: now,
    mtime: now,
  };
}

/** @throws ZodError when what was asked for has a wrong shape */
export function initialConfiguration(request: InitialRequest): Configuration {
  const { node, now, uuid = randomUUID } = request;
  const ids = { own: uuid(), group: uuid(), node: node.uuid ?? uuid() };
  const stamp = { serial_no: 1, ctime: now, mtime: now };
  const data: Raw = {
    version: configurationVersion,
    ...stamp,
    cluster: clusterOf(request, ids),
    nodes: { [ids.node]: { ...node, ...stamp, uuid: ids.node, group: ids.group, master_candidate: true } },
    nodegroups: { [ids.group]: { ...stamp, uuid: ids.group, name: firstGroup, alloc_policy: 'preferred' } },
  };
  fillDefaults(data);
  return parseConfiguration(data);
}
