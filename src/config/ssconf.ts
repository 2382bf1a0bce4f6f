/**
 * The ssconf files as text: what scripts and daemons on every node know of the cluster
 * (ConfigWriter._UnlockedGetSsconfValues, Ssconf.hs). 34 of them: 28 and one for each hypervisor.
 */
import { compareNicely, niceSort } from '../kit/nice-sort.ts';
import type { Configuration } from '../model/configuration.ts';
import { hypervisorNames } from '../model/names.ts';
import type { Parameters } from '../model/objects/common.ts';
import type { Node } from '../model/objects/node.ts';
import { filledNode } from '../model/params/fill.ts';
import { releaseVersion } from '../model/release.ts';

/** Python's words for truth, which the files' readers look for. */
function word(value: boolean): string {
  return value ? 'True' : 'False';
}

function parameterLines(values: Parameters | undefined): string {
  return Object.entries(values ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${typeof value === 'boolean' ? word(value) : String(value)}`)
    .join('\n');
}

function range(pair: readonly number[]): string {
  const [first, last = first] = pair;
  return first === last ? String(first) : `${first}-${last}`;
}

function nodeValues(configuration: Configuration): Record<string, string> {
  const { cluster, nodegroups } = configuration;
  const nodes = configuration.nodes.values().sort((a, b) => compareNicely(a.name, b.name));
  const lines = (of: (node: Node) => string, keep: (node: Node) => boolean = () => true) =>
    nodes.filter(keep).map(of).join('\n');
  return {
    master_candidates: lines(
      (node) => node.name,
      (node) => node.master_candidate,
    ),
    master_candidates_ips: lines(
      (node) => node.primary_ip,
      (node) => node.master_candidate,
    ),
    master_node: configuration.nodes.get(cluster.master_node)?.name ?? '',
    node_list: lines((node) => node.name),
    node_primary_ips: lines((node) => `${node.name} ${node.primary_ip}`),
    node_secondary_ips: lines((node) => `${node.name} ${node.secondary_ip}`),
    node_vm_capable: lines((node) => `${node.name}=${word(node.vm_capable)}`),
    offline_nodes: lines(
      (node) => node.name,
      (node) => node.offline,
    ),
    online_nodes: lines(
      (node) => node.name,
      (node) => !node.offline,
    ),
    ssh_ports: lines(
      (node) => `${node.name}=${filledNode(cluster, nodegroups.get(node.group), node).ssh_port}`,
    ),
  };
}

function clusterValues({ cluster }: Configuration): Record<string, string> {
  return {
    cluster_name: cluster.cluster_name,
    cluster_tags: cluster.tags.toSorted().join('\n'),
    enabled_user_shutdown: word(cluster.enabled_user_shutdown),
    file_storage_dir: cluster.file_storage_dir,
    gluster_storage_dir: cluster.gluster_storage_dir,
    hypervisor_list: cluster.enabled_hypervisors.join('\n'),
    maintain_node_health: word(cluster.maintain_node_health),
    master_candidates_certs: Object.entries(cluster.candidate_certs)
      .map(([uuid, digest]) => `${uuid}=${digest}`)
      .sort()
      .join('\n'),
    master_ip: cluster.master_ip,
    master_netdev: cluster.master_netdev,
    master_netmask: String(cluster.master_netmask),
    primary_ip_family: String(cluster.primary_ip_family),
    release_version: releaseVersion,
    shared_file_storage_dir: cluster.shared_file_storage_dir,
    uid_pool: cluster.uid_pool.map(range).join('\n'),
    ...Object.fromEntries(
      hypervisorNames.map((name) => [`hvparams_${name}`, parameterLines(cluster.hvparams[name])]),
    ),
  };
}

/**
 * Every file's content by its name without "ssconf_".
 * @param instanceNames names of all instances in nice order, when somebody keeps them sorted
 */
export function ssconfValues(
  configuration: Configuration,
  instanceNames: readonly string[] = niceSort(configuration.instances.values().map(({ name }) => name)),
): Readonly<Record<string, string>> {
  const named = (table: 'nodegroups' | 'networks') =>
    configuration[table]
      .values()
      .sort((a, b) => compareNicely(a.name, b.name))
      .map(({ uuid, name }) => `${uuid} ${name}`)
      .join('\n');
  const values = {
    ...clusterValues(configuration),
    ...nodeValues(configuration),
    instance_list: instanceNames.join('\n'),
    nodegroups: named('nodegroups'),
    networks: named('networks'),
  };
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, value === '' ? '' : `${value}\n`]),
  );
}
