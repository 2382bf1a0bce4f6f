/**
 * No option may be read and ignored: each option of each command is given, and something that can be seen
 * from outside has to differ from the same command without it: a request, a question, an output, the exit
 * code. Opcodes are checked against the catalog on the way.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { LuxiRequest } from '../luxi/methods.ts';
import type { Command } from './command.ts';
import { FakeMaster, runLine } from './fake-master.ts';
import type { Option } from './optparse/option.ts';
import { takesValue } from './optparse/parser.ts';
import { programs } from './programs.ts';
import { quoteWord } from './shell-words.ts';

const folder = mkdtempSync(join(tmpdir(), 'gnt-options-'));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const delayJob = file('delay.json', '[{"OP_ID": "OP_TEST_DELAY", "duration": 0}]');
const batch = file('batch.json', '[]');
const tagFile = file('tags', 'red\nblue\n');

/** What a field of a query holds, of any noun. */
const values: Readonly<Record<string, unknown>> = {
  name: 'thing1.example.com',
  id: 7,
  status: 'success',
  summary: ['TEST'],
  offline: false,
  master: false,
  powered: true,
  pinst_list: ['inst1.example.com'],
  sinst_list: ['inst2.example.com'],
  node_list: ['node1.example.com'],
  tags: ['red'],
  sip: '10.0.0.7',
  'ndp/ssh_port': 22,
  console: { instance: 'inst1', kind: 'ssh', host: 'node1', user: 'root', command: ['true'] },
  oper_state: true,
  uuid: 'uuid1',
  ipolicy: { minmax: [{ min: { 'cpu-count': 1 }, max: { 'cpu-count': 2 } }] },
  custom_ipolicy: {},
  modify_ssh_setup: true,
  cluster_name: 'cluster.example.com',
  mode: null,
  owner: null,
  pending: null,
};
const valueIn = (field: string) => (field in values ? values[field] : null);

const kindOf = (field: string) =>
  typeof valueIn(field) === 'number' ? 'unit' : typeof valueIn(field) === 'string' ? 'text' : 'other';

function queryAnswer(request: LuxiRequest): unknown {
  const { fields } = request as unknown as { fields: string[] };
  return {
    fields: fields.map((name) => ({ name, title: name, kind: kindOf(name), doc: '' })),
    data: [fields.map((name) => (valueIn(name) === null ? [4, null] : [0, valueIn(name)]))],
  };
}

const rows = (request: LuxiRequest) => {
  const { fields, names } = request as unknown as { fields: string[]; names: string[] };
  const count = Math.max(1, names?.length ?? 1);
  return Array.from({ length: count }, (_row, index) =>
    fields.map((field) => (field === 'name' ? (names?.[index] ?? 'thing1.example.com') : valueIn(field))),
  );
};

const instanceData = {
  name: 'inst1',
  serial_no: 4,
  snodes: [],
  os_actual: {},
  hv_actual: {},
  be_actual: { maxmem: 128 },
  os_instance: {},
  hv_instance: {},
  be_instance: {},
  nics: [],
  disks: [],
};

const results: Readonly<Record<string, unknown>> = {
  OP_INSTANCE_ACTIVATE_DISKS: [],
  OP_INSTANCE_QUERY_DATA: { inst1: instanceData },
  OP_NODE_QUERYVOLS: [['node1', '/dev/sda', 'vg', 'name', 2048, '-']],
  OP_NODE_QUERY_STORAGE: [['node1', 'lvm-vg', 'vg', 2048, 1024, 1024, true]],
  OP_OS_DIAGNOSE: [['debian', ['minimal']]],
  OP_OOB_COMMAND: [
    [
      [0, 'node1'],
      [0, []],
    ],
  ],
  OP_RESTRICTED_COMMAND: [[true, 'text']],
  OP_CLUSTER_REPAIR: { remains: [['port 11004', 'neither used nor free']], left: [] },
  OP_TAGS_SEARCH: [['/cluster', 'red']],
  OP_EXT_STORAGE_DIAGNOSE: [],
};

