/** Programs of one command that are no part of `gnt-*`: command line, help and exit code. */
import { messageOf } from '../kit/failure.ts';
import { ExitCode } from './exit-codes.ts';
import { OptionError } from './optparse/convert.ts';
import { formatHelp, formatUsage, helpWidth } from './optparse/help.ts';
import type { Option } from './optparse/option.ts';

export interface Standalone<Line> {
  readonly program: string;
  readonly usage: string;
  readonly description: string;
  readonly options: readonly Option[];
  /** 'help' when that was asked for. @throws OptionError */
  readonly read: (words: readonly string[]) => Line | 'help';
  /** Gives the exit code. */
  readonly work: (line: Line) => Promise<number>;
}

async function exitCodeOf<Line>(tool: Standalone<Line>, words: readonly string[]): Promise<number> {
  const { program, usage } = tool;
  let line: Line | 'help';
  try {
    line = tool.read(words);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    process.stderr.write(`${formatUsage(usage)}\n${program}: error: ${error.message}\n`);
    return ExitCode.usage;
  }
  if (line !== 'help') return await tool.work(line);
  process.stdout.write(formatHelp(usage, tool.description, tool.options, helpWidth(process.env)));
  return ExitCode.success;
}

/** Runs the program with the words of its command line; its exit code is the process's. */
export async function runStandalone<Line>(tool: Standalone<Line>): Promise<void> {
  try {
    process.exitCode = await exitCodeOf(tool, process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${tool.program}: error: ${messageOf(error)}\n`);
    process.exitCode = ExitCode.failure;
  }
}
