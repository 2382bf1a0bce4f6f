/**
 * Which smaller sizes can make a difference. Shrinking goes in small units, but what a node says of an instance
 * only changes where its size passes something: free memory or disk of a node, what must stay reserved, a bound
 * of a policy. The sizes between two such points are all answered alike and need not be tried.
 */
import type { NodeTable } from '../state/node-table.ts';
import type { Instance } from '../terms/instance.ts';
import { Refusal } from '../terms/vocabulary.ts';
import { diskUnit, memoryUnit } from './shrink.ts';

export class SizeSteps {
  private readonly nodes: NodeTable;
  private readonly candidates: readonly number[];
  private memory: readonly number[] | undefined;
  private disk: readonly number[] | undefined;
  private cpus: readonly number[] | undefined;
  private spindles: readonly number[] | undefined;

  /** `candidates` are all nodes an instance may go to. */
  constructor(nodes: NodeTable, candidates: readonly number[]) {
    this.nodes = nodes;
    this.candidates = candidates;
  }

  /** Forgets the points, since the nodes changed. */
  reset(): void {
    this.memory = undefined;
    this.disk = undefined;
    this.cpus = undefined;
    this.spindles = undefined;
  }

  /**
   * The smallest size, when the instance shrinks in what was refused, that every node answers as it answers
   * this one; the instance itself when that isn't known.
   */
  alike(instance: Instance, refusal: Refusal): Instance {
    switch (refusal) {
      case Refusal.memory: {
        this.memory ??= descending(this.memoryPoints());
        const memory = lowestAlike(instance.memory, memoryUnit, this.memory);
        return memory === instance.memory ? instance : instance.with({ memory });
      }
      case Refusal.cpu: {
        this.cpus ??= descending(this.cpuPoints());
        const cpus = lowestAlike(instance.cpus, 1, this.cpus);
        return cpus === instance.cpus ? instance : instance.with({ cpus });
      }
      case Refusal.disk:
        return this.alikeInDisk(instance);
      case Refusal.spindles:
        return this.alikeInSpindles(instance);
      default:
        return instance;
    }
  }

  private alikeInDisk(instance: Instance): Instance {
    const [only] = instance.disks;
    if (instance.disks.length !== 1 || instance.otherVolumes !== undefined || only!.size !== instance.disk) {
      return instance;
    }
    this.disk ??= descending(this.diskPoints());
    const disk = lowestAlike(instance.disk, diskUnit, this.disk);
    return disk === instance.disk ? instance : instance.with({ disk, disks: [{ ...only!, size: disk }] });
  }

  private alikeInSpindles(instance: Instance): Instance {
    const [only] = instance.disks;
    if (instance.disks.length !== 1 || only?.spindles === undefined) return instance;
    this.spindles ??= descending(this.spindlePoints());
    const spindles = lowestAlike(only.spindles, 1, this.spindles);
    return spindles === only.spindles ? instance : instance.with({ disks: [{ ...only, spindles }] });
  }

  /** The greatest memory sizes of which nodes say something else than of larger ones. */
  private *memoryPoints(): Generator<number> {
    const { nodes } = this;
    for (const node of this.candidates) {
      const free = nodes.unallocatedMemory(node);
      yield free - 1;
      yield free - nodes.reservedMemory[node]! - 1;
      yield nodes.freeMemoryForth[node]! - 1;
      for (const peer of nodes.peers[node]!.memory) yield free - peer - 1;
      for (const { min, max } of nodes.policy[node]!.ranges) {
        yield max.memory;
        yield min.memory - 1;
      }
    }
  }

  /** The ratio is compared with a fraction, so a CPU more and one less are points too. */
  private *cpuPoints(): Generator<number> {
    const { nodes } = this;
    for (const node of this.candidates) {
      const most = Math.floor(nodes.cpuRatio[node]! * nodes.totalCpus[node]!);
      for (const used of [nodes.usedCpus[node]!, nodes.usedCpusForth[node]!]) {
        for (const near of [-1, 0, 1]) yield most - used + near;
      }
      for (const { min, max } of nodes.policy[node]!.ranges) {
        yield max.cpus;
        yield min.cpus - 1;
      }
    }
  }

  private *spindlePoints(): Generator<number> {
    const { nodes } = this;
    for (const node of this.candidates) {
      yield nodes.freeSpindles[node]!;
      yield nodes.freeSpindlesForth[node]!;
      for (const { min, max } of nodes.policy[node]!.ranges) {
        yield max.spindles;
        yield min.spindles - 1;
      }
    }
  }

  private *diskPoints(): Generator<number> {
    const { nodes } = this;
    for (const node of this.candidates) {
      for (const free of [nodes.freeDisk[node]!, nodes.freeDiskForth[node]!]) {
        yield free - 1;
        yield free - nodes.lowDisk[node]!;
      }
      for (const { min, max } of nodes.policy[node]!.ranges) {
        yield max.diskSize;
        yield min.diskSize - 1;
      }
    }
  }
}

function descending(points: Iterable<number>): number[] {
  return [...new Set(points)].sort((a, b) => b - a);
}

/** The lowest size, going down in units, above the next point; not below one unit. */
function lowestAlike(size: number, unit: number, points: readonly number[]): number {
  const next = points.find((point) => point < size) ?? 0;
  const floor = Math.max(next, unit - 1);
  return size - unit * Math.max(0, Math.ceil((size - floor) / unit) - 1);
}
