/** SSH between the nodes, as far as the first node goes: root's key, who may log in, the cluster's host key. */
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import type { Paths } from '../../kit/paths.ts';
import { runChecked } from '../../kit/process.ts';
import type { Talk } from './talk.ts';

async function firstReadable(paths: readonly string[]): Promise<string | null> {
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch(() => null);
    if (text !== null) return text.trim();
  }
  return null;
}

async function ownKey(folder: string): Promise<string> {
  const found = await firstReadable(
    ['id_rsa.pub', 'id_ed25519.pub', 'id_ecdsa.pub'].map((name) => join(folder, name)),
  );
  if (found !== null) return found;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await runChecked(['ssh-keygen', '-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', join(folder, 'id_rsa')], {
    timeoutMs: 120_000,
  });
  return (await readFile(join(folder, 'id_rsa.pub'), 'utf8')).trim();
}

/**
 * @returns the host's public key (its base64 part) for the configuration; null where SSH is left alone
 */
export async function prepareSsh(
  paths: Paths,
  manage: boolean,
  clusterName: string,
  talk: Talk,
): Promise<string | null> {
  const hostKey = await firstReadable([
    '/etc/ssh/ssh_host_rsa_key.pub',
    '/etc/ssh/ssh_host_ecdsa_key.pub',
    '/etc/ssh/ssh_host_ed25519_key.pub',
  ]);
  if (hostKey === null) {
    if (manage) talk.log('No SSH host key was found: nodes will not know this host by its key');
    return null;
  }
  const [kind = '', key = ''] = hostKey.split(' ');
  await writeFileAtomic(paths.knownHosts, `${clusterName} ${kind} ${key}\n`, { mode: 0o644 });
  if (!manage || paths.root !== '') return key;
  const folder = join(homedir(), '.ssh');
  const own = await ownKey(folder);
  const list = join(folder, 'authorized_keys');
  const before = await readFile(list, 'utf8').catch(() => '');
  if (!before.includes(own))
    await appendFile(list, `${before === '' || before.endsWith('\n') ? '' : '\n'}${own}\n`, { mode: 0o600 });
  return key;
}
