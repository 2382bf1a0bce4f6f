/** move-instance: takes instances from one cluster to another over the remote API of both. */
import { readFileSync } from 'node:fs';
import { sleep } from '../../kit/clock.ts';
import { logTimestamp } from '../../kit/log.ts';
import { ExitCode } from '../exit-codes.ts';
import { nicsOf } from '../shared/devices.ts';
import { typedBackend, typedHypervisor } from '../shared/parameters.ts';
import { runStandalone } from '../standalone.ts';
import { type Move, moveInstance, type Surroundings } from './mover.ts';
import { type CommandLine, options, readCommandLine, usage, type Values } from './options.ts';
import { RapiClient, readPassword } from './rapi-client.ts';

const program = 'move-instance';

function createLog({ debug, verbose }: Values): Surroundings['log'] {
  const lowest = debug > 0 ? 0 : verbose ? 1 : 2;
  const write = (rank: number, level: string, text: string) => {
    if (rank < lowest) return;
    const shown = lowest < 2 ? ` ${level}` : '';
    process.stderr.write(`${logTimestamp(new Date())}:${shown} ${text}\n`);
  };
  return {
    debug: (text) => write(0, 'DEBUG', text),
    info: (text) => write(1, 'INFO', text),
    warning: (text) => write(2, 'WARNING', text),
  };
}

function clientsFor({ values, source, target }: CommandLine): { source: RapiClient; target: RapiClient } {
  const authority = readFileSync(values.src_ca_file!, 'utf8');
  const username = values.src_username ?? '';
  const password = values.src_password_file === null ? null : readPassword(values.src_password_file);
  return {
    source: new RapiClient({ host: source, port: values.src_rapi_port, authority, username, password }),
    target: new RapiClient({
      host: target,
      port: values.dest_rapi_port,
      authority: values.dest_ca_file === null ? authority : readFileSync(values.dest_ca_file, 'utf8'),
      username: values.dest_username ?? username,
      password: values.dest_password_file === null ? password : readPassword(values.dest_password_file),
    }),
  };
}

async function movesOf({ values, instances }: CommandLine): Promise<Move[]> {
  const hvparams = await typedHypervisor(values.hvparams);
  const beparams = typedBackend(values.beparams);
  const nics = values.nics.length === 0 ? [] : nicsOf(values.nics);
  return instances.map((instance) => ({
    ...{ instance, newName: values.dest_instance_name ?? instance, hvparams, beparams, nics },
    primary: values.dest_primary_node,
    secondary: values.dest_secondary_node,
    iallocator: values.iallocator,
    template: values.dest_disk_template,
    compress: values.compress,
    osparams: values.osparams,
    tries: values.opportunistic_tries ?? 0,
    delay: values.opportunistic_delay,
    keepsSource: values.keep_source_instance,
  }));
}

/** Says why the destination could not be found for the instances, or nothing. */
function placementFault({ values, instances }: CommandLine, hasAllocator: boolean): string | undefined {
  if (hasAllocator) return undefined;
  if (instances.length > 1) {
    return 'When moving multiple nodes, an iallocator must be used. None was provided and the target cluster does not have a default iallocator.';
  }
  if (values.dest_primary_node !== null || values.dest_secondary_node !== null) return undefined;
  return 'Target cluster does not have a default iallocator, please specify either destination nodes or an iallocator.';
}

async function moveAll(line: CommandLine): Promise<number> {
  const { values, source, target, instances } = line;
  const log = createLog(values);
  log.info(`Source cluster: ${source}`);
  log.info(`Destination cluster: ${target}`);
  log.info(`Instances to be moved: ${instances.join(', ')}`);
  const clients = clientsFor(line);
  const moves = await movesOf(line);
  log.info(`Source cluster RAPI version: ${String(await clients.source.call('GET', '/version'))}`);
  log.info(`Destination cluster RAPI version: ${String(await clients.target.call('GET', '/version'))}`);
  const info = (await clients.target.call('GET', '/2/info')) as { default_iallocator?: string };
  const fault = placementFault(line, values.iallocator !== null || Boolean(info.default_iallocator));
  if (fault !== undefined) {
    process.stderr.write(`${program}: error: ${fault}\n`);
    return ExitCode.failure;
  }
  const faults = new Map<Move, string | undefined>();
  const waiting = [...moves];
  const surroundings = {
    ...clients,
    log,
    sleep: (seconds: number) => sleep(seconds * 1000),
    random: Math.random,
    now: () => performance.now() / 1000,
  };
  const worker = async () => {
    for (let move = waiting.shift(); move !== undefined; move = waiting.shift()) {
      log.info(`Preparing to move ${move.instance} from cluster ${source} to ${target} as ${move.newName}`);
      faults.set(move, await moveInstance(move, surroundings));
    }
  };
  await Promise.all(Array.from({ length: values.parallel }, worker));
  log.info('Instance move results:');
  for (const move of moves) {
    const name = move.newName === move.instance ? move.instance : `${move.instance} as ${move.newName}`;
    const fault = faults.get(move);
    if (fault === undefined) log.info(`${name}: Success`);
    else log.warning(`${name}: Failed (${fault})`);
  }
  return [...faults.values()].some((each) => each !== undefined) ? ExitCode.failure : ExitCode.success;
}

await runStandalone({
  program,
  usage,
  description: 'Moves instances from one cluster to another',
  options,
  read: readCommandLine,
  work: moveAll,
});
