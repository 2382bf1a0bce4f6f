/**
 * Prints what this project offers: one JSON object, name of a list to its entries (programs, commands,
 * options, opcodes, fields, parameters…). Everything is read from the tables that the programs themselves
 * run on, so that a list can't say more than is there. A comparison with Ganeti's own lists reads this.
 *
 *   node tools/surface.ts > surface.json
 */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { programs as commandPrograms } from '../src/cli/programs.ts';
import { type RequestName, requestTypes } from '../src/confd/client/protocol.ts';
import { sampleConfiguration } from '../src/config/sample.ts';
import { ssconfValues } from '../src/config/ssconf.ts';
import { programs as tools } from '../src/htools/programs/main.ts';
import { genericOptions, optionDefinitions } from '../src/htools/programs/option-definitions.ts';
import { hypervisorAbouts } from '../src/hypervisors/catalog.ts';
import { luxiMethods } from '../src/luxi/methods.ts';
import { collectors } from '../src/model/collectors.ts';
import { backendParameters } from '../src/model/params/backend.ts';
import { nicParameters } from '../src/model/params/nic.ts';
import { nodeParameters } from '../src/model/params/node.ts';
import { opcodes } from '../src/opcodes/catalog.ts';
import { verifyCodes } from '../src/opcodes/verify-codes.ts';
import { operations } from '../src/operations/catalog.ts';
import { resources } from '../src/queries/catalog.ts';
import { routes } from '../src/rapi/routes/table.ts';
import { storageTemplates } from '../src/storage/catalog.ts';
import { bundles } from './build.ts';
import { sourceFiles } from './source-files.ts';

const root = resolve(import.meta.dirname, '..');
/** What Ganeti calls the questions to the configuration daemon. */
const requestNames: Readonly<Record<RequestName, string>> = {
  ping: 'ping',
  nodeRoleByName: 'node_role_byname',
  nodeAddressByInstanceAddress: 'node_pip_by_instance_ip',
  clusterMaster: 'cluster_master',
  nodeAddresses: 'node_pip_list',
  candidateAddresses: 'mc_pip_list',
  instanceAddresses: 'instances_ips_list',
  nodeDrbd: 'node_drbd',
  nodeInstances: 'node_instances',
  instanceDisks: 'instance_disks',
  configQuery: 'config_query',
  dataCollectors: 'data_collectors',
};
type Lists = Record<string, readonly string[]>;

/**
 * Launchers whose program is there: of the families by their own tables, of the others by their entry file. A link to
 * something other than the common launcher is a program by itself when it may be executed.
 */
function programs(): string[] {
  const launchers = readdirSync(join(root, 'bin'));
  const families = new Set(['gnt', 'htools']);
  const known = new Set([...Object.keys(commandPrograms), 'htools', ...tools.map(({ name }) => name)]);
  return launchers.filter((name) => {
    const path = join(root, 'bin', name);
    const target = existsSync(path) ? realpathSync(path) : '';
    if (target.startsWith(join(root, 'src/'))) return (statSync(target).mode & 0o111) === 0o111;
    const bundle = bundleOf(name);
    if (bundle === undefined) return false;
    return families.has(bundle) ? known.has(name) : existsSync(join(root, bundles[bundle] ?? ''));
  });
}

/** Which bundle a launcher starts, from the case table of the launcher itself. */
function bundleOf(name: string): string | undefined {
  const script = readFileSync(join(root, 'bin', name), 'utf8');
  for (const [, patterns = '', bundle] of script.matchAll(/^\s*([\w*| -]+)\)\s*bundle=(\$?[\w-]+)/gm)) {
    const fits = patterns
      .split('|')
      .map((pattern) => pattern.trim())
      .some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
    if (fits) return bundle === '$program' ? name : bundle;
  }
  return undefined;
}

/** Without the options that every command has. */
async function commandLine(): Promise<Lists> {
  const commands: string[] = [];
  const options: string[] = [];
  for (const [program, load] of Object.entries(commandPrograms)) {
    const { commands: table, aliases } = await load();
    commands.push(...[...Object.keys(table), ...Object.keys(aliases)].map((name) => `${program} ${name}`));
    for (const [name, command] of Object.entries(table)) {
      const spellings = command.options.flatMap((option) => option.names);
      options.push(...spellings.map((spelling) => `${program} ${name} ${spelling}`));
    }
  }
  return { commands, options };
}

/** Without --help, which every tool has. */
function toolOptions(): string[] {
  const known = optionDefinitions('');
  return tools.flatMap(({ name, options }) =>
    [...options.map((option) => known[option]), ...genericOptions]
      .filter(({ long }) => long !== 'help')
      .flatMap(({ short, long }) => [
        ...(short === '' ? [] : [`${name} -${short}`]),
        ...(long === '' ? [] : [`${name} --${long}`]),
      ]),
  );
}

/** Opcodes that an operation answers: the definition alone does nothing. */
function offeredOpcodes(): Lists {
  const offered = [...opcodes.values()].filter(({ id }) => operations.has(id));
  return {
    opcodes: offered.map(({ id }) => id),
    opcode_params: offered.flatMap(({ id, params }) => Object.keys(params).map((name) => `${id}.${name}`)),
  };
}

/** An operation decides on its hook when it runs, so their names are found in the source of the operations. */
function hookNames(): string[] {
  const operations = sourceFiles(
    root,
    'src/operations',
    (path) => path.endsWith('.ts') && !path.endsWith('.test.ts'),
  );
  // Hooks of other moments than a job's: the configuration, the cluster's address, the watcher.
  const others = ['src/masterd/hooks.ts', 'src/noded/master-ip-hooks.ts', 'src/watcher/hooks.ts'];
  const name = /(?:\bpath:\s*'|Hooks\w*\(\s*'|[hH]ook = ')([a-z]+(?:-[a-z]+)+)'|\{hooksDir\}\/([a-z]+)`/g;
  return [...operations, ...others].flatMap((path) =>
    [...readFileSync(join(root, path), 'utf8').matchAll(name)].map(([, one, other]) => one ?? other!),
  );
}

function parameters(): Lists {
  return {
    hvparams: hypervisorAbouts.flatMap(({ name, params }) =>
      Object.keys(params).map((key) => `${name} ${key}`),
    ),
    beparams: Object.keys(backendParameters),
    nicparams: Object.keys(nicParameters),
    ndparams: Object.keys(nodeParameters),
    diskparams: storageTemplates.flatMap(({ name, params }) =>
      Object.keys(params).map((key) => `${name} ${key}`),
    ),
  };
}

/** The lists, each sorted and without doubles. */
export async function surface(): Promise<Lists> {
  const fieldNames = (fields: readonly { readonly name: string }[]) => fields.map(({ name }) => name);
  const lists: Lists = {
    programs: programs(),
    ...(await commandLine()),
    htools_options: toolOptions(),
    ...offeredOpcodes(),
    fields: resources.flatMap(({ name, fields }) => fieldNames(fields).map((field) => `${name} ${field}`)),
    ...parameters(),
    verify_codes: verifyCodes,
    hooks: hookNames(),
    luxi: luxiMethods,
    rapi: routes.map(({ method, path }) => `${method} ${path}`),
    confd: Object.keys(requestTypes).map((name) => requestNames[name as RequestName]),
    collectors: collectors.map(({ name }) => name),
    ssconf: Object.keys(ssconfValues(sampleConfiguration())),
  };
  return Object.fromEntries(
    Object.entries(lists).map(([list, entries]) => [list, [...new Set(entries)].sort()]),
  );
}

if (import.meta.main) console.log(JSON.stringify(await surface(), null, 1));
