/**
 * From what a data source tells to a cluster the solver can work on: instances put on their nodes, aliases,
 * tags interpreted, policies handed down, memory that the records don't explain.
 */

import { surplus, withWords } from './state/counts.ts';
import { locationPairs, sharedLocations, unmetLocations } from './state/node-operations.ts';
import type { NodeTable } from './state/node-table.ts';
import { largestNeed, peersOf } from './state/peers.ts';
import { mainDisk } from './state/volume-groups.ts';
import { type Cluster, type Groups, isSplit } from './terms/cluster.ts';
import type { Instance, RepairPolicy } from './terms/instance.ts';
import { lookupNames } from './terms/name-lookup.ts';
import type { Policy } from './terms/policy.ts';
import {
  acceptedMigrations,
  autoRepairPolicy,
  desiredLocationPrefixes,
  exclusionPrefixes,
  locationsOf,
  migrationRestrictions,
} from './terms/tags.ts';
import type { Utilisation } from './terms/vocabulary.ts';

/** What a data source gives: nodes with their figures, instances with their nodes' indexes. */
export interface RawCluster {
  readonly groups: Groups;
  readonly nodes: NodeTable;
  readonly instances: readonly Instance[];
  readonly tags: readonly string[];
  readonly policy: Policy;
}

export interface LoadingOptions {
  readonly utilisation?: readonly (readonly [name: string, load: Utilisation])[];
  readonly exclusionTags?: readonly string[];
  /** Names of the only instances to move; empty for all. */
  readonly selected?: readonly string[];
  readonly excluded?: readonly string[];
  /** Seconds since the epoch, to judge suspended auto-repairs. */
  readonly now: number;
}

/** Names of instances that the options speak of and that the cluster doesn't have. */
export class UnknownInstances extends Error {
  readonly names: readonly string[];
  constructor(names: readonly string[]) {
    super(`unknown instances ${names.join(', ')}`);
    this.names = names;
  }
}

/** The longest common ending of the names that begins with a dot. */
export function commonSuffix(names: readonly string[]): string {
  const first = names[0];
  if (first === undefined) return '';
  for (let at = first.indexOf('.'); at >= 0; at = first.indexOf('.', at + 1)) {
    const suffix = first.slice(at);
    if (names.every((name) => name.endsWith(suffix))) return suffix;
  }
  return '';
}

export function clusterSuffix(cluster: { nodes: NodeTable; instances: readonly Instance[] }): string {
  const { nodes } = cluster;
  return commonSuffix([
    ...nodes.order.map((node) => nodes.name[node]!),
    ...cluster.instances.map((instance) => instance.name),
  ]);
}

function startsWithOne(tag: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => tag.startsWith(prefix));
}

function setRepairPolicies(raw: RawCluster, now: number): void {
  const clusterPolicy: RepairPolicy = autoRepairPolicy(raw.tags, now) ?? { kind: 'not-enabled' };
  const byGroup = new Map(
    [...raw.groups].map(([index, group]) => [index, autoRepairPolicy(group.tags, now) ?? clusterPolicy]),
  );
  for (const instance of raw.instances) {
    instance.repairPolicy =
      autoRepairPolicy(instance.tags, now) ??
      byGroup.get(raw.nodes.group[instance.primary]!) ??
      clusterPolicy;
  }
}

/** Exclusion and desired-location tags of an instance, by the prefixes the cluster's tags name. */
export function interpretTags(
  instance: Instance,
  exclusion: readonly string[],
  desired: readonly string[],
): void {
  instance.exclusionTags = instance.tags.filter((tag) => startsWithOne(tag, exclusion));
  instance.desiredLocations = [...new Set(instance.tags.filter((tag) => startsWithOne(tag, desired)))];
}

function restrictMoves(raw: RawCluster, options: LoadingOptions): void {
  const names = raw.instances.map((instance) => instance.name);
  const selected = lookupNames(names, options.selected ?? []);
  const excluded = lookupNames(names, options.excluded ?? []);
  const unknown = [...selected.unknown, ...excluded.unknown];
  if (unknown.length > 0) throw new UnknownInstances(unknown);
  const chosen = new Set(selected.found);
  const left = new Set(excluded.found);
  for (const instance of raw.instances) {
    if (left.has(instance.name) || (chosen.size > 0 && !chosen.has(instance.name))) instance.movable = false;
  }
}

/** Puts a loaded instance on its primary: the free figures of the node already count it. */
function settlePrimary(nodes: NodeTable, instance: Instance): void {
  const node = instance.primary;
  nodes.tagCounts[node] = withWords(nodes.tagCounts[node]!, instance.exclusionTags);
  nodes.conflicts[node] = surplus(nodes.tagCounts[node]!);
  if (!instance.isOffline) nodes.usedCpusForth[node]! += instance.cpus;
  if (!instance.usesMemory) nodes.freeMemoryForth[node]! -= instance.memory;
  addSpindles(nodes, node, instance, nodes.instanceSpindlesForth);
  if (instance.forthcoming) {
    settleForthcomingDisk(nodes, node, instance);
    return;
  }
  nodes.primaries[node] = [instance.index, ...nodes.primaries[node]!];
  if (!instance.isOffline) nodes.usedCpus[node]! += instance.cpus;
  nodes.cpuLoad[node]! += instance.load.cpu;
  nodes.memoryLoad[node]! += instance.load.memory;
  nodes.diskLoad[node]! += instance.load.disk;
  nodes.networkLoad[node]! += instance.load.network;
  addSpindles(nodes, node, instance, nodes.instanceSpindles);
  nodes.locationScore[node]! += instance.locationScore + unmetLocations(nodes, node, instance);
  nodes.pairCounts[node] = withWords(nodes.pairCounts[node]!, locationPairs(nodes, node, instance));
}

