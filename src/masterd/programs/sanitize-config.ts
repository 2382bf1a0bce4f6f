/**
 * sanitize-config FILE OUTPUT: a configuration without names and secrets, fit to be shown to others. Objects stay what
 * they are and refer to the same others; the same name becomes the same new name everywhere.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { Failure } from '../../kit/failure.ts';
import { compareNicely } from '../../kit/nice-sort.ts';
import { pathsFor } from '../../kit/paths.ts';
import { isToolAnswer, parseToolOptions, type ToolCall, tellToolAnswer } from '../../kit/tool-options.ts';

type Raw = Record<string, unknown>;
const isObject = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const table = (data: Raw, name: string) => (isObject(data[name]) ? data[name] : {});
const objects = (data: Raw, name: string) => Object.values(table(data, name)).filter(isObject);

const options = [
  { names: ['-v', '--verbose'], help: 'Increase the verbosity of the operation' },
  { names: ['--path'], metavar: 'PATH', help: 'Read the configuration of this directory' },
  {
    names: ['--sanitize-names'],
    metavar: 'yes|no',
    help: 'Randomize the cluster, node and instance names [yes]',
  },
  {
    names: ['--sanitize-ips'],
    metavar: 'yes|no',
    help: 'Randomize the cluster, node and instance IPs [yes]',
  },
  { names: ['--sanitize-lvs'], metavar: 'yes|no', help: 'Randomize the LV names (for old clusters) [no]' },
  { names: ['--sanitize-os-names'], metavar: 'yes|no', help: 'Randomize the OS names [yes]' },
  { names: ['--no-randomization'], help: 'Disable all name randomization (only randomize secrets)' },
  { names: ['--base-domain'], metavar: 'DOMAIN', help: 'The base domain used for new names [example.com]' },
];

/** New names in the order of the old ones. @throws Failure when one of the old names is a new one of another */
function renaming(names: readonly string[], newName: (index: number) => string): Map<string, string> {
  const ordered = [...new Set(names)].sort(compareNicely);
  const map = new Map(ordered.map((name, index) => [name, newName(index + 1)]));
  for (const [old, made] of map) {
    if (old !== made && map.has(made))
      throw new Failure('GenericError', [`Name conflict: ${made} already exists`]);
  }
  return map;
}

function* disksOf(data: Raw): IterableIterator<Raw> {
  const open = objects(data, 'disks');
  for (;;) {
    const disk = open.pop();
    if (disk === undefined) return;
    yield disk;
    if (Array.isArray(disk.children)) open.push(...disk.children.filter(isObject));
  }
}

/** Secrets of mirrors, private parameters and keys: these go whatever is asked. */
function sanitizeSecrets(data: Raw): void {
  const cluster = table(data, 'cluster');
  Object.assign(cluster, { rsahostkeypub: '', dsahostkeypub: '' });
  if ('osparams_private_cluster' in cluster) cluster.osparams_private_cluster = {};
  if (isObject(cluster.candidate_certs))
    cluster.candidate_certs = Object.fromEntries(
      Object.keys(cluster.candidate_certs).map((uuid) => [uuid, '']),
    );
  for (const instance of objects(data, 'instances'))
    if ('osparams_private' in instance) instance.osparams_private = {};
  for (const disk of disksOf(data)) {
    const id = disk.logical_id;
    if (disk.dev_type === 'drbd' && Array.isArray(id) && id.length === 6)
      id[5] = randomBytes(20).toString('hex');
  }
}

function sanitizeNames(data: Raw, domain: string): void {
  table(data, 'cluster').cluster_name = `cluster.${domain}`;
  for (const [kind, base] of [
    ['nodes', 'node'],
    ['instances', 'instance'],
  ] as const) {
    const named = objects(data, kind).filter(({ name }) => typeof name === 'string');
    const map = renaming(
      named.map(({ name }) => String(name)),
      (index) => `${base}${index}.${domain}`,
    );
    for (const object of named) object.name = map.get(String(object.name));
  }
}

