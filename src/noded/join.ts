/**
 * What makes a machine a node: the cluster's certificate, its own client certificate, the ssconf values and,
 * when the cluster manages SSH, keys. Nothing is written before everything has been checked, above all that
 * the machine isn't in another cluster.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { writeFileAtomic } from '../kit/atomic-file.ts';
import { Failure } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import { runChecked } from '../kit/process.ts';
import { changeAuthorizedKeys, readText, sshFolder } from '../kit/ssh-keys.ts';
import { keyMatches, makeClientCertificate } from '../noderpc/certificates.ts';
import { forgetMasters } from '../noderpc/fence.ts';
import { certificateIn, digestOf, isIssuedBy } from '../noderpc/pem.ts';
import { ensureRootKey } from './handlers/ssh.ts';
import { forgetSsconfSerial, readSsconf, writeSsconf } from './ssconf.ts';

/** Type, private key, public key. */
const SshKey = z.tuple([z.enum(['rsa', 'dsa', 'ecdsa', 'ed25519']), z.string().min(1), z.string().min(1)]);

/** What the master hands over, under the names that Ganeti's prepare-node-join and node-daemon-setup use. */
export const JoinData = z.object({
  cluster_name: z.string().min(1),
  node_name: z.string().min(1),
  /** Key and certificate of the cluster: server.pem. */
  node_daemon_certificate: z.string().min(1),
  /** Key and certificate of the node, signed by the former; made here when the master has made none. */
  client_certificate: z.string().min(1).optional(),
  hmac_key: z.string().min(1).optional(),
  cluster_domain_secret: z.string().min(1).optional(),
  /** Key and certificate of the remote API: a node that becomes master serves it. */
  rapi_certificate: z.string().min(1).optional(),
  ssconf: z.record(z.string(), z.string()),
  /** Serial number of the configuration that the values come from. */
  ssconf_serial: z.int().default(0),
  ssh_host_key: z.array(SshKey).default([]),
  /** Lines for root's authorized_keys, by the node they belong to. */
  authorized_keys: z.record(z.string(), z.array(z.string())).default({}),
  ssh_key_type: z.enum(['rsa', 'dsa', 'ecdsa']).default('rsa'),
  ssh_key_bits: z.int().default(2048),
  /** Make a key for root, so that this node can become master. */
  ssh_root_key: z.boolean().default(false),
  start_node_daemon: z.boolean().default(true),
  /** The machine was a node of this cluster before: its certificates may be older than the cluster's. */
  readd: z.boolean().default(false),
});
export type JoinData = z.output<typeof JoinData>;

export interface JoinOptions {
  readonly paths: Paths;
  readonly log: Log;
  readonly dryRun: boolean;
}

/** @throws Failure OpPrereqError-like ConfigurationError naming what contradicts */
export async function checkJoin(paths: Paths, data: JoinData): Promise<void> {
  const refuse = (message: string) => new Failure('ConfigurationError', [message]);
  if (data.ssconf.cluster_name !== data.cluster_name) throw refuse('Cluster name in ssconf does not match');
  const here = await readSsconf(paths, 'cluster_name');
  if (here !== undefined && here !== data.cluster_name) {
    throw refuse(`This machine belongs to another cluster ('${here}'), not to '${data.cluster_name}'`);
  }
  if (!keyMatches(data.node_daemon_certificate)) {
    throw refuse('Given cluster certificate is not signed with given key');
  }
  const certificate = certificateIn(data.node_daemon_certificate);
  const present =
    data.readd && here === data.cluster_name ? undefined : await readText(paths.serverCertificate);
  if (present !== undefined && !certificateIn(present, paths.serverCertificate).raw.equals(certificate.raw)) {
    throw refuse(
      'Given cluster certificate does not match local key: this machine belongs to another cluster',
    );
  }
  const { client_certificate: client } = data;
  if (client !== undefined && !(keyMatches(client) && isIssuedBy(certificateIn(client), certificate))) {
    throw refuse('Given client certificate is not one of this cluster');
  }
}

async function secretFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await writeFileAtomic(path, text, { mode: 0o440 });
}

/**
 * An older file of that name is kept beside the new one.
 * @returns whether it was another
 */
