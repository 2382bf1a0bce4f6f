/**
 * ganeti-rapi: the remote API on the master node. Puts users, connections to the master daemon and the HTTP
 * server together. SIGHUP opens the log file again and takes up a renewed certificate; SIGTERM lets running
 * requests end.
 */
import { readFileSync } from 'node:fs';
import {
  isBackgroundChild,
  notMasterExit,
  reportReady,
  startInBackground,
  takePidFile,
} from '../kit/daemon.ts';
import { optionsOrExit } from '../kit/daemon-options.ts';
import { Failure, messageOf, traceOf } from '../kit/failure.ts';
import { openDaemonLog } from '../kit/log-file.ts';
import { type Paths, pathsFor } from '../kit/paths.ts';
import { isOwnName, ownHostname } from '../kit/resolve.ts';
import { luxiAddress } from '../luxi/address.ts';
import { connectLuxi } from '../luxi/client.ts';
import { releaseVersion } from '../model/release.ts';
import { createEventHub, type EventsAnswer, type WaitForEvents } from './event-hub.ts';
import { openMaster } from './master.ts';
import { parseOptions, type RapiOptions } from './options.ts';
import { routes } from './routes/table.ts';
import { type Certificate, createRapiServer } from './server.ts';
import { createService } from './service.ts';
import { watchUsers } from './users.ts';

const program = 'ganeti-rapi';
const notMasterMark = 'Not master: ';
const graceMs = 15_000;
/** One that waits for the next event, others that tell listeners what they have missed. */
const eventConnections = 4;

/** Why this node has no remote API, when it isn't the master. */
function whyNotMaster({ dataDir }: Paths): string | undefined {
  let master: string;
  try {
    master = readFileSync(`${dataDir}/ssconf_master_node`, 'utf8').trim();
  } catch {
    return 'this machine is not part of a cluster';
  }
  if (isOwnName(master)) return undefined;
  return `this is ${ownHostname()}, and the cluster's master is ${master}`;
}

function readCertificate(options: RapiOptions, paths: Paths): Certificate | null {
  if (!options.tls) return null;
  const read = (path: string) => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw new Failure('X509CertError', [`${path} can't be read: ${messageOf(error)}`]);
    }
  };
  const cert = read(options.certificate ?? paths.rapiCertificate);
  const chain = options.chain === null ? '' : read(options.chain);
  return { key: read(options.key ?? paths.rapiCertificate), cert: `${cert}\n${chain}` };
}

async function serve(options: RapiOptions, paths: Paths): Promise<void> {
  const certificate = readCertificate(options, paths);
  const pidFile = takePidFile(`${paths.runDir}/${program}.pid`, program);
  const logFile = openDaemonLog(program, `${paths.logDir}/rapi-daemon.log`, {
    lowest: options.debug ? 'DEBUG' : 'INFO',
    echo: options.debug && options.foreground,
  });
  const { log } = logFile;
  process.on('unhandledRejection', (reason) => log.error(`Unhandled: ${traceOf(reason)}`));
  const master = openMaster(() => connectLuxi(luxiAddress(paths)), options.maxClients);
  // Waiting for events must not take a turn of those who ask and go.
  const eventSource = openMaster(() => connectLuxi(luxiAddress(paths)), eventConnections);
  const waitForEvents: WaitForEvents = async (...args) =>
    (await eventSource.call('WaitForEvents', args)) as EventsAnswer;
  const events = createEventHub(waitForEvents, log);
  const service = createService({
    routes,
    master,
    users: watchUsers(paths.rapiUsers, log),
    requireAuthentication: options.requireAuthentication,
    events,
    log,
    now: Date.now,
  });
  const server = createRapiServer({ service, log, certificate, port: options.port, bind: options.bind });
  try {
    const port = await server.listen();
    const ended = new Promise<void>((resolve) => {
      process.once('SIGTERM', () => resolve());
      process.once('SIGINT', () => resolve());
    });
    process.on('SIGHUP', () => {
      logFile.reopen();
      try {
        const renewed = readCertificate(options, paths);
        if (renewed !== null) server.renewCertificate(renewed);
        log.info('Log file opened again, certificate read again');
      } catch (error) {
        log.error(messageOf(error));
      }
    });
    log.info(`${program} ${releaseVersion} serves ${options.bind} port ${port}, pid ${process.pid}`);
    reportReady();
    await ended;
    log.info('Stopping');
    events.close();
    await server.close(graceMs);
    log.info('Stopped');
  } catch (error) {
    log.error(traceOf(error));
    throw error;
  } finally {
    events.close();
    eventSource.close();
    master.close();
    pidFile.release();
    logFile.close();
  }
}

async function main(): Promise<number> {
  const options = optionsOrExit(program, '[options]', () => parseOptions(process.argv.slice(2), process.env));
  if (typeof options === 'number') return options;
  const paths = pathsFor(process.env);
  const reason = whyNotMaster(paths);
  let fault: string | undefined;
  if (reason !== undefined) fault = `${notMasterMark}${reason}`;
  else if (!options.foreground && !isBackgroundChild()) fault = await startInBackground();
  else fault = await serve(options, paths).then(() => undefined, messageOf);
  if (fault === undefined) return 0;
  if (isBackgroundChild()) reportReady(fault);
  process.stderr.write(`${program}: ${fault}\n`);
  // The process in the background may learn of another master a moment later than this one.
  return fault.startsWith(notMasterMark) ? notMasterExit : 1;
}

process.exit(await main());
