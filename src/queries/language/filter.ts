/**
 * Query filters (man page ganeti, "Query filters"; design-query2). They travel as JSON lists:
 *
 *   ["&", f, …]  ["|", f, …]  ["!", f]  ["?", field]
 *   ["==", field, value]  and with  <  <=  >  >=      ["=~", field, expression]   ["=[]", field, value]
 *
 * Older forms are read too: "=" for "==", and "!=" for "not equal". Inside, a filter is a tree of objects;
 * null is the filter that everything passes.
 */
import { Failure } from '../../kit/failure.ts';

export type FilterValue = string | number;
export type Comparison = '==' | '<' | '<=' | '>' | '>=';

export type Filter =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Filter[] }
  | { readonly kind: 'not'; readonly part: Filter }
  | Condition;

export type Condition =
  | { readonly kind: 'true'; readonly field: string }
  | {
      readonly kind: 'compare';
      readonly operator: Comparison;
      readonly field: string;
      readonly value: FilterValue;
    }
  | { readonly kind: 'matches'; readonly field: string; readonly expression: string }
  | { readonly kind: 'contains'; readonly field: string; readonly value: FilterValue };

const comparisons: readonly string[] = ['==', '<', '<=', '>', '>='];

function wrong(what: string): Failure {
  return new Failure('QueryFilterParseError', [what, null]);
}

function fieldOf(args: readonly unknown[], count: number, operator: string): string {
  const [field] = args;
  if (args.length !== count || typeof field !== 'string') {
    throw wrong(
      `Filter operator '${operator}' takes ${count === 1 ? 'a field' : 'a field and a value'}, not ${JSON.stringify(args)}`,
    );
  }
  return field;
}

function checkedValue(value: unknown): FilterValue {
  if (typeof value === 'string' || Number.isInteger(value)) return value as FilterValue;
  throw wrong(`A filter value must be a string or an integer, not ${JSON.stringify(value)}`);
}

/**
 * From the list form.
 * @throws Failure QueryFilterParseError
 */
export function readFilter(list: unknown): Filter | null {
  if (list === null || list === undefined) return null;
  return readPart(list);
}

function readPart(list: unknown): Filter {
  if (!Array.isArray(list) || typeof list[0] !== 'string') {
    throw wrong(`A filter is a list that begins with an operator, not ${JSON.stringify(list)}`);
  }
  const [operator, ...args] = list as [string, ...unknown[]];
  switch (operator) {
    case '&':
      return { kind: 'and', parts: args.map(readPart) };
    case '|':
      return { kind: 'or', parts: args.map(readPart) };
    case '!':
      if (args.length !== 1) throw wrong("Filter operator '!' takes one filter");
      return { kind: 'not', part: readPart(args[0]) };
    default:
      return readCondition(operator, args);
  }
}

function readCondition(operator: string, args: readonly unknown[]): Filter {
  if (operator === '?') return { kind: 'true', field: fieldOf(args, 1, operator) };
  const field = () => fieldOf(args, 2, operator);
  if (operator === '=' || comparisons.includes(operator)) {
    const name = operator === '=' ? '==' : (operator as Comparison);
    return { kind: 'compare', operator: name, field: field(), value: checkedValue(args[1]) };
  }
  switch (operator) {
    case '!=':
      return {
        kind: 'not',
        part: { kind: 'compare', operator: '==', field: field(), value: checkedValue(args[1]) },
      };
    case '=~': {
      const expression = args[1];
      if (typeof expression !== 'string') throw wrong('A regular expression must be a string');
      compileExpression(expression);
      return { kind: 'matches', field: field(), expression };
    }
    case '=[]':
      return { kind: 'contains', field: field(), value: checkedValue(args[1]) };
    default:
      throw wrong(`Unknown filter operator '${operator}'`);
  }
}

/** The list form, in today's spelling. */
export function filterList(filter: Filter | null): unknown[] | null {
  if (filter === null) return null;
  switch (filter.kind) {
    case 'and':
      return ['&', ...filter.parts.map(filterList)];
    case 'or':
      return ['|', ...filter.parts.map(filterList)];
    case 'not':
      return ['!', filterList(filter.part)];
    case 'true':
      return ['?', filter.field];
    case 'compare':
      return [filter.operator, filter.field, filter.value];
    case 'matches':
      return ['=~', filter.field, filter.expression];
    case 'contains':
      return ['=[]', filter.field, filter.value];
  }
}

/** Names of the fields that a filter speaks of, each once. */
export function fieldsOf(filter: Filter | null): string[] {
  const names = new Set<string>();
  const visit = (part: Filter) => {
    if ('parts' in part) part.parts.forEach(visit);
    else if ('part' in part) visit(part.part);
    else names.add(part.field);
  };
  if (filter !== null) visit(filter);
  return [...names];
}

/**
 * What is asked for when a filter does nothing but name objects; undefined when it does more. An empty
 * list: no name at all, so everything.
 */
export function wantedNames(filter: Filter | null, nameField: string): FilterValue[] | undefined {
  if (filter === null) return [];
  if (filter.kind === 'compare') {
    return filter.operator === '==' && filter.field === nameField ? [filter.value] : undefined;
  }
  if (filter.kind !== 'or') return undefined;
  const names: FilterValue[] = [];
  for (const part of filter.parts) {
    const found = wantedNames(part, nameField);
    if (found === undefined) return undefined;
    names.push(...found);
  }
  return names;
}

/**
 * Expressions are Perl's, as in Ganeti: flags stand in front, "(?is)", and named groups may be spelled
 * "(?P<name>".
 * @throws Failure QueryFilterParseError
 */
export function compileExpression(expression: string): RegExp {
  const [, flags = '', body = expression] = /^\(\?([a-z]+)\)([\s\S]*)$/.exec(expression) ?? [];
  try {
    return new RegExp(body.replaceAll('(?P<', '(?<'), [...new Set(flags)].join(''));
  } catch (cause) {
    throw new Failure('QueryFilterParseError', [`Invalid regular expression '${expression}'`, null], {
      cause,
    });
  }
}
