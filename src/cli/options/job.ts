/** Options of gnt-job: which jobs, and what may be done to them. */
import { constant, flag } from '../optparse/option.ts';

export const pending = constant(
  ['--pending'],
  'status_filter',
  'Select jobs pending execution or being cancelled',
  ['queued', 'canceling', 'waiting'],
);
export const running = constant(['--running'], 'status_filter', 'Show jobs currently running only', [
  'running',
]);
export const error = constant(['--error'], 'status_filter', 'Show failed jobs only', ['error']);
export const finished = constant(['--finished'], 'status_filter', 'Show finished jobs only', [
  'canceled',
  'success',
  'error',
]);
export const archived = flag(
  ['--archived'],
  'archived',
  'Include archived jobs in list (slow and expensive)',
);
export const kill = flag(['--kill'], 'kill', 'Kill running jobs with SIGKILL');
export const queued = constant(['--queued'], 'status_filter', 'Select queued jobs only', ['queued']);
export const waiting = constant(['--waiting'], 'status_filter', 'Select waiting jobs only', ['waiting']);
export const cancelYesDoIt = flag(['--yes-do-it', '--ya-rly'], 'yes_do_it', 'Really use --kill');
