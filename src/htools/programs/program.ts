/**
 * What all the tools share: reading the command line, help, versions, the way to end with an error. A tool is
 * a function of its options, its arguments and a context that writes; it returns when all went well and
 * throws `Exit` otherwise.
 */
import { randomUUID } from 'node:crypto';
import { pathsFor } from '../../kit/paths.ts';
import { connectLuxi, type LuxiClient } from '../../luxi/client.ts';
import { releaseVersion } from '../../model/release.ts';
import { DataError } from '../load/data-error.ts';
import { type OptionDefinition, parseCommandLine, usage } from './getopt.ts';
import {
  type FurtherOptionName,
  furtherOptions,
  genericOptions,
  type OptionName,
  optionDefinitions,
} from './option-definitions.ts';
import { defaultOptions, type Options } from './options.ts';

export interface ProgramContext {
  out(text: string): void;
  err(text: string): void;
  /** Seconds since the epoch. */
  now(): number;
  connect(socketPath: string): Promise<LuxiClient>;
  /** Milliseconds of pause between looks at running jobs, and any other wait. */
  sleep(milliseconds: number): Promise<void>;
  /**
   * Told when the user asks to stop: `first` for an interrupt; for a termination `now`, and then the process
   * ends. Returns how to stop listening.
   */
  onStop(listener: { readonly first: () => void; readonly now: () => void }): () => void;
  /** A new random UUID. */
  newUuid(): string;
  /** Text of standard input, for programs that read a request there. */
  readInput(): Promise<string>;
  /** The LUXI socket of this node. */
  readonly querySocket: string;
}

/** Ends the program with a code, after `message` on standard error. */
export class Exit extends Error {
  readonly code: number;
  constructor(code: number, message = '') {
    super(message);
    this.code = code;
  }
}

/** An error for the user: "Error: …", exit code 1. */
export function failure(message: string): Exit {
  return new Exit(1, `Error: ${message}\n`);
}

export interface Program {
  readonly name: string;
  /** What it is for, in half a sentence. */
  readonly purpose: string;
  readonly options: readonly OptionName[];
  /** Options beyond Ganeti's, which its help doesn't list. */
  readonly further?: readonly FurtherOptionName[];
  /** Completion of positional arguments, as --help-completion lists them. */
  readonly arguments: readonly string[];
  readonly main: (options: Options, args: readonly string[], context: ProgramContext) => Promise<void>;
}

export const versionText = `v${releaseVersion}`;

function versionInfo(name: string): string {
  const [major, minor] = process.versions.node.split('.');
  return (
    `${name} (ganeti) version ${versionText}\n` +
    `compiled with node ${major}.${minor}\n` +
    `running on ${process.platform} ${process.arch === 'x64' ? 'x86_64' : process.arch}\n`
  );
}

function completionInfo(definitions: readonly OptionDefinition<Options>[], args: readonly string[]): string {
  const lines = definitions.map(({ short, long, completion }) => {
    const names = short === '' ? `--${long}` : `-${short},--${long}`;
    return `${names} ${completion}`;
  });
  return [...lines, ...args].map((line) => `${line}\n`).join('');
}

function readOptions(
  program: Program,
  argv: readonly string[],
  context: ProgramContext,
): { options: Options; args: readonly string[] } {
  const known = optionDefinitions(context.querySocket);
  const listed = [...program.options.map((name) => known[name]), ...genericOptions];
  const further = (program.further ?? []).map((name) => furtherOptions[name]);
  const help = () =>
    usage(`${program.name} (ganeti) version ${versionText}\nUsage: ${program.name} [OPTION...]`, listed);
  const { found, args, errors } = parseCommandLine([...listed, ...further], argv);
  if (errors.length > 0) throw new Exit(2, `Command line error: ${errors.join('')}\n${help()}`);
  const options = defaultOptions();
  for (const { definition, value } of found) {
    try {
      definition.apply(options, value);
    } catch (error) {
      throw new Exit(1, `Error while parsing command line arguments:\n${(error as Error).message}\n`);
    }
  }
  const information = options.showHelp
    ? help()
    : options.showVersion
      ? versionInfo(program.name)
      : options.showCompletion
        ? completionInfo(listed, program.arguments)
        : undefined;
  if (information === undefined) return { options, args };
  context.out(information);
  throw new Exit(0);
}

/** Runs a tool and returns its exit code. */
export async function runProgram(
  program: Program,
  argv: readonly string[],
  context: ProgramContext,
): Promise<number> {
  let isVerbose = false;
  try {
    const { options, args } = readOptions(program, argv, context);
    isVerbose = options.verbosity > defaultOptions().verbosity;
    await program.main(options, args, context);
    return 0;
  } catch (error) {
    if (error instanceof Exit) {
      if (error.message !== '') context.err(error.message);
      return error.code;
    }
    if (error instanceof DataError) {
      context.err(`Error: ${error.message}\n`);
      return 1;
    }
    // A fault of the tool: whoever called it gets one line and an exit code all the same, and with -v where it happened.
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    const further = isVerbose ? `\n${stack}` : ' (a fault of the program; -v shows where)';
    context.err(`${program.name}: ${name}: ${message}${further}\n`);
    return 1;
  }
}

/** The tools that take no arguments say so. */
export function refuseArguments(args: readonly string[]): void {
  if (args.length > 0) throw failure("This program doesn't take any arguments.");
}

function onStop(listener: { readonly first: () => void; readonly now: () => void }): () => void {
  const terminate = () => {
    listener.now();
    process.exit(2);
  };
  process.on('SIGINT', listener.first);
  process.on('SIGTERM', terminate);
  return () => {
    process.off('SIGINT', listener.first);
    process.off('SIGTERM', terminate);
  };
}

async function standardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** The context of a real process. */
export function processContext(): ProgramContext {
  // A reader that has gone (hbal | head) ends the tool without further ado.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(1);
    throw error;
  });
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    now: () => Date.now() / 1000,
    connect: (socketPath) => connectLuxi(socketPath),
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    onStop,
    newUuid: randomUUID,
    readInput: standardInput,
    querySocket: pathsFor().querySocket,
  };
}
