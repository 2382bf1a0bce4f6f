/** Ranges of user ids: "1000-5000,8000" (uidpool.py). */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';

export type UidRange = [number, number];

function boundaryOf(text: string, which: string): number {
  if (/^\s*\d+\s*$/.test(text)) return Number(text);
  throw prerequisiteFailure(
    `Invalid user-id value for ${which} boundary of user-id range: invalid literal for int() with base 10: '${text}'`,
    ErrorCode.invalid,
  );
}

/** Null for an option that isn't given. @throws Failure OpPrereqError wrong_input */
export function parseUidRanges(text: string | null): UidRange[] | null {
  if (text === null) return null;
  return text
    .split(',')
    .filter((range) => range !== '')
    .map((range) => {
      const [lower = '', upper = lower, ...rest] = range.split('-');
      if (rest.length > 0) {
        throw prerequisiteFailure(
          `Invalid user-id range definition. Only one hyphen allowed: ${range}`,
          ErrorCode.invalid,
        );
      }
      return [boundaryOf(lower, 'lower'), boundaryOf(upper, 'higher')];
    });
}

export function formatUidRanges(ranges: readonly (readonly [number, number])[]): string {
  return ranges.map(([lower, upper]) => (lower === upper ? `${lower}` : `${lower}-${upper}`)).join(', ');
}