/** Lists and texts wherever `gnt-cluster info` looks. */
const clusterData = new Proxy<Record<string, unknown>>(
  { candidate_pool_size: 10, hvparams: {}, ipolicy: { minmax: [] } },
  { get: (known, name: string) => known[name] ?? (name === 'architecture' ? ['64bits', 'x86_64'] : []) },
);

function newMaster(): FakeMaster {
  return new FakeMaster({
    answers: {
      Query: queryAnswer,
      QueryFields: (request) => ({
        fields: (request as unknown as { fields: string[] }).fields.map((name) => ({
          name,
          title: name,
          kind: 'text',
          doc: 'd',
        })),
      }),
      QueryInstances: rows,
      QueryNodes: (request) => rows(request).filter(([name]) => name !== 'localhost'),
      QueryGroups: rows,
      QueryNetworks: rows,
      QueryConfigValues: (request) => (request as unknown as { fields: string[] }).fields.map(valueIn),
      QueryTags: () => ['red'],
      QueryClusterInfo: () => clusterData,
      ReplaceFilter: () => 'uuid1',
      DeleteFilter: () => null,
      CancelJob: () => [true, 'Job 7 cancelled'],
      ChangeJobPriority: () => [true, 'done'],
    },
    runs: new Proxy({}, { get: (_runs, id: string) => () => ({ result: results[id] ?? null }) }),
  });
}

/** Everything that can be seen of a run, without the time. */
async function observe(line: string): Promise<string> {
  const master = newMaster();
  const verbs: unknown[] = [];
  const bootstrap = async (verb: string, parameters: object) => {
    verbs.push([verb, parameters]);
    return null;
  };
  const run = async (argv: readonly string[]) => {
    verbs.push(argv);
    return { code: verbs.length > 1 ? 1 : 0, stdout: 'output\n', stderr: '' };
  };
  const interact = async (argv: readonly string[]) => {
    verbs.push(argv);
    return 0;
  };
  const ran = await runLine(line, master, { bootstrap, run, interact });
  const seen = {
    code: ran.code,
    stdout: ran.stdout,
    stderr: ran.stderr,
    terminal: ran.terminal.asked(),
    requests: master.requests,
    verbs,
  };
  return JSON.stringify(seen, (_key, value: unknown) =>
    typeof value === 'number' && value > 1e15 ? 'time' : value,
  );
}

/** Words for a value of the option. */
const samples: Readonly<Record<string, string>> = {
  beparams: 'vcpus=3',
  ndparams: 'ssh_port=2222',
  nicparams: 'link=br7',
  hvparams: 'fake:migration_mode=live',
  hypervisor: 'fake',
  diskparams: 'plain:stripes=2',
  ipolicy_std_specs: 'cpu-count=2',
  ipolicy_bounds_specs:
    'min:cpu-count=1,disk-count=1,disk-size=1g,memory-size=1g,nic-count=1,spindle-use=1/' +
    'max:cpu-count=2,disk-count=1,disk-size=2g,memory-size=2g,nic-count=1,spindle-use=1',
  ispecs_cpu_count: 'min=2',
  ispecs_disk_count: 'min=2',
  ispecs_disk_size: 'min=2g',
  ispecs_mem_size: 'min=2g',
  ispecs_nic_count: 'min=2',
  master_netmask: '24',
  primary_ip_version: '6',
  uid_pool: '1000-2000',
  add_uids: '1000-2000',
  remove_uids: '1000-2000',
  tags_source: tagFile,
  disk_state: 'lvm/xenvg:disk_total=5',
  hv_state: 'fake:mem_total=5',
  nics: '0:link=br7',
  disks: '0:size=2g',
  data_collector_interval: 'lv=7',
  enabled_data_collectors: 'lv=true',
  predicates: '[["jobid", ["=", "id", 3]]]',
  network: '10.0.0.0/24',
  output: 'name',
  separator: ':',
  ignore_offline_nodes: '',
};

