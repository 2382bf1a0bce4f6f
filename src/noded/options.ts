/** The command line of ganeti-noded (man page ganeti-noded). */
import { parseArgs } from 'node:util';
import {
  checkedArguments,
  interfaceAddress,
  type Shown,
  servingHelp,
  wholeNumber,
} from '../kit/daemon-options.ts';
import { notSupportedYet } from '../kit/failure.ts';
import { releaseVersion } from '../noderpc/versions.ts';

export interface NodedOptions {
  readonly foreground: boolean;
  readonly debug: boolean;
  readonly port: number;
  readonly bind: string;
  readonly maxClients: number;
  /** File with key and certificate, where it isn't the usual one. */
  readonly certificate: string | null;
}

const help = `Usage: ganeti-noded [-f] [-d] [-p port] [-b ADDRESS] [-i INTERFACE]

Options:
  --version             show program's version number and exit
  -h, --help            show this help message and exit
  --no-mlock            Do not mlock the node memory in ram
                        (accepted for compatibility: no memory is locked)
  --max-clients=MAX_CLIENTS
                        Number of simultaneous connections accepted by noded
                        (default: 64)
${servingHelp(1811)}`;

const definitions = {
  version: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  'no-mlock': { type: 'boolean' },
  'max-clients': { type: 'string' },
  foreground: { type: 'boolean', short: 'f' },
  debug: { type: 'boolean', short: 'd' },
  syslog: { type: 'string' },
  port: { type: 'string', short: 'p' },
  bind: { type: 'string', short: 'b' },
  interface: { type: 'string', short: 'i' },
  'no-ssl': { type: 'boolean' },
  'ssl-key': { type: 'string', short: 'K' },
  'ssl-cert': { type: 'string', short: 'C' },
} as const;

/**
 * @param env GANETI_NODED_PORT is the port where no option says otherwise
 * @throws Failure ParameterError, or OpPrereqError for what isn't supported
 */
export function parseOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): NodedOptions | Shown {
  const { values } = checkedArguments(() => parseArgs({ args: [...args], options: definitions }));
  if (values.help) return { shown: help };
  if (values.version) return { shown: `ganeti-noded (ganeti) ${releaseVersion}\n` };
  if (values['no-ssl']) throw notSupportedYet('Serving node calls without TLS');
  if ((values.syslog ?? 'no') !== 'no') throw notSupportedYet('Logging to syslog');
  const certificate = values['ssl-cert'] ?? values['ssl-key'] ?? null;
  if (values['ssl-key'] !== undefined && values['ssl-key'] !== certificate) {
    throw notSupportedYet('A key in another file than its certificate');
  }
  const standardPort = wholeNumber('GANETI_NODED_PORT', env.GANETI_NODED_PORT ?? '1811', 0, 65_535);
  return {
    foreground: values.foreground ?? false,
    debug: values.debug ?? false,
    port: wholeNumber('-p', values.port ?? String(standardPort), 0, 65_535),
    bind: values.interface === undefined ? (values.bind ?? '0.0.0.0') : interfaceAddress(values.interface),
    maxClients: Math.max(1, wholeNumber('--max-clients', values['max-clients'] ?? '64', 0, 10_000)),
    certificate,
  };
}
