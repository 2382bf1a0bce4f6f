/** Takes the cluster off a node: configuration, certificates, queue, and the SSH keys that the cluster added. */
import { lstat, readdir, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../kit/failure.ts';
import {
  leaveSshSetup,
  parsePublicKeys,
  privateKeyFile,
  readSshSetup,
  readText,
  sshFolder,
} from '../kit/ssh-keys.ts';
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

type Leaving = Pick<NodeContext, 'paths' | 'log' | 'replica'>;

/**
 * A node that Ganeti has set up has no note of what was added: its pairs of root's keys and all keys of the
 * cluster's nodes are taken for the cluster's, as Ganeti does.
 */
async function forgetKeysOfGaneti({ paths }: Leaving): Promise<void> {
  const folder = sshFolder(paths.root);
  const known = parsePublicKeys((await readText(paths.sshPublicKeys)) ?? '');
  const authorized = Object.values(known).flat();
  for (const key of ['rsa', 'dsa', 'ecdsa'] as const) {
    if ((await readText(`${privateKeyFile(folder, key)}.pub`)) !== undefined)
      await leaveSshSetup(folder, { authorized, key });
  }
}

async function leaveSsh(context: Leaving, modifySsh: boolean): Promise<void> {
  const { paths } = context;
  const setup = await readSshSetup(paths.sshSetup);
  if (setup !== undefined) await leaveSshSetup(sshFolder(paths.root), setup);
  else if (modifySsh) await forgetKeysOfGaneti(context);
}

/**
 * Done twice, or half done before: fine. The daemons that serve the cluster are stopped, noded excepted.
 * @param modifySsh the cluster manages SSH; what it noted to have added here goes in any case
 */
export async function leaveCluster(context: Leaving, modifySsh: boolean): Promise<void> {
  const { paths, log } = context;
  for (const daemon of ['ganeti-confd', 'ganeti-mond', 'ganeti-metad', 'ganeti-kvmd']) {
    await stopDaemon(context, daemon).catch((error: unknown) => log.warning(messageOf(error)));
  }
  await leaveSsh(context, modifySsh);
  await rm(paths.queueDir, { recursive: true, force: true });
  await context.replica.forget();
  await rm(paths.journalDir, { recursive: true, force: true });
  await rm(join(paths.runDir, 'crypto'), { recursive: true, force: true });
  await rm(paths.rapiUsers, { force: true });
  await cleanFolder(paths.dataDir);
  log.info('This node has left the cluster');
}
