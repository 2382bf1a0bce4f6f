/** What the programs that make a machine a node have in common: JSON on standard input, a log on standard error. */
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import { Failure } from '../../kit/failure.ts';
import type { Log } from '../../kit/log.ts';
import {
  isToolAnswer,
  parseToolOptions,
  type ToolCall,
  tellToolAnswer,
  toolOptions,
} from '../../kit/tool-options.ts';

export function joinLog({ flags }: ToolCall): Log {
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const aside = flags.has('verbose') || flags.has('debug') ? say : () => {};
  return { debug: flags.has('debug') ? say : () => {}, info: aside, warning: say, error: say };
}

/** @throws Failure JoinError-like ParameterError for input of another shape */
export async function readJoinInput<S extends z.ZodType>(schema: S): Promise<z.output<S>> {
  const parsed = schema.safeParse(JSON.parse(await text(process.stdin)));
  if (!parsed.success)
    throw new Failure('ParameterError', [`Input is wrong: ${z.prettifyError(parsed.error)}`]);
  return parsed.data;
}

/** Runs a program that takes --dry-run, -v and -d and no arguments. */
export async function runJoinTool(
  program: string,
  argv: readonly string[],
  work: (call: ToolCall, log: Log) => Promise<void>,
): Promise<number> {
  const options = [toolOptions.debug, toolOptions.verbose, toolOptions.dryRun];
  const call = parseToolOptions(program, '[--dry-run] [--verbose] [--debug]', options, argv);
  if (isToolAnswer(call)) return tellToolAnswer(call);
  if (call.args.length > 0) {
    process.stderr.write(`${program}: error: No arguments are expected\n`);
    return 2;
  }
  const log = joinLog(call);
  await work(call, log);
  log.info('Setup finished successfully');
  return 0;
}
