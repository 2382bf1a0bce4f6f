/** Node calls about the node's part in the cluster: certificates, the master's address, demotion, leaving. */
import { randomBytes } from 'node:crypto';
import { readFile, rename, rm } from 'node:fs/promises';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { runningPid } from '../../kit/daemon.ts';
import { Failure } from '../../kit/failure.ts';
import * as calls from '../../noderpc/calls/node.ts';
import { makeClientCertificate } from '../../noderpc/certificates.ts';
import { answers, type NodeHandler } from '../../noderpc/handler.ts';
import { certificateIn, digestOf } from '../../noderpc/pem.ts';
import type { NodeContext } from '../context.ts';
import { isDaemonRunning, startDaemon, stopDaemon } from '../daemons.ts';
import { leaveCluster } from '../leave.ts';
import { activateMasterIp, deactivateMasterIp } from '../master-ip.ts';
import { withMasterIpHooks } from '../master-ip-hooks.ts';
import { masterNodeOf } from '../ssconf.ts';

async function clientDigest(context: NodeContext, action: 'get' | 'create'): Promise<string> {
  const { paths, hostname } = context;
  if (action === 'create') {
    const clusterPem = await readFile(paths.serverCertificate, 'utf8');
    const pem = await makeClientCertificate(clusterPem, { commonName: hostname });
    await writeFileAtomic(paths.clientCertificate, pem, { mode: 0o440 });
    context.log.info('A new client certificate was made');
  }
  return digestOf(certificateIn(await readFile(paths.clientCertificate, 'utf8'), paths.clientCertificate));
}

/** Keeps the file under another name, as utils.CreateBackup does. */
async function setAside(path: string, time: Date): Promise<void> {
  const stamp = time.toISOString().replace(/\D/g, '').slice(0, 14);
  try {
    // A node that is demoted twice in a second has two copies.
    await rename(path, `${path}.backup-${stamp}.${randomBytes(4).toString('hex')}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

async function demote(context: NodeContext): Promise<void> {
  const { paths, hostname } = context;
  if ((await masterNodeOf(paths)) === hostname) {
    throw new Failure('OpExecError', ["ssconf status shows I'm the master node, will not demote"]);
  }
  if (runningPid(`${paths.runDir}/ganeti-masterd.pid`, 'ganeti-masterd') !== undefined) {
    throw new Failure('OpExecError', ['The master daemon is running, will not demote']);
  }
  const time = new Date();
  for (const path of [paths.configFile, paths.queueDir]) await setAside(path, time);
  await context.replica.forget();
  await context.roleDaemons.ceasedCandidate();
}

/** node_crypto_tokens, node_activate_master_ip and its reverse, node_demote_from_mc, node_leave_cluster. */
export function roleHandlers(context: NodeContext): NodeHandler[] {
  const { host, paths } = context;
  return [
    answers(calls.nodeCryptoTokens, async ({ action }) => ({ digest: await clientDigest(context, action) })),
    answers(calls.nodeActivateMasterIp, async (address) => {
      await withMasterIpHooks(context, 'up', address, () => activateMasterIp(host, paths, address));
      return null;
    }),
    answers(calls.nodeDeactivateMasterIp, async (address) => {
      await withMasterIpHooks(context, 'down', address, () => deactivateMasterIp(host, paths, address));
      return null;
    }),
    answers(calls.nodeDemoteFromCandidate, async () => {
      await demote(context);
      return null;
    }),
    answers(calls.setWatcherPause, async ({ until }) => {
      if (until === null) await rm(paths.watcherPause, { force: true });
      else await writeFileAtomic(paths.watcherPause, `${until}\n`, { mode: 0o644 });
      return null;
    }),
    answers(calls.nodeEnsureDaemon, async ({ daemon, run }) => {
      const wasRunning = await isDaemonRunning(context, daemon);
      if (run && !wasRunning) await startDaemon(context, daemon);
      else if (!run && wasRunning) await stopDaemon(context, daemon);
      return { wasRunning };
    }),
    answers(calls.nodeLeaveCluster, async ({ modifySsh }) => {
      await leaveCluster(context, modifySsh);
      context.stopDaemon();
      return null;
    }),
  ];
}
