/** The command line of ganeti-rapi (man page ganeti-rapi). */
import { parseArgs } from 'node:util';
import {
  checkedArguments,
  interfaceAddress,
  type Shown,
  servingHelp,
  wholeNumber,
} from '../kit/daemon-options.ts';
import { notSupportedYet } from '../kit/failure.ts';
import { releaseVersion } from '../model/release.ts';

export interface RapiOptions {
  readonly foreground: boolean;
  readonly debug: boolean;
  readonly port: number;
  readonly bind: string;
  readonly tls: boolean;
  /** Files where they aren't the usual one; the chain stands before nothing else. */
  readonly key: string | null;
  readonly certificate: string | null;
  readonly chain: string | null;
  readonly requireAuthentication: boolean;
  /** Requests that ask the master at the same time. */
  readonly maxClients: number;
}

const help = `Usage: ganeti-rapi [-f] [-d] [-p port] [-b ADDRESS] [-i INTERFACE]

Ganeti Remote API

Options:
  --version             show program's version number and exit
  -h, --help            show this help message and exit
  --require-authentication
                        Disable anonymous HTTP requests and require
                        authentication
  --max-clients=MAX_CLIENTS
                        Number of requests that ask the master daemon at the
                        same time, and of those that wait for a job; further
                        ones wait (default: 20)
  --ssl-chain=SSL_CHAIN
                        SSL Certificate chain path
${servingHelp(5080)}`;

const flags = {
  version: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  'require-authentication': { type: 'boolean' },
  foreground: { type: 'boolean', short: 'f' },
  debug: { type: 'boolean', short: 'd' },
  'no-ssl': { type: 'boolean' },
} as const;
const values = {
  'max-clients': { type: 'string', default: '20' },
  'ssl-chain': { type: 'string' },
  syslog: { type: 'string', default: 'no' },
  port: { type: 'string', short: 'p' },
  bind: { type: 'string', short: 'b', default: '0.0.0.0' },
  interface: { type: 'string', short: 'i' },
  'ssl-key': { type: 'string', short: 'K' },
  'ssl-cert': { type: 'string', short: 'C' },
} as const;

/**
 * @param env GANETI_RAPI_PORT is the port where no option says otherwise
 * @returns the options, or a text that ends the program
 * @throws Failure ParameterError, or OpPrereqError for what isn't supported
 */
export function parseOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): RapiOptions | Shown {
  const given = checkedArguments(
    () => parseArgs({ args: [...args], options: { ...flags, ...values } }).values,
  );
  if (given.help === true) return { shown: help };
  if (given.version === true) return { shown: `ganeti-rapi (ganeti) ${releaseVersion}\n` };
  if (given.syslog !== 'no') throw notSupportedYet('Logging to syslog');
  return {
    foreground: given.foreground === true,
    debug: given.debug === true,
    port: wholeNumber('-p', given.port ?? env.GANETI_RAPI_PORT ?? '5080', 0, 65_535),
    bind: given.interface === undefined ? given.bind : interfaceAddress(given.interface),
    tls: given['no-ssl'] !== true,
    key: given['ssl-key'] ?? null,
    certificate: given['ssl-cert'] ?? null,
    chain: given['ssl-chain'] ?? null,
    requireAuthentication: given['require-authentication'] === true,
    maxClients: wholeNumber('--max-clients', given['max-clients'], 1, 10_000),
  };
}
