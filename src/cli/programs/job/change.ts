/** gnt-job archive, autoarchive, cancel and change-priority. */
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import { parseTimespec } from '../../../kit/timespec.ts';
import { command, many, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import * as o from '../../options/index.ts';
import { forEachJob, jobIdOf } from './selection.ts';

export const archive = command({
  arguments: [many('jobid', 1)],
  options: [],
  usage: '<job-id> [<job-id>...]',
  description: 'Archive specified jobs',
  run: async (session, _options, args) => {
    let code: number = ExitCode.success;
    for (const id of args) {
      if (await session.call('ArchiveJob', [jobIdOf(id)])) continue;
      session.warn(`Failed to archive job with ID '${id}'`);
      code = ExitCode.failure;
    }
    return code;
  },
});

/** Seconds that the master may spend on it; it goes on with the next call. */
const autoArchiveTimeout = 60;
const anyAge = -1;

export const autoarchive = command({
  arguments: [one('suggest', ['1d', '1w', '4w', 'all'])],
  options: [],
  usage: '<age>',
  description: 'Auto archive jobs older than the given age',
  run: async (session, _options, args) => {
    const age = args[0] === 'all' ? anyAge : parseTimespec(args[0]!);
    const [archived, left] = (await session.call('AutoArchiveJobs', [age, autoArchiveTimeout])) as [
      number,
      number,
    ];
    session.print(`Archived ${archived} jobs, ${left} unchecked left`);
    return ExitCode.success;
  },
});

export const cancel = command({
  arguments: [many('jobid')],
  options: [o.force, o.kill, o.pending, o.queued, o.waiting, o.cancelYesDoIt],
  usage: '{[--force] [--kill --yes-do-it] {--pending | --queued | --waiting} | <job-id> [<job-id>...]}',
  description: 'Cancel jobs',
  run: async (session, options, args) => {
    if (options.kill && !options.yes_do_it) {
      throw prerequisiteFailure('The --kill option must be confirmed with --yes-do-it', ErrorCode.invalid);
    }
    const question = `${options.kill ? 'KILL' : 'Cancel'} job(s) listed above?`;
    return await forEachJob(session, options, args, question, (id) =>
      session.call('CancelJob', [id, options.kill]),
    );
  },
});

export const changePriority = command({
  arguments: [many('jobid')],
  options: [o.priority, o.force, o.pending, o.queued, o.waiting],
  usage: '--priority <priority> {[--force] {--pending | --queued | --waiting} | <job-id> [<job-id>...]}',
  description: 'Change the priority of jobs',
  run: async (session, options, args) => {
    const { priority } = options;
    if (priority === null) {
      session.warn('--priority option must be given.');
      return ExitCode.failure;
    }
    return await forEachJob(session, options, args, 'Change priority of job(s) listed above?', (id) =>
      session.call('ChangeJobPriority', [id, priority]),
    );
  },
});
