/** Filters as text that `parseFilter` reads back into the same filter. */
import { assertNever, Failure } from '../../kit/failure.ts';
import type { Condition, Filter, FilterValue } from './filter.ts';

function unprintable(what: string): Failure {
  return new Failure('QueryFilterParseError', [`${what} cannot be written in a filter`, null]);
}

/** Quotes can't be escaped in filters, so a string may hold one kind of them only. */
function printValue(value: FilterValue): string {
  if (typeof value === 'number') return String(value);
  for (const quote of ['"', "'"]) {
    const pattern = new RegExp(`^(?:[^${quote}\\n\\r\\\\]|\\\\[sS])*$`);
    if (pattern.test(value)) return quote + value + quote;
  }
  throw unprintable(JSON.stringify(value));
}

function printExpression(expression: string): string {
  const [, flags = '', body = expression] = /^\(\?([is]+)\)([\s\S]*)$/.exec(expression) ?? [];
  const delimiter = ['/', '#', '|', '^'].find((candidate) => !body.includes(candidate)) ?? '/';
  const escaped = body.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  const closed = delimiter === '/' ? escaped.replaceAll('/', '\\/') : escaped;
  return `m${delimiter}${closed}${delimiter}${flags}`;
}

function printCondition(condition: Condition): string {
  switch (condition.kind) {
    case 'true':
      return condition.field;
    case 'compare':
      return `${condition.field} ${condition.operator} ${printValue(condition.value)}`;
    case 'matches':
      return `${condition.field} =~ ${printExpression(condition.expression)}`;
    case 'contains':
      return `${printValue(condition.value)} in ${condition.field}`;
    default:
      return assertNever(condition);
  }
}

function isJoined(filter: Filter): boolean {
  return filter.kind === 'and' || filter.kind === 'or';
}

const bracketed = (filter: Filter) => (isJoined(filter) ? `(${printFilter(filter)})` : printFilter(filter));

/** @throws Failure QueryFilterParseError for a string that holds both kinds of quotes */
export function printFilter(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      if (filter.parts.length === 0) throw unprintable(`An empty "${filter.kind}"`);
      return filter.parts.map(bracketed).join(` ${filter.kind} `);
    case 'not':
      return `not ${bracketed(filter.part)}`;
    default:
      return printCondition(filter);
  }
}
