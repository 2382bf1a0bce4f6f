/**
 * Balancing: round after round the one move that lowers the score most, until none does (hbal(1)).
 */

import { clusterScore } from '../score/score.ts';
import { ScoreModel } from '../score/score-model.ts';
import { applyMove } from '../state/moves.ts';
import type { AlgorithmOptions } from '../terms/algorithm-options.ts';
import type { Part } from '../terms/cluster.ts';
import type { Instance } from '../terms/instance.ts';
import type { Placement } from './candidates.ts';
import { FastSearch, fastSearchServes } from './fast.ts';
import { bestMoveGeneral } from './general.ts';

/** A step that was made, and where its instance was before. */
export interface Step {
  readonly instance: Instance;
  readonly before: { readonly primary: number; readonly secondary: number };
  readonly placement: Placement;
}

/** Balances one part of a cluster; each `step` makes its move on the part. */
export class Balancer {
  readonly part: Part;
  private readonly options: AlgorithmOptions;
  private readonly byIndex: ReadonlyMap<number, Instance>;
  private readonly model: ScoreModel;
  /** Undefined where the part has something that only the general search knows. */
  private readonly fast: FastSearch | undefined;
  private current: number;

  constructor(part: Part, options: AlgorithmOptions) {
    this.part = part;
    this.options = options;
    this.byIndex = new Map(part.instances.map((instance) => [instance.index, instance]));
    this.model = new ScoreModel(part.nodes, part.list);
    this.fast = fastSearchServes(part) ? new FastSearch(part, options) : undefined;
    this.current = clusterScore(part.nodes, part.list);
  }

  get score(): number {
    return this.current;
  }

  /** Makes the best move and returns it; undefined when no move gains enough. */
  step(): Step | undefined {
    const { options, part, current } = this;
    if (Number.isNaN(current)) return undefined;
    const best =
      this.fast === undefined
        ? bestMoveGeneral(part, options, this.model, current)
        : this.fast.bestMove(this.model, current);
    if (best === undefined) return undefined;
    const gain = current - best.score;
    if (current <= options.minGainLimit && gain < options.minGain) return undefined;
    const instance = this.byIndex.get(best.instance)!;
    const before = { primary: instance.primary, secondary: instance.secondary };
    const mark = part.nodes.mark();
    applyMove(part.nodes, instance, best.move, options.ignoreSoftErrors);
    const changed = part.nodes.touchedSince(mark);
    part.nodes.release(mark);
    this.model.settle(changed);
    this.fast?.refresh(changed);
    this.current = best.score;
    return { instance, before, placement: best };
  }
}
