/**
 * ganeti-confd: answers questions about the configuration on a master candidate. A node without a copy of the
 * configuration has nothing to answer with, so the daemon doesn't run there.
 */
import { existsSync, readFileSync } from 'node:fs';
import { now } from '../kit/clock.ts';
import { runDaemonProgram } from '../kit/daemon-program.ts';
import { releaseVersion } from '../model/release.ts';
import { confdPort } from './client/protocol.ts';
import { followKey } from './key.ts';
import { followConfiguration } from './reader.ts';
import { createConfdServer } from './server.ts';

/** The address that takes datagrams of all the node's addresses, in the cluster's family. */
function anyAddress(dataDir: string): string {
  try {
    return readFileSync(`${dataDir}/ssconf_primary_ip_family`, 'utf8').trim() === '10' ? '::' : '0.0.0.0';
  } catch {
    return '0.0.0.0';
  }
}

process.exit(
  await runDaemonProgram({
    program: 'ganeti-confd',
    version: releaseVersion,
    defaultPort: confdPort,
    portVariable: 'GANETI_CONFD_PORT',
    bindHelp: "Bind address (default is 'any' on either IPv4 or IPv6, depending on cluster configuration)",
    logName: 'conf-daemon',
    whyNot: ({ configFile }) =>
      existsSync(configFile) ? undefined : `${configFile} is missing: this node is no master candidate`,
    async serve({ paths, log, options }) {
      const reader = await followConfiguration(paths.configFile, log);
      const bind = options.bind ?? anyAddress(paths.dataDir);
      const server = createConfdServer({
        key: followKey(paths.confdHmacKey, log),
        view: () => reader.view,
        log,
        bind,
        port: options.port,
        now,
      });
      const port = await server.listen();
      return {
        serves: `${bind} port ${port}`,
        async close() {
          reader.close();
          await server.close();
        },
      };
    },
  }),
);