/** Addresses of documentation networks, the same for the same; networks of the cluster's own are left as they are. */
function sanitizeAddresses(data: Raw): void {
  const made = new Map<string, string>();
  const fresh = (address: unknown): unknown => {
    if (typeof address !== 'string' || address === '') return address;
    let known = made.get(address);
    if (known === undefined) {
      const index = made.size + 1;
      known = address.includes(':')
        ? `2001:db8::${index.toString(16)}`
        : `198.18.${(index >> 8) & 255}.${index & 255}`;
      made.set(address, known);
    }
    return known;
  };
  const cluster = table(data, 'cluster');
  cluster.master_ip = fresh(cluster.master_ip);
  for (const node of objects(data, 'nodes')) {
    node.primary_ip = fresh(node.primary_ip);
    node.secondary_ip = fresh(node.secondary_ip);
  }
  for (const instance of objects(data, 'instances')) {
    const nics = Array.isArray(instance.nics) ? instance.nics.filter(isObject) : [];
    for (const nic of nics) if ('ip' in nic) nic.ip = fresh(nic.ip);
  }
}

function sanitizeVolumes(data: Raw): void {
  for (const disk of disksOf(data)) {
    const id = disk.logical_id;
    if (disk.dev_type === 'plain' && Array.isArray(id) && id.length === 2) id[1] = `${randomUUID()}.disk`;
  }
}

function sanitizeSystems(data: Raw): void {
  const cluster = table(data, 'cluster');
  const base = (os: string) => os.split('+')[0]!;
  const instances = objects(data, 'instances').filter(
    (instance): instance is Raw & { os: string } => typeof instance.os === 'string',
  );
  const used = instances.map(({ os }) => base(os));
  const tables = ['os_hvp', 'osparams'].map((key) => table(cluster, key));
  const lists = ['hidden_os', 'blacklisted_os'].map((key) =>
    Array.isArray(cluster[key]) ? cluster[key] : [],
  );
  const names = [...used, ...tables.flatMap((each) => Object.keys(each)), ...lists.flat().map(String)];
  const map = renaming(
    names.map(base).filter((name) => name !== ''),
    (index) => `ganeti-os${index}`,
  );
  const renamed = (os: string) => [map.get(base(os)) ?? base(os), ...os.split('+').slice(1)].join('+');
  for (const instance of instances) if (instance.os !== '') instance.os = renamed(instance.os);
  for (const each of tables) {
    for (const [os, values] of Object.entries(each)) {
      delete each[os];
      each[renamed(os)] = values;
    }
  }
  for (const list of lists) for (const [index, os] of list.entries()) list[index] = renamed(String(os));
}

function isAsked({ flags, values }: ToolCall, name: string, otherwise: boolean): boolean {
  if (flags.has('no-randomization')) return false;
  const text = values.get(name);
  if (text === undefined) return otherwise;
  if (/^(yes|true)$/i.test(text)) return true;
  if (/^(no|false)$/i.test(text)) return false;
  throw new Failure('ParameterError', [`option --${name}: invalid boolean value: '${text}'`]);
}

/** Changes the configuration in place. */
export function sanitize(data: Raw, call: ToolCall): void {
  sanitizeSecrets(data);
  if (isAsked(call, 'sanitize-names', true))
    sanitizeNames(data, call.values.get('base-domain') ?? 'example.com');
  if (isAsked(call, 'sanitize-ips', true)) sanitizeAddresses(data);
  if (isAsked(call, 'sanitize-lvs', false)) sanitizeVolumes(data);
  if (isAsked(call, 'sanitize-os-names', true)) sanitizeSystems(data);
}

export async function sanitizeConfig(argv: readonly string[]): Promise<number> {
  const call = parseToolOptions('sanitize-config', '[<opts>...] <output_file>', options, argv);
  if (isToolAnswer(call)) return tellToolAnswer(call);
  const [output] = call.args;
  if (output === undefined || call.args.length !== 1) {
    process.stderr.write('Usage: sanitize-config [options] {<output_file> | -}\n');
    return 1;
  }
  const data = JSON.parse(
    await readFile(`${call.values.get('path') ?? pathsFor().dataDir}/config.data`, 'utf8'),
  ) as Raw;
  sanitize(data, call);
  const text = `${JSON.stringify(data)}\n`;
  if (output === '-') process.stdout.write(text);
  else await writeFile(output, text, { mode: 0o600 });
  if (call.flags.has('verbose')) process.stderr.write('Configuration sanitized\n');
  return 0;
}
