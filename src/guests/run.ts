/**
 * Runs OS scripts: each with its whole environment, in its definition's folder, its output in a log file
 * of its own. A failure carries the last lines of that log. Parameters reach scripts through the
 * environment only: no command line, log line or message has them.
 */
import { mkdir, open, readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { executionFailure } from '../kit/failure.ts';
import { type ProcessResult, runProcess } from '../kit/process.ts';
import type { OsDefinition } from './definitions.ts';
import type { Environment } from './environment.ts';

const shownLines = 20;

/** Local time without colons, for names of files. */
function fileTimestamp(date: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}_${two(date.getHours())}_${two(date.getMinutes())}_${two(date.getSeconds())}`;
}

/** Path of a script's log: <kind>-<os>-<instance>[-<component>]-<time>.log. */
export function logFileName(
  folder: string,
  kind: string,
  os: string,
  instance: string,
  at: Date,
  component?: string,
): string {
  const part = (text: string) => text.replaceAll('/', '_');
  const middle = component === undefined ? '' : `-${part(component)}`;
  return join(folder, `${part(kind)}-${part(os)}-${part(instance)}${middle}-${fileTimestamp(at)}.log`);
}

/** How a process ended, in Ganeti's words. */
export function endOf(result: ProcessResult): string {
  if (result.signal !== null) return `terminated by signal ${constants.signals[result.signal]}`;
  return `exited with exit code ${result.code}`;
}

/** Control characters written out, so that a script's output can't play with a terminal. */
export function printable(text: string): string {
  return text.replace(
    /[^\t\x20-\x7e\u00a0-\uffff]/g,
    (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** The last lines of a text that ends with a line break or not. */
export function lastLines(text: string, count: number): string[] {
  return text.replace(/\n$/, '').split('\n').slice(-count);
}

export interface ScriptRun {
  readonly definition: OsDefinition;
  readonly script: 'create' | 'rename';
  readonly environment: Environment;
  /** File that the script's output is added to. */
  readonly logFile: string;
  readonly logFolder: string;
  readonly signal?: AbortSignal;
}

/** @throws Failure OpExecError with the last lines of the log when the script fails */
export async function runScript(run: ScriptRun): Promise<void> {
  const { definition, script } = run;
  const program = definition.scripts[script];
  if (program === null) {
    throw executionFailure(
      `OS '${definition.name}' has no ${script} script that may run on the node, only one for a helper virtual machine`,
    );
  }
  await mkdir(run.logFolder, { recursive: true, mode: 0o750 });
  const log = await open(run.logFile, 'a', 0o640);
  let result: ProcessResult;
  try {
    result = await runProcess([program], {
      env: run.environment,
      cleanEnvironment: true,
      cwd: definition.path,
      outputFd: log.fd,
      ...(run.signal === undefined ? {} : { signal: run.signal }),
    });
  } finally {
    await log.close();
  }
  if (result.code === 0) return;
  const lines = lastLines(await readFile(run.logFile, 'utf8'), shownLines).map(printable);
  throw executionFailure(
    `OS ${script} script failed (${endOf(result)}), last lines in the log file:\n${lines.join('\n')}`,
  );
}

/**
 * Has the definition check parameters with its `verify` script.
 * @throws Failure OpExecError with the script's words
 */
export async function runVerify(
  definition: OsDefinition,
  checks: readonly string[],
  environment: Environment,
): Promise<void> {
  const program = definition.scripts.verify;
  if (program === null) return;
  const result = await runProcess([program, ...checks], {
    env: environment,
    cleanEnvironment: true,
    cwd: definition.path,
  });
  if (result.code === 0) return;
  const output = printable(`${result.stdout}${result.stderr}`.trimEnd().replaceAll('\n', ' '));
  throw executionFailure(`OS validation script failed (${endOf(result)}), output: ${output}`);
}
