/**
 * What an option is: one value that the parser, `--help`, shell completion, the manual and the surface
 * listing all read. The constructors below carry the option's name and type into the type of the parsed
 * values, so a command that reads an option it doesn't offer fails to compile.
 *
 * The set of actions and value types is that of Ganeti's own option class (cli_opts.CliOption over
 * Python's optparse).
 */
import type { IdentifiedValues, KeyValues, SpecificationLists } from './key-values.ts';

/** What the shell completes the value to (cli_opts.OPT_COMPL_*). */
export type Completion =
  | 'one_node'
  | 'many_nodes'
  | 'one_instance'
  | 'one_os'
  | 'one_nodegroup'
  | 'one_network'
  | 'one_iallocator'
  | 'inst_add_nodes'
  | 'one_extstorage'
  | 'one_filter';

export type OptionType =
  | 'string'
  | 'int'
  | 'float'
  | 'choice'
  | 'unit'
  | 'bool'
  | 'list'
  | 'keyval'
  | 'keyprivateval'
  | 'identkeyval'
  | 'multilistidentkeyval'
  | 'maybefloat'
  | 'json'
  | 'filteraction';

export type OptionAction = 'store' | 'append' | 'constant' | 'count' | 'warn';

export interface Option<D extends string = string, T = unknown> {
  /** As they are shown, short ones first: '-f', '--force'. */
  readonly names: readonly string[];
  readonly dest: D;
  readonly action: OptionAction;
  /** Of the value; undefined when the option takes none. */
  readonly type?: OptionType;
  /** What action "constant" stores. */
  readonly constant?: unknown;
  readonly default: T;
  /** In help, instead of the upper-case dest. */
  readonly metavar?: string;
  readonly choices?: readonly string[];
  /** From the written choice to the stored value. */
  readonly mapped?: Readonly<Record<string, unknown>>;
  readonly help: string;
  readonly completes?: Completion;
  /** The value is never written to a log. */
  readonly secret?: boolean;
}

/** The values of a tuple of options by their dest. */
export type ValuesOf<O extends readonly Option[]> = {
  -readonly [K in O[number] as K['dest']]: K extends Option<string, infer T> ? T : never;
};

interface More<V> {
  readonly default?: V;
  readonly metavar?: string;
  readonly completes?: Completion;
}

function stored<D extends string, T>(
  action: OptionAction,
  type: OptionType,
  names: readonly string[],
  dest: D,
  help: string,
  fallback: T,
  more: More<T>,
): Option<D, T> {
  const { default: value, ...shown } = more;
  return { names, dest, action, type, help, ...shown, default: value === undefined ? fallback : value };
}

/** Is false until it is given. */
export function flag<const D extends string>(
  names: readonly string[],
  dest: D,
  help: string,
): Option<D, boolean> {
  return { names, dest, action: 'constant', constant: true, default: false, help };
}

/** Is true until it is given. */
export function negativeFlag<const D extends string>(
  names: readonly string[],
  dest: D,
  help: string,
): Option<D, boolean> {
  return { names, dest, action: 'constant', constant: false, default: true, help };
}

/** A flag with neither value while it isn't given. */
export function undecidedFlag<const D extends string>(
  names: readonly string[],
  dest: D,
  help: string,
): Option<D, boolean | null> {
  return { names, dest, action: 'constant', constant: true, default: null, help };
}

/** Stores `constant`; several options share one dest, the last one given wins. */
export function constant<const D extends string, T>(
  names: readonly string[],
  dest: D,
  help: string,
  value: T,
): Option<D, T | null> {
  return { names, dest, action: 'constant', constant: value, default: null, help };
}

/** How often it was given. */
export function counter<const D extends string>(
  names: readonly string[],
  dest: D,
  help: string,
): Option<D, number> {
  return { names, dest, action: 'count', default: 0, help };
}

/** Does nothing but say so: kept for scripts written for older versions. */
export function retired<const D extends string>(
  names: readonly string[],
  dest: D,
  help: string,
): Option<D, null> {
  return { names, dest, action: 'warn', default: null, help };
}

export function text<const D extends string, V extends string | null = null>(
  names: readonly string[],
  dest: D,
  help: string,
  more: More<V> = {},
): Option<D, string | V> {
  return stored<D, string | V>('store', 'string', names, dest, help, null as V, more);
}

export function texts<const D extends string>(
  names: readonly string[],
  dest: D,
  help: string,
  more: More<string[]> = {},
): Option<D, string[]> {
  return stored('append', 'string', names, dest, help, [], more);
}

/** Any number of times; null while it isn't given. */
export function maybeTexts<const D extends string>(
  names: readonly string[],
  dest: D,
  help: string,
  more: More<string[] | null> = {},
): Option<D, string[] | null> {
  return stored<D, string[] | null>('append', 'string', names, dest, help, null, more);
}

