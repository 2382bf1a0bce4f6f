/** gnt-cluster destroy, rename, redist-conf and master-failover. */
import { ClusterDestroy, ClusterRedistConf, ClusterRename } from '../../../opcodes/cluster.ts';
import { command, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submit, submitAndWait, submitToDrainedQueue } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import { pythonText } from '../../output/python-text.ts';
import { queryConfigValues } from '../../shared/queries.ts';

export const destroy = command({
  arguments: [],
  options: [o.destroyYesDoIt],
  usage: '',
  description: 'Destroy cluster',
  run: async (session, options) => {
    if (!options.yes_do_it) {
      session.warn(
        'Destroying a cluster is irreversible. If you really want destroy this cluster, supply the' +
          ' --yes-do-it option.',
      );
      return ExitCode.failure;
    }
    const master = await submitAndWait(session, opcodeOf(ClusterDestroy, {}), options);
    // Nothing failed, so the daemons can be stopped and what is left be cleared away.
    session.close();
    await session.bootstrap('destroy-finish', { master });
    return ExitCode.success;
  },
});

export const rename = command({
  arguments: [one('host')],
  options: [o.force, o.dryRun],
  usage: '<new-name>',
  description: 'Renames the cluster',
  run: async (session, options, args) => {
    const newName = args[0]!;
    const [oldName] = await queryConfigValues(session, ['cluster_name']);
    const question =
      `This will rename the cluster from '${String(oldName)}' to '${newName}'. If you are connected over` +
      ' the network to the cluster name, the operation is very dangerous as the IP address will be removed' +
      ' from the node and the change may not go through. Continue?';
    if (!options.force && !session.ask(question)) return ExitCode.failure;
    const result = await submitAndWait(session, opcodeOf(ClusterRename, { name: newName }), options);
    if (result) session.print(`Cluster renamed from '${pythonText(oldName)}' to '${pythonText(result)}'`);
    return ExitCode.success;
  },
});

export const redistConf = command({
  arguments: [],
  options: [o.submit, o.printJobId, o.dryRun, o.priority, o.redistConfYesDoIt],
  usage: '',
  description: 'Forces a push of the configuration file and ssconf files to the nodes in the cluster',
  run: async (session, options) => {
    const opcode = opcodeOf(ClusterRedistConf, {});
    if (options.yes_do_it) await submitToDrainedQueue(session, opcode, options);
    else await submit(session, opcode, options);
    return ExitCode.success;
  },
});

const noVotingQuestion =
  'This will perform the failover even if most other nodes are down, or if this node is outdated. This is' +
  ' dangerous as it can lead to a non-consistent cluster. Check the gnt-cluster(8) man page before' +
  ' proceeding. Continue?';

/** Python's bool() of the option's text, which is on unless it is emptied. */
function ignoresOfflineNodes(text: string | null): boolean {
  return text !== '';
}

export const masterFailover = command({
  arguments: [],
  options: [o.noVoting, o.masterFailoverYesDoIt, o.masterFailoverIgnoreOfflineNodes],
  usage: '',
  description: 'Makes the current node the master',
  run: async (session, options) => {
    if (options.no_voting && !options.yes_do_it && !session.ask(noVotingQuestion)) return ExitCode.failure;
    const result = (await session.bootstrap('master-failover', {
      no_voting: options.no_voting,
      ignore_offline_nodes: ignoresOfflineNodes(options.ignore_offline_nodes),
    })) as { code?: number } | null;
    return result?.code ?? ExitCode.success;
  },
});
