/**
 * The nodes of a part as the fast search reads them: flat columns by position in the part's list, refreshed
 * for the few nodes that a step changed, and the figures of the score around their means, made anew each
 * round.
 */
import { migrationRefused, sharedLocations } from '../state/node-operations.ts';
import type { NodeTable } from '../state/node-table.ts';
import { Refusal } from '../terms/vocabulary.ts';

/** Figures of the score that are deviations, as the search counts them; equal ones are counted as one. */
export const Figure = {
  memory: 0,
  disk: 1,
  reserved: 2,
  cpu: 3,
  cpuLoad: 4,
  diskLoad: 5,
  spindles: 6,
  memoryForth: 7,
  memoryLoad: 8,
  networkLoad: 9,
} as const;
export const figureCount = 10;

/** Weights of the figures; the "forth" twins of disk, CPU and spindles are in theirs. */
const baseWeights = [0.5, 1, 1, 1, 1, 1, 1, 0.5, 1, 1];

export class Columns {
  readonly nodes: NodeTable;
  /** Node indexes by position. */
  readonly list: readonly number[];
  readonly size: number;
  readonly online: readonly number[];
  readonly isOffline: Uint8Array;
  /** Position of a node index; -1 when it isn't in the list. */
  readonly positionOf: Int32Array;

  readonly unallocated: Float64Array;
  readonly reserved: Float64Array;
  /** The second greatest need of a peer; what stays reserved when the greatest one goes. */
  readonly nextReserved: Float64Array;
  readonly freeDisk: Float64Array;
  readonly lowDisk: Float64Array;
  readonly usedCpus: Float64Array;
  readonly totalCpus: Float64Array;
  readonly cpuRatio: Float64Array;
  readonly freeMemoryForth: Float64Array;
  readonly spindles: Float64Array;
  readonly highSpindles: Float64Array;
  readonly totalMemory: Float64Array;
  /** Instances on the node in either role. */
  readonly population: Float64Array;
  /** Memory that primaries of a node need on another: [on * size + of]. */
  readonly peers: Int32Array;
  /** Whether an instance can't go live from one node to another: [from * size + to]; undefined when all can. */
  readonly immobile: Uint8Array | undefined;
  /** Failure domains two nodes share: [a * size + b]; undefined when no node has any. */
  readonly shared: Uint8Array | undefined;

  readonly weights: Float64Array;
  /** Value of each figure less its mean: [position * figureCount + figure]; 0 for offline nodes. */
  readonly centred: Float64Array;
  /** What one unit of the resource does to the figure; 0 for offline nodes. */
  readonly unit: Float64Array;
  /** Sum of squares of `centred`. */
  readonly squares = new Float64Array(figureCount);
  private readonly values: Float64Array;

  constructor(nodes: NodeTable, list: readonly number[], loadsAreEqual: boolean) {
    const size = list.length;
    this.nodes = nodes;
    this.list = list;
    this.size = size;
    this.positionOf = new Int32Array(nodes.size).fill(-1);
    list.forEach((node, position) => {
      this.positionOf[node] = position;
    });
    this.isOffline = Uint8Array.from(list, (node) => nodes.offline[node]!);
    this.online = list.flatMap((node, position) => (nodes.offline[node] === 0 ? [position] : []));
    const column = (from: Float64Array) => Float64Array.from(list, (node) => from[node]!);
    this.lowDisk = column(nodes.lowDisk);
    this.totalCpus = column(nodes.totalCpus);
    this.cpuRatio = column(nodes.cpuRatio);
    this.highSpindles = column(nodes.highSpindles);
    this.totalMemory = column(nodes.totalMemory);
    this.unallocated = new Float64Array(size);
    this.reserved = new Float64Array(size);
    this.nextReserved = new Float64Array(size);
    this.freeDisk = new Float64Array(size);
    this.usedCpus = new Float64Array(size);
    this.freeMemoryForth = new Float64Array(size);
    this.spindles = new Float64Array(size);
    this.population = new Float64Array(size);
    this.peers = new Int32Array(size * size);
    this.immobile = this.migrationMatrix();
    this.shared = this.locationMatrix();
    this.weights = Float64Array.from(baseWeights);
    if (loadsAreEqual) {
      this.weights[Figure.cpuLoad] = 3;
      this.weights[Figure.memoryLoad] = 0;
      this.weights[Figure.networkLoad] = 0;
    }
    this.values = new Float64Array(size * figureCount);
    this.centred = new Float64Array(size * figureCount);
    this.unit = new Float64Array(size * figureCount);
    for (let position = 0; position < size; position++) {
      this.setUnits(position);
      this.refresh(position);
    }
  }

