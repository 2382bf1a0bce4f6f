/**
 * The frame of the small daemons: command line, background, pid file, log file, signals. What a daemon does is one
 * function that begins to serve and says how to stop. The options are those of Ganeti's daemons of that kind.
 */
import { parseArgs } from 'node:util';
import { isBackgroundChild, notMasterExit, reportReady, startInBackground, takePidFile } from './daemon.ts';
import { Failure, messageOf, notSupportedYet, traceOf } from './failure.ts';
import type { Log } from './log.ts';
import { openDaemonLog } from './log-file.ts';
import { type Paths, pathsFor } from './paths.ts';

export interface DaemonOptions {
  readonly foreground: boolean;
  readonly debug: boolean;
  readonly port: number;
  /** Null: wherever the daemon likes best. */
  readonly bind: string | null;
}

export interface DaemonContext {
  readonly paths: Paths;
  readonly log: Log;
  readonly options: DaemonOptions;
}

export interface RunningDaemon {
  /** Where it serves, for the log. */
  readonly serves: string;
  /** SIGHUP, after the log file was opened again. */
  reload?(): void;
  close(): Promise<void>;
}

export interface DaemonDefinition {
  readonly program: string;
  /** The release that --version shows. */
  readonly version: string;
  readonly defaultPort: number;
  /** Variable that holds the port where no option says otherwise. */
  readonly portVariable: string;
  /** Sentence about the bind address for the help. */
  readonly bindHelp: string;
  /** Name of the log file in the log folder, without ".log". */
  readonly logName: string;
  /** Why there is nothing for it to do on this node; undefined when there is. */
  readonly whyNot?: (paths: Paths) => string | undefined;
  readonly serve: (context: DaemonContext) => Promise<RunningDaemon>;
}

const definitions = {
  foreground: { type: 'boolean', short: 'f' },
  debug: { type: 'boolean', short: 'd' },
  'no-user-checks': { type: 'boolean' },
  port: { type: 'string', short: 'p' },
  bind: { type: 'string', short: 'b' },
  syslog: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'V' },
  'help-completion': { type: 'boolean' },
} as const;

const completion = `-f,--foreground none
--no-user-checks none
-d,--debug none
-p,--port integer
-b,--bind inetaddr
--syslog choices=yes,no,only
-h,--help none
-V,--version none
--help-completion none
`;

const versionLine = ({ program, version }: DaemonDefinition) => `${program} (ganeti) version ${version}\n`;

function usage(definition: DaemonDefinition): string {
  return `${versionLine(definition)}Usage: ${definition.program} [OPTION...]
  -f       --foreground       Don't detach from the current terminal
           --no-user-checks   Ignore user checks
  -d       --debug            Enable debug messages
  -p PORT  --port=PORT        Network port (default: ${definition.defaultPort})
  -b ADDR  --bind=ADDR        ${definition.bindHelp}
           --syslog=SYSLOG    Enable logging to syslog (except debug messages); one of 'no', 'yes' or 'only' [no]
  -h       --help             show help
  -V       --version          show the version of the program
           --help-completion  show completion info
`;
}

function portIn(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new Failure('ParameterError', [`option -p: invalid port: '${text}'`]);
}

/**
 * @returns the options, or a text that ends the program well
 * @throws Failure ParameterError, or OpPrereqError for what isn't supported
 */
export function parseDaemonOptions(
  definition: DaemonDefinition,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): DaemonOptions | string {
  const parse = () => {
    try {
      return parseArgs({ args: [...args], options: definitions, allowPositionals: true });
    } catch (error) {
      throw new Failure('ParameterError', [messageOf(error)]);
    }
  };
  const { values, positionals } = parse();
  if (values.help === true) return usage(definition);
  if (values.version === true) return versionLine(definition);
  if (values['help-completion'] === true) return completion;
  if (positionals.length > 0)
    throw new Failure('ParameterError', ["This program doesn't take any arguments"]);
  if ((values.syslog ?? 'no') !== 'no') throw notSupportedYet('Logging to syslog');
  return {
    foreground: values.foreground === true,
    debug: values.debug === true,
    port: portIn(values.port ?? env[definition.portVariable] ?? String(definition.defaultPort)),
    bind: values.bind ?? null,
  };
}

async function serveUntilEnd(definition: DaemonDefinition, options: DaemonOptions, paths: Paths) {
  const { program, version, logName } = definition;
  const pidFile = takePidFile(`${paths.runDir}/${program}.pid`, program);
  const logFile = openDaemonLog(program, `${paths.logDir}/${logName}.log`, {
    lowest: options.debug ? 'DEBUG' : 'INFO',
    echo: options.debug && options.foreground,
  });
  const { log } = logFile;
  process.on('unhandledRejection', (reason) => log.error(`Unhandled: ${traceOf(reason)}`));
  const ended = new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
  try {
    const daemon = await definition.serve({ paths, log, options });
    process.on('SIGHUP', () => {
      logFile.reopen();
      daemon.reload?.();
      log.info('Log file opened again');
    });
    log.info(`${program} ${version} serves ${daemon.serves}, pid ${process.pid}`);
    reportReady();
    await ended;
    log.info('Stopping');
    await daemon.close();
    log.info('Stopped');
  } catch (error) {
    log.error(traceOf(error));
    throw error;
  } finally {
    pidFile.release();
    logFile.close();
  }
}

/** Runs the program to its end. @returns its exit code */
export async function runDaemonProgram(definition: DaemonDefinition): Promise<number> {
  const { program } = definition;
  let options: DaemonOptions | string;
  try {
    options = parseDaemonOptions(definition, process.argv.slice(2), process.env);
  } catch (error) {
    process.stderr.write(`Command line error: ${messageOf(error)}\n\n${usage(definition)}`);
    return 2;
  }
  if (typeof options === 'string') {
    process.stdout.write(options);
    return 0;
  }
  const paths = pathsFor();
  const reason = definition.whyNot?.(paths);
  let fault = reason;
  if (reason === undefined && !options.foreground && !isBackgroundChild()) fault = await startInBackground();
  else if (reason === undefined)
    fault = await serveUntilEnd(definition, options, paths).then(() => undefined, messageOf);
  if (fault === undefined) return 0;
  if (isBackgroundChild()) reportReady(fault);
  process.stderr.write(`${program}: ${fault}\n`);
  return reason === undefined ? 1 : notMasterExit;
}
