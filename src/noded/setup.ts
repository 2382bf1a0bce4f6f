/**
 * Makes this machine a node of a cluster: what the master sends over standard input as JSON is checked and
 * written, then the node daemon is started with it. Stands for Ganeti's prepare-node-join and
 * node-daemon-setup. On success it prints {"digest": …, "protocol": …, "release": …}.
 */
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import { pathsFor } from '../kit/paths.ts';
import { protocolVersion, releaseVersion } from '../noderpc/versions.ts';
import { startDaemon, stopDaemon } from './daemons.ts';
import { ensureFolders } from './folders.ts';
import { JoinData, joinCluster } from './join.ts';

const help = `Usage: gantry-node-setup [--dry-run] [-d] [-v] < data.json

Options:
  -h, --help     show this help message and exit
  -d, --debug    Enable some debug messages
  -v, --verbose  Increase the verbosity of the operation
  --dry-run      Perform a dry run: check, but write nothing
`;

/** Words about the progress go to standard error: standard output is the answer. */
function toolLog(verbose: boolean): Log {
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const aside = verbose ? say : () => {};
  return { debug: aside, info: aside, warning: say, error: say };
}

async function setUp(args: readonly string[]): Promise<void> {
  const verbose = ['-v', '--verbose', '-d', '--debug'].some((option) => args.includes(option));
  const log = toolLog(verbose);
  const paths = pathsFor(process.env);
  const parsed = JoinData.safeParse(JSON.parse(await text(process.stdin)));
  if (!parsed.success) throw new Error(`Input is wrong: ${z.prettifyError(parsed.error)}`);
  const data = parsed.data;
  const dryRun = args.includes('--dry-run');
  if (!dryRun) ensureFolders(paths);
  const digest = await joinCluster({ paths, log, dryRun }, data);
  if (data.start_node_daemon && !dryRun) {
    log.info('Restarting node daemon ...');
    const where = { paths };
    await stopDaemon(where, 'ganeti-noded');
    await startDaemon(where, 'ganeti-noded');
  }
  process.stdout.write(`${JSON.stringify({ digest, protocol: protocolVersion, release: releaseVersion })}\n`);
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('-h') || args.includes('--help')) {
    process.stdout.write(help);
    return 0;
  }
  const known = ['-v', '--verbose', '-d', '--debug', '--dry-run'];
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