const byType: Readonly<Record<string, string>> = {
  int: '7',
  float: '7.5',
  unit: '7g',
  bool: 'yes',
  list: 'plain',
  keyval: 'key=value',
  keyprivateval: 'key=value',
  identkeyval: '0:key=value',
  maybefloat: '7.5',
  filteraction: 'PAUSE',
  string: 'sample',
};

function sampleOf(option: Option): string {
  if (option.dest === 'units') return 'm';
  if (option.type === 'choice') return option.choices!.find((choice) => choice !== option.default)!;
  if (option.type === 'bool') return option.default === true ? 'no' : 'yes';
  return samples[option.dest] ?? byType[option.type!]!;
}

/** Options, then arguments, that a command needs to get anywhere; where nothing is said, its arguments by kind. */
const lines: Readonly<Record<string, readonly [string, string]>> = {
  'gnt-instance add': ['-t diskless -o noop', 'inst1'],
  'gnt-instance batch-create': ['', batch],
  'gnt-instance grow-disk': ['', 'inst1 0 1g'],
  'gnt-instance modify': ['-B vcpus=2', 'inst1'],
  'gnt-instance replace-disks': ['-p', 'inst1'],
  'gnt-instance info': ['', 'inst1'],
  'gnt-instance add-tags': ['', 'inst1 red'],
  'gnt-instance remove-tags': ['', 'inst1 red'],
  'gnt-instance startup': ['', 'inst1'],
  'gnt-instance shutdown': ['', 'inst1'],
  'gnt-instance reboot': ['', 'inst1'],
  'gnt-instance reinstall': ['-f', 'inst1'],
  'gnt-instance remove': ['-f', 'inst1'],
  'gnt-instance failover': ['-f', 'inst1'],
  'gnt-instance migrate': ['-f', 'inst1'],
  'gnt-instance move': ['-f -n node9', 'inst1'],
  'gnt-backup export': ['-n node1', 'inst1'],
  'gnt-backup list': ['-o name,id,offers', ''],
  'gnt-instance list': ['-o name,id,offers', ''],
  'gnt-node list': ['-o name,id,offers', ''],
  'gnt-job list': ['-o name,offers', ''],
  'gnt-node restricted-command': ['', 'check node1'],
  'gnt-cluster add-tags': ['', 'red'],
  'gnt-cluster remove-tags': ['', 'red'],
  'gnt-cluster init': ['--enabled-disk-templates=diskless', 'cluster'],
  'gnt-cluster modify': ['--mac-prefix=aa:bb:cc', ''],
  'gnt-cluster rename': ['-f', 'name'],
  'gnt-cluster renew-crypto': ['-f', ''],
  'gnt-cluster copyfile': ['', delayJob],
  'gnt-cluster queue': ['', 'info'],
  'gnt-cluster watcher': ['', 'continue'],
  'gnt-cluster epo': ['-f', 'node1'],
  'gnt-debug delay': ['', '1'],
  'gnt-debug submit-job': ['', delayJob],
  'gnt-debug wconfd': ['', 'echo hello'],
  'gnt-debug metad': ['', 'echo hello'],
  'gnt-group rename': ['', 'group1 group2'],
  'gnt-group modify': ['--alloc-policy=preferred', 'group1'],
  'gnt-group add-tags': ['', 'group1 red'],
  'gnt-group remove-tags': ['', 'group1 red'],
  'gnt-network rename': ['', 'net1 net2'],
  'gnt-network add': ['--network=10.1.0.0/24', 'net1'],
  'gnt-network modify': ['--gateway=10.0.0.1', 'net1'],
  'gnt-network connect': ['', 'net1 group1'],
  'gnt-network disconnect': ['', 'net1 group1'],
  'gnt-network add-tags': ['', 'net1 red'],
  'gnt-network remove-tags': ['', 'net1 red'],
  'gnt-node add-tags': ['', 'node1 red'],
  'gnt-node remove-tags': ['', 'node1 red'],
  'gnt-node modify': ['-f --drained=yes', 'node1'],
  'gnt-node modify-storage': ['--allocatable=no', 'node1 lvm-pv pv1'],
  'gnt-node repair-storage': ['', 'node1 lvm-vg vg1'],
  'gnt-node power': ['-f', 'off node1'],
  'gnt-node powercycle': ['--yes', 'node1'],
  'gnt-node evacuate': ['-f', 'node1'],
  'gnt-node failover': ['-f', 'node1'],
  'gnt-node migrate': ['-f', 'node1'],
  'gnt-os modify': ['--hidden=yes', 'debian'],
  'gnt-job change-priority': ['--priority=low', '7'],
  'gnt-job cancel': ['', '7'],
  'gnt-job autoarchive': ['', 'all'],
};

