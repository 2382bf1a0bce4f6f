/** node-daemon-setup: the cluster's certificate and its ssconf values, and the node daemon that works with them. */
import { pathsFor } from '../../kit/paths.ts';
import { ownHostname } from '../../kit/resolve.ts';
import { startDaemon, stopDaemon } from '../daemons.ts';
import { ensureFolders } from '../folders.ts';
import { JoinData, joinCluster } from '../join.ts';
import { readJoinInput, runJoinTool } from './join-input.ts';

const Input = JoinData.pick({
  cluster_name: true,
  node_daemon_certificate: true,
  ssconf: true,
  start_node_daemon: true,
});

export function nodeDaemonSetup(argv: readonly string[]): Promise<number> {
  return runJoinTool('node-daemon-setup', argv, async ({ flags }, log) => {
    const data = await readJoinInput(Input);
    const paths = pathsFor();
    const dryRun = flags.has('dry-run');
    if (!dryRun) ensureFolders(paths);
    await joinCluster({ paths, log, dryRun }, JoinData.parse({ ...data, node_name: ownHostname() }));
    if (dryRun || !data.start_node_daemon) return;
    log.info('Restarting node daemon ...');
    await stopDaemon({ paths }, 'ganeti-noded');
    await startDaemon({ paths }, 'ganeti-noded');
  });
}
