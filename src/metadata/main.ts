/** ganeti-metad: tells instances what they may know of themselves. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runDaemonProgram } from '../kit/daemon-program.ts';
import { releaseVersion } from '../model/release.ts';
import { controlSocket, packageFile } from './client/control.ts';
import { serveControl } from './control.ts';
import { Instances } from './instances.ts';
import { createWeb } from './web.ts';
import { createWebServer } from './web-server.ts';

/** Where instances look for it, as on other platforms. */
const serviceAddress = '169.254.169.254';
const servicePort = 80;

process.exit(
  await runDaemonProgram({
    program: 'ganeti-metad',
    version: releaseVersion,
    defaultPort: servicePort,
    portVariable: 'GANETI_METAD_PORT',
    bindHelp: `Bind address (default: ${serviceAddress}, as soon as the node has it)`,
    logName: 'meta-daemon',
    async serve({ paths, log, options }) {
      mkdirSync(paths.socketDir, { recursive: true, mode: 0o770 });
      const instances = new Instances(join(paths.runDir, 'metad'), log);
      const control = await serveControl(controlSocket(paths), instances, log);
      const bind = options.bind ?? serviceAddress;
      const web = createWebServer({
        answer: createWeb({
          log,
          osSearchPath: paths.osSearchPath,
          packageFile: (uuid) => packageFile(paths, uuid),
          instanceAt: (address) => instances.at(address),
        }),
        log,
        port: options.port,
        bind,
      });
      await web.begin();
      return {
        serves: `${bind} port ${options.port}, ${controlSocket(paths)}`,
        async close() {
          await control.close();
          await web.close();
        },
      };
    },
  }),
);
