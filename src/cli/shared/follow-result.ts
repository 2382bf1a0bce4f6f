/** Opcodes that may give a list of jobs as their result (client/base.GetResult). */
import { ExitCode } from '../exit-codes.ts';
import { followJobsOf } from '../jobs/executor.ts';
import type { JobOptions } from '../jobs/submit.ts';
import { pythonText } from '../output/python-text.ts';
import type { Session } from '../session.ts';

/** Follows the jobs, if there are any; 1 when one of them failed. */
export async function followResult(session: Session, result: unknown, options: JobOptions): Promise<number> {
  const failed = (await followJobsOf(session, result, options)).filter(({ success }) => !success);
  if (failed.length === 0) return ExitCode.success;
  for (const { result: reason } of failed) {
    session.print(`Job failed, result is '${pythonText(reason)}'.`);
  }
  session.print(`${failed.length} job(s) failed.`);
  return ExitCode.failure;
}
