/** The cluster as instance allocators see it: groups, nodes with what they report, instances. */
import type { Configuration } from '../model/configuration.ts';
import { disksOf, secondariesOf } from '../model/lookup.ts';
import type { Disk } from '../model/objects/disk.ts';
import type { Instance } from '../model/objects/instance.ts';
import type { Node } from '../model/objects/node.ts';
import { filledBackend, filledNic, filledNode } from '../model/params/fill.ts';
import { fillInstancePolicy } from '../model/params/instance-policy.ts';

export type Json = Readonly<Record<string, unknown>>;

/** What a node reports now; MiB. */
export interface NodeFacts {
  readonly totalMemory: number;
  readonly reservedMemory: number;
  readonly freeMemory: number;
  readonly totalDisk: number;
  readonly freeDisk: number;
  readonly totalSpindles: number;
  readonly freeSpindles: number;
  readonly totalCpus: number;
  readonly reservedCpus: number;
  /** Memory that the guests on it have, by name. */
  readonly guests: ReadonlyMap<string, number>;
  /** Volume groups beside the main one that are there; absent when none counts. */
  readonly volumeGroups?: ReadonlyMap<string, Space>;
}

/** MiB. */
export interface Space {
  readonly total: number;
  readonly free: number;
}

/** MiB that a disk takes of a node's storage. */
export type SpaceOf = (disk: { readonly template: string; readonly size: number }) => number;

export interface ClusterFacts {
  /** By uuid. A node without an entry can't be used: it is offline, not for guests, or silent. */
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  readonly spaceOf: SpaceOf;
  /** The template of instances without disks. */
  readonly emptyTemplate: string;
  /** Told only when disks are, or are to be, in volume groups beside the main one. */
  readonly volumeGroups?: {
    readonly main: string;
    /** Of a disk's data; undefined when it is in none. */
    readonly of: (disk: Disk) => string | undefined;
  };
}

export function groupData(configuration: Configuration): Json {
  const { cluster, nodegroups } = configuration;
  return Object.fromEntries(
    nodegroups.values().map((group) => [
      group.uuid,
      {
        name: group.name,
        alloc_policy: group.alloc_policy,
        networks: Object.keys(group.networks),
        ipolicy: fillInstancePolicy(cluster.ipolicy, group.ipolicy),
        tags: [...group.tags],
      },
    ]),
  );
}

interface MemoryUse {
  /** Of all instances that have the node as primary. */
  readonly all: number;
  /** Of those that are meant to run. */
  readonly up: number;
  /** What those would still take of the node's free memory. */
  readonly missing: number;
}

/** Instances that are meant to run and don't, or have less than they may, still count in full. */
function memoryUse(configuration: Configuration, node: Node, guests: NodeFacts['guests']): MemoryUse {
  let [all, up, missing] = [0, 0, 0];
  for (const instance of configuration.instances.values()) {
    if (instance.primary_node !== node.uuid) continue;
    const { maxmem } = filledBackend(configuration.cluster, instance);
    all += maxmem;
    if (instance.admin_state !== 'up' || instance.forthcoming) continue;
    up += maxmem;
    missing += Math.max(0, maxmem - (guests.get(instance.name) ?? 0));
  }
  return { all, up, missing };
}

function nodeEntry(configuration: Configuration, node: Node, facts: NodeFacts | undefined): Json {
  const { cluster, nodegroups } = configuration;
  const base = {
    tags: [...node.tags],
    primary_ip: node.primary_ip,
    secondary_ip: node.secondary_ip,
    // A node that says nothing can take nothing, whatever the configuration calls it.
    offline: node.offline || (node.vm_capable && facts === undefined),
    drained: node.drained,
    master_candidate: node.master_candidate,
    group: node.group,
    master_capable: node.master_capable,
    vm_capable: node.vm_capable,
    ndparams: filledNode(cluster, nodegroups.get(node.group), node),
  };
  if (facts === undefined) return base;
  const { all, up, missing } = memoryUse(configuration, node, facts.guests);
  return {
    total_memory: facts.totalMemory,
    reserved_memory: facts.reservedMemory,
    free_memory: facts.freeMemory - missing,
    total_disk: facts.totalDisk,
    free_disk: facts.freeDisk,
    total_spindles: facts.totalSpindles,
    free_spindles: facts.freeSpindles,
    total_cpus: facts.totalCpus,
    reserved_cpus: facts.reservedCpus,
    i_pri_memory: all,
    i_pri_up_memory: up,
    ...(facts.volumeGroups === undefined ? {} : { volume_groups: Object.fromEntries(facts.volumeGroups) }),
    ...base,
  };
}

export function nodeData(configuration: Configuration, facts: ClusterFacts): Json {
  return Object.fromEntries(
    configuration.nodes
      .values()
      .map((node) => [node.name, nodeEntry(configuration, node, facts.nodes.get(node.uuid))]),
  );
}

function nicData(configuration: Configuration, instance: Instance): Json[] {
  return instance.nics.map((nic) => {
    const { mode, link } = filledNic(configuration.cluster, nic);
    return {
      mac: nic.mac,
      ip: nic.ip ?? null,
      mode,
      link,
      ...(mode === 'bridged' ? { bridge: link } : {}),
    };
  });
}

function instanceEntry(configuration: Configuration, instance: Instance, facts: ClusterFacts): Json {
  const backend = filledBackend(configuration.cluster, instance);
  const disks = disksOf(configuration, instance);
  const nodes = [instance.primary_node, ...secondariesOf(configuration, instance)];
  const space = disks.map(({ dev_type, size }) => facts.spaceOf({ template: dev_type, size }));
  return {
    tags: [...instance.tags],
    admin_state: instance.admin_state,
    vcpus: backend.vcpus,
    memory: backend.maxmem,
    spindle_use: backend.spindle_use,
    os: instance.os,
    nodes: nodes.map((uuid) => configuration.nodes.get(uuid)?.name ?? uuid),
    nics: nicData(configuration, instance),
    disks: disks.map((disk) => ({
      dev_type: disk.dev_type,
      size: disk.size,
      mode: disk.mode,
      spindles: disk.spindles ?? null,
      ...(facts.volumeGroups === undefined ? {} : { vg: facts.volumeGroups.of(disk) ?? null }),
    })),
    disk_template: disks[0]?.dev_type ?? facts.emptyTemplate,
    disks_active: instance.disks_active,
    hypervisor: instance.hypervisor,
    forthcoming: instance.forthcoming === true,
    disk_space_total: space.reduce((sum, each) => sum + each, 0),
  };
}

export function instanceData(configuration: Configuration, facts: ClusterFacts): Json {
  return Object.fromEntries(
    configuration.instances
      .values()
      .map((instance) => [instance.name, instanceEntry(configuration, instance, facts)]),
  );
}
