/** Turns objects of the configuration into what node calls carry: every parameter filled, addresses known. */
import type { Configuration } from '../model/configuration.ts';
import { disksOf, secondariesOf } from '../model/lookup.ts';
import type { Disk } from '../model/objects/disk.ts';
import type { Instance } from '../model/objects/instance.ts';
import type { Nic } from '../model/objects/nic.ts';
import {
  filledBackend,
  filledDisk,
  filledHypervisor,
  filledNic,
  filledNode,
  filledOs,
} from '../model/params/fill.ts';
import type { DiskOnNode, FilledNic, InstanceOnNode } from '../noderpc/calls/shapes.ts';

/** The disk at `index` of the instance as `node` must see it. */
export function diskOnNode(
  configuration: Configuration,
  instance: Pick<Instance, 'name' | 'uuid'>,
  disk: Disk,
  index: number,
  node: string,
): DiskOnNode {
  const { cluster, nodes, nodegroups } = configuration;
  const host = nodes.get(node);
  const group = host === undefined ? undefined : nodegroups.get(host.group);
  const addresses: Record<string, string> = {};
  for (const uuid of disk.nodes) {
    const holder = nodes.get(uuid);
    if (holder !== undefined) addresses[uuid] = holder.secondary_ip;
  }
  const exclusive = host !== undefined && filledNode(cluster, group, host).exclusive_storage === true;
  return {
    disk,
    params: { ...filledDisk(cluster, group, disk.dev_type), ...disk.params },
    owner: instance.name,
    ownerUuid: instance.uuid,
    index,
    self: node,
    addresses,
    exclusiveStorage: exclusive,
  };
}

/** Every disk of the instance as `node` must see it; `disks` for an instance that isn't committed yet. */
export function disksOnNode(
  configuration: Configuration,
  instance: Instance,
  node: string,
  disks?: readonly Disk[],
): DiskOnNode[] {
  return (disks ?? disksOf(configuration, instance)).map((disk, index) =>
    diskOnNode(configuration, instance, disk, index, node),
  );
}

export function filledNicOf(configuration: Configuration, nic: Nic): FilledNic {
  const params = filledNic(configuration.cluster, nic);
  const network = nic.network ? configuration.networks.get(nic.network) : undefined;
  return {
    uuid: nic.uuid,
    mac: nic.mac,
    ip: nic.ip ?? null,
    name: nic.name ?? null,
    mode: String(params.mode ?? ''),
    link: String(params.link ?? ''),
    vlan: String(params.vlan ?? ''),
    network:
      network === undefined
        ? null
        : {
            uuid: network.uuid,
            name: network.name,
            subnet: network.network ?? '',
            gateway: network.gateway ?? null,
            subnet6: network.network6 ?? null,
            gateway6: network.gateway6 ?? null,
            macPrefix: network.mac_prefix ?? null,
            tags: [...network.tags],
          },
  };
}

/** What one start may have differently from the configuration. */
export interface Overrides {
  readonly hvparams?: InstanceOnNode['hvparams'];
  readonly beparams?: InstanceOnNode['beparams'];
  readonly disks?: readonly Disk[];
}

function sshPortOf(configuration: Configuration, node: string): number {
  const host = configuration.nodes.get(node);
  const group = host === undefined ? undefined : configuration.nodegroups.get(host.group);
  return filledNode(configuration.cluster, group, host).ssh_port;
}

/** The instance as `node` must see it. */
export function instanceOnNode(
  configuration: Configuration,
  instance: Instance,
  node: string,
  overrides: Overrides = {},
): InstanceOnNode {
  const { cluster } = configuration;
  const nameOf = (uuid: string) => configuration.nodes.get(uuid)?.name ?? uuid;
  return {
    uuid: instance.uuid,
    name: instance.name,
    hypervisor: instance.hypervisor,
    hvparams: { ...filledHypervisor(cluster, instance), ...overrides.hvparams },
    beparams: { ...filledBackend(cluster, instance), ...overrides.beparams },
    os: instance.os,
    osparams: filledOs(cluster, instance.os, instance.osparams),
    nics: instance.nics.map((nic) => filledNicOf(configuration, nic)),
    disks: disksOnNode(configuration, instance, node, overrides.disks),
    networkPort: instance.network_port ?? null,
    tags: [...instance.tags],
    primaryNode: nameOf(instance.primary_node),
    primaryNodeName: nameOf(instance.primary_node),
    sshPort: sshPortOf(configuration, instance.primary_node),
    ctime: instance.ctime,
    mtime: instance.mtime,
    secondaryNodes: secondariesOf(configuration, instance).map(nameOf),
    adminState: instance.admin_state,
    uidPool: cluster.uid_pool.map((range) => [...range]),
    clusterName: cluster.cluster_name,
  };
}