/** Where an option needs company: both lines whole, without the option and with it. */
const pairs: Readonly<Record<string, readonly [string, string]>> = {
  'gnt-instance add --disk': ['-t plain -s 1g inst1', '-t plain --disk 0:size=2g inst1'],
  'gnt-instance add --os-size': ['-t plain -s 1g inst1', '-t plain -s 2g inst1'],
  'gnt-instance replace-disks --auto': ['inst1', '-a inst1'],
  'gnt-instance replace-disks --iallocator': ['inst1', '-I hail inst1'],
  'gnt-instance replace-disks --new-secondary': ['inst1', '-n node3 inst1'],
  'gnt-instance replace-disks --on-secondary': ['inst1', '-s inst1'],
  'gnt-instance replace-disks --on-primary': ['inst1', '-p inst1'],
  'gnt-instance replace-disks --disks': ['-p inst1', '-p --disks=1 inst1'],
  'gnt-instance info --all': ['inst1', '--all'],
  'gnt-instance modify --force': ['--net 0:link=br1 inst1', '-f --net 0:link=br1 inst1'],
  'gnt-instance modify --ext-params': ['-t ext -e provider=a inst1', '-t ext -e provider=b inst1'],
  'gnt-instance modify --file-driver': ['-t file inst1', '-t file --file-driver=loop inst1'],
  'gnt-instance modify --file-storage-dir': ['-t file inst1', '-t file --file-storage-dir=x inst1'],
  'gnt-cluster init --vg-name': [
    '--enabled-disk-templates=plain c',
    '--enabled-disk-templates=plain --vg-name=v c',
  ],
  'gnt-cluster verify-disks --node-group': ['', '-g group1'],
  'gnt-debug locks --interval': ['--interval=x', '--interval=0'],
  'gnt-cluster epo --oob-timeout': ['-f --all', '-f --all --oob-timeout=7'],
  'gnt-cluster epo --power-delay': ['-f --all', '-f --all --power-delay=7'],
  'gnt-cluster epo --shutdown-timeout': ['-f --all', '-f --all --shutdown-timeout=7'],
  'gnt-cluster master-failover --yes-do-it': ['--no-voting', '--no-voting --yes-do-it'],
  'gnt-cluster renew-crypto --ssh-key-bits': ['-f --new-ssh-keys', '-f --new-ssh-keys --ssh-key-bits=1024'],
  'gnt-cluster renew-crypto --ssh-key-type': ['-f --new-ssh-keys', '-f --new-ssh-keys --ssh-key-type=dsa'],
  'gnt-instance add --disk-template': ['inst1', '-t diskless inst1'],
  'gnt-instance failover --ignore-consistency': ['-f inst1', '-f --ignore-consistency inst1'],
  'gnt-instance startup --force-multiple': ['inst1 inst2', '--force-multiple inst1 inst2'],
  'gnt-instance shutdown --force-multiple': ['inst1 inst2', '--force-multiple inst1 inst2'],
  'gnt-instance reboot --force-multiple': ['inst1 inst2', '--force-multiple inst1 inst2'],
  'gnt-instance reinstall --force-multiple': ['inst1 inst2', '--force-multiple inst1 inst2'],
  'gnt-job change-priority --priority': ['--priority=low 7', '--priority=high 7'],
  'gnt-node modify --drained': ['-f --drained=yes node1', '-f --drained=no node1'],
  'gnt-os modify --hidden': ['--hidden=yes debian', '--hidden=no debian'],
  'gnt-job cancel --kill': ['--yes-do-it 7', '--yes-do-it --kill 7'],
  'gnt-job cancel --yes-do-it': ['--kill 7', '--kill --yes-do-it 7'],
  'gnt-job cancel --force': ['--pending', '--pending -f'],
  'gnt-job change-priority --force': ['--priority=low --pending', '--priority=low --pending -f'],
  'gnt-node evacuate --primary-only': ['-f node1', '-f -p node1'],
  'gnt-node add --readd': ['thing1', '--readd localhost'],
};

