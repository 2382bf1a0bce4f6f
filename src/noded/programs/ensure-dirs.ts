/**
 * ensure-dirs: the folders and files of a node have the rights that they should have, whatever has happened to them.
 * Folders that are missing are made, files are not. With --full-run the job files are looked at too.
 */
import { chmod, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Paths, pathsFor } from '../../kit/paths.ts';
import { isToolAnswer, parseToolOptions, tellToolAnswer, toolOptions } from '../../kit/tool-options.ts';
import { ensureFolders, wantedFolders } from '../folders.ts';

type Wanted = readonly (readonly [string, number])[];

/** Secrets and what else must not be readable, or must be. */
function filesOf(paths: Paths): Wanted {
  return [
    [paths.configFile, 0o640],
    [paths.serverCertificate, 0o440],
    [paths.clientCertificate, 0o440],
    [paths.rapiCertificate, 0o440],
    [paths.spiceCertificate, 0o440],
    [paths.spiceCaCertificate, 0o440],
    [paths.confdHmacKey, 0o440],
    [paths.clusterDomainSecret, 0o640],
    [paths.knownHosts, 0o644],
    [paths.sshPublicKeys, 0o600],
    [paths.sshSetup, 0o600],
    [paths.rapiUsers, 0o640],
    [paths.watcherPause, 0o644],
    [`${paths.queueDir}/lock`, 0o640],
    [`${paths.queueDir}/serial`, 0o640],
    [`${paths.queueDir}/version`, 0o640],
  ];
}

/** Folders that only some nodes have. */
function optionalFolders(paths: Paths): Wanted {
  return [
    [paths.queueDir, 0o750],
    [paths.archiveDir, 0o750],
    [paths.journalDir, 0o750],
  ];
}

async function jobFiles(folder: string): Promise<Wanted> {
  const found: (readonly [string, number])[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push([path, 0o750], ...(await jobFiles(path)));
    else if (/^job-\d+$/.test(entry.name)) found.push([path, 0o640]);
  }
  return found;
}

export async function ensureDirs(argv: readonly string[]): Promise<number> {
  const options = [
    toolOptions.debug,
    toolOptions.verbose,
    {
      names: ['-f', '--full-run'],
      help: 'Make a full run and set permissions on archived jobs (time consuming)',
    },
  ];
  const call = parseToolOptions('ensure-dirs', '[--full-run]', options, argv);
  if (isToolAnswer(call)) return tellToolAnswer(call);
  if (call.args.length > 0) {
    process.stderr.write('ensure-dirs: error: No arguments are expected\n');
    return 2;
  }
  const tells = call.flags.has('verbose') || call.flags.has('debug');
  const paths = pathsFor();
  ensureFolders(paths);
  const wanted = [
    ...wantedFolders(paths),
    ...optionalFolders(paths),
    ...filesOf(paths),
    ...(call.flags.has('full-run') ? await jobFiles(paths.queueDir) : []),
  ];
  for (const [path, mode] of wanted) {
    const state = await stat(path).catch(() => undefined);
    if (state === undefined || (state.mode & 0o7777) === mode) continue;
    if (tells) process.stderr.write(`Changing mode of ${path} to ${mode.toString(8)}\n`);
    await chmod(path, mode);
  }
  return 0;
}
