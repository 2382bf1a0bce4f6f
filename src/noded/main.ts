/**
 * ganeti-noded: does on this node what the master asks. Puts log, certificates, drivers and handlers
 * together, serves, and on SIGTERM finishes what it has begun before it ends. SIGHUP opens the log file
 * again and takes up a renewed certificate.
 */
import { existsSync } from 'node:fs';
import { isBackgroundChild, reportReady, startInBackground, takePidFile } from '../kit/daemon.ts';
import { optionsOrExit } from '../kit/daemon-options.ts';
import { Failure, messageOf } from '../kit/failure.ts';
import { openDaemonLog } from '../kit/log-file.ts';
import { type Paths, pathsFor } from '../kit/paths.ts';
import { ownHostname } from '../kit/resolve.ts';
import { createIdentity } from '../noderpc/identity.ts';
import { createNodeServer } from '../noderpc/server.ts';
import { createStorageHost } from '../storage/host.ts';
import { createContext } from './context.ts';
import { ensureFolders } from './folders.ts';
import { nodeCallTable } from './handlers/table.ts';
import { createMetadataTeller } from './metadata.ts';
import { type NodedOptions, parseOptions } from './options.ts';
import { createRoleDaemons } from './role-daemons.ts';

const program = 'ganeti-noded';

/** Milliseconds that running requests have to end after SIGTERM; then they are called off. */
const graceMs = 25_000;

async function serve(options: NodedOptions, paths: Paths): Promise<void> {
  if (!existsSync(paths.serverCertificate)) {
    throw new Failure('X509CertError', [
      `${paths.serverCertificate} is missing: this machine is not part of a cluster`,
    ]);
  }
  ensureFolders(paths);
  const pidFile = takePidFile(`${paths.runDir}/${program}.pid`, program);
  const logFile = openDaemonLog(program, `${paths.logDir}/node-daemon.log`, {
    lowest: options.debug ? 'DEBUG' : 'INFO',
    echo: options.debug && options.foreground,
  });
  const { log } = logFile;
  let finish = () => {};
  const stopped = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const hostname = ownHostname(process.env);
  const context = createContext({
    paths,
    log,
    env: process.env,
    hostname,
    host: createStorageHost(paths, log),
    // After the answer to the request that asks for it: nothing more is done by then.
    stopDaemon: () => setImmediate(() => finish()),
    certificateChanged: () => server.reloadCertificate(),
    roleDaemons: createRoleDaemons({ paths, log }),
    metadata: createMetadataTeller({ paths, log }),
  });
  const server = createNodeServer({
    identity: createIdentity(paths),
    handlers: nodeCallTable(context),
    log,
    port: options.port,
    bind: options.bind,
    fence: context.fence,
    maxClients: options.maxClients,
  });
  try {
    const port = await server.listen();
    log.info(`${program} on ${hostname} serves ${options.bind} port ${port}, pid ${process.pid}`);
    process.on('SIGTERM', finish);
    process.on('SIGINT', finish);
    process.on('SIGHUP', () => {
      logFile.reopen();
      server.reloadCertificate();
      log.info('Log file opened again');
    });
    process.on('unhandledRejection', (reason) => log.error(`Unhandled: ${messageOf(reason)}`));
    reportReady();
    await stopped;
    log.info('Stopping');
    await server.close(graceMs);
    await context.replica.close();
    log.info('Stopped');
  } catch (error) {
    log.error(messageOf(error));
    throw error;
  } finally {
    pidFile.release();
    logFile.close();
  }
}

async function main(): Promise<number> {
  const options = optionsOrExit(program, '[options]', () => parseOptions(process.argv.slice(2), process.env));
  if (typeof options === 'number') return options;
  const standard = pathsFor(process.env);
  const paths =
    options.certificate === null ? standard : { ...standard, serverCertificate: options.certificate };
  if (!options.foreground && !isBackgroundChild()) {
    const fault = await startInBackground();
    if (fault !== undefined) process.stderr.write(`${program}: ${fault}\n`);
    return fault === undefined ? 0 : 1;
  }
  try {
    await serve(options, paths);
    return 0;
  } catch (error) {
    reportReady(messageOf(error));
    process.stderr.write(`${program}: ${messageOf(error)}\n`);
    return 1;
  }
}

process.exitCode = await main();
