/** Sums over the nodes: what the cluster has, what is free, what instances use (hspace). */

import { clusterScore } from '../score/score.ts';
import type { NodeTable } from './node-table.ts';

/** Memory that can be given to instances with what must stay reserved left alone. */
export function availableMemory(nodes: NodeTable, node: number): number {
  return Math.max(0, nodes.unallocatedMemory(node) - nodes.reservedMemory[node]!);
}

export function availableDisk(nodes: NodeTable, node: number): number {
  return Math.max(0, nodes.freeDisk[node]! - nodes.lowDisk[node]!);
}

export function availableCpus(nodes: NodeTable, node: number): number {
  return Math.max(0, nodes.highCpu[node]! - nodes.usedCpus[node]!);
}

/** Memory and disk in MiB. */
export interface Resources {
  freeMemory: number;
  freeDisk: number;
  freeSpindles: number;
  availableMemory: number;
  availableDisk: number;
  availableCpus: number;
  /** The most one node has available. */
  largestMemory: number;
  largestDisk: number;
  largestCpus: number;
  instanceMemory: number;
  instanceDisk: number;
  instanceSpindles: number;
  instanceCpus: number;
  totalMemory: number;
  totalDisk: number;
  totalSpindles: number;
  totalCpus: number;
  virtualCpus: number;
  /** Instances' CPUs in terms of physical ones. */
  normalCpus: number;
  unaccountedMemory: number;
  nodeMemory: number;
  instances: number;
  score: number;
}

export function totalResources(nodes: NodeTable, list: readonly number[]): Resources {
  const sums: Resources = {
    freeMemory: 0,
    freeDisk: 0,
    freeSpindles: 0,
    availableMemory: 0,
    availableDisk: 0,
    availableCpus: 0,
    largestMemory: 0,
    largestDisk: 0,
    largestCpus: 0,
    instanceMemory: 0,
    instanceDisk: 0,
    instanceSpindles: 0,
    instanceCpus: 0,
    totalMemory: 0,
    totalDisk: 0,
    totalSpindles: 0,
    totalCpus: 0,
    virtualCpus: 0,
    normalCpus: 0,
    unaccountedMemory: 0,
    nodeMemory: 0,
    instances: 0,
    score: clusterScore(nodes, list),
  };
  for (const node of list) {
    const memory = availableMemory(nodes, node);
    const disk = availableDisk(nodes, node);
    const cpus = availableCpus(nodes, node);
    sums.freeMemory += nodes.unallocatedMemory(node);
    sums.freeDisk += nodes.freeDisk[node]!;
    sums.freeSpindles += nodes.freeSpindles[node]!;
    sums.availableMemory += memory;
    sums.availableDisk += disk;
    sums.availableCpus += cpus;
    sums.largestMemory = Math.max(sums.largestMemory, memory);
    sums.largestDisk = Math.max(sums.largestDisk, disk);
    sums.largestCpus = Math.max(sums.largestCpus, cpus);
    sums.instanceMemory += nodes.instanceMemory[node]!;
    sums.instanceDisk += Math.trunc(nodes.totalDisk[node]!) - nodes.freeDisk[node]!;
    sums.instanceSpindles += nodes.totalSpindles[node]! - nodes.freeSpindles[node]!;
    sums.instanceCpus += nodes.usedCpus[node]!;
    sums.totalMemory += nodes.totalMemory[node]!;
    sums.totalDisk += nodes.totalDisk[node]!;
    sums.totalSpindles += nodes.totalSpindles[node]!;
    sums.totalCpus += nodes.totalCpus[node]!;
    sums.virtualCpus += nodes.highCpu[node]!;
    sums.normalCpus += nodes.usedCpus[node]! / nodes.cpuRatio[node]!;
    sums.unaccountedMemory += nodes.unaccountedMemory[node]!;
    sums.nodeMemory += nodes.nodeMemory[node]!;
    sums.instances += nodes.primaries[node]!.length;
  }
  return sums;
}
