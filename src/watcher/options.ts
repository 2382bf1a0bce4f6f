/** The command line of ganeti-watcher (man page ganeti-watcher). */
import { parseArgs } from 'node:util';
import type { Shown } from '../kit/daemon-options.ts';
import { parseTimespec } from '../kit/timespec.ts';
import { releaseVersion } from '../model/release.ts';

export interface WatcherOptions {
  readonly debug: boolean;
  /** Uuid: only this group is looked after, by this process. */
  readonly group: string | null;
  /** Seconds after which an ended job is archived. */
  readonly jobAge: number;
  readonly ignorePause: boolean;
  readonly waitChildren: boolean;
  readonly verifyDisks: boolean;
  /** Disks of instances that are locked are verified too, when they are free. */
  readonly strict: boolean;
  /** Where the remote API is asked for a sign of life; null: where it is told to listen. */
  readonly rapiIp: string | null;
}

const help = `Usage: ganeti-watcher [-d]

Ganeti cluster watcher

Options:
  --version             show program's version number and exit
  -h, --help            show this help message and exit
  -d, --debug           Increase debugging level
  -g <nodegroup>, --node-group=<nodegroup>
                        Node group (name or uuid)
  -A JOB_AGE, --job-age=JOB_AGE
                        Autoarchive jobs older than this age (default 6 hours)
  --ignore-pause        Ignore cluster pause setting
  --wait-children       Wait for child processes
  --no-wait-children    Don't wait for child processes
  --no-verify-disks     Do not verify disk status
  --no-strict           Verify only the disks of instances that no job is at
                        work on
  --rapi-ip=RAPI_IP     Use this IP to talk to RAPI.
`;

/** Ganeti's "6 hours". */
const usualJobAge = '21600';

/** @throws Error in node:util's words, Failure for an age that is none */
export function parseOptions(args: readonly string[]): WatcherOptions | Shown {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean' },
      debug: { type: 'boolean', short: 'd', multiple: true },
      'node-group': { type: 'string', short: 'g' },
      'job-age': { type: 'string', short: 'A' },
      'ignore-pause': { type: 'boolean' },
      'wait-children': { type: 'boolean' },
      'no-wait-children': { type: 'boolean' },
      'no-verify-disks': { type: 'boolean' },
      'no-strict': { type: 'boolean' },
      'rapi-ip': { type: 'string' },
    },
  });
  if (values.help) return { shown: help };
  if (values.version) return { shown: `ganeti-watcher (ganeti) ${releaseVersion}\n` };
  return {
    debug: (values.debug ?? []).length > 0,
    group: values['node-group'] ?? null,
    jobAge: parseTimespec(values['job-age'] ?? usualJobAge),
    ignorePause: values['ignore-pause'] ?? false,
    waitChildren: !values['no-wait-children'],
    verifyDisks: !values['no-verify-disks'],
    strict: !values['no-strict'],
    rapiIp: values['rapi-ip'] ?? null,
  };
}

/** The same command line for the process that looks after one group. */
export function argumentsFor(group: string, options: WatcherOptions): string[] {
  return [
    `--node-group=${group}`,
    ...(options.debug ? ['--debug'] : []),
    ...(options.ignorePause ? ['--ignore-pause'] : []),
    ...(options.verifyDisks ? [] : ['--no-verify-disks']),
    ...(options.strict ? [] : ['--no-strict']),
  ];
}
