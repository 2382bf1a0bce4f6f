/**
 * The cluster score: what hbal minimises. Twenty figures over the nodes (spread of free memory, of load, …,
 * counts of broken promises), each with a weight; hbal(1) describes them.
 *
 * This file computes it in full, adding up in index order exactly as Ganeti does: whether two plans tie is
 * decided by the last digit. Choosing among many changes goes through `score-model.ts` first.
 */
import { type Counts, surplus } from '../state/counts.ts';
import type { NodeTable } from '../state/node-table.ts';
import { totalNeed } from '../state/peers.ts';

/** How a figure is made of the nodes' values. */
type Aggregate = 'deviation' | 'sum' | 'offline-sum' | 'pairs';

interface Component {
  readonly name: string;
  readonly weight: number;
  readonly aggregate: Aggregate;
}

const reservedTotalWeight = 0.25;

/** The figures in Ganeti's order; the sum over them is taken in this order. */
export const components: readonly Component[] = [
  { name: 'free_mem_cv', weight: 0.5, aggregate: 'deviation' },
  { name: 'free_disk_cv', weight: 0.5, aggregate: 'deviation' },
  { name: 'n1_cnt', weight: 1, aggregate: 'sum' },
  { name: 'reserved_mem_cv', weight: 1, aggregate: 'deviation' },
  { name: 'offline_all_cnt', weight: 4, aggregate: 'offline-sum' },
  { name: 'offline_pri_cnt', weight: 16, aggregate: 'offline-sum' },
  { name: 'vcpu_ratio_cv', weight: 0.5, aggregate: 'deviation' },
  { name: 'cpu_load_cv', weight: 1, aggregate: 'deviation' },
  { name: 'mem_load_cv', weight: 1, aggregate: 'deviation' },
  { name: 'disk_load_cv', weight: 1, aggregate: 'deviation' },
  { name: 'net_load_cv', weight: 1, aggregate: 'deviation' },
  { name: 'pri_tags_score', weight: 2, aggregate: 'sum' },
  { name: 'spindles_cv', weight: 0.5, aggregate: 'deviation' },
  { name: 'free_mem_cv_forth', weight: 0.5, aggregate: 'deviation' },
  { name: 'free_disk_cv_forth', weight: 0.5, aggregate: 'deviation' },
  { name: 'vcpu_ratio_cv_forth', weight: 0.5, aggregate: 'deviation' },
  { name: 'spindles_cv_forth', weight: 0.5, aggregate: 'deviation' },
  { name: 'location_score', weight: 1, aggregate: 'sum' },
  { name: 'location_exclusion_score', weight: 1, aggregate: 'pairs' },
  { name: 'reserved_mem_rtotal', weight: reservedTotalWeight, aggregate: 'sum' },
];

export const componentCount = components.length;
export const weights: readonly number[] = components.map((component) => component.weight);
export const aggregates: readonly Aggregate[] = components.map((component) => component.aggregate);

/** Share of a node's disk (or of its spindles) that is free; a node without disk counts as all free. */
export function freeShare(nodes: NodeTable, node: number, freeDisk: number, freeSpindles: number): number {
  const exclusive = nodes.exclusiveStorage[node] === 1;
  const total = exclusive ? nodes.totalSpindles[node]! : nodes.totalDisk[node]!;
  if (total === 0) return 1;
  return (exclusive ? freeSpindles : freeDisk) / total;
}

