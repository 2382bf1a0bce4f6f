/** The command line of ganeti-listrunner: Ganeti's options, checked before anything is done. Pure. */
import { Failure } from '../../kit/failure.ts';
import { isToolAnswer, parseToolOptions, type ToolAnswer, type ToolOption } from '../../kit/tool-options.ts';

export const listRunnerUsage =
  '-l logdir {-c command | -x /path/to/file} [-b batch_size] {-f hostfile|-h hosts} [-u username] [-p password_file | -A]';
export const listRunnerOptions: readonly ToolOption[] = [
  { names: ['-l'], metavar: 'LOGDIR', help: 'directory to write logfiles to' },
  { names: ['-x'], metavar: 'EXECUTABLE', help: 'executable to run on remote host(s)' },
  { names: ['-f'], metavar: 'HOSTFILE', help: 'hostlist file (one host per line)' },
  { names: ['-h'], metavar: 'HOSTS', help: 'comma-separated list of hosts or single hostname' },
  {
    names: ['-a'],
    metavar: 'FILE',
    help: 'optional auxiliary file to upload (can be given multiple times)',
  },
  { names: ['-c'], metavar: 'COMMAND', help: 'shell command to run on remote host(s)' },
  { names: ['-b'], metavar: 'BATCH_SIZE', help: 'batch-size, how many hosts to process in parallel [15]' },
  { names: ['-u'], metavar: 'USERNAME', help: 'username used to connect [root]' },
  {
    names: ['-p'],
    metavar: 'PASSWORD',
    help: 'file with the password used to authenticate (when not using an agent)',
  },
  { names: ['-A'], help: 'instead of password, use keys from an SSH agent' },
  { names: ['--args'], metavar: 'ARGS', help: 'arguments to be passed to executable (-x)' },
];

export interface Wish {
  readonly logFolder: string;
  /** A program of this machine, or a line for the shell of the others. */
  readonly executable: string | undefined;
  readonly command: string | undefined;
  /** For the executable, as the shell of the others reads them. */
  readonly arguments: string;
  readonly files: readonly string[];
  readonly hostFile: string | undefined;
  readonly hostList: string | undefined;
  readonly batchSize: number;
  readonly user: string;
  readonly passwordFile: string | undefined;
  readonly useAgent: boolean;
}

/** What is to be printed instead, for a command line that asks for help or can't be understood. */
export function readWish(argv: readonly string[]): Wish | ToolAnswer {
  const call = parseToolOptions('ganeti-listrunner', listRunnerUsage, listRunnerOptions, argv);
  if (isToolAnswer(call)) return call;
  const { values, flags, args } = call;
  const refuse = (complaint: string): ToolAnswer => ({
    shown: `Usage: ganeti-listrunner ${listRunnerUsage}\n\nganeti-listrunner: error: ${complaint}\n`,
    code: 2,
  });
  const has = (name: string) => (values.get(name) ?? '') !== '';
  if (has('x') && has('c')) return refuse('Options -x and -c conflict with each other');
  if (!has('x') && !has('c')) return refuse('One of -x and -c must be given');
  if (has('c') && has('args')) return refuse("Can't specify arguments when using custom command");
  if (!has('l')) return refuse('Option -l is required');
  if (has('f') && has('h')) return refuse('Options -f and -h conflict with each other');
  if (!has('f') && !has('h')) return refuse('One of -f or -h must be given');
  if (args.length > 0)
    return refuse(`This program doesn't take any arguments, passed in: ${args.join(', ')}`);
  const batch = values.get('b') ?? '15';
  if (!/^[1-9]\d{0,3}$/.test(batch)) return refuse(`option -b: invalid integer value: '${batch}'`);
  const user = values.get('u') ?? 'root';
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(user)) return refuse(`option -u: invalid user name: '${user}'`);
  return {
    logFolder: values.get('l')!,
    executable: values.get('x'),
    command: values.get('c'),
    arguments: values.get('args') ?? '',
    files: call.allValues.get('a') ?? [],
    hostFile: values.get('f'),
    hostList: values.get('h'),
    batchSize: Number(batch),
    user,
    passwordFile: values.get('p'),
    useAgent: flags.has('A'),
  };
}

/**
 * The hosts of a list: one a line or with commas between them. They become arguments of ssh and names of files.
 * @throws Failure ParameterError
 */
export function hostsIn(text: string): string[] {
  const hosts = text
    .split(/[\n,]/)
    .map((host) => host.trim())
    .filter((host) => host !== '');
  for (const host of hosts) {
    if (!/^[A-Za-z0-9][A-Za-z0-9._:-]*$/.test(host))
      throw new Failure('ParameterError', [`Invalid host name '${host}'`]);
  }
  return [...new Set(hosts)];
}
