/**
 * Whether a node could be emptied if it failed (global N+1): its DRBD primaries fail over, its instances on
 * shared storage move to other nodes of its group, and the rest can be made anew there.
 *
 * The check acts it out on the node table and takes everything back. Where a node has only DRBD primaries,
 * `drbd-redundancy.ts` knows the answer without acting.
 */
import { chooseBest, ScoreModel } from '../score/score-model.ts';
import { applyMove } from '../state/moves.ts';
import { addPrimary } from '../state/node-operations.ts';
import type { NodeTable } from '../state/node-table.ts';
import type { Instance } from '../terms/instance.ts';
import { checkPolicy } from '../terms/policy.ts';
import { type DiskTemplate, failover, Refusal } from '../terms/vocabulary.ts';

const recreated: ReadonlySet<DiskTemplate> = new Set(['file', 'plain', 'drbd']);

export interface EvacuationSituation {
  readonly nodes: NodeTable;
  /** The nodes that count; those of the failing node's group can take its instances. */
  readonly list: readonly number[];
  readonly instanceOf: (index: number) => Instance;
}

/** Moves an instance on shared storage to the best of the nodes; false when none takes it. */
function moveAway(
  situation: EvacuationSituation,
  instance: Instance,
  targets: readonly number[],
  group: readonly number[],
): boolean {
  const { nodes } = situation;
  const model = new ScoreModel(nodes, group);
  const attempt = (target: number) =>
    applyMove(nodes, instance, { kind: 'failover-to-any', target }, true) === Refusal.none;
  const estimates = targets.map((target) => {
    const mark = nodes.mark();
    const estimate = attempt(target) ? model.estimate(nodes.touchedSince(mark)) : undefined;
    nodes.rollback(mark);
    return estimate;
  });
  const best = chooseBest(
    estimates,
    (candidate) => {
      const mark = nodes.mark();
      attempt(targets[candidate]!);
      const score = model.exact();
      nodes.rollback(mark);
      return score;
    },
    'last',
  );
  return best !== undefined && attempt(targets[best.candidate]!);
}

/** Makes room for an instance that is lost with its node; false when no node takes it. */
function makeAnew(situation: EvacuationSituation, instance: Instance, targets: readonly number[]): boolean {
  const { nodes, list } = situation;
  const model = new ScoreModel(nodes, list);
  const attempt = (target: number) =>
    checkPolicy(instance, nodes.policy[target]!, nodes.exclusiveStorage[target] === 1) === Refusal.none &&
    addPrimary(nodes, target, instance, instance.locationScore, true) === Refusal.none;
  const estimates = targets.map((target) => {
    const mark = nodes.mark();
    const estimate = attempt(target) ? model.estimate([target]) : undefined;
    nodes.rollback(mark);
    return estimate;
  });
  const best = chooseBest(
    estimates,
    (candidate) => {
      const mark = nodes.mark();
      attempt(targets[candidate]!);
      const score = model.exact();
      nodes.rollback(mark);
      return score;
    },
    'last',
  );
  return best !== undefined && attempt(targets[best.candidate]!);
}

function empty(situation: EvacuationSituation, node: number): boolean {
  const { nodes, list, instanceOf } = situation;
  const primaries = nodes.primaries[node]!.map(instanceOf);
  for (const instance of primaries) {
    if (instance.template === 'drbd' && applyMove(nodes, instance, failover, true) !== Refusal.none) {
      return false;
    }
  }
  const group = list.filter((other) => nodes.group[other] === nodes.group[node]);
  const targets = group.filter((other) => other !== node);
  for (const instance of primaries) {
    if (!recreated.has(instance.template) && !moveAway(situation, instance, targets, group)) return false;
  }
  const lost = primaries
    .filter(({ template }) => template === 'plain' || template === 'file')
    .sort((a, b) => b.memory - a.memory);
  return lost.every((instance) => makeAnew(situation, instance, targets));
}

/** Whether the node's instances all find a place elsewhere. */
export function canEvacuate(situation: EvacuationSituation, node: number): boolean {
  const mark = situation.nodes.mark();
  const answer = empty(situation, node);
  situation.nodes.rollback(mark);
  return answer;
}
