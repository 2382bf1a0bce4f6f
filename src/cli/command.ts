/**
 * What a command is: its arguments, its options, the two sentences of its help, and what it does. The
 * tables of commands are what `--help`, completion, manual pages and the surface listing are made from.
 */
import { counter, type Option, text, type ValuesOf } from './optparse/option.ts';
import type { Session } from './session.ts';

/** What an argument names; completion offers those. */
export type ArgumentKind =
  | 'choice'
  | 'command'
  | 'extstorage'
  | 'file'
  | 'filter'
  | 'group'
  | 'host'
  | 'instance'
  | 'jobid'
  | 'network'
  | 'node'
  | 'os'
  | 'suggest'
  | 'unknown';

export interface Argument {
  readonly kind: ArgumentKind;
  readonly min: number;
  /** null: as many as are given. Only the last argument of a command may say so. */
  readonly max: number | null;
  /** What completion offers of kinds "choice" and "suggest". */
  readonly choices?: readonly string[];
}

export function one(kind: ArgumentKind, choices?: readonly string[]): Argument {
  return { kind, min: 1, max: 1, ...(choices === undefined ? {} : { choices }) };
}

/** Any number, or at least `min`. */
export function many(kind: ArgumentKind, min = 0): Argument {
  return { kind, min, max: null };
}

/** Options of every command. */
export const commonOptions = [
  counter(['-d', '--debug'], 'debug', 'Increase debugging level'),
  text(['--reason'], 'reason', 'The reason for executing the command'),
] as const;

export type CommonValues = ValuesOf<typeof commonOptions>;

export interface Command {
  readonly arguments: readonly Argument[];
  /** Without the common ones. */
  readonly options: readonly Option[];
  /** Behind "<program> <command> ". */
  readonly usage: string;
  readonly description: string;
  /** Does it; the exit code. */
  readonly run: (session: Session, options: never, args: string[]) => Promise<number>;
}

interface CommandDefinition<O extends readonly Option[]> extends Omit<Command, 'options' | 'run'> {
  readonly options: O;
  readonly run: (
    session: Session,
    options: ValuesOf<O> & CommonValues,
    args: string[],
  ) => Promise<number> | number;
}

/** A command whose `run` gets its options by name and type. */
export function command<const O extends readonly Option[]>(definition: CommandDefinition<O>): Command {
  return {
    ...definition,
    run: async (session, options, args) => await definition.run(session, options, args),
  };
}

/** What `gnt-<kind> …-tags` work on. */
export type TagKind = 'cluster' | 'instance' | 'network' | 'node' | 'nodegroup';

export interface Program {
  readonly commands: Readonly<Record<string, Command>>;
  /** Other names of commands. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Commands whose default options may stand in GNT_<PROGRAM>_<COMMAND>. */
  readonly defaultsFromEnvironment: readonly string[];
}

const plural = (count: number) => `${count} argument(s)`;

/** What is wrong with the number of arguments, in Ganeti's words (cli._CheckArguments), or nothing. */
export function findArgumentFault(
  name: string,
  definitions: readonly Argument[],
  args: readonly string[],
): string | undefined {
  if (definitions.length === 0) {
    return args.length > 0 ? `Error: Command ${name} expects no arguments` : undefined;
  }
  const least = definitions.reduce((sum, { min }) => sum + min, 0);
  const most = definitions.reduce((sum, { max }) => sum + (max ?? 0), 0);
  if (definitions.at(-1)!.max !== null) {
    if (least === most && args.length !== least) return `Error: Command ${name} expects ${plural(least)}`;
    if (args.length > most) return `Error: Command ${name} expects only ${plural(most)}`;
  }
  return args.length < least ? `Error: Command ${name} expects at least ${plural(least)}` : undefined;
}
