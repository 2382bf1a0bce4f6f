/**
 * Putting an instance on a node and taking it off, as primary or secondary, with the checks of hbal(1):
 * hard ones (no memory, no disk, no spindles) and soft ones that `force` skips (reserved memory, policy
 * ratios, exclusion tags, low disk).
 *
 * The additions and subtractions are done in one fixed order, because scores are compared to the last digit.
 */

import type { Instance } from '../terms/instance.ts';
import { Refusal } from '../terms/vocabulary.ts';
import { hasAny, surplus, withoutWords, withWords } from './counts.ts';
import type { NodeTable } from './node-table.ts';
import { largestNeed, peerMemory, withoutPeer, withPeer } from './peers.ts';
import { giveVolumes, mainDisk, takeVolumes, volumesRefused } from './volume-groups.ts';

/** Wanted locations that the node doesn't give the instance. */
export function unmetLocations(nodes: NodeTable, node: number, instance: Instance): number {
  const wanted = instance.desiredLocations;
  if (wanted.length === 0) return 0;
  const here = nodes.locations[node]!;
  return wanted.length - wanted.filter((tag) => here.includes(tag)).length;
}

/** Failure domains that two nodes share. */
export function sharedLocations(nodes: NodeTable, a: number, b: number): number {
  const there = nodes.locations[b]!;
  return there.length === 0 ? 0 : nodes.locations[a]!.filter((tag) => there.includes(tag)).length;
}

/** The (location, exclusion tag) pairs an instance adds to its primary node. */
export function locationPairs(nodes: NodeTable, node: number, instance: Instance): string[] {
  if (instance.exclusionTags.length === 0) return [];
  return nodes.locations[node]!.flatMap((place) => instance.exclusionTags.map((tag) => `${place}\n${tag}`));
}

function without(list: readonly number[], value: number): readonly number[] {
  const at = list.indexOf(value);
  return at < 0 ? list : list.toSpliced(at, 1);
}

/** Spindles in use on the node after adding (1) or removing (-1) the instance. */
export function spindlesInUse(
  nodes: NodeTable,
  node: number,
  instance: Instance,
  sign: 1 | -1,
  now: number,
): number {
  if (nodes.exclusiveStorage[node] === 1) return 0;
  return instance.usesLocalStorage ? now + sign * instance.spindleUse : now;
}

/** Free spindles of an exclusive-storage node after the change; -1 when the instance doesn't tell its need. */
export function spindlesLeft(
  nodes: NodeTable,
  node: number,
  instance: Instance,
  sign: 1 | -1,
  now: number,
): number {
  if (nodes.exclusiveStorage[node] === 0) return 0;
  const needed = instance.totalSpindles;
  if (needed === undefined) return sign === 1 ? -1 : now;
  return now - sign * needed;
}

/** The node's columns that count forthcoming instances too. */
function changeForth(
  nodes: NodeTable,
  node: number,
  instance: Instance,
  sign: 1 | -1,
  primary: boolean,
): void {
  const disk = primary && !instance.usesLocalStorage ? 0 : mainDisk(nodes, node, instance);
  if (primary) {
    nodes.freeMemoryForth[node]! -= sign * instance.memory;
    if (!instance.isOffline) nodes.usedCpusForth[node]! += sign * instance.cpus;
  }
  nodes.freeDiskForth[node]! -= sign * disk;
  nodes.freeSpindlesForth[node] = spindlesLeft(nodes, node, instance, sign, nodes.freeSpindlesForth[node]!);
  nodes.instanceSpindlesForth[node] = spindlesInUse(
    nodes,
    node,
    instance,
    sign,
    nodes.instanceSpindlesForth[node]!,
  );
}

function changeTags(nodes: NodeTable, node: number, instance: Instance, sign: 1 | -1): void {
  if (instance.exclusionTags.length === 0) return;
  const change = sign === 1 ? withWords : withoutWords;
  nodes.tagCounts[node] = change(nodes.tagCounts[node]!, instance.exclusionTags);
  nodes.conflicts[node] = surplus(nodes.tagCounts[node]!);
}

