/** gnt-instance console: connects to it, or tells how (gnt_instance.ConnectToInstanceConsole). */
import { ErrorCode, executionFailure, Failure, prerequisiteFailure } from '../../../kit/failure.ts';
import { command, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import * as o from '../../options/index.ts';
import { pythonText } from '../../output/python-text.ts';
import type { Session } from '../../session.ts';
import { queryConfigValues, queryInstances } from '../../shared/queries.ts';
import { quoteWords } from '../../shell-words.ts';

/** objects.InstanceConsole */
interface ConsoleData {
  readonly instance: string;
  readonly kind: string;
  readonly message?: string | null;
  readonly host?: string | null;
  readonly port?: number | null;
  readonly user?: string | null;
  readonly command?: string | readonly string[] | null;
  readonly display?: number | null;
}

async function connect(session: Session, data: ConsoleData, showOnly: boolean): Promise<void> {
  const { remoteCommand } = await import('../../shared/remote.ts');
  const clusterName = String((await queryConfigValues(session, ['cluster_name']))[0]);
  session.close();
  const remote = { clusterName, host: data.host ?? '', port: data.port ?? null };
  const words = typeof data.command === 'string' ? data.command : quoteWords(data.command ?? []);
  const argv = remoteCommand(session.paths, remote, data.user ?? 'root', words, {
    loud: true,
    terminal: true,
  });
  if (showOnly) {
    session.print(quoteWords(argv));
    return;
  }
  if ((await session.interact(argv)) !== 0) {
    throw executionFailure(
      `Connection to console of instance ${data.instance} failed, please check cluster configuration`,
    );
  }
}

async function openConsole(session: Session, data: ConsoleData, showOnly: boolean): Promise<void> {
  const address = `${pythonText(data.host)}:${pythonText(data.port)}`;
  switch (data.kind) {
    case 'msg':
      session.print(data.message ?? '');
      return;
    case 'vnc':
      session.print(
        `Instance ${data.instance} has VNC listening on ${address} (display ${pythonText(data.display)}),` +
          ` URL <vnc://${address}/>`,
      );
      return;
    case 'spice':
      session.print(`Instance ${data.instance} has SPICE listening on ${address}`);
      return;
    case 'ssh':
      await connect(session, data, showOnly);
      return;
    default:
      throw new Failure('GenericError', [`Unknown console type '${data.kind}'`]);
  }
}

export const console = command({
  arguments: [one('instance')],
  options: [o.showCmd, o.priority],
  usage: '[--show-cmd] <instance-name>',
  description: 'Opens a console on the specified instance',
  run: async (session, options, args) => {
    const name = args[0]!;
    const [row] = await queryInstances(session, [name], ['console', 'oper_state']);
    if (row === undefined) throw prerequisiteFailure(`Instance '${name}' does not exist`, ErrorCode.unknown);
    const [data, isRunning] = row as [ConsoleData | null, boolean | null];
    if (!data) {
      throw executionFailure(
        isRunning
          ? `Console information for instance ${name} is unavailable`
          : `Instance ${name} is not running, can't get console`,
      );
    }
    await openConsole(session, data, options.show_command);
    return ExitCode.success;
  },
});
