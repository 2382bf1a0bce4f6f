/** The command line of ganeti-noded (man page ganeti-noded). */
import { networkInterfaces } from 'node:os';
import { parseArgs } from 'node:util';
import { Failure, messageOf, notSupportedYet } from '../kit/failure.ts';
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
  -f, --foreground      Don't detach from the current terminal
  -d, --debug           Enable some debug messages
  --syslog=SYSLOG       Enable logging to syslog (except debug messages); one
                        of 'no', 'yes' or 'only' [no]
  -p PORT, --port=PORT  Network port (default: 1811)
  -b ADDRESS, --bind=ADDRESS
                        Bind address (default: '0.0.0.0')
  -i INTERFACE, --interface=INTERFACE
                        Bind interface
  --no-ssl              Do not secure HTTP protocol with SSL
  -K SSL_KEY_PATH, --ssl-key=SSL_KEY_PATH
                        SSL key path
  -C SSL_CERT_PATH, --ssl-cert=SSL_CERT_PATH
                        SSL certificate path
`;

/** Ends the program with a text on standard output. */
export interface Shown {
  readonly shown: string;
}

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

function usage(message: string): Failure {
  return new Failure('ParameterError', [message]);
}

function integer(option: string, text: string | undefined, otherwise: number, most: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > most) throw usage(`option ${option}: invalid integer value: '${text}'`);
  return value;
}

function addressOf(device: string): string {
  const addresses = networkInterfaces()[device];
  const address = addresses?.find((entry) => entry.family === 'IPv4') ?? addresses?.[0];
  if (address === undefined) throw usage(`Can't resolve the address of interface '${device}'`);
  return address.address;
}

/**
 * @param env GANETI_NODED_PORT is the port where no option says otherwise
 * @throws Failure ParameterError, or OpPrereqError for what isn't supported
 */
export function parseOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): NodedOptions | Shown {
  let values: ReturnType<typeof parseArgs<{ options: typeof definitions }>>['values'];
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: definitions,
      strict: true,
      allowPositionals: false,
    }));
  } catch (error) {
    throw usage(messageOf(error));
  }
  if (values.help) return { shown: help };
  if (values.version) return { shown: `ganeti-noded (ganeti) ${releaseVersion}\n` };
  if (values['no-ssl']) throw notSupportedYet('Serving node calls without TLS');
  if ((values.syslog ?? 'no') !== 'no') throw notSupportedYet('Logging to syslog');
  const certificate = values['ssl-cert'] ?? values['ssl-key'] ?? null;
  if (values['ssl-key'] !== undefined && values['ssl-key'] !== certificate) {
    throw notSupportedYet('A key in another file than its certificate');
  }
  const standardPort = integer('GANETI_NODED_PORT', env.GANETI_NODED_PORT, 1811, 65535);
  return {
    foreground: values.foreground ?? false,
    debug: values.debug ?? false,
    port: integer('-p', values.port, standardPort, 65535),
    bind: values.interface === undefined ? (values.bind ?? '0.0.0.0') : addressOf(values.interface),
    maxClients: Math.max(1, integer('--max-clients', values['max-clients'], 64, 10_000)),
    certificate,
  };
}
