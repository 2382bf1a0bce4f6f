/** Options of the small programs around a cluster: a table gives the parsing and the help, in the style of Python's optparse. */

export interface ToolOption {
  /** "-f" and "--force": the last is the name under which its value is found, without the dashes. */
  readonly names: readonly string[];
  /** What stands for its value in the help; without it the option takes none. */
  readonly metavar?: string;
  readonly help: string;
}

export interface ToolCall {
  readonly flags: ReadonlySet<string>;
  /** The last value of each. */
  readonly values: ReadonlyMap<string, string>;
  /** Every value of each, for options that may be given several times. */
  readonly allValues: ReadonlyMap<string, readonly string[]>;
  readonly args: readonly string[];
}

/** What is to be printed instead of running: help on standard output with code 0, a complaint on standard error with code 2. */
export interface ToolAnswer {
  readonly shown: string;
  readonly code: number;
}

export const toolOptions = {
  debug: { names: ['-d', '--debug'], help: 'Enable some debug messages' },
  verbose: { names: ['-v', '--verbose'], help: 'Increase the verbosity of the operation' },
  dryRun: { names: ['--dry-run'], help: 'Do not execute the operation, just run the check steps' },
} as const satisfies Readonly<Record<string, ToolOption>>;

/** -h and --help, without what the program needs for something else. */
function helpOptionBeside(options: readonly ToolOption[]): ToolOption {
  const taken = new Set(options.flatMap(({ names }) => names));
  return {
    names: ['-h', '--help'].filter((name) => !taken.has(name)),
    help: 'show this help message and exit',
  };
}

const nameOf = ({ names }: ToolOption) => names.at(-1)!.replace(/^--?/, '');

function helpOf(program: string, usage: string, options: readonly ToolOption[]): string {
  const lines = [helpOptionBeside(options), ...options].map(
    ({ names, metavar, help }) =>
      [names.map((name) => (metavar === undefined ? name : `${name}=${metavar}`)).join(', '), help] as const,
  );
  const width = Math.max(...lines.map(([left]) => left.length)) + 2;
  return `Usage: ${program} ${usage}\n\nOptions:\n${lines.map(([left, help]) => `  ${left.padEnd(width)}${help}\n`).join('')}`;
}

/** Is this the answer to a call that isn't to be run? */
export function isToolAnswer(parsed: ToolCall | ToolAnswer): parsed is ToolAnswer {
  return 'shown' in parsed;
}

/** Options and arguments may be mixed; `--` ends the options, `--name=value` and `--name value` are the same. */
export function parseToolOptions(
  program: string,
  usage: string,
  options: readonly ToolOption[],
  argv: readonly string[],
): ToolCall | ToolAnswer {
  const flags = new Set<string>();
  const values = new Map<string, string>();
  const allValues = new Map<string, string[]>();
  const args: string[] = [];
  const helpOption = helpOptionBeside(options);
  const refuse = (complaint: string): ToolAnswer => ({
    shown: `Usage: ${program} ${usage}\n\n${program}: error: ${complaint}\n`,
    code: 2,
  });
  for (let i = 0; i < argv.length; i += 1) {
    const word = argv[i]!;
    if (word === '--') {
      args.push(...argv.slice(i + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      args.push(word);
      continue;
    }
    const at = word.startsWith('--') ? word.indexOf('=') : -1;
    const name = at < 0 ? word : word.slice(0, at);
    if (helpOption.names.includes(name)) return { shown: helpOf(program, usage, options), code: 0 };
    const option = options.find(({ names }) => names.includes(name));
    if (option === undefined) return refuse(`no such option: ${name}`);
    if (option.metavar === undefined) {
      if (at >= 0) return refuse(`${name} option does not take a value`);
      flags.add(nameOf(option));
      continue;
    }
    if (at < 0) i += 1;
    const value = at < 0 ? argv[i] : word.slice(at + 1);
    if (value === undefined) return refuse(`${name} option requires 1 argument`);
    values.set(nameOf(option), value);
    allValues.set(nameOf(option), [...(allValues.get(nameOf(option)) ?? []), value]);
  }
  return { flags, values, allValues, args };
}

/** Prints an answer and gives its exit code. */
export function tellToolAnswer({ shown, code }: ToolAnswer): number {
  (code === 0 ? process.stdout : process.stderr).write(shown);
  return code;
}
