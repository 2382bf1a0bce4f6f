/**
 * A balancing round that tries each move on the node table itself. It knows every feature (exclusive
 * storage, forthcoming instances, volume groups) and serves where `balance-fast.ts` doesn't.
 */

import { type ScoreModel, scoreMargin } from '../score/score-model.ts';
import { applyMove } from '../state/moves.ts';
import type { AlgorithmOptions } from '../terms/algorithm-options.ts';
import type { Part } from '../terms/cluster.ts';
import type { Instance } from '../terms/instance.ts';
import { failover, type Move, Refusal } from '../terms/vocabulary.ts';
import { movableInstances, type Placement, situationOf, targetKinds } from './candidates.ts';

interface Candidate {
  readonly instance: Instance;
  readonly move: Move;
  readonly estimate: number;
}

/** All moves of an instance, in order. */
export function movesOf(part: Part, instance: Instance, options: AlgorithmOptions): Move[] {
  const situation = situationOf(part, instance, options);
  const moves: Move[] = situation.mirror === 'internal' && situation.useSecondary ? [failover] : [];
  const kinds = targetKinds(situation, options);
  if (kinds.length === 0) return moves;
  for (const target of part.list) {
    if (part.nodes.offline[target] === 1) continue;
    if (target === instance.primary || target === instance.secondary) continue;
    for (const kind of kinds) moves.push({ kind, target });
  }
  return moves;
}

/** The exact score after a move, with the move taken back; undefined when it is refused. */
export function scoreAfter(
  part: Part,
  model: ScoreModel,
  instance: Instance,
  move: Move,
  force: boolean,
): Placement | undefined {
  const mark = part.nodes.mark();
  const refused = applyMove(part.nodes, instance, move, force);
  const placement =
    refused === Refusal.none
      ? {
          instance: instance.index,
          primary: instance.primary,
          secondary: instance.secondary,
          move,
          score: model.exact(part.nodes.touchedSince(mark)),
        }
      : undefined;
  part.nodes.rollback(mark);
  return placement;
}

/** The first of the moves with the smallest score, when that is below `below`. */
export function firstBest(
  part: Part,
  model: ScoreModel,
  candidates: readonly { readonly instance: Instance; readonly move: Move }[],
  below: number,
  force: boolean,
): Placement | undefined {
  let best: Placement | undefined;
  for (const { instance, move } of candidates) {
    const placement = scoreAfter(part, model, instance, move, force);
    if (placement !== undefined && (best?.score ?? below) > placement.score) best = placement;
  }
  return best;
}

/** The best move of the round, or undefined when none improves on `score`. */
export function bestMoveGeneral(
  part: Part,
  options: AlgorithmOptions,
  model: ScoreModel,
  score: number,
): Placement | undefined {
  const { nodes } = part;
  const force = options.ignoreSoftErrors;
  const margin = scoreMargin(score);
  let limit = score + margin;
  let near: Candidate[] = [];
  for (const instance of movableInstances(part, options)) {
    for (const move of movesOf(part, instance, options)) {
      const mark = nodes.mark();
      if (applyMove(nodes, instance, move, force) === Refusal.none) {
        const estimate = model.estimate(nodes.touchedSince(mark));
        if (estimate <= limit) {
          near.push({ instance, move, estimate });
          limit = Math.min(limit, estimate + margin);
        }
      }
      nodes.rollback(mark);
    }
  }
  near = near.filter((candidate) => candidate.estimate <= limit);
  return firstBest(part, model, near, score, force);
}
