/** Options of ganeti-masterd: those that Ganeti's daemons share. */
import { parseArgs } from 'node:util';
import type { Shown } from '../kit/daemon-options.ts';
import { releaseVersion } from '../model/release.ts';

export interface MasterdOptions {
  readonly foreground: boolean;
  readonly debug: boolean;
  /** Serve even when most nodes can't be asked whether there is a newer master. */
  readonly noVoting: boolean;
  /** Only say, by the exit code, whether this node is written down as the master. */
  readonly checkMaster: boolean;
}

const help = `Usage: ganeti-masterd [-f] [-d] [--no-voting --yes-do-it]

Options:
  --version            Show version and exit
  -h, --help           Show this help and exit
  -f, --foreground     Don't detach from the current terminal
  -d, --debug          Log debug messages; with -f also on the terminal
  --no-user-checks     Accepted as Ganeti's daemons do: the daemon runs as root
  --no-voting          Don't ask the other nodes whether there is a newer master; needs --yes-do-it
  --yes-do-it          Confirm --no-voting: two masters at once lose data
  --check-master       Only check: exit code 0 where this node is the master, 11 elsewhere
  --syslog=SYSLOG      Not offered: logs stand in files ("no" is accepted)
`;

/** @throws Error for an unknown option, in node:util's words */
export function parseOptions(args: readonly string[]): MasterdOptions | Shown {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean' },
      foreground: { type: 'boolean', short: 'f' },
      debug: { type: 'boolean', short: 'd' },
      'no-user-checks': { type: 'boolean' },
      'no-voting': { type: 'boolean' },
      'yes-do-it': { type: 'boolean' },
      'check-master': { type: 'boolean' },
      syslog: { type: 'string' },
    },
  });
  if (values.help) return { shown: help };
  if (values.version) return { shown: `ganeti-masterd (gantry) ${releaseVersion}\n` };
  if (values.syslog !== undefined && values.syslog !== 'no')
    throw new Error('--syslog is not supported yet: logs stand in files');
  const noVoting = values['no-voting'] ?? false;
  if (noVoting && values['yes-do-it'] !== true)
    throw new Error(
      '--no-voting must be confirmed with --yes-do-it: with another master alive, data is lost',
    );
  return {
    noVoting,
    checkMaster: values['check-master'] ?? false,
    foreground: values.foreground ?? false,
    debug: values.debug ?? false,
  };
}