/** Why an option changes nothing that can be seen here. */
const unseen: Readonly<Record<string, string>> = {
  'gnt-backup export --force': 'is taken for the sake of older scripts; there is nothing to force',
  'gnt-backup import --no-nics': 'is what an import does when no NIC is described',
  'gnt-debug test-jobqueue --priority': 'needs a master that refuses wrong jobs',
  'gnt-node list-drbd --no-headers': 'needs a configuration daemon',
  'gnt-node list-drbd --separator': 'needs a configuration daemon',
  'gnt-instance console --priority': 'submits no job',
  'gnt-instance reboot --instance': 'is the default',
  'gnt-instance reinstall --instance': 'is the default',
  'gnt-instance shutdown --instance': 'is the default',
  'gnt-instance startup --instance': 'is the default',
};

const argumentSamples: Readonly<Record<string, string>> = {
  host: 'localhost',
  instance: 'inst1',
  node: 'node1',
  group: 'group1',
  network: 'net1',
  jobid: '7',
  file: delayJob,
  command: 'true',
  os: 'debian',
  extstorage: 'provider1',
  filter: 'uuid1',
  unknown: 'word',
};

function lineOf(name: string, command: Command): readonly [string, string] {
  const words = command.arguments.flatMap(({ kind, min, choices }) =>
    Array.from({ length: min }, () => choices?.[0] ?? argumentSamples[kind]!),
  );
  return lines[name] ?? ['', words.join(' ')];
}

const longName = (option: Option) => option.names.find((word) => word.startsWith('--')) ?? option.names[0]!;

/** The command line without the option, and with it. */
function pairFor(name: string, command: Command, option: Option): readonly [string, string] {
  const long = longName(option);
  const own = pairs[`${name} ${long}`];
  if (own !== undefined) return own;
  const [needed, args] = lineOf(name, command);
  const value = takesValue(option)
    ? `${long.startsWith('--') ? '=' : ' '}${quoteWord(sampleOf(option))}`
    : '';
  // An option that the command needs anyway is given a second time, with another value.
  const isNeeded = !takesValue(option) && needed.split(' ').some((word) => option.names.includes(word));
  const without = isNeeded ? needed.replace(/(^| )(-f|--yes|-p)( |$)/, ' ') : needed;
  return [`${without} ${args}`, isNeeded ? `${needed} ${args}` : `${needed} ${long}${value} ${args}`];
}

for (const [program, load] of Object.entries(programs)) {
  const { commands } = await load();
  for (const [name, command] of Object.entries(commands)) {
    test(`${program} ${name}: every option has an effect`, async () => {
      const full = `${program} ${name}`;
      const silent: string[] = [];
      for (const option of command.options) {
        const label = `${full} ${longName(option)}`;
        if (label in unseen) continue;
        const [without, withIt] = pairFor(full, command, option);
        const before = await observe(`${full} ${without}`);
        const behind = await observe(`${full} ${withIt}`);
        if (before === behind) silent.push(`${label}: ${before.slice(0, 300)}`);
      }
      assert.deepEqual(silent, []);
    });
  }
}
