/** Which jobs a command means: by id, or by status after asking (gnt_job._MultiJobAction). */
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import { ExitCode } from '../../exit-codes.ts';
import { pythonText } from '../../output/python-text.ts';
import { type Formats, formatQueryAnswer, plain, type QueryAnswer } from '../../output/query-table.ts';
import { formatTimestamp } from '../../output/time.ts';
import type { Session } from '../../session.ts';
import { anyOf } from '../../shared/query-filter.ts';

const timestamps = plain((value) => pythonText((value as unknown[]).map(formatTimestamp)));

/** How fields of jobs are written. */
export const jobFormats: Formats = {
  status: plain(pythonText),
  summary: plain((value) => (value as unknown[]).map(pythonText).join(',')),
  opstart: timestamps,
  opexec: timestamps,
  opend: timestamps,
};

/** @throws Failure OpPrereqError for what is no number */
export function jobIdOf(text: string): number {
  if (/^\s*[+-]?\d+\s*$/.test(text)) return Number(text);
  throw prerequisiteFailure(
    `Invalid job ID passed: invalid literal for int() with base 10: '${text}'`,
    ErrorCode.invalid,
  );
}

interface SelectionOptions {
  readonly status_filter: string[] | null;
  readonly force: boolean;
}

/** Ids, or undefined when the user said no. */
async function selectByStatus(
  session: Session,
  options: SelectionOptions,
  question: string,
): Promise<unknown[] | undefined> {
  const filter = anyOf('status', options.status_filter);
  const answer = (await session.call('Query', ['job', ['id', 'status', 'summary'], filter])) as QueryAnswer;
  if (answer.data.length === 0) {
    throw prerequisiteFailure('No jobs with the requested status have been found', ErrorCode.state);
  }
  if (!options.force) {
    const how = { separator: null, header: true, verbose: false, units: null, formats: jobFormats };
    session.printLines(formatQueryAnswer(answer, how));
    if (!session.ask(question)) return undefined;
  }
  return answer.data.map((row) => row[0]![1]);
}

/** Does `action` to each selected job and prints what the master says; 1 when any of them failed. */
export async function forEachJob(
  session: Session,
  options: SelectionOptions,
  args: readonly string[],
  question: string,
  action: (id: number) => Promise<unknown>,
): Promise<number> {
  if (args.length > 0 === (options.status_filter !== null)) {
    throw prerequisiteFailure(
      'Either a status filter or job ID(s) must be specified and never both',
      ErrorCode.invalid,
    );
  }
  const ids =
    options.status_filter === null ? args.map(jobIdOf) : await selectByStatus(session, options, question);
  if (ids === undefined) return ExitCode.confirmation;
  let code: number = ExitCode.success;
  for (const id of ids) {
    const [success, message] = (await action(Number(id))) as [boolean, string];
    if (!success) code = ExitCode.failure;
    session.print(message);
  }
  return code;
}
