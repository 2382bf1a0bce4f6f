/**
 * ganeti-kvmd: Ganeti has a daemon that notices guests that their users shut down. Here the node daemon does that, on
 * the second monitor of guests with user_shutdown, and this program says so to whoever starts it, with the exit code of a
 * daemon that has nothing to do on this node.
 */
import { parseArgs } from 'node:util';
import { notMasterExit } from '../kit/daemon.ts';
import { messageOf } from '../kit/failure.ts';
import { releaseVersion } from '../noderpc/versions.ts';

const program = 'ganeti-kvmd';
const version = `${program} (ganeti) version ${releaseVersion}\n`;
const help = `${version}Usage: ${program} [OPTION...]
The node daemon notices guests that their users shut down; there is nothing for
this program to do. Options of Ganeti's daemon are understood.
  -f  --foreground       Don't detach from the current terminal
      --no-user-checks   Ignore user checks
  -d  --debug            Enable debug messages
      --syslog=SYSLOG    Enable logging to syslog (except debug messages); one of 'no', 'yes' or 'only' [no]
  -h  --help             show help
  -V  --version          show the version of the program
      --help-completion  show completion info
`;
const completion = `-f,--foreground none
--no-user-checks none
-d,--debug none
--syslog choices=yes,no,only
-h,--help none
-V,--version none
--help-completion none
`;
const flag = (short?: string) => ({ type: 'boolean' as const, ...(short === undefined ? {} : { short }) });

function main(args: readonly string[]): number {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        foreground: flag('f'),
        'no-user-checks': flag(),
        debug: flag('d'),
        syslog: { type: 'string' },
        help: flag('h'),
        version: flag('V'),
        'help-completion': flag(),
      },
    });
    const shown = values.help
      ? help
      : values.version
        ? version
        : values['help-completion']
          ? completion
          : null;
    if (shown !== null) {
      process.stdout.write(shown);
      return 0;
    }
    process.stderr.write(`${program}: the node daemon notices guests that their users shut down\n`);
    return notMasterExit;
  } catch (error) {
    process.stderr.write(`Command line error: ${messageOf(error)}\n\n${help}`);
    return 2;
  }
}

process.exitCode = main(process.argv.slice(2));
