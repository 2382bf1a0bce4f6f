/** gnt-job watch and wait: until a job has ended, with or without its messages. */
import { Failure } from '../../../kit/failure.ts';
import { command, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { printingReporter, silentReporter, waitForJob } from '../../jobs/wait.ts';
import { reportError } from '../../output/errors.ts';
import type { Session } from '../../session.ts';
import { jobIdOf } from './selection.ts';

async function follow(session: Session, text: string, isSilent: boolean): Promise<number> {
  const id = jobIdOf(text);
  try {
    await waitForJob(session, id, isSilent ? silentReporter : printingReporter(session, id));
    return ExitCode.success;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { code, text: reason } = reportError(error);
    session.warn(`Job ${id} failed: ${reason}`);
    return code;
  }
}

export const watch = command({
  arguments: [one('jobid')],
  options: [],
  usage: '<job-id>',
  description: 'Follows a job and prints its output as it arrives',
  run: async (session, _options, args) => {
    const title = `Output from job ${args[0]} follows`;
    session.print(title);
    session.print('-'.repeat(title.length));
    return await follow(session, args[0]!, false);
  },
});

export const wait = command({
  arguments: [one('jobid')],
  options: [],
  usage: '<job-id>',
  description: 'Wait for a job to finish',
  run: async (session, _options, args) => await follow(session, args[0]!, true),
});