/** Writes the node's value of each figure to `into`, from `at` on. The pair figure has no number: 0. */
export function nodeValues(nodes: NodeTable, node: number, into: Float64Array, at: number): void {
  const memory = nodes.totalMemory[node]!;
  const cpus = nodes.totalCpus[node]!;
  const speed = nodes.cpuSpeed[node]!;
  const unallocated = nodes.unallocatedMemory(node);
  const reserved = nodes.reservedMemory[node]!;
  const reservedShare = reserved / memory;
  const primaries = nodes.primaries[node]!.length;
  const all = primaries + nodes.secondaries[node]!.length;
  const high = nodes.highSpindles[node]!;
  into[at] = unallocated / memory;
  into[at + 1] = freeShare(nodes, node, nodes.freeDisk[node]!, nodes.freeSpindles[node]!);
  into[at + 2] = unallocated <= reserved ? all : 0;
  into[at + 3] = reservedShare;
  into[at + 4] = all;
  into[at + 5] = primaries;
  into[at + 6] = nodes.usedCpus[node]! / cpus / speed;
  into[at + 7] = nodes.cpuLoad[node]!;
  into[at + 8] = nodes.memoryLoad[node]!;
  into[at + 9] = nodes.diskLoad[node]!;
  into[at + 10] = nodes.networkLoad[node]!;
  into[at + 11] = nodes.conflicts[node]!;
  into[at + 12] = nodes.instanceSpindles[node]! / high;
  into[at + 13] = nodes.freeMemoryForth[node]! / memory;
  into[at + 14] = freeShare(nodes, node, nodes.freeDiskForth[node]!, nodes.freeSpindlesForth[node]!);
  into[at + 15] = nodes.usedCpusForth[node]! / cpus / speed;
  into[at + 16] = nodes.instanceSpindlesForth[node]! / high;
  into[at + 17] = nodes.locationScore[node]!;
  into[at + 18] = 0;
  into[at + 19] = reservedShare;
}

/** Mean and variance of one figure, summed in index order. */
export interface Spread {
  readonly count: number;
  readonly sum: number;
  readonly variance: number;
}

export function spreadOf(values: Float64Array, at: number, stride: number, count: number): Spread {
  let sum = 0;
  for (let i = 0, j = at; i < count; i++, j += stride) sum += values[j]!;
  const mean = sum / count;
  let squares = 0;
  for (let i = 0, j = at; i < count; i++, j += stride) {
    const deviation = values[j]! - mean;
    squares += deviation * deviation;
  }
  return { count, sum, variance: squares / count };
}

/** Pairs of (location, exclusion tag) that are there more than once on the given nodes. */
export function pairSurplus(nodes: NodeTable, online: readonly number[]): number {
  const total = new Map<string, number>();
  for (const node of online) addPairs(total, nodes.pairCounts[node]!);
  return surplus(total);
}

function addPairs(total: Map<string, number>, counts: Counts): void {
  for (const [pair, count] of counts) total.set(pair, (total.get(pair) ?? 0) + count);
}

/** The value of each figure over the listed nodes; empty when none of them is online. */
export function scoreComponents(nodes: NodeTable, list: readonly number[]): number[] {
  const online = list.filter((node) => nodes.offline[node] === 0);
  if (online.length === 0) return [];
  const width = componentCount;
  const values = new Float64Array(list.length * width);
  for (let i = 0; i < online.length; i++) nodeValues(nodes, online[i]!, values, i * width);
  let at = online.length;
  for (const node of list) if (nodes.offline[node] === 1) nodeValues(nodes, node, values, at++ * width);
  return aggregates.map((aggregate, k) => {
    if (aggregate === 'deviation') return Math.sqrt(spreadOf(values, k, width, online.length).variance);
    if (aggregate === 'pairs') return pairSurplus(nodes, online);
    const [from, to] = aggregate === 'sum' ? [0, online.length] : [online.length, list.length];
    let sum = 0;
    for (let i = from; i < to; i++) sum += values[i * width + k]!;
    return sum;
  });
}

/** The score of the listed nodes; smaller is better. */
export function clusterScore(nodes: NodeTable, list: readonly number[]): number {
  let score = 0;
  scoreComponents(nodes, list).forEach((value, k) => {
    score += weights[k]! * value;
  });
  return score;
}

/** The score that even a perfect balance keeps, because memory must stay free for failovers. */
export function optimalScore(nodes: NodeTable, list: readonly number[]): number {
  if (list.length <= 1) return 0;
  let memory = 0;
  let largest = Number.NEGATIVE_INFINITY;
  let reserved = 0;
  for (const node of list) {
    memory += nodes.totalMemory[node]!;
    largest = Math.max(largest, nodes.totalMemory[node]!);
    reserved += totalNeed(nodes.peers[node]!);
  }
  const oneLess = memory - largest;
  if (oneLess <= 0) return 0;
  return reservedTotalWeight * (reserved / oneLess - reserved / memory);
}
