/** SSH between the nodes, as far as the first node goes: root's key, who may log in, the cluster's host key. */
import { join } from 'node:path';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import type { Paths } from '../../kit/paths.ts';
import {
  changeAuthorizedKeys,
  ensureKeyPair,
  formatPublicKeys,
  privateKeyFile,
  readText,
  sshFolder,
} from '../../kit/ssh-keys.ts';
import type { Cluster } from '../../model/objects/cluster.ts';
import type { Talk } from './talk.ts';

/** The host's public key: its type and its base64 part. */
async function hostKeyOf(paths: Paths): Promise<readonly [string, string] | undefined> {
  for (const type of ['rsa', 'ecdsa', 'ed25519']) {
    const text = await readText(join(paths.root, `/etc/ssh/ssh_host_${type}_key.pub`));
    const [kind, key] = (text ?? '').trim().split(/\s+/);
    if (kind && key) return [kind, key];
  }
  return undefined;
}

/** Root's key pair, which may log in here too, and the list of the nodes' keys, which begins with it. */
async function makeRootKey(paths: Paths, cluster: Cluster): Promise<void> {
  const folder = sshFolder(paths.root);
  const { ssh_key_type: type, ssh_key_bits: bits, master_node: uuid } = cluster;
  const { publicKey, made } = await ensureKeyPair(privateKeyFile(folder, type), type, bits);
  await changeAuthorizedKeys(folder, paths.sshSetup, {
    authorize: [publicKey],
    ...(made ? { key: type } : {}),
  });
  await writeFileAtomic(paths.sshPublicKeys, formatPublicKeys({ [uuid]: [publicKey] }), { mode: 0o600 });
}

/**
 * @returns the host's public key (its base64 part) for the configuration; null where there is none
 */
export async function prepareSsh(paths: Paths, cluster: Cluster, talk: Talk): Promise<string | null> {
  const hostKey = await hostKeyOf(paths);
  if (cluster.modify_ssh_setup) await makeRootKey(paths, cluster);
  if (hostKey === undefined) {
    if (cluster.modify_ssh_setup)
      talk.log('No SSH host key was found: nodes will not know this host by its key');
    return null;
  }
  const [kind, key] = hostKey;
  await writeFileAtomic(paths.knownHosts, `${cluster.cluster_name} ${kind} ${key}\n`, { mode: 0o644 });
  return key;
}
