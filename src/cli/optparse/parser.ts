/**
 * Python's optparse, as far as Ganeti's programs use it: attached values (-Bmemory=4g, --tags=a), values
 * in the next word whatever they begin with (--net -1:add), unique beginnings of long options, clusters of
 * short ones, and options only before the first argument.
 */
import { fill } from '../output/wrap.ts';
import { convertValue, OptionError } from './convert.ts';
import type { Option } from './option.ts';

export interface Parsed {
  /** By dest; every dest of the offered options is there. */
  readonly values: Record<string, unknown>;
  readonly args: string[];
  /** --help was met before any error: nothing after it was read. */
  readonly help: boolean;
  /** Lines for standard error: options that do nothing any more. */
  readonly warnings: readonly string[];
}

interface State extends Parsed {
  help: boolean;
  warnings: string[];
  rest: string[];
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return [...value];
  return typeof value === 'object' && value !== null ? { ...value } : value;
}

/** The values when no option is given; of options with one dest, the last default that says something. */
export function defaultsOf(options: readonly Option[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const option of options) {
    if (option.default !== null || !(option.dest in values)) values[option.dest] = copyOf(option.default);
  }
  return values;
}

function matchLong(options: readonly Option[], name: string): { option: Option; name: string } | 'help' {
  const long = [...options.flatMap((option) => option.names).filter((n) => n.startsWith('--')), '--help'];
  const matches = long.includes(name) ? [name] : long.filter((candidate) => candidate.startsWith(name));
  if (matches.length === 0) throw new OptionError(`no such option: ${name}`);
  if (matches.length > 1) {
    throw new OptionError(`ambiguous option: ${name} (${[...matches].sort().join(', ')}?)`);
  }
  const full = matches[0]!;
  if (full === '--help') return 'help';
  return { option: options.find((option) => option.names.includes(full))!, name: full };
}

/** Whether the option wants a word as its value. */
export function takesValue(option: Option): boolean {
  return option.type !== undefined;
}

function apply(state: State, option: Option, name: string, text: string | undefined): void {
  const { values } = state;
  switch (option.action) {
    case 'constant':
      values[option.dest] = option.constant;
      return;
    case 'count':
      values[option.dest] = (values[option.dest] as number) + 1;
      return;
    case 'warn':
      state.warnings.push(`Warning: ${name}: ${fill(option.help, 70, { indent: '    ' })}`);
      return;
    case 'store':
      values[option.dest] = convertValue(option, name, text!);
      return;
    case 'append':
      values[option.dest] ??= [];
      (values[option.dest] as unknown[]).push(convertValue(option, name, text!));
  }
}

function nextWord(state: State, name: string): string {
  const word = state.rest.shift();
  if (word === undefined) throw new OptionError(`${name} option requires 1 argument`);
  return word;
}

function readLong(state: State, options: readonly Option[]): void {
  const word = state.rest.shift()!;
  const equals = word.indexOf('=');
  const written = equals < 0 ? word : word.slice(0, equals);
  const attached = equals < 0 ? undefined : word.slice(equals + 1);
  const match = matchLong(options, written);
  if (match === 'help') {
    if (attached !== undefined) throw new OptionError('--help option does not take a value');
    state.help = true;
    return;
  }
  if (takesValue(match.option)) {
    apply(state, match.option, match.name, attached ?? nextWord(state, match.name));
    return;
  }
  if (attached !== undefined) throw new OptionError(`${match.name} option does not take a value`);
  apply(state, match.option, match.name, undefined);
}

function readShort(state: State, options: readonly Option[]): void {
  const word = state.rest.shift()!;
  for (let i = 1; i < word.length && !state.help; i += 1) {
    const name = `-${word[i]}`;
    const option = options.find((candidate) => candidate.names.includes(name));
    if (option === undefined) {
      if (name !== '-h') throw new OptionError(`no such option: ${name}`);
      state.help = true;
    } else if (takesValue(option)) {
      const attached = word.slice(i + 1);
      apply(state, option, name, attached === '' ? nextWord(state, name) : attached);
      return;
    } else {
      apply(state, option, name, undefined);
    }
  }
}

/**
 * @throws OptionError for what usage and exit code 2 answer; Failure ParameterError for wrong key=value text
 */
export function parseOptions(options: readonly Option[], words: readonly string[]): Parsed {
  const state: State = { values: defaultsOf(options), args: [], help: false, warnings: [], rest: [...words] };
  while (!state.help && state.rest.length > 0) {
    const word = state.rest[0]!;
    if (word === '--') {
      state.rest.shift();
      break;
    }
    if (word.startsWith('--')) readLong(state, options);
    else if (word.startsWith('-') && word.length > 1) readShort(state, options);
    else break;
  }
  return { values: state.values, args: state.rest, help: state.help, warnings: state.warnings };
}

/** Options may stand between and behind the arguments, as optparse has it by default. */
export function parseAnywhere(known: readonly Option[], words: readonly string[]): Parsed {
  const args: string[] = [];
  let rest = [...words];
  for (;;) {
    const parsed = parseOptions(known, rest);
    const at = rest.length - parsed.args.length;
    if (parsed.help || parsed.args.length === 0) return { ...parsed, args };
    if (rest[at - 1] === '--') return { ...parsed, args: [...args, ...parsed.args] };
    args.push(rest[at]!);
    rest = [...rest.slice(0, at), ...rest.slice(at + 1)];
  }
}
