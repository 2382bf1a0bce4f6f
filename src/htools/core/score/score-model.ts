/**
 * The score of a change, from running sums: what the whole cluster's figures become when a few nodes change,
 * without looking at the other nodes. Accurate to about ten digits; `chooseBest` computes in full those
 * candidates that are too close to call, so that the choice is the one full computations would make.
 *
 * The sums are taken around the mean of the starting point and are made anew for each round of a search, so
 * nothing drifts.
 */
import type { NodeTable } from '../state/node-table.ts';
import {
  aggregates,
  clusterScore,
  componentCount,
  nodeValues,
  pairSurplus,
  spreadOf,
  weights,
} from './score.ts';

/** Scores nearer than this (relative to 1 + the score) are compared by a full computation. */
const tolerance = 1e-9;

/** How far apart two scores of this size must be to be told apart by their estimates. */
export function scoreMargin(score: number): number {
  return tolerance * (1 + Math.abs(score));
}

const width = componentCount;

export class ScoreModel {
  private readonly nodes: NodeTable;
  private readonly list: readonly number[];
  private readonly online: readonly number[];
  /** Row of a node in `values`, -1 for a node outside the list. */
  private readonly rowOf: Int32Array;
  private readonly values: Float64Array;
  private readonly mean = new Float64Array(width);
  /** Sum of squared deviations, or the plain sum. */
  private readonly total = new Float64Array(width);
  private readonly hasPairs: boolean;
  private readonly scratch = new Float64Array(width);
  private readonly shift = new Float64Array(width);
  private readonly change = new Float64Array(width);
  private readonly moved = new Float64Array(width);

  constructor(nodes: NodeTable, list: readonly number[]) {
    this.nodes = nodes;
    this.list = list;
    this.online = list.filter((node) => nodes.offline[node] === 0);
    this.rowOf = new Int32Array(nodes.size + 1).fill(-1);
    this.values = new Float64Array(list.length * width);
    this.hasPairs = list.some(
      (node) => nodes.pairCounts[node]!.size > 0 || nodes.locations[node]!.length > 0,
    );
    list.forEach((node, row) => {
      this.rowOf[node] = row;
      nodeValues(nodes, node, this.values, row * width);
    });
    this.sumUp();
  }

  /** Makes the sums anew from the rows. */
  private sumUp(): void {
    const { nodes, list } = this;
    const count = this.online.length;
    const column = new Float64Array(count);
    for (let k = 0; k < width; k++) {
      const offline = aggregates[k] === 'offline-sum';
      let at = 0;
      let sum = 0;
      for (let row = 0; row < list.length; row++) {
        const isOffline = nodes.offline[list[row]!] === 1;
        const value = this.values[row * width + k]!;
        if (!isOffline) column[at++] = value;
        if (isOffline === offline) sum += value;
      }
      if (aggregates[k] === 'deviation') {
        const spread = spreadOf(column, 0, 1, count);
        this.mean[k] = spread.sum / count;
        this.total[k] = spread.variance * count;
      } else {
        this.total[k] = sum;
      }
    }
  }

  /** Takes the present rows of these nodes as the new starting point. */
  settle(changed: readonly number[]): void {
    for (const node of changed) {
      const row = this.rowOf[node]!;
      if (row >= 0) nodeValues(this.nodes, node, this.values, row * width);
    }
    this.sumUp();
  }

  /**
   * The score with the present rows of the changed nodes, all others as at the starting point. A result
   * that could be off by more than the tolerance is computed in full instead.
   */
  estimate(changed: readonly number[]): number {
    const { change, moved, shift, scratch, nodes } = this;
    const count = this.online.length;
    if (count === 0) return 0;
    change.fill(0);
    moved.fill(0);
    shift.fill(0);
    for (const node of changed) {
      const row = this.rowOf[node]!;
      if (row < 0) continue;
      nodeValues(nodes, node, scratch, 0);
      const offline = nodes.offline[node] === 1;
      for (let k = 0; k < width; k++) {
        if ((aggregates[k] === 'offline-sum') !== offline) continue;
        const old = this.values[row * width + k]!;
        const delta = scratch[k]! - old;
        if (delta === 0) continue;
        const part = aggregates[k] === 'deviation' ? delta * (2 * (old - this.mean[k]!) + delta) : delta;
        shift[k]! += delta;
        change[k]! += part;
        moved[k]! += Math.abs(part);
      }
    }
    return this.weighted(count);
  }

  private weighted(count: number): number {
    const { change, moved, shift, total } = this;
    let score = 0;
    for (let k = 0; k < width; k++) {
      const weight = weights[k]!;
      const kind = aggregates[k];
      if (kind === 'deviation') {
        const base = total[k]!;
        const squares = base + change[k]! - (shift[k]! * shift[k]!) / count;
        if (squares < 1e-10 * (base + moved[k]!)) return clusterScore(this.nodes, this.list);
        score += weight * Math.sqrt(squares / count);
      } else if (kind === 'pairs') {
        if (this.hasPairs) score += weight * pairSurplus(this.nodes, this.online);
      } else {
        score += weight * (total[k]! + change[k]!);
      }
    }
    return score;
  }

  /** The score in full, as Ganeti computes it. */
  exact(): number {
    return clusterScore(this.nodes, this.list);
  }
}

/**
 * The candidate of the smallest score. `estimates` holds undefined for candidates that are out. Those too
 * close to the smallest are compared by `exact`; of equal ones the first or the last wins, as the search at
 * hand has it. Scores that are not a number (a node without spindles) win only when there is no other.
 */
export function chooseBest(
  estimates: readonly (number | undefined)[],
  exact: (candidate: number) => number,
  ties: 'first' | 'last',
): { readonly candidate: number; readonly score: number } | undefined {
  let smallest = Number.POSITIVE_INFINITY;
  for (const estimate of estimates) if (estimate !== undefined && estimate < smallest) smallest = estimate;
  if (smallest === Number.POSITIVE_INFINITY) {
    const isIn = (estimate: number | undefined) => estimate !== undefined;
    const candidate = ties === 'first' ? estimates.findIndex(isIn) : estimates.findLastIndex(isIn);
    return candidate < 0 ? undefined : { candidate, score: exact(candidate) };
  }
  const limit = smallest + scoreMargin(smallest);
  let best: { candidate: number; score: number } | undefined;
  for (let candidate = 0; candidate < estimates.length; candidate++) {
    if (!(estimates[candidate]! <= limit)) continue;
    const score = exact(candidate);
    if (best === undefined || score < best.score || (score === best.score && ties === 'last')) {
      best = { candidate, score };
    }
  }
  return best;
}
