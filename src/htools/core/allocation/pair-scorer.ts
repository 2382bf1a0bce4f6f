/**
 * The score of a cluster after an instance came onto two of its nodes, from the figures before. Unlike a move
 * of hbal, an allocation is scored this way by Ganeti too, so the formula is its own, digit by digit.
 */
import { aggregates, componentCount, nodeValues, pairSurplus, spreadOf, weights } from '../score/score.ts';
import type { NodeTable } from '../state/node-table.ts';

const width = componentCount;

/** Values of one node before and after the change. */
export interface NodeChange {
  readonly offline: boolean;
  readonly before: Float64Array;
  readonly after: Float64Array;
}

export class PairScorer {
  private readonly nodes: NodeTable;
  /** Nodes whose score counts, the offline ones last. */
  private readonly rows: readonly number[];
  private readonly rowOf = new Map<number, number>();
  private readonly values: Float64Array;
  private readonly pairsChange: boolean;
  /** Online nodes. */
  readonly count: number;
  /** Sum of each figure, and variance of those that are deviations. */
  readonly sum = new Float64Array(width);
  readonly variance = new Float64Array(width);
  /** Location pairs that are there more than once, before the change. */
  pairs = 0;

  /** `pairsChange` says whether the instance has tags that count per location. */
  constructor(nodes: NodeTable, list: readonly number[], pairsChange: boolean) {
    this.nodes = nodes;
    this.pairsChange = pairsChange && list.some((node) => nodes.locations[node]!.length > 0);
    const online = list.filter((node) => nodes.offline[node] === 0);
    this.rows = [...online, ...list.filter((node) => nodes.offline[node] === 1)];
    this.count = online.length;
    this.values = new Float64Array(list.length * width);
    this.rows.forEach((node, row) => {
      this.rowOf.set(node, row);
    });
    this.refresh(this.rows);
  }

  /** Takes the present rows of these nodes as the starting point. */
  refresh(changed: readonly number[]): void {
    const { nodes, values, count, rows } = this;
    for (const node of changed) nodeValues(nodes, node, values, this.rowOf.get(node)! * width);
    for (let k = 0; k < width; k++) {
      if (aggregates[k] === 'deviation') {
        const spread = spreadOf(values, k, width, count);
        this.sum[k] = spread.sum;
        this.variance[k] = spread.variance;
        continue;
      }
      const [from, to] = aggregates[k] === 'offline-sum' ? [count, rows.length] : [0, count];
      let sum = 0;
      for (let row = from; row < to; row++) sum += values[row * width + k]!;
      this.sum[k] = sum;
    }
    this.pairs = pairSurplus(nodes, rows.slice(0, count));
  }

  /** The score after both changes; the node table holds them already. */
  score(first: NodeChange, second: NodeChange): number {
    if (this.count === 0) return 0;
    let score = 0;
    for (let k = 0; k < width; k++) {
      const kind = aggregates[k];
      if (kind === 'deviation') score += weights[k]! * Math.sqrt(this.varianceAfter(k, first, second));
      else if (kind === 'pairs') score += weights[k]! * this.pairsNow();
      else score += weights[k]! * this.sumAfter(k, kind === 'offline-sum', first, second);
    }
    return score;
  }

  private pairsNow(): number {
    return this.pairsChange ? pairSurplus(this.nodes, this.rows.slice(0, this.count)) : this.pairs;
  }

  private varianceAfter(k: number, first: NodeChange, second: NodeChange): number {
    const count = this.count;
    let sum = this.sum[k]!;
    let variance = this.variance[k]!;
    for (const { offline, before, after } of [first, second]) {
      if (offline) continue;
      const x = before[k]!;
      const y = after[k]!;
      const delta = y - x;
      const squares = y * y - x * x;
      const change = count * squares - 2 * sum * delta - delta * delta;
      const changed = variance + change / (count * count);
      sum += delta;
      variance = changed >= 0 ? changed : 0;
    }
    return variance;
  }

  private sumAfter(k: number, ofOffline: boolean, first: NodeChange, second: NodeChange): number {
    let sum = this.sum[k]!;
    for (const { offline, before, after } of [first, second]) {
      if (offline === ofOffline) sum += after[k]! - before[k]!;
    }
    return sum;
  }
}
