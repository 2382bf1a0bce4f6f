/**
 * Every gnt-* program: finds the command, reads its options, runs it, and turns what it threw into text
 * and an exit code.
 */
import { pathsFor } from '../kit/paths.ts';
import { luxiAddress } from '../luxi/address.ts';
import { connectLuxi } from '../luxi/client.ts';
import { type Command, commonOptions, findArgumentFault, type Program } from './command.ts';
import { logCommand, logFailure } from './command-log.ts';
import { ExitCode } from './exit-codes.ts';
import { OptionError } from './optparse/convert.ts';
import { formatHelp, formatUsage, helpWidth } from './optparse/help.ts';
import { type Parsed, parseOptions } from './optparse/parser.ts';
import { reportError } from './output/errors.ts';
import { programs } from './programs.ts';
import { type Environment, Session, type Surroundings } from './session.ts';
import { splitWords } from './shell-words.ts';
import { processTerminal } from './terminal.ts';
import { formatCommandList, usageOf } from './usage.ts';
import { ganetiRelease, ownVersion } from './version.ts';

/** Options that the environment puts before those of the command line. */
function wordsFromEnvironment(program: string, name: string, table: Program, env: Environment): string[] {
  if (!table.defaultsFromEnvironment.includes(name)) return [];
  const value = env[`${program}_${name}`.replaceAll('-', '_').toUpperCase()];
  return value === undefined ? [] : splitWords(value);
}

interface Call {
  readonly program: string;
  /** The command's own name, not an alias. */
  readonly name: string;
  /** As the user wrote it. */
  readonly written: string;
  readonly command: Command;
  readonly parsed: Parsed;
}

async function runCommand(call: Call, surroundings: Surroundings): Promise<number> {
  const { terminal } = surroundings;
  const session = new Session(call.program, call.written, surroundings);
  try {
    return await call.command.run(session, call.parsed.values as never, call.parsed.args);
  } catch (error) {
    const report = reportError(error);
    if (report.code !== ExitCode.success) logFailure(session, report.text, error);
    terminal.err(`${report.text}\n`);
    return report.code;
  } finally {
    session.close();
  }
}

/** The parsed command line, or the exit code when there is nothing left to do. */
function parseCall(
  call: Omit<Call, 'parsed'>,
  words: readonly string[],
  surroundings: Surroundings,
): Parsed | number {
  const { terminal, env } = surroundings;
  const { program, name, command } = call;
  const options = [...command.options, ...commonOptions];
  const usage = usageOf(program, name, command);
  let parsed: Parsed;
  try {
    parsed = parseOptions(options, words);
  } catch (error) {
    if (error instanceof OptionError) {
      terminal.err(`${formatUsage(usage)}\n${program}: error: ${error.message}\n`);
      return ExitCode.usage;
    }
    terminal.err(`${reportError(error).text}\n`);
    return ExitCode.failure;
  }
  for (const warning of parsed.warnings) terminal.err(`${warning}\n`);
  if (parsed.help) {
    terminal.out(formatHelp(usage, command.description, options, helpWidth(env)));
    return ExitCode.success;
  }
  const fault = findArgumentFault(name, command.arguments, parsed.args);
  if (fault === undefined) return parsed;
  terminal.err(`${fault}\n`);
  return ExitCode.failure;
}

/** Runs a program in given surroundings; the exit code. */
export async function runProgram(
  program: string,
  argv: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { terminal, env } = surroundings;
  const load = Object.hasOwn(programs, program) ? programs[program] : undefined;
  if (load === undefined) {
    terminal.err(`${program}: no such program\n`);
    return ExitCode.failure;
  }
  const [written, ...rest] = argv;
  if (written === '--version') {
    terminal.out(`${program} (ganeti ${ownVersion}) ${ganetiRelease}\n`);
    return ExitCode.success;
  }
  const table = await load();
  const name =
    written === undefined ? '' : Object.hasOwn(table.aliases, written) ? table.aliases[written]! : written;
  const command = Object.hasOwn(table.commands, name) ? table.commands[name] : undefined;
  if (written === undefined || command === undefined) {
    terminal.out(`${formatCommandList(program, table).join('\n')}\n`);
    return written === '--help' ? ExitCode.success : ExitCode.failure;
  }
  const words = [...wordsFromEnvironment(program, name, table, env), ...rest];
  const parsed = parseCall({ program, name, written, command }, words, surroundings);
  if (typeof parsed === 'number') return parsed;
  logCommand(surroundings, program, written, command, words, parsed.values.debug as number);
  return await runCommand({ program, name, written, command, parsed }, surroundings);
}

/** Runs a program that has one command and no name for it. */
export async function runSingle(
  program: string,
  command: Command,
  argv: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { terminal } = surroundings;
  if (argv[0] === '--version') {
    terminal.out(`${program} (ganeti ${ownVersion}) ${ganetiRelease}\n`);
    return ExitCode.success;
  }
  const call = { program, name: '', written: '', command };
  const parsed = parseCall(call, argv, surroundings);
  if (typeof parsed === 'number') return parsed;
  logCommand(surroundings, program, '', command, argv, parsed.values.debug as number);
  return await runCommand({ ...call, parsed }, surroundings);
}

/**
 * Runs a program in this process's own surroundings.
 * @param single its only command, for a program that has no table of them
 */
export async function main(program: string, argv: readonly string[], single?: Command): Promise<number> {
  const { env } = process;
  const paths = pathsFor(env);
  const surroundings: Surroundings = {
    terminal: processTerminal,
    env,
    paths,
    connect: async () => await connectLuxi(luxiAddress(paths, env)),
    ownName: async () => {
      const { ownHostname } = await import('../kit/resolve.ts');
      return ownHostname(env);
    },
    run: async (argv) => {
      const { runProcess } = await import('../kit/process.ts');
      return await runProcess(argv);
    },
    interact: async (argv) => {
      const { runInteractive } = await import('../kit/streaming-process.ts');
      return await runInteractive(argv);
    },
    bootstrap: async (verb, parameters) => {
      const { runBootstrap } = await import('./shared/bootstrap.ts');
      return await runBootstrap(processTerminal, verb, parameters);
    },
  };
  return single === undefined
    ? await runProgram(program, argv, surroundings)
    : await runSingle(program, single, argv, surroundings);
}

const aborted =
  'Aborted. Note that if the operation created any jobs, they might have been submitted and will continue' +
  ' to run in the background.\n';

if (import.meta.main) {
  // The reader of a pipe may go away; there is nobody left to tell.
  process.stdout.on('error', () => process.exit(ExitCode.failure));
  process.on('SIGINT', () => {
    process.stderr.write(aborted);
    process.exit(ExitCode.failure);
  });
  void main(process.env.GANTRY_PROGRAM ?? '', process.argv.slice(2)).then((code) => {
    process.exitCode = code;
  });
}