  private migrationMatrix(): Uint8Array | undefined {
    const { nodes, list, size } = this;
    if (list.every((node) => nodes.migrationTags[node]!.length === 0)) return undefined;
    const matrix = new Uint8Array(size * size);
    for (let from = 0; from < size; from++) {
      for (let to = 0; to < size; to++) {
        if (migrationRefused(nodes, list[from]!, list[to]!) !== Refusal.none) matrix[from * size + to] = 1;
      }
    }
    return matrix;
  }

  private locationMatrix(): Uint8Array | undefined {
    const { nodes, list, size } = this;
    if (list.every((node) => nodes.locations[node]!.length === 0)) return undefined;
    const matrix = new Uint8Array(size * size);
    for (let a = 0; a < size; a++) {
      for (let b = 0; b < size; b++) matrix[a * size + b] = sharedLocations(nodes, list[a]!, list[b]!);
    }
    return matrix;
  }

  private setUnits(position: number): void {
    if (this.isOffline[position] === 1) return;
    const { nodes, unit } = this;
    const node = this.list[position]!;
    const at = position * figureCount;
    const memory = 1 / nodes.totalMemory[node]!;
    unit[at + Figure.memory] = memory;
    unit[at + Figure.reserved] = memory;
    unit[at + Figure.memoryForth] = memory;
    unit[at + Figure.disk] = nodes.totalDisk[node] === 0 ? 0 : 1 / nodes.totalDisk[node]!;
    unit[at + Figure.cpu] = 1 / (nodes.totalCpus[node]! * nodes.cpuSpeed[node]!);
    unit[at + Figure.cpuLoad] = 1;
    unit[at + Figure.memoryLoad] = 1;
    unit[at + Figure.diskLoad] = 1;
    unit[at + Figure.networkLoad] = 1;
    unit[at + Figure.spindles] = 1 / nodes.highSpindles[node]!;
  }

  /** Reads the node's row again. */
  refresh(position: number): void {
    const { nodes, values } = this;
    const node = this.list[position]!;
    this.unallocated[position] = nodes.unallocatedMemory(node);
    this.reserved[position] = nodes.reservedMemory[node]!;
    this.freeDisk[position] = nodes.freeDisk[node]!;
    this.usedCpus[position] = nodes.usedCpus[node]!;
    this.freeMemoryForth[position] = nodes.freeMemoryForth[node]!;
    this.spindles[position] = nodes.instanceSpindles[node]!;
    this.population[position] = nodes.primaries[node]!.length + nodes.secondaries[node]!.length;
    this.refreshPeers(position);
    const at = position * figureCount;
    const memory = nodes.totalMemory[node]!;
    const disk = nodes.totalDisk[node]!;
    values[at + Figure.memory] = this.unallocated[position]! / memory;
    values[at + Figure.disk] = disk === 0 ? 1 : nodes.freeDisk[node]! / disk;
    values[at + Figure.reserved] = this.reserved[position]! / memory;
    values[at + Figure.cpu] = nodes.usedCpus[node]! / nodes.totalCpus[node]! / nodes.cpuSpeed[node]!;
    values[at + Figure.cpuLoad] = nodes.cpuLoad[node]!;
    values[at + Figure.memoryLoad] = nodes.memoryLoad[node]!;
    values[at + Figure.diskLoad] = nodes.diskLoad[node]!;
    values[at + Figure.networkLoad] = nodes.networkLoad[node]!;
    values[at + Figure.spindles] = nodes.instanceSpindles[node]! / nodes.highSpindles[node]!;
    values[at + Figure.memoryForth] = nodes.freeMemoryForth[node]! / memory;
  }

  private refreshPeers(position: number): void {
    const { peers, size } = this;
    const { nodes: of, memory } = this.nodes.peers[this.list[position]!]!;
    peers.fill(0, position * size, (position + 1) * size);
    of.forEach((peer, i) => {
      const other = this.positionOf[peer]!;
      if (other >= 0) peers[position * size + other] = memory[i]!;
    });
    this.nextReserved[position] = memory[1] ?? 0;
  }

  /** Centres the figures around their present means. */
  beginRound(): void {
    const { online, values, centred, squares } = this;
    for (let k = 0; k < figureCount; k++) {
      let sum = 0;
      for (const position of online) sum += values[position * figureCount + k]!;
      const mean = sum / online.length;
      let total = 0;
      for (const position of online) {
        const deviation = values[position * figureCount + k]! - mean;
        centred[position * figureCount + k] = deviation;
        total += deviation * deviation;
      }
      squares[k] = total;
    }
  }
}
