/** What the command lines of the daemons with options of Python's optparse have in common. */
import { networkInterfaces } from 'node:os';
import { Failure, messageOf } from './failure.ts';

/** Ends the program with a text on standard output. */
export interface Shown {
  readonly shown: string;
}

/** Lines of the help about the address to serve on and its certificate. */
export const servingHelp = (port: number) => `  -f, --foreground      Don't detach from the current terminal
  -d, --debug           Enable some debug messages
  --syslog=SYSLOG       Enable logging to syslog (except debug messages); one
                        of 'no', 'yes' or 'only' [no]
  -p PORT, --port=PORT  Network port (default: ${port})
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

/** @throws Failure ParameterError */
export function wholeNumber(option: string, given: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(given) ? Number(given) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Failure('ParameterError', [`option ${option}: invalid integer value: '${given}'`]);
}

/** An address of a network device, IPv4 where it has one. @throws Failure ParameterError */
export function interfaceAddress(device: string): string {
  const addresses = networkInterfaces()[device] ?? [];
  const chosen = addresses.find(({ family }) => family === 'IPv4') ?? addresses[0];
  if (chosen !== undefined) return chosen.address;
  throw new Failure('ParameterError', [`Can't resolve the address of interface '${device}'`]);
}

/** What a parser gives, with its complaints as failures. @throws Failure ParameterError */
export function checkedArguments<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new Failure('ParameterError', [messageOf(error)]);
  }
}

/**
 * The options, or the exit code when there is nothing left to do: a text was shown, or the command line is wrong.
 * @param usage behind "Usage: <program> "
 */
export function optionsOrExit<T extends object>(
  program: string,
  usage: string,
  parse: () => T | Shown,
): T | number {
  try {
    const options = parse();
    if (!('shown' in options)) return options;
    process.stdout.write((options as Shown).shown);
    return 0;
  } catch (error) {
    process.stderr.write(`Usage: ${program} ${usage}\n\n${program}: error: ${messageOf(error)}\n`);
    return 2;
  }
}