async function writeKeepingOld(path: string, text: string, mode: number): Promise<boolean> {
  const before = await readFile(path, 'utf8').catch(() => undefined);
  if (before === text) return false;
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  if (before !== undefined) {
    const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
    await rename(path, `${path}.backup-${stamp}`);
  }
  await writeFileAtomic(path, text, { mode });
  return true;
}

/** Makes the SSH daemon read its host keys again, however it was started; sessions go on. */
async function reloadSshDaemon(): Promise<void> {
  if (existsSync('/run/systemd/system')) {
    await runChecked(['systemctl', 'reload-or-restart', 'ssh.service'], { timeoutMs: 60_000 });
    return;
  }
  const pid = Number(await readFile('/run/sshd.pid', 'utf8').catch(() => ''));
  if (Number.isInteger(pid) && pid > 0) process.kill(pid, 'SIGHUP');
  else await runChecked(['service', 'ssh', 'restart'], { timeoutMs: 60_000 });
}

/** All nodes have the host keys of the first one, because they are known by the cluster's name. */
async function takeHostKeys(
  { paths, log }: JoinOptions,
  data: Pick<JoinData, 'ssh_host_key'>,
): Promise<void> {
  const folder = join(paths.root, '/etc/ssh');
  let isChanged = false;
  for (const [kind, privateKey, publicKey] of data.ssh_host_key) {
    const file = join(folder, `ssh_host_${kind}_key`);
    isChanged = (await writeKeepingOld(file, privateKey, 0o600)) || isChanged;
    isChanged = (await writeKeepingOld(`${file}.pub`, publicKey, 0o644)) || isChanged;
  }
  if (!isChanged || paths.root !== '') return;
  log.info('The SSH daemon takes the host keys of the cluster');
  await reloadSshDaemon();
}

type SshData = Pick<
  JoinData,
  'ssh_host_key' | 'authorized_keys' | 'ssh_root_key' | 'ssh_key_type' | 'ssh_key_bits'
>;

/** Host keys, root's key, and who may log in; done again: fine. */
export async function setUpSsh(options: JoinOptions, data: SshData): Promise<void> {
  const { paths } = options;
  await takeHostKeys(options, data);
  const lines = Object.values(data.authorized_keys).flat();
  if (data.ssh_root_key) await ensureRootKey({ paths }, data.ssh_key_type, data.ssh_key_bits);
  if (lines.length > 0)
    await changeAuthorizedKeys(sshFolder(paths.root), paths.sshSetup, { authorize: lines });
}

/**
 * Checks and writes everything; the node daemon is not touched. Done again with the same data: fine.
 * @returns digest of the node's client certificate
 * @throws Failure ConfigurationError when the machine may not become this cluster's node
 */
export async function joinCluster(options: JoinOptions, data: JoinData): Promise<string> {
  const { paths, log, dryRun } = options;
  await checkJoin(paths, data);
  const client =
    data.client_certificate ??
    (await makeClientCertificate(data.node_daemon_certificate, { commonName: data.node_name }));
  const digest = digestOf(certificateIn(client));
  if (dryRun) {
    log.info('This is a dry run, nothing is written');
    return digest;
  }
  if ((await readSsconf(paths, 'cluster_name')) === undefined) await forgetMasters(paths);
  await setUpSsh(options, data);
  log.info('Writing ssconf files ...');
  // The master's values count, whatever this machine knew when it left.
  if (data.readd) await forgetSsconfSerial(paths);
  await writeSsconf(paths, data.ssconf, data.ssconf_serial, true);
  log.info('Writing certificates and keys ...');
  if (data.hmac_key !== undefined) await secretFile(paths.confdHmacKey, data.hmac_key);
  if (data.cluster_domain_secret !== undefined) {
    await secretFile(paths.clusterDomainSecret, data.cluster_domain_secret);
  }
  if (data.rapi_certificate !== undefined) await secretFile(paths.rapiCertificate, data.rapi_certificate);
  await secretFile(paths.clientCertificate, client);
  // Last: a node counts as part of the cluster once it has this.
  await secretFile(paths.serverCertificate, data.node_daemon_certificate);
  return digest;
}
