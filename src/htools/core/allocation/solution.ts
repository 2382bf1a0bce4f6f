/** What an allocation came to: the place found, how many places were good, why others weren't. */

import type { Group } from '../terms/cluster.ts';
import { fixed } from '../terms/format.ts';
import type { Instance } from '../terms/instance.ts';
import { allRefusals, type Refusal, refusalNames } from '../terms/vocabulary.ts';

/** A place for an instance, with what is compared between places (smaller is better). */
export interface Place<M> {
  readonly instance: Instance;
  /** Primary, and secondary when it has one. */
  readonly nodes: readonly number[];
  readonly metric: M;
}

export interface Solution<M> {
  /** How often each refusal came up, by its number. */
  readonly failures: Uint32Array;
  readonly successes: number;
  readonly best: Place<M> | undefined;
  readonly log: readonly string[];
}

export type ScoredSolution = Solution<number>;

export function noFailures(): Uint32Array {
  return new Uint32Array(allRefusals.length + 1);
}

export function failureCount(failures: Uint32Array): number {
  return failures.reduce((sum, count) => sum + count, 0);
}

/** Counts of all refusals in Ganeti's order, also those that never came up. */
export function failureStatistics(failures: Uint32Array): { refusal: Refusal; count: number }[] {
  return allRefusals.map((refusal) => ({ refusal, count: failures[refusal]! }));
}

function describeFailures(failures: Uint32Array): string {
  return failureStatistics(failures)
    .filter(({ count }) => count > 0)
    .map(({ refusal, count }) => `${refusalNames[refusal]}: ${count}`)
    .join(', ');
}

/** One sentence about the solution. */
export function describe<M>(
  solution: Omit<Solution<M>, 'log'>,
  showMetric: (metric: M) => string,
  nodeName: (node: number) => string,
): string {
  const { best, failures, successes } = solution;
  const count = failureCount(failures);
  const reasons = describeFailures(failures);
  if (best === undefined) {
    return `No valid allocation solutions, failure reasons: ${count === 0 ? 'unknown reasons' : reasons}`;
  }
  const nodes = best.nodes.map(nodeName).join('/');
  return (
    `score: ${showMetric(best.metric)}, successes ${successes}, failures ${count} (${reasons}) ` +
    `for node(s) ${nodes}`
  );
}

export const showScore = (score: number): string => fixed(score, 8);

/** Lines about what a group gave: its solution's log, or the error. */
export function describeGroup<M>(group: Group, result: Solution<M> | Error): string[] {
  if (result instanceof Error) return [`Group ${group.name}: error ${result.message}`];
  return result.log.map((line) => `Group ${group.name} (${group.allocationPolicy}): ${line}`);
}

/**
 * Candidates in ascending order of their exact scores, which are computed only as far as the order is asked
 * for; of equal ones the later comes first. `undefined` estimates are left out.
 */
export function* inScoreOrder(
  estimates: readonly (number | undefined)[],
  exact: (candidate: number) => number,
  margin: (score: number) => number,
): Generator<{ readonly candidate: number; readonly score: number }> {
  const order = estimates
    .flatMap((estimate, candidate) => (estimate === undefined ? [] : [candidate]))
    .sort((a, b) => compare(estimates[a]!, estimates[b]!) || b - a);
  let from = 0;
  while (from < order.length) {
    let to = from + 1;
    while (to < order.length && near(estimates[order[to - 1]!]!, estimates[order[to]!]!, margin)) to++;
    const cluster = order.slice(from, to).map((candidate) => ({ candidate, score: exact(candidate) }));
    cluster.sort((a, b) => compare(a.score, b.score) || b.candidate - a.candidate);
    yield* cluster;
    from = to;
  }
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function near(a: number, b: number, margin: (score: number) => number): boolean {
  return !(b - a > margin(b));
}