/** Location score and location pairs of a primary that comes or goes. */
function changeLocation(
  nodes: NodeTable,
  node: number,
  instance: Instance,
  shared: number,
  sign: 1 | -1,
): void {
  nodes.locationScore[node]! += sign * (shared + unmetLocations(nodes, node, instance));
  const pairs = locationPairs(nodes, node, instance);
  if (pairs.length > 0) {
    nodes.pairCounts[node] = (sign === 1 ? withWords : withoutWords)(nodes.pairCounts[node]!, pairs);
  }
}

function changeLoad(nodes: NodeTable, node: number, instance: Instance, sign: 1 | -1): void {
  const load = instance.load;
  nodes.cpuLoad[node]! += sign * load.cpu;
  nodes.memoryLoad[node]! += sign * load.memory;
  nodes.diskLoad[node]! += sign * load.disk;
  nodes.networkLoad[node]! += sign * load.network;
}

function changePrimaryNumbers(nodes: NodeTable, node: number, instance: Instance, sign: 1 | -1): void {
  if (instance.usesMemory) nodes.instanceMemory[node]! += sign * instance.memory;
  if (instance.usesLocalStorage) nodes.freeDisk[node]! -= sign * mainDisk(nodes, node, instance);
  nodes.freeSpindles[node] = spindlesLeft(nodes, node, instance, sign, nodes.freeSpindles[node]!);
  nodes.instanceSpindles[node] = spindlesInUse(nodes, node, instance, sign, nodes.instanceSpindles[node]!);
  if (!instance.isOffline) nodes.usedCpus[node]! += sign * instance.cpus;
  changeLoad(nodes, node, instance, sign);
}

/** Takes a primary off. `shared` is the instance's location score while it was there. */
export function removePrimary(nodes: NodeTable, node: number, instance: Instance, shared: number): void {
  nodes.touch(node);
  changeTags(nodes, node, instance, -1);
  changeForth(nodes, node, instance, -1, true);
  if (instance.forthcoming) return;
  nodes.primaries[node] = without(nodes.primaries[node]!, instance.index);
  changePrimaryNumbers(nodes, node, instance, -1);
  changeLocation(nodes, node, instance, shared, -1);
  giveVolumes(nodes, node, instance);
}

/** Takes a secondary off whose primary is on `primary`. */
export function removeSecondary(nodes: NodeTable, node: number, instance: Instance, primary: number): void {
  nodes.touch(node);
  changeForth(nodes, node, instance, -1, false);
  if (instance.forthcoming) return;
  nodes.secondaries[node] = without(nodes.secondaries[node]!, instance.index);
  if (instance.usesLocalStorage) nodes.freeDisk[node]! += mainDisk(nodes, node, instance);
  nodes.freeSpindles[node] = spindlesLeft(nodes, node, instance, -1, nodes.freeSpindles[node]!);
  nodes.instanceSpindles[node] = spindlesInUse(nodes, node, instance, -1, nodes.instanceSpindles[node]!);
  nodes.diskLoad[node]! -= instance.load.disk;
  const old = nodes.peers[node]!;
  const oldNeed = peerMemory(old, primary);
  const need = oldNeed - (instance.reservesMemory ? instance.memory : 0);
  const peers = need > 0 ? withPeer(old, primary, need) : withoutPeer(old, primary);
  nodes.peers[node] = peers;
  if (oldNeed >= nodes.reservedMemory[node]!) nodes.reservedMemory[node] = largestNeed(peers);
  giveVolumes(nodes, node, instance);
}

