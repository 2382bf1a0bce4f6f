/**
 * What a user reads when a command fails, and its exit code (cli.FormatError). One table over the classes
 * of failures; the words are an interface, since scripts look for them.
 */
import { Failure, messageOf } from '../../kit/failure.ts';
import { ExitCode } from '../exit-codes.ts';
import { pythonText } from './python-text.ts';

/** `--submit`: nothing failed, but there is nothing more to do than to tell the job's id. */
export class JobSubmitted extends Error {
  readonly jobId: unknown;

  constructor(jobId: unknown) {
    super(`job ${String(jobId)} was submitted`);
    this.jobId = jobId;
  }
}

export interface ErrorReport {
  readonly code: number;
  readonly text: string;
}

/** The text of a failure alone: its one argument, or all of them as Python's str(exception) shows them. */
export function failureText(error: unknown): string {
  if (!(error instanceof Failure)) return messageOf(error);
  if (error.args.length === 0) return '';
  if (error.args.length === 1) return pythonText(error.args[0]);
  return `(${pythonText(error.args).slice(1, -1)})`;
}

function hooksAbort(results: unknown): string {
  const lines = (Array.isArray(results) ? results : []).map((entry) => {
    const [node, script, output] = entry as [unknown, unknown, unknown];
    const head = `  node: ${pythonText(node)}, script: ${pythonText(script)}`;
    return output ? `${head}, output: ${pythonText(output)}` : `${head} (no output)`;
  });
  return ['Failure: hooks execution failed:', ...lines].join('\n');
}

function prerequisite(failure: Failure): string {
  const head = 'Failure: prerequisites not met for this operation:';
  if (failure.args.length !== 2) return `${head}\n${failureText(failure)}`;
  const [message, code] = failure.args;
  return `${head}\nerror type: ${pythonText(code)}, error details:\n${pythonText(message)}`;
}

function filterFault(failure: Failure): string {
  const [message, details] = failure.args;
  const lines = Array.isArray(details) ? details.map(pythonText) : [];
  return [`Error while parsing query filter: ${pythonText(message)}`, ...lines].join('\n');
}

const lateAnswer =
  'Timeout while talking to the master daemon. Jobs might have been submitted and will continue to run even' +
  ' if the call timed out. Useful commands in this situation are "gnt-job list", "gnt-job cancel" and' +
  ' "gnt-job watch". Error:\n';

/** By class; classes that are not listed are "Unhandled Ganeti error". */
const sentences: Readonly<Record<string, (failure: Failure, text: string) => string>> = {
  ConfigurationError: (_failure, text) => `Corrupt configuration file: ${text}\nAborting.`,
  ConfigVersionMismatch: (_failure, text) => `Corrupt configuration file: ${text}\nAborting.`,
  HooksAbort: (failure) => hooksAbort(failure.args[0]),
  HooksFailure: (_failure, text) => `Failure: hooks general failure: ${text}`,
  ResolverError: (failure) => `Failure: can't resolve hostname '${pythonText(failure.args[0])}'`,
  OpPrereqError: prerequisite,
  OpExecError: (_failure, text) => `Failure: command execution error:\n${text}`,
  TagError: (_failure, text) => `Failure: invalid tag(s) given:\n${text}`,
  JobQueueDrainError: () => "Failure: the job queue is marked for drain and doesn't accept new requests",
  JobQueueFull: () =>
    "Failure: the job queue is full and doesn't accept new job submissions until old jobs are archived",
  TypeEnforcementError: (_failure, text) => `Parameter Error: ${text}`,
  ParameterError: (_failure, text) => `Failure: unknown/wrong parameter name '${text}'`,
  NoMasterError: (failure) => {
    const path = pythonText(failure.args[0]);
    const daemon = path.endsWith('/ganeti-query') ? 'the master daemon' : `socket '${path}'`;
    return `Cannot communicate with ${daemon}.\nIs the process running and listening for connections?`;
  },
  TimeoutError: (_failure, text) => lateAnswer + text,
  PermissionError: () =>
    "It seems you don't have permissions to connect to the master daemon.\nPlease retry as a different user.",
  ProtocolError: (_failure, text) => `Unhandled protocol error while talking to the master daemon:\n${text}`,
  JobLost: (_failure, text) => `Error checking job status: ${text}`,
  QueryFilterParseError: filterFault,
};

export function reportError(error: unknown): ErrorReport {
  if (error instanceof JobSubmitted)
    return { code: ExitCode.success, text: `JobID: ${pythonText(error.jobId)}` };
  if (!(error instanceof Failure)) {
    return { code: ExitCode.failure, text: `Unhandled exception: ${messageOf(error)}` };
  }
  const text = failureText(error);
  const sentence = sentences[error.errorClass]?.(error, text) ?? `Unhandled Ganeti error: ${text}`;
  const isConfiguration = error.errorClass.startsWith('Config');
  return { code: isConfiguration ? 2 : ExitCode.failure, text: sentence.replace(/\n+$/, '') };
}
