/**
 * Placing one new instance: on a node, or on a primary and a secondary. Every place is tried; the one after
 * which the cluster scores best is taken (htools(1), hail(1)).
 */

import { componentCount, nodeValues } from '../score/score.ts';
import { ScoreModel, scoreMargin } from '../score/score-model.ts';
import { addPrimary, addSecondary, primaryRefused, sharedLocations } from '../state/node-operations.ts';
import type { NodeTable } from '../state/node-table.ts';
import type { AlgorithmOptions } from '../terms/algorithm-options.ts';
import type { Groups } from '../terms/cluster.ts';
import type { Instance } from '../terms/instance.ts';
import { checkPolicy } from '../terms/policy.ts';
import { noNode, Refusal } from '../terms/vocabulary.ts';
import { type InstanceLookup, RedundancyJudge } from './global-redundancy.ts';
import { type NodeChange, PairScorer } from './pair-scorer.ts';
import {
  describe,
  inScoreOrder,
  noFailures,
  type Place,
  type ScoredSolution,
  showScore,
} from './solution.ts';

/** Where an instance may go: single nodes, or primaries each with its possible secondaries. */
export type Targets =
  | { readonly kind: 'single'; readonly nodes: readonly number[] }
  | {
      readonly kind: 'pair';
      readonly pairs: readonly { readonly primary: number; readonly secondaries: readonly number[] }[];
    };

/** What an allocation works on: the nodes whose score counts, and the instances on them. */
export interface AllocationSituation {
  readonly nodes: NodeTable;
  readonly list: readonly number[];
  readonly instanceOf: InstanceLookup;
}

/** The request is impossible whatever the nodes look like. */
export class AllocationError extends Error {
  override name = 'AllocationError';
}

/** Nodes, or pairs within a group, that may take an instance which needs so many nodes. */
export function targetsFor(
  situation: { readonly nodes: NodeTable; readonly list: readonly number[] },
  groups: Groups,
  options: AlgorithmOptions,
  count: number,
  dropUnallocable: boolean,
): Targets {
  const { nodes, list } = situation;
  const all = list.filter(
    (node) =>
      nodes.offline[node] === 0 &&
      (!dropUnallocable || groups.get(nodes.group[node]!)?.allocationPolicy !== 'unallocable') &&
      (options.restrictToNodes?.includes(nodes.name[node]!) ?? true),
  );
  if (count === 1) return { kind: 'single', nodes: all };
  if (count !== 2) throw new AllocationError('Unsupported number of nodes, only one or two  supported');
  const pairs = all
    .map((primary) => ({
      primary,
      secondaries: all.filter((node) => node !== primary && nodes.group[node] === nodes.group[primary]),
    }))
    .filter(({ secondaries }) => secondaries.length > 0);
  return { kind: 'pair', pairs };
}

function policyRefused(nodes: NodeTable, node: number, instance: Instance): Refusal {
  return checkPolicy(instance, nodes.policy[node]!, nodes.exclusiveStorage[node] === 1);
}

/** A new secondary is checked in every way, whatever is forced. */
const allChecks = { force: false } as const;

function putPrimary(
  nodes: NodeTable,
  node: number,
  instance: Instance,
  shared: number,
  force: boolean,
): Refusal {
  return policyRefused(nodes, node, instance) || addPrimary(nodes, node, instance, shared, force);
}

/** Puts the instance on one node. */
export function putOnSingle(nodes: NodeTable, node: number, instance: Instance, force: boolean): Refusal {
  return putPrimary(nodes, node, instance, instance.locationScore, force);
}

/** Puts the instance on two nodes. */
export function putOnPair(
  nodes: NodeTable,
  primary: number,
  secondary: number,
  instance: Instance,
  force: boolean,
): Refusal {
  const shared = sharedLocations(nodes, primary, secondary);
  return (
    putPrimary(nodes, primary, instance, shared, force) ||
    addSecondary(nodes, secondary, instance, primary, allChecks)
  );
}

function completed(situation: AllocationSituation, solution: Omit<ScoredSolution, 'log'>): ScoredSolution {
  const log = [describe(solution, showScore, (node) => situation.nodes.name[node]!)];
  return { ...solution, log };
}

/** Refusals of the single nodes, without putting anything on; their total tells whether none takes it. */
export function singleRefusals(
  nodes: NodeTable,
  candidates: readonly number[],
  instance: Instance,
  force: boolean,
): Uint32Array {
  const failures = noFailures();
  for (const node of candidates) {
    const refused = policyRefused(nodes, node, instance) || primaryRefused(nodes, node, instance, force);
    if (refused !== Refusal.none) failures[refused]!++;
  }
  return failures;
}

function allocateSingle(
  situation: AllocationSituation,
  instance: Instance,
  candidates: readonly number[],
  options: AlgorithmOptions,
): ScoredSolution {
  if (candidates.length === 0) throw new AllocationError('No online nodes');
  const { nodes, list, instanceOf } = situation;
  const force = options.ignoreSoftErrors;
  const model = new ScoreModel(nodes, list);
  const failures = noFailures();
  let successes = 0;
  const estimates = candidates.map((node) => {
    const mark = nodes.mark();
    const refused = putOnSingle(nodes, node, instance, force);
    const estimate = refused === Refusal.none ? model.estimate([node]) : undefined;
    nodes.rollback(mark);
    if (refused === Refusal.none) successes++;
    else failures[refused]!++;
    return estimate;
  });
  const exact = (candidate: number) => {
    const mark = nodes.mark();
    putOnSingle(nodes, candidates[candidate]!, instance, force);
    const score = model.exact([candidates[candidate]!]);
    nodes.rollback(mark);
    return score;
  };
  const judge = options.capacityChecks ? new RedundancyJudge(nodes, list, instanceOf, options) : undefined;
  let best: Place<number> | undefined;
  for (const { candidate, score } of inScoreOrder(estimates, exact, scoreMargin)) {
    const node = candidates[candidate]!;
    if (judge?.accepts(instance, node, noNode, () => putOnSingle(nodes, node, instance, force)) === false) {
      successes--;
      failures[Refusal.redundancy]!++;
      continue;
    }
    best = { instance, nodes: [node], metric: score };
    break;
  }
  return completed(situation, { failures, successes, best });
}

