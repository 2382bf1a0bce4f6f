/**
 * The score of a change, from running sums: what the whole cluster's figures become when a few nodes change,
 * without looking at the other nodes. Accurate to about ten digits; `chooseBest` computes in full those
 * candidates that are too close to call, so that the choice is the one full computations would make.
 *
 * The sums are taken around the mean of the starting point and are made anew for each round of a search, so
 * nothing drifts. The full computation adds up in Ganeti's order; figures that don't change keep their value.
 */
import type { NodeTable } from '../state/node-table.ts';
import { aggregates, componentCount, nodeValues, pairSurplus, weights } from './score.ts';

/** Scores nearer than this (relative to 1 + the score) are compared by a full computation. */
const tolerance = 1e-9;

/** How far apart two scores of this size must be to be told apart by their estimates. */
export function scoreMargin(score: number): number {
  return tolerance * (1 + Math.abs(score));
}

const width = componentCount;

/** Rows that a change may touch at once: primary, secondary, target. */
const maximumChanged = 8;

export class ScoreModel {
  private readonly nodes: NodeTable;
  private readonly online: readonly number[];
  /** Row of a node in the columns; -1 for offline nodes and those outside the list. */
  private readonly rowOf: Int32Array;
  private readonly offlineOf: Uint8Array;
  /** Values of the online nodes, figure by figure. */
  private readonly columns: readonly Float64Array[];
  /** Values of the offline nodes of the list, node by node, at their node index. */
  private readonly offlineValues: Float64Array;
  private readonly mean = new Float64Array(width);
  /** Sum of squared deviations, or the plain sum. */
  private readonly total = new Float64Array(width);
  /** The figures' exact values. */
  private readonly base = new Float64Array(width);
  private readonly hasPairs: boolean;
  private changedCount = 0;
  private readonly changedRows = new Int32Array(maximumChanged);
  private readonly changedValues = new Float64Array(maximumChanged * width);
  /** What a change adds to the two sums over offline nodes. */
  private readonly offlineChange = new Float64Array(width);

  constructor(nodes: NodeTable, list: readonly number[]) {
    this.nodes = nodes;
    this.online = list.filter((node) => nodes.offline[node] === 0);
    this.rowOf = new Int32Array(nodes.size).fill(-1);
    this.offlineOf = new Uint8Array(nodes.size);
    this.online.forEach((node, row) => {
      this.rowOf[node] = row;
    });
    this.columns = aggregates.map(() => new Float64Array(this.online.length));
    const offline = list.filter((node) => nodes.offline[node] === 1);
    for (const node of offline) this.offlineOf[node] = 1;
    this.offlineValues = new Float64Array(offline.length === 0 ? 0 : nodes.size * width);
    this.hasPairs = list.some(
      (node) => nodes.pairCounts[node]!.size > 0 || nodes.locations[node]!.length > 0,
    );
    this.settle(list);
  }

  /** Takes the present rows of these nodes as the new starting point. */
  settle(changed: readonly number[]): void {
    const { nodes, columns, rowOf } = this;
    const row = new Float64Array(width);
    for (const node of changed) {
      if (this.offlineOf[node] === 1) nodeValues(nodes, node, this.offlineValues, node * width);
      const at = rowOf[node]!;
      if (at < 0) continue;
      nodeValues(nodes, node, row, 0);
      for (let k = 0; k < width; k++) columns[k]![at] = row[k]!;
    }
    this.sumUp();
  }

  private sumUp(): void {
    const count = this.online.length;
    for (let k = 0; k < width; k++) {
      const column = this.columns[k]!;
      let sum = 0;
      if (aggregates[k] === 'offline-sum') {
        for (let at = k; at < this.offlineValues.length; at += width) sum += this.offlineValues[at]!;
      } else for (let i = 0; i < count; i++) sum += column[i]!;
      if (aggregates[k] === 'deviation') {
        const mean = sum / count;
        let squares = 0;
        for (let i = 0; i < count; i++) {
          const deviation = column[i]! - mean;
          squares += deviation * deviation;
        }
        this.mean[k] = mean;
        this.total[k] = squares;
        this.base[k] = Math.sqrt(squares / count);
      } else {
        this.total[k] = sum;
        this.base[k] = aggregates[k] === 'pairs' ? this.pairs() : sum;
      }
    }
  }

  private pairs(): number {
    return this.hasPairs ? pairSurplus(this.nodes, this.online) : 0;
  }

  /** Notes one node's values after the change. */
  private note(node: number, values: Float64Array, at: number): void {
    if (this.offlineOf[node] === 1) {
      for (let k = 0; k < width; k++) {
        this.offlineChange[k]! += values[at + k]! - this.offlineValues[node * width + k]!;
      }
    }
    const row = this.rowOf[node]!;
    if (row < 0) return;
    const slot = this.changedCount++ * width;
    this.changedRows[this.changedCount - 1] = row;
    for (let k = 0; k < width; k++) this.changedValues[slot + k] = values[at + k]!;
  }

