/**
 * Makes this machine a node of a cluster: what the master sends over standard input as JSON is checked and
 * written, then the node daemon is started with it. Stands for Ganeti's prepare-node-join and
 * node-daemon-setup. On success it prints {"digest": …, "protocol": …, "release": …}. With --leave it takes all
 * of that off again, because the job that should have made the machine a node has failed.
 */
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import { runningPid } from '../kit/daemon.ts';
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import { type Paths, pathsFor } from '../kit/paths.ts';
import { programPath } from '../kit/programs.ts';
import { openReplica } from '../noderpc/journal-replica.ts';
import { protocolVersion, releaseVersion } from '../noderpc/versions.ts';
import { startDaemon, stopDaemon } from './daemons.ts';
import { ensureFolders } from './folders.ts';
import { JoinData, joinCluster } from './join.ts';
import { leaveCluster } from './leave.ts';
import { readSsconf } from './ssconf.ts';

const monitoring = 'ganeti-mond';

const help = `Usage: gantry-node-setup [--dry-run|--leave] [-d] [-v] < data.json

Options:
  -h, --help     show this help message and exit
  -d, --debug    Enable some debug messages
  -v, --verbose  Increase the verbosity of the operation
  --dry-run      Perform a dry run: check, but write nothing
  --leave        Take the cluster {"cluster_name": …} off this machine again
`;

/** Words about the progress go to standard error: standard output is the answer. */
function toolLog(verbose: boolean): Log {
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const aside = verbose ? say : () => {};
  return { debug: aside, info: aside, warning: say, error: say };
}

async function leave(paths: Paths, log: Log): Promise<void> {
  await stopDaemon({ paths }, 'ganeti-noded');
  const replica = openReplica({ paths, log });
  try {
    // Only what joining has noted: keys that root had before are root's own.
    await leaveCluster({ paths, log, replica }, false);
  } finally {
    await replica.close();
  }
}

/** Done again, or on a machine that never joined: fine. @throws Error for a node of another cluster, or a master */
async function leaveAgain(paths: Paths, log: Log, input: string): Promise<void> {
  const { cluster_name: wanted } = z.object({ cluster_name: z.string().min(1) }).parse(JSON.parse(input));
  const here = await readSsconf(paths, 'cluster_name');
  if (here !== undefined && here !== wanted) {
    throw new Error(`This machine belongs to another cluster ('${here}'), not to '${wanted}'`);
  }
  if (runningPid(`${paths.runDir}/ganeti-masterd.pid`, 'ganeti-masterd') !== undefined) {
    throw new Error('The master daemon runs here: this machine stays in its cluster');
  }
  await leave(paths, log);
}

async function setUp(args: readonly string[]): Promise<void> {
  const verbose = ['-v', '--verbose', '-d', '--debug'].some((option) => args.includes(option));
  const log = toolLog(verbose);
  const paths = pathsFor(process.env);
  const input = await text(process.stdin);
  if (args.includes('--leave')) return await leaveAgain(paths, log, input);
  const parsed = JoinData.safeParse(JSON.parse(input));
  if (!parsed.success) throw new Error(`Input is wrong: ${z.prettifyError(parsed.error)}`);
  const data = parsed.data;
  const dryRun = args.includes('--dry-run');
  if (!dryRun) ensureFolders(paths);
  const wasNode = (await readSsconf(paths, 'cluster_name')) !== undefined;
  const digest = await joinCluster({ paths, log, dryRun }, data);
  if (data.start_node_daemon && !dryRun) {
    log.info('Restarting node daemon ...');
    const where = { paths };
    await stopDaemon(where, 'ganeti-noded');
    try {
      await startDaemon(where, 'ganeti-noded');
    } catch (error) {
      if (!wasNode) await leave(paths, log);
      throw error;
    }
    // A node without its figures is a node all the same.
    if (existsSync(programPath(monitoring)))
      await startDaemon(where, monitoring).catch((error: unknown) => log.warning(messageOf(error)));
  }
  process.stdout.write(`${JSON.stringify({ digest, protocol: protocolVersion, release: releaseVersion })}\n`);
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('-h') || args.includes('--help')) {
    process.stdout.write(help);
    return 0;
  }
  const known = ['-v', '--verbose', '-d', '--debug', '--dry-run', '--leave'];
  const unknown = args.find((argument) => !known.includes(argument));
  if (unknown !== undefined) {
    process.stderr.write(`${help}\ngantry-node-setup: error: no such option: ${unknown}\n`);
    return 2;
  }
  try {
    await setUp(args);
    return 0;
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
