/** How options are written down: flags, options with a value, options that may have one. */
import type { OptionDefinition } from '../getopt.ts';
import type { Options } from '../options.ts';

export type Definition = OptionDefinition<Options>;

export function flag(
  names: readonly [short: string, long: string],
  help: string,
  apply: (options: Options) => void,
): Definition {
  const [short, long] = names;
  return { short, long, value: { kind: 'none' }, help, completion: 'none', apply };
}

export function valued(
  names: readonly [short: string, long: string, label: string],
  help: string,
  completion: string,
  apply: (options: Options, value: string) => void,
): Definition {
  const [short, long, label] = names;
  return {
    short,
    long,
    value: { kind: 'required', label },
    help,
    completion,
    apply: (options, value) => apply(options, value ?? ''),
  };
}

export function maybe(
  names: readonly [short: string, long: string, label: string],
  help: string,
  completion: string,
  apply: (options: Options, value: string | undefined) => void,
): Definition {
  const [short, long, label] = names;
  return { short, long, value: { kind: 'optional', label }, help, completion, apply };
}

export function yesNo(value: string | undefined): boolean {
  if (value === undefined || value === 'yes') return true;
  if (value === 'no') return false;
  throw new Error(`Invalid choice '${value}', pass one of 'yes' or 'no'`);
}
