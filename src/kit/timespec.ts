/** Durations as users write them: seconds, or with a suffix s, m, h, d or w (cli.ParseTimespec). */
import { ErrorCode, prerequisiteFailure } from './failure.ts';

const factors: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };

/** Seconds. @throws Failure OpPrereqError wrong_input */
export function parseTimespec(text: string): number {
  if (text === '') throw prerequisiteFailure('Empty time specification passed', ErrorCode.invalid);
  const factor = factors[text.at(-1)!];
  const number = factor === undefined ? text : text.slice(0, -1);
  if (number === '') {
    throw prerequisiteFailure('Invalid time specification (only suffix passed)', ErrorCode.invalid);
  }
  if (!/^\s*[+-]?\d+\s*$/.test(number)) {
    throw prerequisiteFailure(`Invalid time specification '${number}'`, ErrorCode.invalid);
  }
  return Number(number) * (factor ?? 1);
}
