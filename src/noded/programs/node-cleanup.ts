/**
 * node-cleanup: takes a cluster off a machine that the cluster can no longer reach, or that nobody removed from it.
 * Secrets and configuration are kept beside their places unless --no-backup is given.
 */
import { randomBytes } from 'node:crypto';
import { copyFile, readdir, stat } from 'node:fs/promises';
import { silentLog } from '../../kit/log.ts';
import { pathsFor } from '../../kit/paths.ts';
import { isToolAnswer, parseToolOptions, tellToolAnswer, toolOptions } from '../../kit/tool-options.ts';
import { openReplica } from '../../noderpc/journal-replica.ts';
import { daemonNames, stopDaemon } from '../daemons.ts';
import { leaveCluster } from '../leave.ts';

const options = [
  toolOptions.debug,
  toolOptions.verbose,
  { names: ['--ya-rly', '--yes-do-it'], help: 'Really perform the action' },
  { names: ['--no-backup'], help: 'Whether to create backup copies of deleted files' },
];

/** Beside the file, with the rights that it has, in a folder that leaving the cluster doesn't empty. */
async function keep(path: string, folder: string, stamp: string): Promise<string | undefined> {
  if ((await stat(path).catch(() => undefined)) === undefined) return undefined;
  const copy = `${folder}/${path.split('/').at(-1)}.backup-${stamp}.${randomBytes(4).toString('hex')}`;
  await copyFile(path, copy);
  return copy;
}

export async function nodeCleanup(argv: readonly string[]): Promise<number> {
  const call = parseToolOptions('node-cleanup', '[--no-backup]', options, argv);
  if (isToolAnswer(call)) return tellToolAnswer(call);
  if (call.args.length > 0) {
    process.stderr.write('node-cleanup: error: No arguments are expected\n');
    return 2;
  }
  if (!call.flags.has('yes-do-it')) {
    process.stderr.write(
      'Cleaning a node is irreversible. If you really want to clean this node, supply the --yes-do-it option.\n',
    );
    return 1;
  }
  const tell = (line: string) => {
    if (call.flags.has('verbose') || call.flags.has('debug')) process.stderr.write(`${line}\n`);
  };
  const paths = pathsFor();
  tell('Stopping daemons');
  for (const daemon of daemonNames.toReversed()) await stopDaemon({ paths }, daemon);
  if (!call.flags.has('no-backup')) {
    const folder = `${paths.dataDir}/cleanup-backup`;
    const { mkdir } = await import('node:fs/promises');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const stamp = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14);
    const names = await readdir(paths.dataDir).catch(() => []);
    const secrets = names.filter((name) => /\.pem$|\.key$|^config\.data$|^cluster-domain-secret$/.test(name));
    for (const name of secrets) {
      const copy = await keep(`${paths.dataDir}/${name}`, folder, stamp);
      if (copy !== undefined) tell(`Backing up ${paths.dataDir}/${name}`);
    }
  }
  const replica = openReplica({ paths, log: silentLog });
  try {
    await leaveCluster({ paths, log: silentLog, replica }, true);
  } finally {
    await replica.close();
  }
  tell('Node successfully cleaned');
  return 0;
}
