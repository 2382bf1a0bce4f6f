/**
 * What has to be done on this machine itself, before there is a master daemon to ask or after it is gone:
 * making and ending a cluster, preparing a node, taking over as master. `gantry-bootstrap` does it; it gets
 * its parameters as JSON on standard input and answers in lines of JSON:
 *
 *   {"log": "text"}      for standard output
 *   {"warning": "text"}  for standard error
 *   {"result": …}        once, when it succeeded
 *   {"error": [class, [arguments…]]}  once, when it failed
 */
import { decodeFailure, Failure, notSupportedYet } from '../../kit/failure.ts';
import { programPath } from '../../kit/programs.ts';
import { runStreaming } from '../../kit/streaming-process.ts';
import type { Terminal } from '../terminal.ts';

export type BootstrapVerb =
  | 'init'
  | 'destroy-finish'
  | 'node-setup'
  | 'node-undo'
  | 'master-failover'
  | 'renew-crypto';

const launcherName = 'gantry-bootstrap';
/** Exit code of the launcher for a verb that it doesn't know. */
const unknownVerb = 2;

interface Answer {
  readonly log?: string;
  readonly warning?: string;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** Undefined for a line that is no answer: output of a program that was called on the way. */
function answerOf(line: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** @throws Failure that the verb ended with, or OpExecError when it ended without an answer */
export async function runBootstrap(
  terminal: Terminal,
  verb: BootstrapVerb,
  parameters: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  let last: Answer | undefined;
  const code = await runStreaming([programPath(launcherName), verb], {
    input: JSON.stringify(parameters),
    onLine(line) {
      const answer = answerOf(line);
      if (answer === undefined) terminal.out(`${line}\n`);
      else if (answer.log !== undefined) terminal.out(`${answer.log}\n`);
      else if (answer.warning !== undefined) terminal.err(`${answer.warning}\n`);
      else last = answer;
    },
    onError: (text) => terminal.err(text),
  });
  if (last !== undefined && 'error' in last) throw decodeFailure(last.error);
  if (last !== undefined && code === 0) return last.result;
  if (code === unknownVerb) throw notSupportedYet(verb);
  throw new Failure('OpExecError', [`${launcherName} ${verb} ended with code ${code} and without an answer`]);
}
