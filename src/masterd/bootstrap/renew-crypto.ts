/**
 * What `gnt-cluster renew-crypto` changes on the master itself. Keys and certificates that all nodes have alike are
 * written here and copied to the nodes; a new cluster certificate is only laid ready, the job that follows brings
 * it to every node. Stopped anywhere, the same command does it again.
 */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { runningPid } from '../../kit/daemon.ts';
import { ErrorCode, executionFailure, prerequisiteFailure } from '../../kit/failure.ts';
import { createLog } from '../../kit/log.ts';
import { type Paths, pathsFor } from '../../kit/paths.ts';
import { nodeEnsureDaemon, uploadFile } from '../../noderpc/calls/node.ts';
import { makeClusterCertificate } from '../../noderpc/certificates.ts';
import type { NodeClient } from '../../noderpc/client.ts';
import { stagedSuffix } from '../../noderpc/identity.ts';
import { callByAddress } from '../addresses.ts';
import { type KnownNode, readClusterView } from '../cluster-view.ts';
import { makeSharedSecret, makeSpiceCertificates, type SecretFile } from './secrets.ts';
import type { Talk } from './talk.ts';

type Input = Readonly<Record<string, unknown>>;

const textIn = (input: Input, key: string) =>
  typeof input[key] === 'string' && input[key] !== '' ? (input[key] as string) : undefined;

/** The files that the request replaces, with their new content. */
async function replacements(input: Input, paths: Paths): Promise<SecretFile[]> {
  const files: SecretFile[] = [];
  const add = (path: string, content: string | undefined, mode: number) => {
    if (content !== undefined) files.push({ path, content, mode });
  };
  const rapi = input.new_rapi_cert === true ? await makeClusterCertificate() : textIn(input, 'rapi_cert');
  add(paths.rapiCertificate, rapi, 0o440);
  const spice = input.new_spice_cert === true ? await makeSpiceCertificates() : undefined;
  add(paths.spiceCertificate, spice?.certificate ?? textIn(input, 'spice_cert'), 0o440);
  add(paths.spiceCaCertificate, spice?.authority ?? textIn(input, 'spice_cacert'), 0o440);
  add(paths.confdHmacKey, input.new_confd_hmac_key === true ? makeSharedSecret() : undefined, 0o440);
  const domain =
    input.new_cluster_domain_secret === true ? makeSharedSecret() : textIn(input, 'cluster_domain_secret');
  add(paths.clusterDomainSecret, domain, 0o640);
  return files;
}

/** A cluster certificate that lies ready already is that of a renewal that was interrupted: it goes on with it. */
async function prepareClusterCertificate(paths: Paths): Promise<void> {
  const staged = `${paths.serverCertificate}${stagedSuffix}`;
  if (existsSync(staged)) return;
  await writeFileAtomic(staged, await makeClusterCertificate(), { mode: 0o440 });
}

interface Copying {
  readonly paths: Paths;
  readonly nodes: NodeClient;
  readonly targets: readonly KnownNode[];
}

/** @returns complaints about nodes that a file did not reach */
async function copyToNodes(
  { paths, nodes, targets }: Copying,
  { path, content, mode }: SecretFile,
): Promise<string[]> {
  const replies = await nodes.callAll(
    targets.map(({ key }) => key),
    uploadFile,
    {
      path: paths.root === '' ? path : path.slice(paths.root.length),
      content,
      encoding: 'utf8',
      mode,
      owner: 'root',
      group: 'root',
    },
  );
  return targets.flatMap(({ key, name }) => {
    const reply = replies.get(key);
    if (reply?.kind === 'answered') return [];
    const reason = reply !== undefined && 'message' in reply ? reply.message : 'it does not answer';
    return [`Copy of file ${path} to node ${name} failed: ${reason}`];
  });
}

/** Daemons that read a key when they start do so again, where they run. */
async function restartReaders({ nodes, targets, own }: Copying & { own: KnownNode }): Promise<void> {
  const keys = [own, ...targets].map(({ key }) => key);
  const stopped = await nodes.callAll(keys, nodeEnsureDaemon, { daemon: 'ganeti-confd', run: false });
  const ran = keys.filter((key) => {
    const reply = stopped.get(key);
    return reply?.kind === 'answered' && reply.value.wasRunning;
  });
  await nodes.callAll(ran, nodeEnsureDaemon, { daemon: 'ganeti-confd', run: true });
}

export async function renewCrypto(input: Input, talk: Talk): Promise<null> {
  const paths = pathsFor();
  const view = await readClusterView(paths);
  const { own } = view;
  if (own === undefined || own.name !== view.masterName) {
    throw prerequisiteFailure(
      `This command must be run on the master node, which is ${view.masterName}`,
      ErrorCode.invalid,
    );
  }
  if (input.new_cluster_cert === true) await prepareClusterCertificate(paths);
  const files = await replacements(input, paths);
  if (files.length === 0) return null;
  const nodes = callByAddress(paths, createLog('gantry-bootstrap', process.stderr, 'ERROR'));
  const complaints: string[] = [];
  try {
    const targets = view.nodes.filter((node) => !node.isOffline && node.name !== own.name);
    for (const file of files) {
      const mode = (await stat(file.path).catch(() => undefined))?.mode ?? file.mode;
      await writeFileAtomic(file.path, file.content, { mode: mode & 0o777 });
      complaints.push(...(await copyToNodes({ paths, nodes, targets }, file)));
    }
    if (files.some(({ path }) => path === paths.confdHmacKey))
      await restartReaders({ paths, nodes, targets, own });
  } finally {
    await nodes.close();
  }
  const remote = runningPid(`${paths.runDir}/ganeti-rapi.pid`, 'ganeti-rapi');
  if (remote !== undefined && files.some(({ path }) => path === paths.rapiCertificate))
    process.kill(remote, 'SIGHUP');
  for (const complaint of complaints) talk.warn(complaint);
  if (complaints.length > 0) {
    throw executionFailure(
      "The new files are in place on the master, but not on all nodes: run 'gnt-cluster redist-conf' when these nodes are back",
    );
  }
  return null;
}
