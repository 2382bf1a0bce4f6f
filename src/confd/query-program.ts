/**
 * query-config: asks a configuration daemon for parts of the configuration, each by a path of names ("/cluster/serial_no"),
 * and prints a line for each. Options, words and lines are those of Ganeti's program.
 */
import { messageOf } from '../kit/failure.ts';
import { pathsFor } from '../kit/paths.ts';
import { pythonText } from '../kit/python-text.ts';
import { isToolAnswer, parseToolOptions, tellToolAnswer } from '../kit/tool-options.ts';
import { releaseVersion } from '../model/release.ts';
import { askConfd } from './client/ask.ts';
import { portOf, readKey } from './client/peers.ts';
import { replyStatus } from './client/protocol.ts';

const usage = '[--address=host] [--hmac=key] QUERY [QUERY...]';
const options = [
  { names: ['--version'], help: "show program's version number and exit" },
  { names: ['--hmac'], metavar: 'KEY', help: 'Specify HMAC key instead of reading it from the filesystem' },
  { names: ['-a', '--address'], metavar: 'ADDRESS', help: 'Server IP to query (default: 127.0.0.1)' },
];
/** Answers that don't come in this time don't come. */
const answerMs = 10_000;
const usageExit = 2;

/** Gives the exit code: 1 when a path leads nowhere, which Ganeti's program shows as a number only. */
export async function queryConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>> = process.env,
  out: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const call = parseToolOptions('query-config', usage, options, argv);
  if (isToolAnswer(call)) return tellToolAnswer(call);
  if (call.flags.has('version')) {
    out(`query-config (ganeti) ${releaseVersion}\n`);
    return 0;
  }
  if (call.args.length === 0) {
    process.stderr.write(`Usage:\n\tquery-config ${usage}\n`);
    return usageExit;
  }
  const asking = {
    key: call.values.get('hmac') ?? (await readKey(pathsFor(env))),
    peers: [call.values.get('address') ?? '127.0.0.1'],
    port: portOf(env),
    timeoutMs: answerMs,
  };
  const width = Math.max(...call.args.map((path) => path.length));
  let code = 0;
  const lines: string[] = [];
  for (const path of call.args) {
    const { status, answer } = await askConfd(asking, 'configQuery', path);
    lines.push(`${path.padEnd(width)}\t${pythonText(answer)}\n`);
    if (status === replyStatus.okay) continue;
    process.stderr.write(`query-config: ${path}: nothing there\n`);
    code = 1;
  }
  out(lines.join(''));
  return code;
}

if (import.meta.main) {
  try {
    process.exitCode = await queryConfig(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 1;
  }
}
