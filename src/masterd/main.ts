/**
 * ganeti-masterd: configuration, locks, job queue and LUXI in one process. On SIGTERM it takes no more
 * requests, lets running jobs stand in the journal as they are, and ends; the next start unwinds them.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isBackgroundChild, reportReady, startInBackground, takePidFile } from '../kit/daemon.ts';
import { messageOf } from '../kit/failure.ts';
import { openDaemonLog } from '../kit/log-file.ts';
import { pathsFor } from '../kit/paths.ts';
import { ownHostname } from '../kit/resolve.ts';
import { releaseVersion } from '../model/release.ts';
import { composeMaster } from './compose.ts';
import { parseOptions } from './options.ts';

const program = 'ganeti-masterd';
/** constants.EXIT_NOTMASTER: this node isn't the master, so the daemon has nothing to do here. */
const exitNotMaster = 11;

class NotMaster extends Error {}

async function requireMaster(): Promise<void> {
  const paths = pathsFor();
  const master = (await readFile(`${paths.dataDir}/ssconf_master_node`, 'utf8').catch(() => '')).trim();
  const own = ownHostname();
  if (!existsSync(paths.configFile))
    throw new NotMaster(`${paths.configFile} is missing: this machine is not the master of a cluster`);
  if (master !== '' && master !== own && master.split('.')[0] !== own) {
    throw new NotMaster(`This is ${own}, and the cluster's master is ${master}`);
  }
}

async function serve(debug: boolean, foreground: boolean): Promise<void> {
  const paths = pathsFor();
  await requireMaster();
  const pidFile = takePidFile(`${paths.runDir}/${program}.pid`, program);
  const logFile = openDaemonLog(program, `${paths.logDir}/master-daemon.log`, {
    lowest: debug ? 'DEBUG' : 'INFO',
    echo: debug && foreground,
  });
  const { log } = logFile;
  try {
    let end = () => {};
    const stopped = new Promise<void>((resolve) => {
      end = resolve;
    });
    const master = await composeMaster({ paths, log, end });
    log.info(`${program} ${releaseVersion} serves ${paths.querySocket}, pid ${process.pid}`);
    process.on('SIGTERM', end);
    process.on('SIGINT', end);
    process.on('SIGHUP', () => {
      logFile.reopen();
      log.info('Log file opened again');
    });
    process.on('unhandledRejection', (reason) =>
      log.error(`Unhandled: ${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}`),
    );
    reportReady();
    await stopped;
    log.info('Stopping');
    await master.close();
    log.info('Stopped');
  } catch (error) {
    log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    throw error;
  } finally {
    pidFile.release();
    logFile.close();
  }
}

async function main(): Promise<number> {
  let options: ReturnType<typeof parseOptions>;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`Usage: ${program} [options]\n\n${program}: error: ${messageOf(error)}\n`);
    return 2;
  }
  if ('shown' in options) {
    process.stdout.write(options.shown);
    return 0;
  }
  if (!options.foreground && !isBackgroundChild()) {
    try {
      await requireMaster();
    } catch (error) {
      process.stderr.write(`${program}: ${messageOf(error)}\n`);
      return exitNotMaster;
    }
    const fault = await startInBackground();
    if (fault !== undefined) process.stderr.write(`${program}: ${fault}\n`);
    return fault === undefined ? 0 : 1;
  }
  try {
    await serve(options.debug, options.foreground);
    return 0;
  } catch (error) {
    reportReady(messageOf(error));
    process.stderr.write(`${program}: ${messageOf(error)}\n`);
    return error instanceof NotMaster ? exitNotMaster : 1;
  }
}

// Timers and sockets of what was closed late must not keep a daemon that has ended.
process.exit(await main());
