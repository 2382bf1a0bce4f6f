/**
 * ganeti-masterd: configuration, locks, job queue and LUXI in one process. Before it serves it asks the other
 * nodes whether it is still the master (votes.ts). On SIGTERM it takes no more requests, lets running jobs
 * stand in the journal as they are, and ends; the next start unwinds them.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import {
  isBackgroundChild,
  notMasterExit,
  reportReady,
  startInBackground,
  takePidFile,
} from '../kit/daemon.ts';
import { optionsOrExit } from '../kit/daemon-options.ts';
import { Failure, messageOf, traceOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import { type DaemonLog, openDaemonLog } from '../kit/log-file.ts';
import { type Paths, pathsFor } from '../kit/paths.ts';
import { isOwnName, ownHostname } from '../kit/resolve.ts';
import { luxiAddress } from '../luxi/address.ts';
import { type LuxiServer, serveLuxi } from '../luxi/server.ts';
import { releaseVersion } from '../model/release.ts';
import { callByAddress } from './addresses.ts';
import { readClusterView } from './cluster-view.ts';
import { composeMaster } from './compose.ts';
import { NotMaster, notMasterMark } from './not-master.ts';
import { type MasterdOptions, parseOptions } from './options.ts';
import { awaitElection } from './votes.ts';

const program = 'ganeti-masterd';

async function requireMaster(): Promise<void> {
  const paths = pathsFor();
  const master = (await readFile(`${paths.dataDir}/ssconf_master_node`, 'utf8').catch(() => '')).trim();
  if (!existsSync(paths.configFile))
    throw new NotMaster(`${paths.configFile} is missing: this machine is not the master of a cluster`);
  if (master !== '' && !isOwnName(master)) {
    throw new NotMaster(`This is ${ownHostname()}, and the cluster's master is ${master}`);
  }
}

/** Answers every request with the reason why there is no service yet. */
async function explainWaiting(paths: Paths, log: Log, reason: string): Promise<LuxiServer> {
  await mkdir(paths.socketDir, { recursive: true, mode: 0o750 });
  const text = `The master daemon is waiting for the votes of other nodes: ${reason}`;
  return await serveLuxi({
    path: luxiAddress(paths),
    log,
    handle: async () => {
      throw new Failure('GenericError', [text]);
    },
  });
}

/** @throws NotMaster when another node is master now; the abort reason of `signal` */
async function requireElection(paths: Paths, log: Log, signal: AbortSignal): Promise<void> {
  const nodes = callByAddress(paths, log);
  let interim: LuxiServer | undefined;
  try {
    const verdict = await awaitElection(
      { paths, nodes, view: await readClusterView(paths) },
      {
        log,
        signal,
        waiting: async (reason) => {
          interim = await explainWaiting(paths, log, reason);
          // Whoever boots the nodes one after the other must get on to the next.
          reportReady();
        },
      },
    );
    if (verdict.kind === 'superseded') throw new NotMaster(verdict.reason);
  } finally {
    await interim?.close(0);
    await nodes.close();
  }
}

interface Served {
  readonly paths: Paths;
  readonly logFile: DaemonLog;
  readonly noVoting: boolean;
}

async function serveUntilEnd({ paths, logFile, noVoting }: Served): Promise<void> {
  const { log } = logFile;
  const ending = new AbortController();
  const end = () => ending.abort(new Failure('GenericError', ['The daemon was asked to end']));
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  process.on('SIGHUP', () => {
    logFile.reopen();
    log.info('Log file opened again');
  });
  process.on('unhandledRejection', (reason) => log.error(`Unhandled: ${traceOf(reason)}`));
  try {
    if (noVoting) log.warning('Starting without the votes of other nodes, as told');
    else await requireElection(paths, log, ending.signal);
  } catch (error) {
    if (ending.signal.aborted) return;
    throw error;
  }
  let fault: Error | undefined;
  const master = await composeMaster({
    paths,
    log,
    end: (reason) => {
      fault ??= reason;
      end();
    },
  });
  log.info(`${program} ${releaseVersion} serves ${paths.querySocket}, pid ${process.pid}`);
  reportReady();
  if (!ending.signal.aborted) await once(ending.signal, 'abort');
  log.info('Stopping');
  if (fault !== undefined) log.error(fault.message);
  await master.close();
  log.info('Stopped');
  // Whoever looks after this daemon starts it again.
  if (fault !== undefined) throw fault;
}

async function serve({ debug, foreground, noVoting }: MasterdOptions): Promise<void> {
  const paths = pathsFor();
  await requireMaster();
  const pidFile = takePidFile(`${paths.runDir}/${program}.pid`, program);
  const logFile = openDaemonLog(program, `${paths.logDir}/master-daemon.log`, {
    lowest: debug ? 'DEBUG' : 'INFO',
    echo: debug && foreground,
  });
  try {
    await serveUntilEnd({ paths, logFile, noVoting });
  } catch (error) {
    logFile.log.error(error instanceof NotMaster ? error.message : traceOf(error));
    throw error;
  } finally {
    pidFile.release();
    logFile.close();
  }
}

async function main(): Promise<number> {
  const options = optionsOrExit(program, '[options]', () => parseOptions(process.argv.slice(2)));
  if (typeof options === 'number') return options;
  if (options.checkMaster || (!options.foreground && !isBackgroundChild())) {
    try {
      await requireMaster();
      if (options.checkMaster) return 0;
    } catch (error) {
      process.stderr.write(`${program}: ${messageOf(error)}\n`);
      return notMasterExit;
    }
    const fault = await startInBackground();
    if (fault === undefined) return 0;
    process.stderr.write(`${program}: ${fault}\n`);
    return fault.startsWith(notMasterMark) ? notMasterExit : 1;
  }
  try {
    await serve(options);
    return 0;
  } catch (error) {
    reportReady(messageOf(error));
    process.stderr.write(`${program}: ${messageOf(error)}\n`);
    return error instanceof NotMaster ? notMasterExit : 1;
  }
}

// Timers and sockets of what was closed late must not keep a daemon that has ended.
process.exit(await main());
