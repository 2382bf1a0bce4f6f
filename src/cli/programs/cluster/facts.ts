/** gnt-cluster info, version, getmaster, master-ping and show-ispecs-cmd. */
import { Failure } from '../../../kit/failure.ts';
import { command } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import * as o from '../../options/index.ts';
import { pythonText } from '../../output/python-text.ts';
import { readSsconf } from '../../session.ts';
import type { ClusterData } from './cluster-data.ts';

export const version = command({
  arguments: [],
  options: [],
  usage: '',
  description: 'Shows the cluster version',
  run: async (session) => {
    const cluster = (await session.call('QueryClusterInfo', [])) as ClusterData;
    session.printLines([
      `Software version: ${cluster.software_version}`,
      `Internode protocol: ${pythonText(cluster.protocol_version)}`,
      `Configuration format: ${pythonText(cluster.config_version)}`,
      `OS api version: ${pythonText(cluster.os_api_version)}`,
      `Export interface: ${pythonText(cluster.export_version)}`,
      `VCS version: ${cluster.vcs_version}`,
    ]);
    return ExitCode.success;
  },
});

export const getmaster = command({
  arguments: [],
  options: [],
  usage: '',
  description: 'Shows the cluster master',
  run: (session) => {
    const master = readSsconf(session.paths, 'master_node');
    if (master === undefined) {
      const file = `${session.paths.dataDir}/ssconf_master_node`;
      throw new Failure('ConfigurationError', [
        `Can't read ssconf file ${file}: [Errno 2] No such file or directory: '${file}'`,
      ]);
    }
    session.print(master);
    return ExitCode.success;
  },
});

export const masterPing = command({
  arguments: [],
  options: [],
  usage: '',
  description: 'Checks if the master is alive',
  run: async (session) => {
    try {
      await session.call('QueryClusterInfo', []);
      return ExitCode.success;
    } catch {
      // Whatever the reason, the answer is no.
      return ExitCode.failure;
    }
  },
});

export const info = command({
  arguments: [],
  options: [o.roman],
  usage: '[--roman]',
  description: 'Show cluster configuration',
  run: async (session, options) => {
    const cluster = (await session.call('QueryClusterInfo', [])) as ClusterData;
    const { formatInfo } = await import('../../output/info.ts');
    const { clusterInfo } = await import('./info-format.ts');
    session.print(formatInfo(clusterInfo(cluster, session.paths, options.roman_integers)));
    return ExitCode.success;
  },
});

export const showIspecsCmd = command({
  arguments: [],
  options: [],
  usage: '',
  description: 'Show the command line to re-create the cluster',
  run: async (session) => {
    const { policyCommand } = await import('../../shared/policy.ts');
    const cluster = (await session.call('QueryClusterInfo', [])) as ClusterData;
    session.print(`gnt-cluster init${policyCommand(cluster.ipolicy as never)} ${cluster.name}`);
    return ExitCode.success;
  },
});
