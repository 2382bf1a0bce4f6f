/**
 * Filters over plain values, as job filter rules use them (Filter.hs evaluateFilterJSON, man page
 * gnt-filter): a field is whatever the caller finds by its name, and a comparison of values of different
 * kinds doesn't hold instead of being a mistake.
 */
import { assertNever, Failure } from '../../kit/failure.ts';
import { type Comparison, compileExpression, type Filter, type FilterValue, readFilter } from './filter.ts';

function compare(operator: Comparison, actual: unknown, wanted: FilterValue): boolean {
  if (typeof actual !== typeof wanted) return false;
  const left = actual as FilterValue;
  switch (operator) {
    case '==':
      return left === wanted;
    case '<':
      return left < wanted;
    case '<=':
      return left <= wanted;
    case '>':
      return left > wanted;
    case '>=':
      return left >= wanted;
    default:
      return assertNever(operator);
  }
}

function wrong(what: string): Failure {
  return new Failure('ParameterError', [what]);
}

function holds(filter: Filter, fieldOf: (field: string) => unknown): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.parts.every((part) => holds(part, fieldOf));
    case 'or':
      return filter.parts.some((part) => holds(part, fieldOf));
    case 'not':
      return !holds(filter.part, fieldOf);
    case 'compare':
      return compare(filter.operator, fieldOf(filter.field), filter.value);
    case 'true': {
      const actual = fieldOf(filter.field);
      if (typeof actual !== 'boolean') throw wrong(`Field '${filter.field}' is not a boolean`);
      return actual;
    }
    case 'matches': {
      const actual = fieldOf(filter.field);
      if (typeof actual !== 'string') throw wrong(`Field '${filter.field}' is not a string`);
      return compileExpression(filter.expression).test(actual);
    }
    case 'contains': {
      const actual = fieldOf(filter.field);
      if (!Array.isArray(actual)) throw wrong(`Field '${filter.field}' is not a list`);
      return actual.includes(filter.value);
    }
    default:
      return assertNever(filter);
  }
}

/**
 * @param filter in its list form; null holds always
 * @param fieldOf undefined for a field that isn't there
 * @throws Failure ParameterError for a value that the operator can't work on, QueryFilterParseError for a
 *   list that is no filter
 */
export function evaluateExpression(filter: unknown, fieldOf: (field: string) => unknown): boolean {
  const read = readFilter(filter);
  return read === null || holds(read, fieldOf);
}
