/**
 * confd-client: asks a configuration daemon everything that can be asked without knowing names, says what came, and
 * how long answers take. Options and words are those of Ganeti's program.
 */
import { parseArgs } from 'node:util';
import { Failure, messageOf } from '../kit/failure.ts';
import { pathsFor } from '../kit/paths.ts';
import { pythonText } from '../kit/python-text.ts';
import { releaseVersion } from '../model/release.ts';
import { type Asking, askConfd } from './client/ask.ts';
import { portOf, readKey } from './client/peers.ts';
import {
  type ConfdReply,
  masterFields,
  nodeRoles,
  queryKeys,
  type RequestName,
  replyStatus,
  requestTypes,
} from './client/protocol.ts';

const usage = '\n\tconfd-client [--addr=host] [--hmac=key]';
const help = `Usage: ${usage}

Options:
  --version             show program's version number and exit
  -h, --help            show this help message and exit
  --hmac=<KEY>          Specify HMAC key instead of reading it from the
                        filesystem
  -a <ADDRESS>, --address=<ADDRESS>
                        Server IP to query (default: 127.0.0.1)
  -r <REQUESTS>, --requests=<REQUESTS>
                        Number of requests for the timing tests
`;
const definitions = {
  version: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  hmac: { type: 'string' },
  address: { type: 'string', short: 'a', default: 'localhost' },
  requests: { type: 'string', short: 'r', default: '100' },
} as const;
const mostShown = 5;
/** So long an answer may take, as with Ganeti's program. */
const answerMs = 1000;
const usageExit = 2;

const heads = ['- ', '* ', ''];
function say(text: string, indent = 0): boolean {
  return process.stdout.write(`${' '.repeat(2 * indent)}${heads[indent] ?? '  '}${text}\n`);
}

function sayList(answer: unknown, none: string | null): void {
  const all = Array.isArray(answer) ? (answer as unknown[]) : [];
  if (all.length === 0 && none !== null) say(none, 1);
  for (const each of all.slice(0, mostShown)) say(pythonText(each), 1);
  if (all.length > mostShown) say('...', 1);
}

/** Not all is well, which ends the program. */
class Ended extends Error {}

async function ask(asking: Asking, name: RequestName, query: unknown): Promise<ConfdReply> {
  try {
    return await askConfd(asking, name, query);
  } catch (error) {
    throw new Ended('Did not receive all expected confd replies', { cause: error });
  }
}

/** What goes before a list of addresses, and what is said when it is empty. */
const lists: Partial<Record<RequestName, readonly [string, string | null]>> = {
  nodeAddresses: ['Node primary ip query: OK', null],
  candidateAddresses: ['Master candidates primary IP query: OK', null],
  instanceAddresses: ['Instance primary IP query: OK', 'no IPs received'],
  nodeAddressByInstanceAddress: ['Instance IP to node IP query: OK', 'no mapping received'],
};

/** What is said of each answer. */
function report(name: RequestName, { status, answer }: ConfdReply): void {
  const list = lists[name];
  if (status !== replyStatus.okay) {
    say(`Query ${requestTypes[name]} gave non-ok status ${status}: ${pythonText(answer)}`);
    if (name === 'clusterMaster') throw new Ended('Cannot continue after master query failure');
    if (name === 'instanceAddresses') throw new Ended('Cannot continue after instance IP list query failure');
  } else if (list !== undefined) {
    say(list[0]);
    sayList(answer, list[1]);
  } else if (name === 'nodeRoleByName') {
    if (answer !== nodeRoles.master) throw new Ended(`Node role for master: wrong: ${pythonText(answer)}`);
    say('Node role for master: OK');
  } else say(name === 'ping' ? 'Ping: OK' : `Master: OK (${pythonText(answer)})`);
}

async function checkAnswers(asking: Asking): Promise<void> {
  say('Checking confd results');
  const check = async (name: RequestName, query: unknown = null) => {
    const reply = await ask(asking, name, query);
    report(name, reply);
    return reply.answer;
  };
  await check('ping');
  const master = await check('clusterMaster');
  await check('clusterMaster', { [queryKeys.fields]: Object.values(masterFields).map(String) });
  await check('nodeRoleByName', master);
  await check('nodeAddresses');
  await check('candidateAddresses');
  const addresses = await check('instanceAddresses');
  await check('nodeAddressByInstanceAddress', { [queryKeys.addresses]: addresses });
}

async function measure(asking: Asking, label: string, name: RequestName, requests: number): Promise<void> {
  const began = performance.now();
  for (let count = 0; count < requests; count += 1) {
    const { status } = await ask(asking, name, null);
    if (status !== replyStatus.okay) throw new Ended('Aborting timing tests');
  }
  say(`${((performance.now() - began) / requests).toFixed(3)}ms per ${label} request`, 1);
}

async function run(args: readonly string[]): Promise<void> {
  const parse = () => {
    try {
      return parseArgs({ args: [...args], options: definitions, allowPositionals: true });
    } catch (error) {
      throw new Failure('ParameterError', [messageOf(error)]);
    }
  };
  const { values, positionals } = parse();
  if (values.help === true) return void process.stdout.write(help);
  if (values.version === true) return void process.stdout.write(`confd-client (ganeti) ${releaseVersion}\n`);
  if (positionals.length > 0) throw new Failure('ParameterError', ['no arguments are taken']);
  if (!/^-?\d{1,9}$/.test(values.requests)) {
    throw new Failure('ParameterError', [`option -r: invalid integer value: '${values.requests}'`]);
  }
  const key = values.hmac ?? (await readKey(pathsFor()));
  const asking = { key, peers: [values.address], port: portOf(process.env), timeoutMs: answerMs };
  await checkAnswers(asking);
  const requests = Number(values.requests);
  if (requests <= 0) return undefined;
  say('Timing tests');
  await measure(asking, 'ping', 'ping', requests);
  return await measure(asking, 'instance ips', 'instanceAddresses', requests);
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  const isUsage = error instanceof Failure && error.errorClass === 'ParameterError';
  process.stderr.write(isUsage ? `Usage:\n${usage}\n${error.message}\n` : `${messageOf(error)}\n`);
  process.exitCode = isUsage ? usageExit : 1;
}