/** Tries the pairs of one primary and keeps the best that is let through. */
class PairSearch {
  readonly failures = noFailures();
  successes = 0;
  best: Place<number> | undefined;
  private readonly situation: AllocationSituation;
  private readonly instance: Instance;
  private readonly force: boolean;
  private readonly scorer: PairScorer;
  private readonly judge: RedundancyJudge | undefined;
  private readonly before: Float64Array;
  private readonly afterPrimary = new Float64Array(componentCount);
  private readonly afterSecondary = new Float64Array(componentCount);

  constructor(situation: AllocationSituation, instance: Instance, options: AlgorithmOptions) {
    const { nodes, list, instanceOf } = situation;
    this.situation = situation;
    this.instance = instance;
    this.force = options.ignoreSoftErrors;
    this.scorer = new PairScorer(nodes, list, instance.exclusionTags.length > 0);
    this.judge = options.capacityChecks ? new RedundancyJudge(nodes, list, instanceOf, options) : undefined;
    this.before = new Float64Array(nodes.size * componentCount);
    for (const node of list) nodeValues(nodes, node, this.before, node * componentCount);
  }

  private change(node: number, after: Float64Array): NodeChange {
    const { nodes } = this.situation;
    nodeValues(nodes, node, after, 0);
    const before = this.before.subarray(node * componentCount, (node + 1) * componentCount);
    return { offline: nodes.offline[node] === 1, before, after };
  }

  tryPrimary(primary: number, secondaries: readonly number[]): void {
    const { nodes } = this.situation;
    const scored: { secondary: number; score: number }[] = [];
    const mark = nodes.mark();
    // The primary stays where it is while its secondaries are tried, unless they change its location score.
    let shared: number | undefined;
    let refused: Refusal = Refusal.none;
    let onPrimary: NodeChange | undefined;
    for (const secondary of secondaries) {
      const now = sharedLocations(nodes, primary, secondary);
      if (now !== shared) {
        nodes.rollback(mark);
        nodes.mark();
        refused = putPrimary(nodes, primary, this.instance, now, this.force);
        onPrimary = this.change(primary, this.afterPrimary);
        shared = now;
      }
      if (refused === Refusal.none) this.trySecondary(primary, secondary, onPrimary!, scored);
      else this.failures[refused]!++;
    }
    nodes.rollback(mark);
    // The later of equal pairs comes first.
    scored.reverse().sort((a, b) => (a.score < b.score ? -1 : a.score > b.score ? 1 : 0));
    const chosen = scored.findIndex(({ secondary }) => this.accepts(primary, secondary));
    const dropped = chosen < 0 ? scored.length : chosen;
    this.failures[Refusal.redundancy]! += dropped;
    this.successes += scored.length - dropped;
    const found = scored[chosen];
    if (found === undefined || (this.best !== undefined && this.best.metric < found.score)) return;
    this.best = { instance: this.instance, nodes: [primary, found.secondary], metric: found.score };
  }

  /** With the primary in its place. */
  private trySecondary(
    primary: number,
    secondary: number,
    onPrimary: NodeChange,
    scored: { secondary: number; score: number }[],
  ): void {
    const { nodes } = this.situation;
    const mark = nodes.mark();
    const refused = addSecondary(nodes, secondary, this.instance, primary, allChecks);
    if (refused === Refusal.none) {
      const score = this.scorer.score(onPrimary, this.change(secondary, this.afterSecondary));
      scored.push({ secondary, score });
    } else {
      this.failures[refused]!++;
    }
    nodes.rollback(mark);
  }

  private accepts(primary: number, secondary: number): boolean {
    const { nodes } = this.situation;
    const put = () => void putOnPair(nodes, primary, secondary, this.instance, this.force);
    return this.judge?.accepts(this.instance, primary, secondary, put) ?? true;
  }
}

/** Finds the best place for the instance; throws AllocationError when there is nothing to try. */
export function tryAllocate(
  situation: AllocationSituation,
  instance: Instance,
  targets: Targets,
  options: AlgorithmOptions,
): ScoredSolution {
  if (targets.kind === 'single') return allocateSingle(situation, instance, targets.nodes, options);
  if (targets.pairs.length === 0) throw new AllocationError('Not enough online nodes');
  const search = new PairSearch(situation, instance, options);
  for (const { primary, secondaries } of targets.pairs) search.tryPrimary(primary, secondaries);
  const { failures, successes, best } = search;
  return completed(situation, { failures, successes, best });
}

/** Puts an instance where the solution says, for good (or until a mark is rolled back). */
export function commitPlace(nodes: NodeTable, place: Place<unknown>, options: AlgorithmOptions): void {
  const [primary, secondary] = place.nodes;
  const { instance } = place;
  const force = options.ignoreSoftErrors;
  if (secondary === undefined) {
    putOnSingle(nodes, primary!, instance, force);
    nodes.place(instance, primary!, noNode, instance.locationScore);
  } else {
    putOnPair(nodes, primary!, secondary, instance, force);
    nodes.place(instance, primary!, secondary, sharedLocations(nodes, primary!, secondary));
  }
}
