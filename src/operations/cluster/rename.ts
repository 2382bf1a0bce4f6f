/** OP_CLUSTER_RENAME: a new name and address for the cluster. */

import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { ErrorCode, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import { resolveHost } from '../../kit/resolve.ts';
import type { Cluster } from '../../model/objects/cluster.ts';
import { reasonOf } from '../../noderpc/reply.ts';
import { ClusterRename } from '../../opcodes/cluster.ts';
import { type JobHandle, operation } from '../operation.ts';
import { bringMasterIpUp, masterAddressOf, takeMasterIpDown } from '../steps/master-ip.ts';
import { clusterChange, setClusterFields } from '../steps/objects.ts';
import { uploadAncillaryFiles } from './ancillary-files.ts';

interface RenamePlan {
  readonly cluster: Cluster;
  readonly name: string;
  readonly ip: string;
}

/** Port of the node daemon (constants.DEFAULT_NODED_PORT), which any node would answer on. */
const nodeDaemonPort = 1811;
const connectTimeoutMs = 5_000;

/** Does anything take connections at the address? */
function answers(ip: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host: ip, port: nodeDaemonPort, timeout: connectTimeoutMs });
    const end = (answer: boolean) => {
      socket.destroy();
      done(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}

/** The cluster's line in the file of known hosts gets the new name, here and on the other nodes. */
async function renameKnownHost(job: JobHandle, { cluster, name }: RenamePlan): Promise<void> {
  const { knownHosts } = job.world.paths;
  try {
    const lines = (await readFile(knownHosts, 'utf8')).split('\n');
    const renamed = lines.map((line) =>
      line.startsWith(`${cluster.cluster_name} `)
        ? `${name}${line.slice(cluster.cluster_name.length)}`
        : line,
    );
    await writeFileAtomic(knownHosts, renamed.join('\n'), { mode: 0o644 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    job.warn(`The file of known hosts could not be changed: ${messageOf(error)}`);
    return;
  }
  await uploadAncillaryFiles(job, [knownHosts]);
}

export const clusterRename = operation({
  opcode: ClusterRename,
  steps: [takeMasterIpDown, setClusterFields, bringMasterIpUp],
  locks: () => [{ level: 'cluster', name: 'BGL', mode: 'exclusive' }],
  plan: async (op, { configuration: { cluster }, paths }): Promise<RenamePlan> => {
    const family = cluster.primary_ip_family === 10 ? 6 : 4;
    const { name, ip } = await resolveHost(op.name, paths.etcHosts, family);
    if (name === cluster.cluster_name && ip === cluster.master_ip) {
      throw prerequisiteFailure(
        'Neither the name nor the IP address of the cluster has changed',
        ErrorCode.invalid,
      );
    }
    if (ip !== cluster.master_ip && (await answers(ip))) {
      throw prerequisiteFailure(
        `The given cluster IP address (${ip}) is reachable on the network`,
        ErrorCode.notUnique,
      );
    }
    return { cluster, name, ip };
  },
  hooks: (op, { cluster }, configuration) => ({
    path: 'cluster-rename',
    objectType: 'CLUSTER',
    env: { OP_TARGET: cluster.cluster_name, NEW_NAME: op.name },
    preNodes: [cluster.master_node],
    postNodes: configuration.nodes.values().map(({ uuid }) => uuid),
  }),
  run: async (plan, job) => {
    const { cluster, name, ip } = plan;
    await job.do(takeMasterIpDown, { node: cluster.master_node, address: masterAddressOf(cluster) });
    await job.do(setClusterFields, clusterChange(cluster, { cluster_name: name, master_ip: ip }));
    await job.keep();
    if (cluster.modify_ssh_setup) await renameKnownHost(job, plan);
    const address = masterAddressOf(job.world.config.current.cluster);
    try {
      await job.do(bringMasterIpUp, { node: cluster.master_node, address });
    } catch (error) {
      job.warn(
        `Could not re-enable the master role on the master, please restart manually: ${reasonOf(error)}`,
      );
    }
    return name;
  },
});
