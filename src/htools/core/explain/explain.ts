/**
 * Answers to "why not there?": what each move of an instance would bring or who refuses it, and which nodes
 * refuse a new instance. The tries are made on the node table, with a witness, and taken back.
 */
import { type AllocationSituation, putOnPair, putOnSingle, type Targets } from '../allocation/allocate.ts';
import { RedundancyJudge } from '../allocation/global-redundancy.ts';
import { scoreAfter } from '../balance/general.ts';
import { ScoreModel } from '../score/score-model.ts';
import type { NodeTable, Witness } from '../state/node-table.ts';
import type { AlgorithmOptions } from '../terms/algorithm-options.ts';
import type { Part } from '../terms/cluster.ts';
import type { Instance } from '../terms/instance.ts';
import { checkPolicy } from '../terms/policy.ts';
import { type Move, noNode, Refusal } from '../terms/vocabulary.ts';
import { migrationReason, policyReason, primaryReason, type Reason, secondaryReason } from './reason.ts';

/** Runs something and returns the first refusal that came up meanwhile. */
function firstRefusal(nodes: NodeTable, run: () => void): Reason | undefined {
  let reason: Reason | undefined;
  const witness: Witness = {
    primary: (refusal, node, instance) => {
      reason ??= primaryReason(nodes, refusal, node, instance);
    },
    secondary: (refusal, node, instance, primary) => {
      reason ??= secondaryReason(nodes, refusal, node, instance, primary);
    },
    migration: (from, to) => {
      reason ??= migrationReason(nodes, from, to);
    },
  };
  nodes.witness = witness;
  try {
    run();
  } finally {
    nodes.witness = undefined;
  }
  return reason;
}

/** A move and the score of the cluster after it, or why it can't be made. */
export interface ExplainedMove {
  readonly move: Move;
  readonly outcome: { readonly score: number } | { readonly reason: Reason };
}

/** What the moves of an instance would come to on the part as it is. */
export function explainMoves(
  part: Part,
  instance: Instance,
  moves: readonly Move[],
  options: AlgorithmOptions,
): ExplainedMove[] {
  const model = new ScoreModel(part.nodes, part.list);
  return moves.flatMap((move): ExplainedMove[] => {
    let score: number | undefined;
    const reason = firstRefusal(part.nodes, () => {
      score = scoreAfter(part, model, instance, move, options.ignoreSoftErrors)?.score;
    });
    if (score !== undefined) return [{ move, outcome: { score } }];
    return reason === undefined ? [] : [{ move, outcome: { reason } }];
  });
}

/** A reason that came up for several places; `missing` is the least of them. */
export interface CountedReason extends Reason {
  readonly places: number;
}

export interface ExplainedPlaces {
  readonly tried: number;
  readonly fitting: number;
  /** By node. */
  readonly reasons: readonly CountedReason[];
}

/** Collects reasons, those alike as one. */
class Reasons {
  private readonly byKey = new Map<string, CountedReason>();

  add(reason: Reason): void {
    const key = `${reason.node} ${reason.role} ${reason.refusal} ${reason.cause}`;
    const known = this.byKey.get(key);
    const missing =
      known?.missing === undefined || reason.missing === undefined
        ? reason.missing
        : Math.min(known.missing, reason.missing);
    this.byKey.set(key, { ...reason, missing, places: (known?.places ?? 0) + 1 });
  }

  list(): CountedReason[] {
    return [...this.byKey.values()].sort(
      (a, b) => a.node - b.node || (a.role === b.role ? 0 : a.role < b.role ? -1 : 1),
    );
  }
}

function placesOf(targets: Targets): { primary: number; secondary: number }[] {
  return targets.kind === 'single'
    ? targets.nodes.map((primary) => ({ primary, secondary: noNode }))
    : targets.pairs.flatMap(({ primary, secondaries }) =>
        secondaries.map((secondary) => ({ primary, secondary })),
      );
}

/** Which places would take a new instance, and what the others have against it. */
export function explainPlaces(
  situation: AllocationSituation,
  targets: Targets,
  instance: Instance,
  options: AlgorithmOptions,
): ExplainedPlaces {
  const { nodes, list, instanceOf } = situation;
  const force = options.ignoreSoftErrors;
  const judge = options.capacityChecks ? new RedundancyJudge(nodes, list, instanceOf, options) : undefined;
  const reasons = new Reasons();
  const places = placesOf(targets);
  let fitting = 0;
  for (const { primary, secondary } of places) {
    const put = (): Refusal =>
      secondary < 0
        ? putOnSingle(nodes, primary, instance, force)
        : putOnPair(nodes, primary, secondary, instance, force);
    const policy = checkPolicy(instance, nodes.policy[primary]!, nodes.exclusiveStorage[primary] === 1);
    const reason =
      policy === Refusal.none
        ? firstRefusal(nodes, () => {
            const mark = nodes.mark();
            put();
            nodes.rollback(mark);
          })
        : policyReason(policy, primary);
    if (reason !== undefined) reasons.add(reason);
    else if (judge?.accepts(instance, primary, secondary, put) ?? true) fitting++;
    else {
      const cause = 'a node could no longer be emptied if it failed';
      reasons.add({ refusal: Refusal.redundancy, node: primary, role: 'primary', cause, missing: undefined });
    }
  }
  return { tried: places.length, fitting, reasons: reasons.list() };
}
