/**
 * From the arguments of a listing to a query filter: a single argument with an operator in it is a filter
 * in the query language, a name with * or ? is a pattern, anything else a name (qlang.MakeFilter).
 */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';

export type Filter = readonly unknown[] | null;

const filterCharacters = /[\s!"'()/<=>\\~]/;
const patternCharacters = /[*?]/;

/** Any of the values; null for none at all. */
export function anyOf(field: string, values: readonly unknown[] | null): Filter {
  return values === null || values.length === 0
    ? null
    : ['|', ...values.map((value) => ['==', field, value])];
}

async function partOf(field: string, text: string, numeric: boolean): Promise<Filter> {
  if (numeric) {
    if (!/^\s*[+-]?\d+\s*$/.test(text)) {
      throw prerequisiteFailure(
        `Invalid job ID passed: invalid literal for int() with base 10: '${text}'`,
        ErrorCode.invalid,
      );
    }
    return ['==', field, Number(text)];
  }
  if (!patternCharacters.test(text)) return ['==', field, text];
  const { namePattern } = await import('../../queries/language/parse.ts');
  return ['=~', field, namePattern(text)];
}

export interface NameFilter {
  readonly field: string;
  readonly numeric: boolean;
  /** --filter: the argument is a filter whatever it looks like. */
  readonly forced: boolean;
}

/** @throws Failure QueryFilterParseError, or OpPrereqError for --filter with other than one argument */
export async function filterOf(args: readonly string[], how: NameFilter): Promise<Filter> {
  const looksLikeFilter = args.length === 1 && filterCharacters.test(args[0]!);
  if (how.forced || looksLikeFilter) {
    if (args.length !== 1) {
      throw prerequisiteFailure('Exactly one argument must be given as a filter', ErrorCode.invalid);
    }
    const { parseFilter } = await import('../../queries/language/parse.ts');
    return parseFilter(args[0]!);
  }
  if (args.length === 0) return null;
  return ['|', ...(await Promise.all(args.map((text) => partOf(how.field, text, how.numeric))))];
}

/** Both, where there are two. */
export function both(left: Filter, right: Filter): Filter {
  if (left === null) return right;
  return right === null ? left : ['&', left, right];
}