  private notePresent(changed: readonly number[]): void {
    this.changedCount = 0;
    this.offlineChange.fill(0);
    const row = new Float64Array(width);
    for (const node of changed) {
      nodeValues(this.nodes, node, row, 0);
      this.note(node, row, 0);
    }
  }

  /** The score with the present rows of the changed nodes, all others as at the starting point. */
  estimate(changed: readonly number[]): number {
    this.notePresent(changed);
    return this.estimateNoted();
  }

  /** The same in full, as Ganeti computes it. */
  exact(changed: readonly number[]): number {
    this.notePresent(changed);
    return this.exactNoted();
  }

  /** The score with one node's values as given. */
  estimateRow(node: number, values: Float64Array, at: number): number {
    this.changedCount = 0;
    this.offlineChange.fill(0);
    this.note(node, values, at);
    return this.estimateNoted();
  }

  /** The same in full. */
  exactRow(node: number, values: Float64Array, at: number): number {
    this.changedCount = 0;
    this.offlineChange.fill(0);
    this.note(node, values, at);
    return this.exactNoted();
  }

  private sumChange(k: number): number {
    if (aggregates[k] === 'offline-sum') return this.offlineChange[k]!;
    let change = 0;
    for (let i = 0; i < this.changedCount; i++) {
      change += this.changedValues[i * width + k]! - this.columns[k]![this.changedRows[i]!]!;
    }
    return change;
  }

  /** Falls back to the full computation when the result could be off by more than the tolerance. */
  private estimateNoted(): number {
    const count = this.online.length;
    if (count === 0) return 0;
    let score = 0;
    for (let k = 0; k < width; k++) {
      const weight = weights[k]!;
      const kind = aggregates[k];
      if (kind === 'deviation') {
        const column = this.columns[k]!;
        const mean = this.mean[k]!;
        const squares = this.total[k]!;
        let change = 0;
        let moved = 0;
        let shift = 0;
        for (let i = 0; i < this.changedCount; i++) {
          const old = column[this.changedRows[i]!]!;
          const delta = this.changedValues[i * width + k]! - old;
          const part = delta * (2 * (old - mean) + delta);
          shift += delta;
          change += part;
          moved += Math.abs(part);
        }
        const after = squares + change - (shift * shift) / count;
        if (after < 1e-10 * (squares + moved)) return this.exactNoted();
        score += weight * Math.sqrt(after / count);
      } else if (kind === 'pairs') score += weight * this.pairs();
      else score += weight * (this.total[k]! + this.sumChange(k));
    }
    return score;
  }

  private exactNoted(): number {
    if (this.online.length === 0) return 0;
    let score = 0;
    for (let k = 0; k < width; k++) {
      const kind = aggregates[k];
      let value: number;
      if (kind === 'deviation') value = this.exactDeviation(k);
      else if (kind === 'pairs') value = this.pairs();
      else if (kind === 'offline-sum') value = this.total[k]! + this.offlineChange[k]!;
      else value = this.exactSum(k);
      score += weights[k]! * value;
    }
    return score;
  }

  private isChanged(k: number): boolean {
    const column = this.columns[k]!;
    for (let i = 0; i < this.changedCount; i++) {
      if (this.changedValues[i * width + k] !== column[this.changedRows[i]!]) return true;
    }
    return false;
  }

  /** Puts the changed values into the column, or takes them out again. */
  private exchange(k: number): void {
    const column = this.columns[k]!;
    for (let i = 0; i < this.changedCount; i++) {
      const row = this.changedRows[i]!;
      const value = column[row]!;
      column[row] = this.changedValues[i * width + k]!;
      this.changedValues[i * width + k] = value;
    }
  }

  private exactSum(k: number): number {
    if (!this.isChanged(k)) return this.base[k]!;
    this.exchange(k);
    const column = this.columns[k]!;
    let sum = 0;
    for (let i = 0; i < column.length; i++) sum += column[i]!;
    this.exchange(k);
    return sum;
  }

  private exactDeviation(k: number): number {
    if (!this.isChanged(k)) return this.base[k]!;
    this.exchange(k);
    const column = this.columns[k]!;
    const count = column.length;
    let sum = 0;
    for (let i = 0; i < count; i++) sum += column[i]!;
    const mean = sum / count;
    let squares = 0;
    for (let i = 0; i < count; i++) {
      const deviation = column[i]! - mean;
      squares += deviation * deviation;
    }
    this.exchange(k);
    return Math.sqrt(squares / count);
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
