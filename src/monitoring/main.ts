/**
 * ganeti-mond: tells how this node does. Where nobody says otherwise it serves the node's primary address and the
 * loopback only, not the networks of guests and storage.
 */
import { readFileSync } from 'node:fs';
import { runDaemonProgram } from '../kit/daemon-program.ts';
import type { Paths } from '../kit/paths.ts';
import { isOwnName } from '../kit/resolve.ts';
import { releaseVersion } from '../model/release.ts';
import { createApi } from './api.ts';
import { collectOrExplain, Samples } from './collectors/catalog.ts';
import { isMaster } from './metrics/role.ts';
import { createScraper, localSources } from './metrics/scrape.ts';
import type { Source, SourceContext } from './metrics/source.ts';
import { startSchedule } from './schedule.ts';
import { createMonitoringServer } from './server.ts';
import { followSettings } from './settings.ts';
import { createWorld } from './world.ts';

const monitoringPort = 1815;

/** The node's primary address and, where it is alone on its machine, the loopback. */
function usualAddresses({ dataDir, root }: Paths): string[] {
  let own: string | undefined;
  try {
    const lines = readFileSync(`${dataDir}/ssconf_node_primary_ips`, 'utf8').split('\n');
    own = lines.map((line) => line.split(' ')).find(([name]) => name !== undefined && isOwnName(name))?.[1];
  } catch {
    // No node of a cluster yet.
  }
  if (own === undefined) return ['127.0.0.1'];
  const loopback = own.includes(':') ? '::1' : '127.0.0.1';
  return root === '' && own !== loopback ? [own, loopback] : [own];
}

/** What only the master needs is loaded on the master only: the other nodes' daemons stay small. */
function whereMaster(): Source[] {
  let loading: Promise<readonly Source[]> | undefined;
  return ['master', 'balance'].map((name) => ({
    name,
    async read(context: SourceContext, metrics) {
      if (!(await isMaster(context))) return;
      loading ??= import('./metrics/master.ts').then(({ createMasterSources }) => createMasterSources());
      await (await loading).find((source) => source.name === name)?.read(context, metrics);
    },
  }));
}

process.exit(
  await runDaemonProgram({
    program: 'ganeti-mond',
    version: releaseVersion,
    defaultPort: monitoringPort,
    portVariable: 'GANETI_MOND_PORT',
    bindHelp: "Bind address (default is the node's primary address and the loopback)",
    logName: 'monitoring-daemon',
    async serve({ paths, log, options }) {
      const world = createWorld({ paths, log });
      const settings = followSettings(() => world.ask('dataCollectors', null), log);
      const samples = new Samples();
      const schedule = startSchedule(samples, world, () => settings.current);
      const sources = [...localSources, ...whereMaster()];
      const api = createApi({
        settings: () => settings.current,
        report: (name) => collectOrExplain(name, world, samples),
        metrics: createScraper(sources, { paths, world }),
      });
      const addresses = options.bind === null ? usualAddresses(paths) : [options.bind];
      const server = createMonitoringServer({ answer: api, log, port: options.port, addresses });
      const port = await server.listen();
      return {
        serves: `${addresses.join(' and ')} port ${port}`,
        reload: () => settings.again(),
        async close() {
          settings.close();
          schedule.close();
          await server.close();
        },
      };
    },
  }),
);
