/**
 * Which queued jobs start next, and which are turned away (pure).
 *
 * Jobs are considered in order of priority, then id. The first filter rule that matches a job and isn't
 * CONTINUE decides: PAUSE holds it, REJECT cancels it, RATE_LIMIT n holds it while n jobs with the same
 * deciding rule run. Besides the rules, a reason trail entry "rate-limit:<n>:<label>" holds its job
 * while n jobs with that very entry run (gnt-filter(8); design of ad-hoc rate limiting).
 */
import type { FilterRule } from '../model/objects/filter-rule.ts';
import { compareRules, type EvaluateFilter, matchesRule } from './filters.ts';
import type { Job } from './job.ts';
import { reasonsOf } from './reasons.ts';

interface Judgement {
  /** The rule that decides; undefined when none does. */
  readonly rule: FilterRule | undefined;
  /** Ad-hoc rate limits: the entry, and how many jobs with it may run. */
  readonly limits: ReadonlyMap<string, number>;
}

/** The limit in a reason trail entry's text: "rate-limit:3:evacuation of rack 7" gives 3. */
export function adHocLimit(text: string): number | undefined {
  const match = /^rate-limit:(\d+):./.exec(text);
  const limit = match === null ? 0 : Number(match[1]);
  return limit > 0 ? limit : undefined;
}

/** n of ["RATE_LIMIT", n] or "RATE_LIMIT n". */
function rateLimit(action: FilterRule['action']): number | undefined {
  const [name, count] = typeof action === 'string' ? action.split(' ') : action;
  return name === 'RATE_LIMIT' ? Number(count) : undefined;
}

/** The rules in force, with what they say of each job remembered: they depend on nothing that changes. */
export class FilterChain {
  readonly #rules: readonly FilterRule[];
  readonly #evaluate: EvaluateFilter;
  readonly #judgements = new WeakMap<Job, Judgement>();
  /** Whether there is any REJECT among the rules. */
  readonly canReject: boolean;

  constructor(rules: Iterable<FilterRule>, evaluate: EvaluateFilter) {
    this.#rules = [...rules].filter((rule) => rule.action !== 'CONTINUE').sort(compareRules);
    this.#evaluate = evaluate;
    this.canReject = this.#rules.some((rule) => rule.action === 'REJECT');
  }

  judge(job: Job): Judgement {
    let judgement = this.#judgements.get(job);
    if (judgement === undefined) {
      const limits = new Map<string, number>();
      for (const op of job.ops) {
        for (const [, text] of reasonsOf(op.input)) {
          const limit = adHocLimit(text);
          if (limit !== undefined) limits.set(text, limit);
        }
      }
      judgement = { rule: this.#rules.find((rule) => matchesRule(rule, job, this.#evaluate)), limits };
      this.#judgements.set(job, judgement);
    }
    return judgement;
  }

  /** The rule that rejects the job. */
  rejects(job: Job): FilterRule | undefined {
    const { rule } = this.judge(job);
    return rule?.action === 'REJECT' ? rule : undefined;
  }
}

/**
 * @param queued jobs whose dependencies are over, in order of priority and id
 * @param running jobs that have been started and haven't ended
 * @param free how many more may run
 */
export function chooseJobs(
  queued: Iterable<Job>,
  running: Iterable<Job>,
  free: number,
  chain: FilterChain,
): Job[] {
  const counts = new Map<string, number>();
  const count = (key: string) => counts.get(key) ?? 0;
  const enter = ({ rule, limits }: Judgement) => {
    for (const key of [...limits.keys(), ...(rule === undefined ? [] : [rule.uuid])]) {
      counts.set(key, count(key) + 1);
    }
  };
  for (const job of running) enter(chain.judge(job));
  const chosen: Job[] = [];
  for (const job of queued) {
    if (chosen.length >= free) break;
    const judgement = chain.judge(job);
    const { rule, limits } = judgement;
    if (rule?.action === 'PAUSE' || rule?.action === 'REJECT') continue;
    const limit = rule === undefined ? undefined : rateLimit(rule.action);
    if (limit !== undefined && count(rule!.uuid) >= limit) continue;
    if ([...limits].some(([key, most]) => count(key) >= most)) continue;
    enter(judgement);
    chosen.push(job);
  }
  return chosen;
}
