/**
 * What has to happen on a host before the job that makes it a node: the cluster's certificate and its own
 * get there, and its node daemon starts. `undoNodeSetup` takes it off again when the job has failed.
 */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { type Paths, pathsFor } from '../../kit/paths.ts';
import { resolveHost } from '../../kit/resolve.ts';
import { parsePublicKeys, privateKeyFile, readText, sshFolder } from '../../kit/ssh-keys.ts';
import { makeClientCertificate } from '../../noderpc/certificates.ts';
import { parseCandidateDigests } from '../../noderpc/pem.ts';
import { type RemoteHost, runOn } from './remote.ts';
import type { Talk } from './talk.ts';

const text = (input: Readonly<Record<string, unknown>>, key: string) =>
  typeof input[key] === 'string' ? (input[key] as string) : '';

async function hostOf(input: Readonly<Record<string, unknown>>): Promise<RemoteHost> {
  const paths = pathsFor();
  const family = Number(await ssconf('primary_ip_family')) === 10 ? 6 : 4;
  // A name that was looked up before may be gone: a node that could not join leaves the hosts file.
  const { name, ip } =
    isIP(text(input, 'ip')) === 0
      ? await resolveHost(text(input, 'name'), paths.etcHosts, family)
      : { name: text(input, 'name'), ip: text(input, 'ip') };
  return { name, ip, sshPort: Number(input.ssh_port ?? 22), keyCheck: input.ssh_key_check === true };
}

async function ssconf(name: string): Promise<string> {
  const paths = pathsFor();
  try {
    return (await readFile(`${paths.dataDir}/ssconf_${name}`, 'utf8')).trimEnd();
  } catch (error) {
    throw prerequisiteFailure(
      'Cluster not initialized or this machine is not part of a cluster',
      ErrorCode.invalid,
      error,
    );
  }
}

/** Names of the values that a node must have before its first commit reaches it. */
const firstValues = [
  'cluster_name',
  'master_node',
  'master_ip',
  'master_netdev',
  'master_netmask',
  'master_candidates',
  'master_candidates_ips',
  'master_candidates_certs',
  'node_list',
  'node_primary_ips',
  'primary_ip_family',
  'release_version',
  'hypervisor_list',
  'file_storage_dir',
  'shared_file_storage_dir',
  'gluster_storage_dir',
];

/** The public keys of the master candidates, so that each of them reaches the node over SSH. */
async function candidateKeys(paths: Paths): Promise<Record<string, string[]>> {
  const known = parsePublicKeys((await readText(paths.sshPublicKeys)) ?? '');
  const digests = parseCandidateDigests(await ssconf('master_candidates_certs'));
  const keys = Object.fromEntries(Object.entries(known).filter(([uuid]) => digests.has(uuid)));
  if (Object.keys(keys).length > 0) return keys;
  // A cluster that has not managed SSH so far: at least the master's own.
  const own: string[] = [];
  for (const type of ['rsa', 'ecdsa', 'dsa'] as const) {
    const key = await readText(`${privateKeyFile(sshFolder(paths.root), type)}.pub`);
    if (key !== undefined) own.push(key.trim());
  }
  return own.length === 0 ? {} : { [await ssconf('master_node')]: own };
}

/** The host keys of this machine: the cluster is known by them, so every node has them. */
async function hostKeys(paths: Paths): Promise<[string, string, string][]> {
  const keys: [string, string, string][] = [];
  for (const type of ['rsa', 'dsa', 'ecdsa', 'ed25519']) {
    const file = join(paths.root, `/etc/ssh/ssh_host_${type}_key`);
    const [secret, shown] = [await readText(file), await readText(`${file}.pub`)];
    if (secret !== undefined && shown !== undefined) keys.push([type, secret, shown]);
  }
  return keys;
}

const keyTypes: readonly unknown[] = ['rsa', 'dsa', 'ecdsa'];

/** What joining does to SSH on the host; nothing where the cluster leaves SSH alone. */
async function sshSetup(input: Readonly<Record<string, unknown>>, paths: Paths): Promise<object> {
  if (input.node_setup !== true) return {};
  return {
    ssh_host_key: await hostKeys(paths),
    authorized_keys: await candidateKeys(paths),
    ssh_root_key: true,
    ...(keyTypes.includes(input.ssh_key_type) ? { ssh_key_type: input.ssh_key_type } : {}),
    ...(typeof input.ssh_key_bits === 'number' ? { ssh_key_bits: input.ssh_key_bits } : {}),
  };
}

export async function setNodeUp(input: Readonly<Record<string, unknown>>, _talk: Talk): Promise<unknown> {
  const paths = pathsFor();
  const host = await hostOf(input);
  const values: Record<string, string> = {};
  for (const name of firstValues) values[name] = `${await ssconf(name)}\n`;
  const server = await readFile(paths.serverCertificate, 'utf8');
  const data = {
    cluster_name: await ssconf('cluster_name'),
    node_name: host.name,
    node_daemon_certificate: server,
    client_certificate: await makeClientCertificate(server, { commonName: host.name }),
    hmac_key: await readFile(paths.confdHmacKey, 'utf8'),
    cluster_domain_secret: await readFile(paths.clusterDomainSecret, 'utf8'),
    rapi_certificate: await readFile(paths.rapiCertificate, 'utf8'),
    ssconf: { ...values, cluster_name: await ssconf('cluster_name') },
    ssconf_serial: Number((await readText(`${paths.dataDir}/ssconf.serial`)) ?? 0),
    ...(await sshSetup(input, paths)),
    readd: input.readd === true,
    start_node_daemon: true,
  };
  await runOn(paths, host, 'gantry-node-setup', [], JSON.stringify(data));
  return { name: host.name, ip: host.ip };
}

export async function undoNodeSetup(input: Readonly<Record<string, unknown>>, _talk: Talk): Promise<null> {
  const paths = pathsFor();
  const host = await hostOf(input);
  const cluster = { cluster_name: await ssconf('cluster_name') };
  await runOn(paths, host, 'gantry-node-setup', ['--leave'], JSON.stringify(cluster));
  return null;
}
