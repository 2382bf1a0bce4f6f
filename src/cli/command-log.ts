/**
 * commands.log, where administrators look for what was done and what failed. Values of secret options
 * never reach it, nor the terminal with --debug.
 */
import { appendFileSync } from 'node:fs';
import { Failure, traceOf } from '../kit/failure.ts';
import { logTimestamp } from '../kit/log.ts';
import type { Command } from './command.ts';
import type { Option } from './optparse/option.ts';
import { failureText } from './output/errors.ts';
import type { Session, Surroundings } from './session.ts';
import { quoteWords } from './shell-words.ts';

const hidden = '<redacted>';

/** The words of a command line with the values of secret options blanked. */
export function withoutSecrets(options: readonly Option[], words: readonly string[]): string[] {
  const secrets = options.filter(({ secret }) => secret).flatMap(({ names }) => names);
  // Beginnings of long names are accepted too, so they hide what they may mean.
  const isSecret = (name: string) =>
    name.startsWith('--') && name.length > 2 && secrets.some((secret) => secret.startsWith(name));
  let hideNext = false;
  return words.map((word) => {
    if (hideNext) {
      hideNext = false;
      return hidden;
    }
    const equals = word.indexOf('=');
    if (equals > 0 && isSecret(word.slice(0, equals))) return `${word.slice(0, equals)}=${hidden}`;
    hideNext = isSecret(word);
    return word;
  });
}

function line(program: string, command: string, level: string, text: string): string {
  return `${logTimestamp(new Date())}: ${program} ${command} pid=${process.pid} ${level} ${text}\n`;
}

function append(surroundings: Pick<Surroundings, 'paths'>, text: string): void {
  try {
    appendFileSync(`${surroundings.paths.logDir}/commands.log`, text, { mode: 0o640 });
  } catch {
    // A user without access to the log directory, or a node without one: the command matters more.
  }
}

/** With --debug, says on standard error and in the log what is run. */
export function logCommand(
  surroundings: Surroundings,
  program: string,
  name: string,
  command: Command,
  words: readonly string[],
  debug: number,
): void {
  if (debug === 0) return;
  const shown = quoteWords([program, name, ...withoutSecrets(command.options, words)]);
  const text = line(program, name, 'DEBUG', `Command line: ${shown}`);
  append(surroundings, text);
  surroundings.terminal.err(text);
}

/** A failure goes to the log with its cause, a fault with where it happened; the user has read the sentence already. */
export function logFailure(session: Session, text: string, error: unknown): void {
  const cause =
    error instanceof Error && error.cause !== undefined ? `; cause: ${failureText(error.cause)}` : '';
  const trace = error instanceof Failure ? '' : `; ${traceOf(error)}`;
  const shown = `Error during command processing: ${text}${cause}${trace}`.replaceAll('\n', ' | ');
  append(session, line(session.program, session.command, 'ERROR', shown));
}
