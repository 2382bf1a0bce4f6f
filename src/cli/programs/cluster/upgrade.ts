/** gnt-cluster upgrade. */
import { notSupportedYet } from '../../../kit/failure.ts';
import { command } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import * as o from '../../options/index.ts';

export const upgrade = command({
  arguments: [],
  options: [o.upgradeTo, o.resume],
  usage: '',
  description: 'Upgrade (or downgrade) to a new Ganeti version',
  run: (session, options) => {
    if (options.resume === (options.to !== null)) {
      session.warn('Precisely one of the options --to and --resume has to be given');
      return ExitCode.failure;
    }
    throw notSupportedYet(options.resume ? 'Resuming an upgrade' : `Upgrading to ${String(options.to)}`);
  },
});
