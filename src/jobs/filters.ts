/**
 * Whether a job filter rule matches a job (gnt-filter(8)). The expression language belongs to queries;
 * here it is a function that is handed in.
 */
import type { FilterRule } from '../model/objects/filter-rule.ts';
import type { Job } from './job.ts';
import { reasonsOf } from './reasons.ts';

/**
 * Evaluates an expression of the query language in its list form; fields are asked for by name, an
 * unknown one is undefined.
 */
export type EvaluateFilter = (filter: unknown, fieldOf: (field: string) => unknown) => boolean;

/** Order of evaluation: priority, then watermark, then uuid. */
export function compareRules(a: FilterRule, b: FilterRule): number {
  return a.priority - b.priority || a.watermark - b.watermark || (a.uuid < b.uuid ? -1 : 1);
}

/** The expression with "watermark" in value positions replaced by the rule's watermark. */
export function withWatermark(filter: unknown, watermark: number): unknown {
  if (!Array.isArray(filter)) return filter;
  const [operator, ...rest] = filter as unknown[];
  if (operator === '&' || operator === '|' || operator === '!') {
    return [operator, ...rest.map((part) => withWatermark(part, watermark))];
  }
  const [field, ...values] = rest;
  return [operator, field, ...values.map((value) => (value === 'watermark' ? watermark : value))];
}

function holds(predicate: readonly unknown[], rule: FilterRule, job: Job, evaluate: EvaluateFilter): boolean {
  const [name, filter] = predicate;
  switch (name) {
    case 'jobid':
      return evaluate(withWatermark(filter, rule.watermark), (field) =>
        field === 'id' ? job.id : undefined,
      );
    case 'opcode':
      return job.ops.some((op) => evaluate(filter, (field) => op.input[field]));
    case 'reason':
      return job.ops.some((op) =>
        reasonsOf(op.input).some(([source, reason, timestamp]) => {
          const fields: Readonly<Record<string, unknown>> = { source, reason, timestamp };
          return evaluate(filter, (field) => fields[field]);
        }),
      );
    default:
      return false;
  }
}

/** Whether every predicate holds. An expression that can't be evaluated matches nothing. */
export function matchesRule(rule: FilterRule, job: Job, evaluate: EvaluateFilter): boolean {
  return rule.predicates.every((predicate) => {
    try {
      return holds(predicate, rule, job, evaluate);
    } catch {
      return false;
    }
  });
}
