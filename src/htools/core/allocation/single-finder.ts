/**
 * Finds the best node for an instance that comes onto one node. What putting it on does to each node is kept
 * and made anew only for nodes that changed, so that many like instances can be placed one after the other.
 */

import { componentCount, nodeValues } from '../score/score.ts';
import { chooseBest, ScoreModel } from '../score/score-model.ts';
import type { NodeTable } from '../state/node-table.ts';
import { Refusal } from '../terms/vocabulary.ts';

const width = componentCount;

/** Puts the instance on a node, or says why not. */
export type Put = (node: number) => Refusal;

export class SingleFinder {
  private readonly nodes: NodeTable;
  private readonly candidates: readonly number[];
  private readonly put: Put;
  private readonly model: ScoreModel;
  private readonly values: Float64Array;
  private readonly refusal: Uint8Array;
  /** Figures that are sums over pairs of tags can't be kept per node. */
  private readonly keepsValues: boolean;

  constructor(nodes: NodeTable, list: readonly number[], candidates: readonly number[], put: Put) {
    this.nodes = nodes;
    this.candidates = candidates;
    this.put = put;
    this.model = new ScoreModel(nodes, list);
    this.values = new Float64Array(nodes.size * width);
    this.refusal = new Uint8Array(nodes.size);
    this.keepsValues = !list.some((node) => nodes.locations[node]!.length > 0);
    for (const node of candidates) this.look(node);
  }

  private look(node: number): void {
    const { nodes } = this;
    const mark = nodes.mark();
    const refused = this.put(node);
    this.refusal[node] = refused;
    if (refused === Refusal.none) nodeValues(nodes, node, this.values, node * width);
    nodes.rollback(mark);
  }

  /** Notes that these nodes changed. */
  refresh(changed: readonly number[]): void {
    const isCandidate = (node: number) => this.candidates.includes(node);
    for (const node of changed) if (isCandidate(node)) this.look(node);
    this.model.settle(changed);
  }

  private evaluated(node: number, evaluate: (values: Float64Array, at: number) => number): number {
    if (this.keepsValues) return evaluate(this.values, node * width);
    const { nodes } = this;
    const mark = nodes.mark();
    this.put(node);
    const score = evaluate(this.values, node * width);
    nodes.rollback(mark);
    return score;
  }

  /** The node after which the score is best, the last of those that tie; undefined when none takes it. */
  best(): number | undefined {
    const { candidates, model } = this;
    const estimates = candidates.map((node) =>
      this.refusal[node] === Refusal.none
        ? this.evaluated(node, (values, at) => model.estimateRow(node, values, at))
        : undefined,
    );
    const exact = (candidate: number) => {
      const node = candidates[candidate]!;
      return this.evaluated(node, (values, at) => model.exactRow(node, values, at));
    };
    const best = chooseBest(estimates, exact, 'last');
    return best === undefined ? undefined : candidates[best.candidate];
  }

  /** How often each refusal comes up, added to `failures`. */
  countRefusals(failures: Uint32Array): void {
    for (const node of this.candidates) {
      if (this.refusal[node] !== Refusal.none) failures[this.refusal[node]!]!++;
    }
  }
}