/** Soft checks against what is already promised to forthcoming instances. */
function primaryForthRefused(nodes: NodeTable, node: number, instance: Instance): Refusal {
  if (nodes.freeMemoryForth[node]! - instance.memory <= 0) return Refusal.memory;
  if (instance.usesLocalStorage) {
    const disk = nodes.freeDiskForth[node]! - mainDisk(nodes, node, instance);
    if (disk <= 0 || disk < nodes.lowDisk[node]!) return Refusal.disk;
    const spindles = spindlesLeft(nodes, node, instance, 1, nodes.freeSpindlesForth[node]!);
    if (nodes.exclusiveStorage[node] === 1 && spindles < 0) return Refusal.spindles;
    const used = spindlesInUse(nodes, node, instance, 1, nodes.instanceSpindlesForth[node]!);
    if (used > nodes.highSpindles[node]!) return Refusal.disk;
  }
  return cpuRefused(nodes, node, instance, nodes.usedCpusForth[node]!) ? Refusal.cpu : Refusal.none;
}

function cpuRefused(nodes: NodeTable, node: number, instance: Instance, usedNow: number): boolean {
  const ratio = nodes.cpuRatio[node]!;
  const used = instance.isOffline ? usedNow : usedNow + instance.cpus;
  return ratio >= 0 && ratio < used / nodes.totalCpus[node]!;
}

/** Whether the node takes the instance as a primary; `force` skips the soft checks. */
export function primaryRefused(nodes: NodeTable, node: number, instance: Instance, force: boolean): Refusal {
  if (instance.forthcoming) return force ? Refusal.none : primaryForthRefused(nodes, node, instance);
  const before = nodes.unallocatedMemory(node);
  const free = instance.usesMemory ? before - instance.memory : before;
  if (free <= 0) return Refusal.memory;
  if (instance.usesLocalStorage) {
    const disk = nodes.freeDisk[node]! - mainDisk(nodes, node, instance);
    if (disk <= 0 || (!force && disk < nodes.lowDisk[node]!)) return Refusal.disk;
    const spindles = spindlesLeft(nodes, node, instance, 1, nodes.freeSpindles[node]!);
    if (nodes.exclusiveStorage[node] === 1 && spindles < 0) return Refusal.spindles;
    const used = spindlesInUse(nodes, node, instance, 1, nodes.instanceSpindles[node]!);
    if (!force && used > nodes.highSpindles[node]!) return Refusal.disk;
  }
  const volumes = volumesRefused(nodes, node, instance);
  if (volumes !== Refusal.none) return volumes;
  if (force) return Refusal.none;
  const reserved = nodes.reservedMemory[node]!;
  if (free <= reserved && before > reserved) return Refusal.memory;
  if (cpuRefused(nodes, node, instance, nodes.usedCpus[node]!)) return Refusal.cpu;
  if (hasAny(nodes.tagCounts[node]!, instance.exclusionTags)) return Refusal.tags;
  return primaryForthRefused(nodes, node, instance);
}

/** Puts a primary on, after its checks. `shared` is the location score it has there. */
export function addPrimary(
  nodes: NodeTable,
  node: number,
  instance: Instance,
  shared: number,
  force: boolean,
): Refusal {
  const refused = primaryRefused(nodes, node, instance, force);
  if (refused !== Refusal.none) {
    nodes.witness?.primary(refused, node, instance);
    return refused;
  }
  nodes.touch(node);
  changeTags(nodes, node, instance, 1);
  changeForth(nodes, node, instance, 1, true);
  if (instance.forthcoming) return Refusal.none;
  nodes.primaries[node] = [instance.index, ...nodes.primaries[node]!];
  changePrimaryNumbers(nodes, node, instance, 1);
  changeLocation(nodes, node, instance, shared, 1);
  takeVolumes(nodes, node, instance);
  return Refusal.none;
}

/** How a secondary is checked. */
export interface SecondaryChecks {
  /** Skips the soft checks. */
  readonly force: boolean;
  /** Skips the check for free disk: the disk is there already, the primary is dead. */
  readonly ignoreDisk?: boolean;
}

