/**
 * Whether an object passes a filter. What can't be known counts as passing (a node that is down doesn't hide
 * its instances), also under a "not": `not (status == "running")` over a cell without data is false, as in
 * Ganeti.
 *
 * A filter is asked twice where live data is involved: first without it, to spare asking nodes about what
 * the configuration already rules out ("pending": can't be said yet), then with it.
 */
import { assertNever, Failure } from '../../kit/failure.ts';
import type { Cell } from '../cell.ts';
import {
  type Comparison,
  type Condition,
  compileExpression,
  type Filter,
  type FilterValue,
} from './filter.ts';

/** How values of a field are compared: host names also by their first parts, times by their seconds. */
export type Match = 'plain' | 'hostname' | 'timestamp';

export type Verdict = boolean | 'pending';

/** A filter over fields that are looked up already; expressions are compiled. */
export type CompiledFilter<F> = (read: (field: F) => Cell | 'pending') => Verdict;

function mismatch(what: string): Failure {
  return new Failure('ParameterError', [what]);
}

function holds(operator: Comparison, order: number): boolean {
  switch (operator) {
    case '==':
      return order === 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    default:
      return assertNever(operator);
  }
}

const order = <T extends string | number>(left: T, right: T) => (left === right ? 0 : left < right ? -1 : 1);

function compare(operator: Comparison, actual: unknown, wanted: FilterValue, match: Match): boolean {
  const left = match === 'timestamp' && Array.isArray(actual) ? (actual[0] as unknown) : actual;
  if (typeof left === 'string' && typeof wanted === 'string') {
    if (match === 'hostname' && operator === '==') return left === wanted || left.startsWith(`${wanted}.`);
    return holds(operator, order(left, wanted));
  }
  if (typeof left === 'number' && typeof wanted === 'number') return holds(operator, order(left, wanted));
  throw mismatch(
    `Invalid types in comparison, trying to compare ${JSON.stringify(left)} with '${String(wanted)}'`,
  );
}

function isTrue(actual: unknown): boolean {
  if (typeof actual === 'boolean') return actual;
  throw mismatch(`Unexpected value '${JSON.stringify(actual)}' in boolean context`);
}

function contains(actual: unknown, wanted: FilterValue): boolean {
  if (Array.isArray(actual)) return actual.includes(wanted);
  throw mismatch(`Can't look for '${wanted}' in a value that is not a list: ${JSON.stringify(actual)}`);
}

function matches(actual: unknown, expression: RegExp): boolean {
  if (typeof actual === 'string') return expression.test(actual);
  throw mismatch(
    `Invalid field value used in regexp matching, expecting string but got '${JSON.stringify(actual)}'`,
  );
}

function testOf(condition: Condition, match: Match): (actual: unknown) => boolean {
  switch (condition.kind) {
    case 'true':
      return isTrue;
    case 'compare':
      return (actual) => compare(condition.operator, actual, condition.value, match);
    case 'contains':
      return (actual) => contains(actual, condition.value);
    case 'matches': {
      const expression = compileExpression(condition.expression);
      return (actual) => matches(actual, expression);
    }
    default:
      return assertNever(condition);
  }
}

/** `decides` is the verdict that settles it: false for "and", true for "or". */
function compileJoined<F>(parts: readonly CompiledFilter<F>[], decides: boolean): CompiledFilter<F> {
  return (read) => {
    let verdict: Verdict = !decides;
    for (const part of parts) {
      const own = part(read);
      if (own === decides) return decides;
      if (own === 'pending') verdict = 'pending';
    }
    return verdict;
  };
}

/**
 * @param find the field of a name and how it compares; it throws for a name that doesn't exist
 * @throws Failure ParameterError, when run, for values of the wrong kind
 */
export function compileFilter<F>(
  filter: Filter | null,
  find: (name: string) => { readonly field: F; readonly match: Match },
): CompiledFilter<F> {
  if (filter === null) return () => true;
  switch (filter.kind) {
    case 'and':
    case 'or': {
      const parts = filter.parts.map((part) => compileFilter(part, find));
      return compileJoined(parts, filter.kind === 'or');
    }
    case 'not': {
      const part = compileFilter(filter.part, find);
      return (read) => {
        const verdict = part(read);
        return verdict === 'pending' ? verdict : !verdict;
      };
    }
    default: {
      const { field, match } = find(filter.field);
      const test = testOf(filter, match);
      return (read) => {
        const cell = read(field);
        return cell === 'pending' ? cell : cell.kind === 'value' ? test(cell.value) : true;
      };
    }
  }
}
