/**
 * What has to happen on a host before the job that makes it a node: the cluster's certificate and its own
 * get there, and its node daemon starts. `undoNodeSetup` takes it off again when the job has failed.
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { pathsFor } from '../../kit/paths.ts';
import { resolveHost } from '../../kit/resolve.ts';
import { makeClientCertificate } from '../../noderpc/certificates.ts';
import { type RemoteHost, runOn } from './remote.ts';
import type { Talk } from './talk.ts';

const text = (input: Readonly<Record<string, unknown>>, key: string) =>
  typeof input[key] === 'string' ? (input[key] as string) : '';

async function hostOf(input: Readonly<Record<string, unknown>>): Promise<RemoteHost> {
  const paths = pathsFor();
  const family = Number(await ssconf('primary_ip_family')) === 10 ? 6 : 4;
  const { name, ip } = await resolveHost(text(input, 'name'), paths.etcHosts, family);
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

/** The public key of root on the master, so that commands of the master reach the node over SSH. */
async function masterKeys(): Promise<string[]> {
  const keys: string[] = [];
  for (const kind of ['rsa', 'ecdsa', 'ed25519', 'dsa']) {
    const key = await readFile(join(homedir(), '.ssh', `id_${kind}.pub`), 'utf8').catch(() => '');
    if (key !== '') keys.push(key.trim());
  }
  return keys;
}

export async function setNodeUp(input: Readonly<Record<string, unknown>>, _talk: Talk): Promise<unknown> {
  const paths = pathsFor();
  const host = await hostOf(input);
  const master = await ssconf('master_node');
  const values: Record<string, string> = {};
  for (const name of firstValues) values[name] = `${await ssconf(name)}\n`;
  const server = await readFile(paths.serverCertificate, 'utf8');
  const withSsh = input.node_setup === true && paths.root === '';
  const data = {
    cluster_name: await ssconf('cluster_name'),
    node_name: host.name,
    node_daemon_certificate: server,
    client_certificate: await makeClientCertificate(server, { commonName: host.name }),
    hmac_key: await readFile(paths.confdHmacKey, 'utf8'),
    cluster_domain_secret: await readFile(paths.clusterDomainSecret, 'utf8'),
    rapi_certificate: await readFile(paths.rapiCertificate, 'utf8'),
    ssconf: { ...values, cluster_name: await ssconf('cluster_name') },
    authorized_keys: withSsh ? { [master]: await masterKeys() } : {},
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