function secondaryForthRefused(nodes: NodeTable, node: number, instance: Instance): Refusal {
  if (!instance.hasSecondary) return Refusal.disk;
  const disk = nodes.freeDiskForth[node]! - mainDisk(nodes, node, instance);
  if (disk <= 0 || disk < nodes.lowDisk[node]!) return Refusal.disk;
  const spindles = spindlesLeft(nodes, node, instance, 1, nodes.freeSpindlesForth[node]!);
  if (nodes.exclusiveStorage[node] === 1 && spindles < 0) return Refusal.spindles;
  const used = spindlesInUse(nodes, node, instance, 1, nodes.instanceSpindlesForth[node]!);
  if (used > nodes.highSpindles[node]!) return Refusal.disk;
  const needed = instance.reservesMemory ? instance.memory : 0;
  return needed >= nodes.freeMemoryForth[node]! ? Refusal.memory : Refusal.none;
}

/** Whether the node takes the instance as a secondary of a primary on `primary`. */
export function secondaryRefused(
  nodes: NodeTable,
  node: number,
  instance: Instance,
  primary: number,
  { force, ignoreDisk = false }: SecondaryChecks,
): Refusal {
  if (instance.forthcoming) return force ? Refusal.none : secondaryForthRefused(nodes, node, instance);
  if (!instance.hasSecondary) return Refusal.disk;
  const disk = nodes.freeDisk[node]! - mainDisk(nodes, node, instance);
  if (!ignoreDisk && disk <= 0) return Refusal.disk;
  if (!force && disk < nodes.lowDisk[node]!) return Refusal.disk;
  const spindles = spindlesLeft(nodes, node, instance, 1, nodes.freeSpindles[node]!);
  if (nodes.exclusiveStorage[node] === 1 && spindles < 0) return Refusal.spindles;
  const volumes = ignoreDisk ? Refusal.none : volumesRefused(nodes, node, instance);
  if (volumes !== Refusal.none) return volumes;
  if (force) return Refusal.none;
  const used = spindlesInUse(nodes, node, instance, 1, nodes.instanceSpindles[node]!);
  if (used > nodes.highSpindles[node]!) return Refusal.disk;
  const needed = instance.reservesMemory ? instance.memory : 0;
  const free = nodes.unallocatedMemory(node);
  if (needed >= free) return Refusal.memory;
  const reserved = nodes.reservedMemory[node]!;
  const need = peerMemory(nodes.peers[node]!, primary) + needed;
  if (free <= Math.max(reserved, need) && free > reserved) return Refusal.memory;
  return secondaryForthRefused(nodes, node, instance);
}

/** Puts a secondary on, after its checks. */
export function addSecondary(
  nodes: NodeTable,
  node: number,
  instance: Instance,
  primary: number,
  checks: SecondaryChecks,
): Refusal {
  const refused = secondaryRefused(nodes, node, instance, primary, checks);
  if (refused !== Refusal.none) {
    nodes.witness?.secondary(refused, node, instance, primary);
    return refused;
  }
  nodes.touch(node);
  changeForth(nodes, node, instance, 1, false);
  if (instance.forthcoming) return Refusal.none;
  nodes.secondaries[node] = [instance.index, ...nodes.secondaries[node]!];
  nodes.freeDisk[node]! -= mainDisk(nodes, node, instance);
  nodes.freeSpindles[node] = spindlesLeft(nodes, node, instance, 1, nodes.freeSpindles[node]!);
  nodes.instanceSpindles[node] = spindlesInUse(nodes, node, instance, 1, nodes.instanceSpindles[node]!);
  nodes.diskLoad[node]! += instance.load.disk;
  const old = nodes.peers[node]!;
  const need = peerMemory(old, primary) + (instance.reservesMemory ? instance.memory : 0);
  nodes.peers[node] = withPeer(old, primary, need);
  nodes.reservedMemory[node] = Math.max(nodes.reservedMemory[node]!, need);
  takeVolumes(nodes, node, instance);
  return Refusal.none;
}

/** Whether an instance can be moved live between two nodes, by their migration tags. */
export function migrationRefused(nodes: NodeTable, from: number, to: number): Refusal {
  const accepted = nodes.acceptedMigrationTags[to]!;
  if (nodes.migrationTags[from]!.every((tag) => accepted.has(tag))) return Refusal.none;
  nodes.witness?.migration(from, to);
  return Refusal.migration;
}