function settleSecondary(nodes: NodeTable, instance: Instance): void {
  const node = instance.secondary;
  addSpindles(nodes, node, instance, nodes.instanceSpindlesForth);
  if (instance.forthcoming) {
    settleForthcomingDisk(nodes, node, instance);
    return;
  }
  nodes.secondaries[node] = [instance.index, ...nodes.secondaries[node]!];
  nodes.diskLoad[node]! += instance.load.disk;
  addSpindles(nodes, node, instance, nodes.instanceSpindles);
}

function addSpindles(nodes: NodeTable, node: number, instance: Instance, column: Float64Array): void {
  if (nodes.exclusiveStorage[node] === 1) column[node] = 0;
  else if (instance.usesLocalStorage) column[node]! += instance.spindleUse;
}

function settleForthcomingDisk(nodes: NodeTable, node: number, instance: Instance): void {
  if (instance.usesLocalStorage) nodes.freeDiskForth[node]! -= mainDisk(nodes, node, instance);
  if (nodes.exclusiveStorage[node] === 0) nodes.freeSpindlesForth[node] = 0;
  else if (instance.totalSpindles === undefined) nodes.freeSpindlesForth[node] = -1;
  else nodes.freeSpindlesForth[node]! -= instance.totalSpindles;
}

function buildPeers(nodes: NodeTable, node: number, instances: readonly Instance[]): void {
  const pairs = nodes.secondaries[node]!.map((index) => {
    const instance = instances[index]!;
    const counts = instance.reservesMemory && !instance.forthcoming;
    return [instance.primary, counts ? instance.memory : 0] as const;
  });
  nodes.peers[node] = peersOf(pairs);
  nodes.reservedMemory[node] = largestNeed(nodes.peers[node]!);
}

/** Joins what the source told into a cluster. Throws `UnknownInstances`. */
export function mergeCluster(raw: RawCluster, options: LoadingOptions): Cluster {
  const { nodes, instances, groups } = raw;
  setRepairPolicies(raw, options.now);
  const byName = new Map(instances.map((instance) => [instance.name, instance]));
  for (const [name, load] of options.utilisation ?? []) {
    const instance = byName.get(name);
    if (instance !== undefined) instance.load = load;
  }
  const exclusion = [...(options.exclusionTags ?? []), ...exclusionPrefixes(raw.tags)];
  const desired = desiredLocationPrefixes(raw.tags);
  restrictMoves(raw, options);
  const suffix = clusterSuffix(raw);
  const aliasOf = (name: string) => name.slice(0, name.length - suffix.length);
  for (const node of nodes.order) {
    nodes.locations[node] = locationsOf(raw.tags, nodes.tags[node]!);
    nodes.migrationTags[node] = migrationRestrictions(raw.tags, nodes.tags[node]!);
    nodes.acceptedMigrationTags[node] = acceptedMigrations(raw.tags, nodes.tags[node]!);
  }
  for (const instance of instances) {
    interpretTags(instance, exclusion, desired);
    instance.alias = aliasOf(instance.name);
    instance.locationScore =
      instance.secondary < 0 ? 0 : sharedLocations(nodes, instance.primary, instance.secondary);
    settlePrimary(nodes, instance);
    if (instance.secondary >= 0) settleSecondary(nodes, instance);
    const lacksMirror = instance.mirror === 'internal' && instance.secondary < 0;
    if (lacksMirror || isSplit(nodes, instance)) instance.movable = false;
  }
  for (const node of nodes.order) {
    nodes.alias[node] = aliasOf(nodes.name[node]!);
    buildPeers(nodes, node, instances);
    const group = groups.get(nodes.group[node]!);
    if (group !== undefined) nodes.setPolicy(node, group.policy);
  }
  return { groups, nodes, instances, tags: raw.tags, policy: raw.policy };
}

/**
 * Settles each node's memory by the records and says where they don't explain what the node reports.
 *
 * @param staticNodeMemory MiB that a KVM node is taken to need for itself; 0 keeps what it reports.
 * @returns one line for each node that misses over 512 MiB of memory or 1 GiB of disk, the last node first.
 */
export function settleMemory(cluster: Cluster, staticNodeMemory: number): string[] {
  const { nodes, instances } = cluster;
  const messages: string[] = [];
  for (const node of nodes.order) {
    if (staticNodeMemory > 0 && nodes.hypervisor[node] === 'kvm') nodes.nodeMemory[node] = staticNodeMemory;
    let memory = 0;
    let disk = 0;
    for (const index of nodes.primaries[node]!) {
      const instance = instances[index]!;
      if (instance.usesMemory) memory += instance.memory;
      disk += mainDisk(nodes, node, instance);
    }
    for (const index of nodes.secondaries[node]!) disk += mainDisk(nodes, node, instances[index]!);
    nodes.instanceMemory[node] = memory;
    const recorded = Math.trunc(nodes.totalMemory[node]!) - nodes.nodeMemory[node]! - memory;
    nodes.unaccountedMemory[node] = recorded - nodes.freeMemory[node]!;
    const missingDisk = Math.trunc(nodes.totalDisk[node]!) - nodes.freeDisk[node]! - disk;
    if (nodes.unaccountedMemory[node]! > 512 || missingDisk > 1024) {
      messages.unshift(
        `node ${nodes.name[node]} is missing ${nodes.unaccountedMemory[node]} MB ram and ` +
          `${Math.floor(missingDisk / 1024)} GB disk`,
      );
    }
  }
  return messages;
}
