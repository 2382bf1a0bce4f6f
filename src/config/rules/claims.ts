/** Sentences about what several claim and about references to what isn't there, in Ganeti's words. */
import { assertNever } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import type { Disk } from '../../model/objects/disk.ts';
import type { Instance } from '../../model/objects/instance.ts';
import { filledNic } from '../../model/params/fill.ts';
import type { ClaimIndex } from '../claim-index.ts';
import { ownerKey, splitClaim, splitOwner } from '../claims.ts';

function instanceOfDisk(disk: Disk, index: ClaimIndex, configuration: Configuration): Instance | undefined {
  for (const owner of index.referrersOf(ownerKey('disks', disk.uuid))) {
    const { table, uuid } = splitOwner(owner);
    if (table === 'instances') return configuration.instances.get(uuid);
  }
  return undefined;
}

function describeDisk(uuid: string, index: ClaimIndex, configuration: Configuration): string {
  const disk = configuration.disks.get(uuid);
  const instance = disk === undefined ? undefined : instanceOfDisk(disk, index, configuration);
  if (disk === undefined || instance === undefined) return `disk ${uuid}`;
  return `${instance.name}/${disk.dev_type} disk ${instance.disks.indexOf(uuid)}`;
}

function portOwner(owner: string, index: ClaimIndex, configuration: Configuration): string {
  const { table, uuid } = splitOwner(owner);
  if (table === 'cluster') return 'cluster/port marked as free';
  if (table === 'disks') return describeDisk(uuid, index, configuration);
  return `${configuration.instances.get(uuid)?.name ?? uuid}/network port`;
}

function nicPlaces(
  instance: Instance,
  matches: (nic: Instance['nics'][number], index: number) => boolean,
): number[] {
  return instance.nics.flatMap((nic, index) => (matches(nic, index) ? [index] : []));
}

function addressOwners(value: string, owners: readonly string[], configuration: Configuration): string[] {
  const names = [...new Set(owners)].flatMap((owner) => {
    const { table, uuid } = splitOwner(owner);
    if (table === 'cluster') return ['cluster_ip'];
    const node = table === 'nodes' ? configuration.nodes.get(uuid) : undefined;
    if (node !== undefined)
      return [`node:${node.name}/${node.primary_ip === value ? 'primary' : 'secondary'}`];
    const instance = configuration.instances.get(uuid);
    if (instance === undefined) return [owner];
    const places = nicPlaces(instance, (nic) => {
      const { mode, link } = filledNic(configuration.cluster, nic);
      return (
        `${mode}:${link}/${nic.ip}/${nic.network ?? null}` === value || `${nic.network}/${nic.ip}` === value
      );
    });
    return places.map((place) => `instance:${instance.name}/nic:${place}`);
  });
  return names;
}

function macFaults(value: string, owners: readonly string[], configuration: Configuration): string[] {
  const places = [...new Set(owners)].flatMap((owner) => {
    const instance = configuration.instances.get(splitOwner(owner).uuid);
    if (instance === undefined) return [];
    return nicPlaces(instance, (nic) => nic.mac.toLowerCase() === value).map(
      (place) => `instance '${instance.name}' has NIC ${place} mac ${value} duplicate`,
    );
  });
  return places.slice(1);
}

const nouns: Readonly<Record<string, string>> = {
  nodegroups: 'node group',
  instances: 'instance',
  nodes: 'node',
  networks: 'network',
};

/** What is wrong when `owners`, several, claim the same. */
export function duplicateFaults(
  key: string,
  owners: readonly string[],
  index: ClaimIndex,
  configuration: Configuration,
): string[] {
  const { kind, value } = splitClaim(key);
  const disks = () =>
    owners.map((owner) => describeDisk(splitOwner(owner).uuid, index, configuration)).join(', ');
  switch (kind) {
    case 'mac':
      return macFaults(value, owners, configuration);
    case 'port': {
      const users = owners.map((owner) => portOwner(owner, index, configuration));
      return [`tcp/udp port ${value} has duplicates: ${users.join(', ')}`];
    }
    case 'ip':
    case 'network-ip': {
      const users = addressOwners(value, owners, configuration);
      return [`IP address ${value} is used by multiple owners: ${users.join(', ')}`];
    }
    case 'name': {
      const slash = value.indexOf('/');
      return [`duplicate ${nouns[value.slice(0, slash)]} name '${value.slice(slash + 1)}'`];
    }
    case 'volume':
      return [`logical volume ${value} is used by multiple disks: ${disks()}`];
    case 'minor': {
      const [node = '', minor = ''] = value.split(':');
      return [
        `minor ${minor} on node ${configuration.nodes.get(node)?.name ?? node} is used by multiple disks: ${disks()}`,
      ];
    }
    case 'attached': {
      const names = owners.map((owner) => configuration.instances.get(splitOwner(owner).uuid)?.name ?? owner);
      return [`disk ${value} is attached to multiple instances: ${names.join(', ')}`];
    }
    case 'secret':
      return [];
    default:
      return assertNever(kind);
  }
}

function exists(target: string, configuration: Configuration): boolean {
  const { table, uuid } = splitOwner(target);
  return table === 'cluster' || configuration[table].has(uuid);
}

function danglingFault(
  owner: string,
  target: string,
  index: ClaimIndex,
  configuration: Configuration,
): string {
  const from = splitOwner(owner);
  const to = splitOwner(target);
  switch (from.table) {
    case 'cluster':
      return `cluster has invalid primary node ${to.uuid}`;
    case 'nodes':
      return `Node '${configuration.nodes.get(from.uuid)?.name}' has invalid group '${to.uuid}'`;
    case 'nodegroups':
      return `group ${configuration.nodegroups.get(from.uuid)?.name} is connected to a non-existing network '${to.uuid}'`;
    case 'disks': {
      const disk = configuration.disks.get(from.uuid)!;
      const instance = instanceOfDisk(disk, index, configuration);
      return instance === undefined
        ? `disk ${disk.uuid} error: it is on a non-existing node '${to.uuid}'`
        : `instance '${instance.name}' has invalid secondary node '${to.uuid}'`;
    }
    default: {
      const name = configuration.instances.get(from.uuid)?.name;
      if (to.table === 'nodes') return `instance '${name}' has invalid primary node '${to.uuid}'`;
      if (to.table === 'disks') return `Instance '${name}' has invalid disk '${to.uuid}'`;
      return `instance '${name}' has a NIC in a non-existing network '${to.uuid}'`;
    }
  }
}

/** What is wrong with those who refer to `target`, when it isn't there. */
export function danglingFaults(target: string, index: ClaimIndex, configuration: Configuration): string[] {
  if (exists(target, configuration)) return [];
  return index.referrersOf(target).map((owner) => danglingFault(owner, target, index, configuration));
}

/** Is a claimed port beyond what the cluster believes to be its highest? */
export function portFaults(ports: Iterable<number>, configuration: Configuration): string[] {
  const saved = configuration.cluster.highest_used_port;
  let computed = saved;
  for (const port of ports) if (port > computed) computed = port;
  return computed > saved ? [`Highest used port mismatch, saved ${saved}, computed ${computed}`] : [];
}
