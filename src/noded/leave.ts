/** Takes the cluster off a node: configuration, certificates, queue, and the root key that the cluster made. */
import { lstat, readdir, readFile, rm, unlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '../kit/atomic-file.ts';
import { messageOf } from '../kit/failure.ts';
import type { NodeContext } from './context.ts';
import { stopDaemon } from './daemons.ts';

/** Files of a folder, not what is below its folders. */
async function cleanFolder(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const path = join(folder, name);
    if ((await lstat(path)).isFile()) await unlink(path);
  }
}

/** The text of authorized_keys without the line of this key. */
export function withoutKey(authorized: string, publicKey: string): string {
  const material = publicKey.trim().split(/\s+/).slice(0, 2).join(' ');
  return authorized
    .split('\n')
    .filter((line) => material === '' || !line.includes(material))
    .join('\n');
}

type Leaving = Pick<NodeContext, 'paths' | 'log' | 'replica'>;

async function forgetRootKey(context: Leaving): Promise<void> {
  const home = context.paths.root === '' ? homedir() : join(context.paths.root, 'root');
  const folder = join(home, '.ssh');
  for (const kind of ['rsa', 'dsa', 'ecdsa']) {
    const privateFile = join(folder, `id_${kind}`);
    const publicKey = await readFile(`${privateFile}.pub`, 'utf8').catch(() => undefined);
    if (publicKey === undefined) continue;
    const list = join(folder, 'authorized_keys');
    const authorized = await readFile(list, 'utf8').catch(() => '');
    const left = withoutKey(authorized, publicKey);
    if (left !== authorized) await writeFileAtomic(list, left, { mode: 0o600 });
    await rm(privateFile, { force: true });
    await rm(`${privateFile}.pub`, { force: true });
  }
}

/** Done twice, or half done before: fine. The daemons that serve the cluster are stopped, noded excepted. */
export async function leaveCluster(context: Leaving, modifySsh: boolean): Promise<void> {
  const { paths, log } = context;
  for (const daemon of ['ganeti-confd', 'ganeti-mond', 'ganeti-kvmd']) {
    await stopDaemon(context, daemon).catch((error: unknown) => log.warning(messageOf(error)));
  }
  if (modifySsh) await forgetRootKey(context);
  await rm(paths.queueDir, { recursive: true, force: true });
  await context.replica.forget();
  await rm(paths.journalDir, { recursive: true, force: true });
  await rm(join(paths.runDir, 'crypto'), { recursive: true, force: true });
  await rm(paths.rapiUsers, { force: true });
  await cleanFolder(paths.dataDir);
  log.info('This node has left the cluster');
}
