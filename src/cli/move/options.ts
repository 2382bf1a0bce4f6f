/** The command line of move-instance. */

import * as o from '../options/index.ts';
import { OptionError } from '../optparse/convert.ts';
import { counter, flag, integer, keyValues, text, type ValuesOf } from '../optparse/option.ts';
import { parseAnywhere } from '../optparse/parser.ts';

export const usage = 'move-instance [--debug|--verbose] <source-cluster> <dest-cluster> <instance...>';
const rapiPort = 5080;
const exactlyOne =
  'The options --dest-instance-name, --dest-primary-node, --dest-secondary-node, --hypervisor-parameters,' +
  ' --backend-parameters, --os-parameters and --net can only be used when moving exactly one instance';

export const options = [
  counter(['-d', '--debug'], 'debug', 'Increase debugging level'),
  flag(['-v', '--verbose'], 'verbose', 'Increase the verbosity of the operation'),
  o.iallocator,
  o.backendParameters,
  keyValues(['-H', '--hypervisor-parameters'], 'hvparams', 'Hypervisor parameters'),
  o.osParameters,
  o.net,
  integer(['--src-rapi-port'], 'src_rapi_port', `Source cluster RAPI port (defaults to ${rapiPort})`, {
    default: rapiPort,
  }),
  text(
    ['--src-ca-file'],
    'src_ca_file',
    'File containing source cluster Certificate Authority (CA) in PEM format',
  ),
  text(['--src-username'], 'src_username', 'Source cluster username'),
  text(['--src-password-file'], 'src_password_file', 'File containing source cluster password'),
  integer(
    ['--dest-rapi-port'],
    'dest_rapi_port',
    'Destination cluster RAPI port (defaults to source cluster RAPI port)',
    { default: rapiPort },
  ),
  text(
    ['--dest-ca-file'],
    'dest_ca_file',
    'File containing destination cluster Certificate Authority (CA) in PEM format (defaults to source cluster CA)',
  ),
  text(
    ['--dest-username'],
    'dest_username',
    'Destination cluster username (defaults to source cluster username)',
  ),
  text(
    ['--dest-password-file'],
    'dest_password_file',
    'File containing destination cluster password (defaults to source cluster password)',
  ),
  text(
    ['--dest-instance-name'],
    'dest_instance_name',
    'Instance name on destination cluster (only when moving exactly one instance)',
  ),
  text(
    ['--dest-primary-node'],
    'dest_primary_node',
    'Primary node on destination cluster (only when moving exactly one instance)',
  ),
  text(
    ['--dest-secondary-node'],
    'dest_secondary_node',
    'Secondary node on destination cluster (only when moving exactly one instance)',
  ),
  text(['--dest-disk-template'], 'dest_disk_template', 'Disk template to use on destination cluster'),
  text(
    ['--compress'],
    'compress',
    'Compression mode to use during the move (this mode has to be supported by both clusters)',
    { default: 'none' },
  ),
  integer(['-p', '--parallel'], 'parallel', 'Number of instances to be moved simultaneously', {
    default: 1,
    metavar: '<number>',
  }),
  integer(
    ['--opportunistic-tries'],
    'opportunistic_tries',
    'Number of opportunistic instance creation attempts before a normal creation is performed. An opportunistic attempt will use the iallocator with all the nodes currently unlocked, failing if not enough nodes are available. Even though it will succeed (or fail) more quickly, it can result in suboptimal instance placement',
    { metavar: '<number>' },
  ),
  integer(
    ['--opportunistic-delay'],
    'opportunistic_delay',
    'The delay between successive opportunistic instance creation attempts, in seconds',
    { metavar: '<number>' },
  ),
  flag(
    ['--keep-source-instance'],
    'keep_source_instance',
    'Leave the instance on the source cluster instead of removing it',
  ),
] as const;

export type Values = ValuesOf<typeof options>;

export interface CommandLine {
  readonly values: Values;
  readonly source: string;
  readonly target: string;
  readonly instances: readonly string[];
}

function requireSound(values: Values, instances: readonly string[]): void {
  const { opportunistic_tries: tries, opportunistic_delay: delay, iallocator } = values;
  if (values.src_ca_file === null) throw new OptionError('Missing source cluster CA file');
  if (values.parallel < 1) throw new OptionError('Number of simultaneous moves must be >= 1');
  if (iallocator !== null && (values.dest_primary_node !== null || values.dest_secondary_node !== null))
    throw new OptionError('Destination node and iallocator options exclude each other');
  if (iallocator === null && tries !== null && tries > 0)
    throw new OptionError('Opportunistic instance creation can only be used with an iallocator');
  if (tries !== null && tries < 0)
    throw new OptionError('Number of opportunistic creation attempts must be >= 0');
  if (tries === null && delay !== null)
    throw new OptionError('Opportunistic delay can only be specified when opportunistic tries are used');
  if (delay !== null && delay <= 0)
    throw new OptionError('The delay between two successive creation attempts must be greater than zero');
  const { dest_instance_name, dest_primary_node, dest_secondary_node } = values;
  const own = [dest_instance_name, dest_primary_node, dest_secondary_node].some((value) => value !== null);
  const changes = [values.hvparams, values.beparams, values.osparams].some(
    (given) => Object.keys(given).length > 0,
  );
  if (instances.length > 1 && (own || changes || values.nics.length > 0)) throw new OptionError(exactlyOne);
}

/**
 * @returns 'help' when that was asked for
 * @throws OptionError
 */
export function readCommandLine(words: readonly string[]): CommandLine | 'help' {
  const parsed = parseAnywhere(options, words);
  if (parsed.help) return 'help';
  const [source, target, ...instances] = parsed.args;
  if (source === undefined || target === undefined || instances.length === 0)
    throw new OptionError('Not enough arguments');
  const values = parsed.values as Values;
  requireSound(values, instances);
  return { values, source, target, instances };
}
