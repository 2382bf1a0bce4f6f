/** mon-collector: one data collector by hand, its report on standard output. Options and words are Ganeti's. */
import { parseArgs } from 'node:util';
import { Failure, messageOf } from '../kit/failure.ts';
import { createLog } from '../kit/log.ts';
import { pathsFor } from '../kit/paths.ts';
import { releaseVersion } from '../model/release.ts';
import { collect, type Inputs, Samples } from './collectors/catalog.ts';
import { createWorld } from './world.ts';

const program = 'mon-collector';

interface Option {
  readonly short: string;
  readonly value: string;
  readonly help: string;
  readonly completion: string;
}

const options = {
  'drbd-status': { short: 's', value: 'FILE', help: 'the DRBD status FILE', completion: 'file' },
  'drbd-pairing': {
    short: 'p',
    value: 'FILE',
    help: 'the FILE containing pairings between instances and DRBD minors',
    completion: 'file',
  },
  file: { short: 'f', value: 'FILE', help: 'the input FILE', completion: 'file' },
  address: {
    short: 'a',
    value: 'IP_ADDR',
    help: 'the IP address of the Confd server to connect to',
    completion: 'file',
  },
  port: {
    short: 'p',
    value: 'PORT',
    help: 'Network port of the Confd server to connect to',
    completion: 'integer',
  },
  instances: {
    short: 'i',
    value: 'FILE',
    help: 'the FILE containing serialized instances',
    completion: 'file',
  },
} as const satisfies Record<string, Option>;
type OptionName = keyof typeof options;

/** The collectors that make sense at a single look. */
export const commands: Readonly<
  Record<
    string,
    { readonly text: string; readonly options: readonly OptionName[]; readonly arguments: boolean }
  >
> = {
  diskstats: {
    text: 'gathers and displays the disk usage statistics in JSON format',
    options: ['file'],
    arguments: true,
  },
  drbd: {
    text: 'gathers and displays DRBD statistics in JSON format',
    options: ['drbd-status', 'drbd-pairing'],
    arguments: true,
  },
  'inst-status-xen': {
    text: 'gathers and displays the status of the instances in JSON format',
    options: ['address', 'port'],
    arguments: false,
  },
  lv: {
    text: 'gathers and displays info about logical volumes',
    options: ['file', 'address', 'port', 'instances'],
    arguments: true,
  },
};

function overview(): string {
  const lines = Object.entries(commands).map(([name, { text }]) => ` ${name.padEnd(15)} - ${text}\n`);
  return `Usage: ${program} {command} [options...] [argument...]
${program} <command> --help to see details, or man ${program}

Commands:
${lines.join('')}`;
}

const versionText = `${program} (ganeti) version ${releaseVersion}\n`;

function usage(names: readonly OptionName[]): string {
  const rows = [
    ...names.map((name) => {
      const { short, value, help } = options[name];
      return [`-${short} ${value}`, `--${name}=${value}`, help];
    }),
    ['-V', '--version', 'show the version of the program'],
    ['-h', '--help', 'show help'],
    ['', '--help-completion', 'show completion info'],
  ];
  const width = (column: number) => Math.max(...rows.map((row) => row[column]!.length));
  const [first, second] = [width(0), width(1)];
  const lines = rows.map(([a, b, c]) => `  ${a!.padEnd(first)}  ${b!.padEnd(second)}  ${c}\n`);
  return `${versionText}Usage: ${program} [OPTION...]\n${lines.join('')}`;
}

function completion(names: readonly OptionName[]): string {
  const lines = names.map((name) => `-${options[name].short},--${name} ${options[name].completion}\n`);
  return `${lines.join('')}-V,--version none\n-h,--help none\n--help-completion none\nfile 0 0\n`;
}

function parse(names: readonly OptionName[], args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...Object.fromEntries(
          names.map((name) => [name, { type: 'string' as const, short: options[name].short }]),
        ),
        version: { type: 'boolean', short: 'V' },
        help: { type: 'boolean', short: 'h' },
        'help-completion': { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new Failure('ParameterError', [messageOf(error)]);
  }
}

/** What the program prints. @throws Failure ParameterError, or what hinders the collector */
async function run(name: string, args: readonly string[]): Promise<string> {
  const command = commands[name]!;
  const { values, positionals } = parse(command.options, args);
  if (values.help === true) return usage(command.options);
  if (values.version === true) return versionText;
  if (values['help-completion'] === true) return completion(command.options);
  if (command.arguments && positionals.length > 0) {
    throw new Failure('GenericError', [
      `This program takes exactly zero arguments, got '${positionals.join(' ')}'`,
    ]);
  }
  const given = (option: OptionName) => {
    const value = (values as Record<string, unknown>)[option];
    return typeof value === 'string' ? value : undefined;
  };
  const port = given('port');
  if (port !== undefined && !/^\d{1,5}$/.test(port))
    throw new Failure('ParameterError', [`reading port: '${port}' is no number`]);
  const address = given('address');
  const inputs: Inputs = {
    file: given('file') ?? given('drbd-status'),
    pairing: given('drbd-pairing'),
    instances: given('instances'),
  };
  const world = createWorld({
    paths: pathsFor(),
    log: createLog(program, process.stderr, 'WARNING'),
    asking: {
      ...(address === undefined ? {} : { peers: [address] }),
      ...(port === undefined ? {} : { port: Number(port) }),
    },
  });
  return `${JSON.stringify(await collect(name, world, new Samples(), inputs))}\n`;
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || !Object.hasOwn(commands, name)) {
    const wants = (...spellings: string[]) => name !== undefined && spellings.includes(name);
    if (wants('--help', '-h')) process.stdout.write(overview());
    else if (wants('--version', '-V')) process.stdout.write(versionText);
    else if (wants('--help-completion'))
      process.stdout.write(`choices=${Object.keys(commands).join(',')} 1 1\n`);
    else {
      process.stderr.write(overview());
      return 1;
    }
    return 0;
  }
  try {
    process.stdout.write(await run(name, args));
    return 0;
  } catch (error) {
    const isUsage = error instanceof Failure && error.errorClass === 'ParameterError';
    process.stderr.write(
      isUsage
        ? `Command line error: ${messageOf(error)}\n\n${usage(commands[name]!.options)}`
        : `Error: ${messageOf(error)}\n`,
    );
    return isUsage ? 2 : 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
