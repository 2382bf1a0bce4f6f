/**
 * What each object of the configuration claims for itself alone (a MAC, a port, a volume…) and which
 * others it refers to. Every rule about duplicates and dangling references, the pools and the temporary
 * reservations work on these two lists.
 */
import type { Objects, TableName } from '../model/configuration.ts';
import type { Cluster } from '../model/objects/cluster.ts';
import type { Disk } from '../model/objects/disk.ts';
import type { Instance } from '../model/objects/instance.ts';
import type { Network } from '../model/objects/network.ts';
import type { Node } from '../model/objects/node.ts';
import type { NodeGroup } from '../model/objects/node-group.ts';
import { filledNic } from '../model/params/fill.ts';
import { storageTemplates } from '../storage/catalog.ts';
import type { DiskClaims } from '../storage/contract.ts';

/** "kind:value" of a claim; "table/uuid" of a reference and of an owner. */
export interface Facts {
  readonly claims: readonly string[];
  readonly references: readonly string[];
}

export type ClaimKind =
  | 'mac'
  | 'ip'
  | 'network-ip'
  | 'port'
  | 'volume'
  | 'minor'
  | 'secret'
  | 'name'
  | 'attached';

export function claim(kind: ClaimKind, value: string | number): string {
  return `${kind}:${value}`;
}

export function splitClaim(key: string): { kind: ClaimKind; value: string } {
  const colon = key.indexOf(':');
  return { kind: key.slice(0, colon) as ClaimKind, value: key.slice(colon + 1) };
}

/** Owner of the claims that the cluster itself makes. */
export const clusterOwner = 'cluster/';

export function ownerKey(table: TableName, uuid: string): string {
  return `${table}/${uuid}`;
}

export function splitOwner(owner: string): { table: TableName | 'cluster'; uuid: string } {
  const slash = owner.indexOf('/');
  return { table: owner.slice(0, slash) as TableName | 'cluster', uuid: owner.slice(slash + 1) };
}

const claimsByTemplate = new Map(storageTemplates.map((about) => [about.name, about.claims]));

/** What the disk's own logical id holds, lower volumes left out. */
export function claimsOfDisk(disk: Disk): DiskClaims {
  const claims = claimsByTemplate.get(disk.dev_type);
  return claims === undefined || disk.logical_id == null ? {} : claims(disk.logical_id);
}

/** Everything that the disk and its lower volumes hold. */
export function diskClaims(disk: Disk): string[] {
  const { volumes = [], minors = [], port, secret } = claimsOfDisk(disk);
  return [
    ...volumes.map((volume) => claim('volume', volume)),
    ...minors.map(({ node, minor }) => claim('minor', `${node}:${minor}`)),
    ...(port === undefined ? [] : [claim('port', port)]),
    ...(secret === undefined ? [] : [claim('secret', secret)]),
    ...(disk.children ?? []).flatMap(diskClaims),
  ];
}

function instanceFacts(instance: Instance, cluster: Cluster): Facts {
  const claims = [claim('name', `instances/${instance.name}`)];
  const references: string[] = [];
  for (const nic of instance.nics) {
    claims.push(claim('mac', nic.mac.toLowerCase()));
    if (nic.network) references.push(ownerKey('networks', nic.network));
    if (!nic.ip) continue;
    const { mode, link } = filledNic(cluster, nic);
    claims.push(claim('ip', `${mode}:${link}/${nic.ip}/${nic.network ?? null}`));
    if (nic.network) claims.push(claim('network-ip', `${nic.network}/${nic.ip}`));
  }
  if (instance.network_port != null) claims.push(claim('port', instance.network_port));
  if (instance.primary_node !== '' || instance.forthcoming !== true) {
    references.push(ownerKey('nodes', instance.primary_node));
  }
  for (const disk of instance.disks) {
    claims.push(claim('attached', disk));
    references.push(ownerKey('disks', disk));
  }
  return { claims, references };
}

function nodeFacts(node: Node): Facts {
  const claims = [claim('name', `nodes/${node.name}`), claim('ip', node.primary_ip)];
  if (node.secondary_ip !== node.primary_ip) claims.push(claim('ip', node.secondary_ip));
  return { claims, references: [ownerKey('nodegroups', node.group)] };
}

export function factsOf<K extends TableName>(table: K, object: Objects[K], cluster: Cluster): Facts {
  switch (table) {
    case 'instances':
      return instanceFacts(object as Instance, cluster);
    case 'nodes':
      return nodeFacts(object as Node);
    case 'disks':
      return {
        claims: diskClaims(object as Disk),
        references: (object as Disk).nodes.map((node) => ownerKey('nodes', node)),
      };
    case 'nodegroups': {
      const group = object as NodeGroup;
      return {
        claims: [claim('name', `nodegroups/${group.name}`)],
        references: Object.keys(group.networks).map((network) => ownerKey('networks', network)),
      };
    }
    case 'networks':
      return { claims: [claim('name', `networks/${(object as Network).name}`)], references: [] };
    default:
      return { claims: [], references: [] };
  }
}

export function factsOfCluster(cluster: Cluster): Facts {
  return {
    claims: [claim('ip', cluster.master_ip), ...cluster.tcpudp_port_pool.map((port) => claim('port', port))],
    references: [ownerKey('nodes', cluster.master_node)],
  };
}