/** Any number of times, each one of the choices. */
export function choices<const D extends string>(
  names: readonly string[],
  dest: D,
  offered: readonly string[],
  help: string,
): Option<D, string[]> {
  return { ...stored<D, string[]>('append', 'choice', names, dest, help, [], {}), choices: offered };
}

export function integer<const D extends string, V extends number | null = null>(
  names: readonly string[],
  dest: D,
  help: string,
  more: More<V> = {},
): Option<D, number | V> {
  return stored<D, number | V>('store', 'int', names, dest, help, null as V, more);
}

export function decimal<const D extends string, V extends number | null = null>(
  names: readonly string[],
  dest: D,
  help: string,
  more: More<V> = {},
): Option<D, number | V> {
  return stored<D, number | V>('store', 'float', names, dest, help, null as V, more);
}

/** A decimal or the word "default". */
export function maybeDecimal<const D extends string>(
  names: readonly string[],
  dest: D,
  help: string,
): Option<D, number | 'default' | null> {
  return stored<D, number | 'default' | null>('store', 'maybefloat', names, dest, help, null, {});
}

/** MiB; accepts the suffixes M, G and T. */
export function size<const D extends string, V extends number | null = null>(
  names: readonly string[],
  dest: D,
  help: string,
  more: More<V> = {},
): Option<D, number | V> {
  return stored<D, number | V>('store', 'unit', names, dest, help, null as V, more);
}

export function yesNo<const D extends string>(
  names: readonly string[],
  dest: D,
  help: string,
  more: More<boolean | null> = {},
): Option<D, boolean | null> {
  return stored('store', 'bool', names, dest, help, null, more);
}

export function choice<const D extends string, V extends string | null = null>(
  names: readonly string[],
  dest: D,
  choices: readonly string[],
  help: string,
  more: More<V> = {},
): Option<D, string | V> {
  return { ...stored<D, string | V>('store', 'choice', names, dest, help, null as V, more), choices };
}

/** A choice that stands for another value. */
export function mappedChoice<const D extends string, T>(
  names: readonly string[],
  dest: D,
  mapped: Readonly<Record<string, T>>,
  help: string,
  more: { readonly metavar?: string } = {},
): Option<D, T | null> {
  const choices = Object.keys(mapped);
  return { names, dest, action: 'store', type: 'choice', default: null, help, choices, mapped, ...more };
}

/** Comma-separated. */
export function list<const D extends string>(
  names: readonly string[],
  dest: D,
  help: string,
  more: More<string[] | null> = {},
): Option<D, string[] | null> {
  return stored('store', 'list', names, dest, help, null, more);
}

export function keyValues<const D extends string>(
  names: readonly string[],
  dest: D,
  help: string,
): Option<D, KeyValues> {
  return stored<D, KeyValues>('store', 'keyval', names, dest, help, {}, {});
}

/** Key values that are null while the option isn't given. */
export function maybeKeyValues<const D extends string>(
  names: readonly string[],
  dest: D,
  help: string,
): Option<D, KeyValues | null> {
  return stored<D, KeyValues | null>('store', 'keyval', names, dest, help, null, {});
}

/** Key values that no log shows. */
export function secretKeyValues<const D extends string>(
  names: readonly string[],
  dest: D,
  help: string,
): Option<D, KeyValues> {
  return { ...stored<D, KeyValues>('store', 'keyprivateval', names, dest, help, {}, {}), secret: true };
}

/** "ident:key=value,…", once. */
export function identified<const D extends string>(
  names: readonly string[],
  dest: D,
  help: string,
): Option<D, IdentifiedValues | null> {
  return stored<D, IdentifiedValues | null>('store', 'identkeyval', names, dest, help, null, {});
}

/** "ident:key=value,…", any number of times. */
export function manyIdentified<const D extends string>(
  names: readonly string[],
  dest: D,
  help: string,
): Option<D, IdentifiedValues[]> {
  return stored<D, IdentifiedValues[]>('append', 'identkeyval', names, dest, help, [], {});
}

/** "ident:key=value,…/ident:…//ident:…". */
export function specificationLists<const D extends string>(
  names: readonly string[],
  dest: D,
  help: string,
): Option<D, SpecificationLists | null> {
  return stored<D, SpecificationLists | null>('store', 'multilistidentkeyval', names, dest, help, null, {});
}

export function json<const D extends string>(
  names: readonly string[],
  dest: D,
  help: string,
  more: More<unknown> = {},
): Option<D, unknown> {
  return stored<D, unknown>('store', 'json', names, dest, help, null, more);
}

/** ACCEPT, PAUSE, REJECT, CONTINUE or "RATE_LIMIT n". */
export function filterAction<const D extends string>(
  names: readonly string[],
  dest: D,
  help: string,
  more: More<unknown> = {},
): Option<D, unknown> {
  return stored<D, unknown>('store', 'filteraction', names, dest, help, null, more);
}
