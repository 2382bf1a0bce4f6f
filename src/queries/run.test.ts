import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobRecord } from './context.ts';
import { parseFilter } from './language/parse.ts';
import { classicQuery, queryFields, refuseLocking, runQuery } from './run.ts';
import { sampleConfiguration, sampleContext, sampleNodes } from './world.fixture.ts';

const running = { memory: 128, vcpus: 1, state: 'running', time: 1 };
const hypervisor = {
  name: 'fake',
  version: null,
  memoryTotal: 2048,
  memoryFree: 1024,
  memoryNode: 100,
  cpuTotal: 4,
  cpuNodes: 1,
  cpuSockets: 2,
  cpuNode: 4,
};
const info = (storage: unknown[] = []) => ({ bootId: 'b', storage, hypervisors: [hypervisor] });

/** Bare values, and the words of those that are none. */
async function table(what: string, fields: string[], filter: unknown = null, context = sampleContext()) {
  const { data } = await runQuery(what, fields, filter, context);
  return data.map((row) =>
    row.map(([status, value]) => (status === 0 ? value : ['', '??', '?', '-', '*'][status])),
  );
}

test('rows stand in the order of names, numbers counted as numbers', async () => {
  assert.deepEqual(await table('instance', ['name']), [
    ['db'],
    ['web1.example'],
    ['web2.example'],
    ['web10.example'],
  ]);
  assert.deepEqual(await table('node', ['name']), [['node1.example'], ['node2.example'], ['node10.example']]);
});

test('names are taken in the order asked, short ones too', async () => {
  const filter = ['|', ['=', 'name', 'web2.example'], ['=', 'name', 'web1'], ['=', 'name', 'i-4']];
  const { data } = await runQuery('instance', ['name'], filter.slice(0, 3), sampleContext());
  assert.deepEqual(data, [[[0, 'web2.example']], [[0, 'web1.example']]]);
  await assert.rejects(runQuery('instance', ['name'], ['=', 'name', 'web'], sampleContext()), {
    message: 'Instance name web not found',
    code: 'unknown_entity',
  });
  await assert.rejects(
    runQuery('group', ['name'], ['=', 'name', 'no'], sampleContext()),
    /NodeGroup name no not found/,
  );
});

test('a field that is not there is unknown in a row and a mistake in a filter', async () => {
  const { fields, data } = await runQuery('group', ['name', 'colour'], null, sampleContext());
  assert.deepEqual(fields[1], {
    name: 'colour',
    title: 'colour',
    kind: 'unknown',
    doc: "Unknown field 'colour'",
  });
  assert.deepEqual(data[0], [
    [0, 'default'],
    [1, null],
  ]);
  await assert.rejects(runQuery('group', ['name'], ['=', 'colour', 1], sampleContext()), {
    name: 'ParameterError',
    message: "Can't find field named 'colour'",
  });
  await assert.rejects(runQuery('tree', ['name'], null, sampleContext()), /Query 'tree' not supported/);
});

test('what the configuration knows asks no node', async () => {
  const nodes = sampleNodes();
  const context = sampleContext({ nodes });
  const rows = await table(
    'instance',
    [
      'name',
      'pnode',
      'snodes',
      'be/memory',
      'hv/acpi',
      'disk_usage',
      'disk.sizes',
      'nic.links',
      'osparams',
      'pnode.group',
      'disk.size/1',
      'nic.network.name/0',
      'tags',
    ],
    null,
    context,
  );
  assert.deepEqual(rows, [
    ['db', 'node1.example', [], 128, '-', 0, [], ['br0'], { mirror: 'm' }, 'default', '-', '-', []],
    [
      'web1.example',
      'node1.example',
      ['node2.example'],
      512,
      '-',
      1152,
      [1024],
      ['br1'],
      { mirror: 'm' },
      'default',
      '-',
      'lan',
      ['front'],
    ],
    ['web2.example', 'node2.example', [], 128, false, 0, [], [], { mirror: 'm' }, 'default', '-', '-', []],
    ['web10.example', 'node10.example', [], 128, '-', 512, [512], [], { mirror: 'm' }, 'rack2', '-', '-', []],
  ]);
  assert.deepEqual(nodes.asked, []);
});

test('parameters that stand at cluster level only are no parameters of an instance', async () => {
  const [row] = await table('instance', ['hvparams', 'hv/migration_mode'], ['=', 'name', 'web2']);
  assert.deepEqual(row, [{ acpi: false }, '??']);
});

test('the states of instances, with a node that does not answer', async () => {
  const nodes = sampleNodes({
    all_instances_info: { 'n-1': { 'web1.example': running, 'web10.example': running }, 'n-10': {} },
  });
  const rows = await table(
    'instance',
    ['name', 'status', 'oper_state', 'oper_ram'],
    null,
    sampleContext({ nodes }),
  );
  assert.deepEqual(rows, [
    ['db', 'ADMIN_offline', false, '-'],
    ['web1.example', 'running', true, 128],
    ['web2.example', 'ERROR_nodedown', '?', '?'],
    ['web10.example', 'ERROR_wrongnode', true, 128],
  ]);
  assert.deepEqual(nodes.asked.sort(), [
    'all_instances_info n-1',
    'all_instances_info n-10',
    'all_instances_info n-2',
  ]);
  assert.deepEqual(nodes.arguments[0], {
    hypervisors: [
      { name: 'fake', hvparams: { migration_mode: 'live' } },
      { name: 'kvm', hvparams: { acpi: true, migration_mode: 'live' } },
    ],
  });
});

test('a node that is marked offline is not asked', async () => {
  const configuration = sampleConfiguration({ offline: 'n-1' });
  const nodes = sampleNodes({ all_instances_info: { 'n-2': {}, 'n-10': {} }, node_info: { 'n-2': info() } });
  const context = { configuration, nodes };
  const rows = await table(
    'instance',
    ['name', 'status', 'oper_state', 'oper_ram', 'console'],
    ['=', 'name', 'web1'],
    context,
  );
  assert.deepEqual(rows, [['web1.example', 'ERROR_nodeoffline', '?', '*', '*']]);
  assert.deepEqual(await table('node', ['name', 'mfree'], null, context), [
    ['node1.example', '*'],
    ['node2.example', 1024],
    ['node10.example', '?'],
  ]);
  assert.ok(!nodes.asked.some((question) => question.endsWith(' n-1')));
});

test('the filter spares nodes as soon as the configuration can decide, and decides again with live data', async () => {
  const nodes = sampleNodes({ all_instances_info: { 'n-1': { 'web1.example': running } } });
  const filter = parseFilter('pnode == "node1" and status == "running"');
  assert.deepEqual(await table('instance', ['name'], filter, sampleContext({ nodes })), [['web1.example']]);
  assert.deepEqual(nodes.asked, ['all_instances_info n-1']);
});

test('what nodes have: only what the fields need is asked of them', async () => {
  const nodes = sampleNodes({
    node_info: { 'n-1': info([{ type: 'lvm-vg', name: 'xenvg', free: 70, size: 100 }]), 'n-10': info() },
  });
  const context = sampleContext({ nodes });
  assert.deepEqual(await table('node', ['name', 'dtotal', 'dfree'], null, context), [
    ['node1.example', 100, 70],
    ['node2.example', '?', '?'],
    ['node10.example', '?', '?'],
  ]);
  assert.deepEqual(nodes.arguments[2], {
    storage: [
      { type: 'lvm-vg', key: 'xenvg', exclusive: true },
      { type: 'file', key: '/srv/ganeti/file-storage', exclusive: true },
    ],
    hypervisors: [],
  });
  assert.deepEqual(await table('node', ['ctotal', 'mfree', 'sptotal'], ['=', 'name', 'node1'], context), [
    [4, 1024, '?'],
  ]);
  assert.deepEqual(nodes.arguments[3], {
    storage: [{ type: 'lvm-pv', key: 'xenvg', exclusive: false }],
    hypervisors: [{ name: 'fake', hvparams: { migration_mode: 'live' } }],
  });
});

test('volume groups beside the main one are told by name, and not listed', async () => {
  const configuration = sampleConfiguration({ volumeGroup: 'hdd' });
  const main = { type: 'lvm-vg', name: 'xenvg', free: 70, size: 100 };
  const nodes = sampleNodes({
    node_info: {
      'n-1': info([{ type: 'lvm-vg', name: 'hdd', free: 30, size: 40 }]),
      'n-2': info([{ type: 'lvm-vg', name: 'hdd', free: null, size: null }]),
      'n-10': info([main, { type: 'lvm-vg', name: 'hdd', free: 3, size: 4 }]),
    },
  });
  const context = sampleContext({ configuration, nodes });
  assert.deepEqual(await table('node', ['name', 'volume_groups'], null, context), [
    ['node1.example', { hdd: { total: 40, free: 30 } }],
    ['node2.example', {}],
    ['node10.example', { hdd: { total: 4, free: 3 } }],
  ]);
  assert.deepEqual(nodes.arguments[0], {
    storage: [{ type: 'lvm-vg', key: 'hdd', exclusive: false }],
    hypervisors: [],
  });
  const asked = ['dtotal', 'volume_groups'];
  assert.deepEqual(await table('node', asked, ['=', 'name', 'node1'], context), [
    ['?', { hdd: { total: 40, free: 30 } }],
  ]);
  assert.deepEqual(await table('node', ['dtotal'], null, context), [['?'], ['?'], [100]]);
  const names = ['=', 'name', 'web10'];
  assert.deepEqual(await table('instance', ['disk.volume_groups'], names, context), [[['hdd']]]);
  assert.deepEqual(await table('instance', ['disk.volume_groups']), [[[]], [[null]], [[]], [[null]]]);
  assert.ok(!queryFields('node').fields.some(({ name }) => name === 'volume_groups'));
  assert.deepEqual(queryFields('node', ['volume_groups']).fields[0]?.kind, 'other');
});

test('nodes and groups with what is on them', async () => {
  assert.deepEqual(
    await table('node', [
      'name',
      'role',
      'pinst_list',
      'sinst_cnt',
      'powered',
      'ndp/spindle_count',
      'ndp/exclusive_storage',
      'hv_state',
    ]),
    [
      ['node1.example', 'M', ['db', 'web1.example'], 0, '-', 1, false, '-'],
      ['node2.example', 'D', ['web2.example'], 1, '-', 1, false, '-'],
      ['node10.example', 'R', ['web10.example'], 0, true, 4, true, '-'],
    ],
  );
  assert.deepEqual(await table('group', ['name', 'node_list', 'pinst_cnt', 'custom_ndparams']), [
    ['default', ['node1.example', 'node2.example'], 3, {}],
    ['rack2', ['node10.example'], 1, { spindle_count: 4 }],
  ]);
});

test('networks and their addresses', async () => {
  assert.deepEqual(
    await table('network', [
      'name',
      'map',
      'free_count',
      'reserved_count',
      'external_reservations',
      'group_list',
      'inst_list',
      'gateway',
    ]),
    [
      [
        'lan',
        `${'X'.repeat(3)}....X`,
        4,
        4,
        '10.1.0.2, 10.1.0.7',
        [['default', 'bridged', 'br1', '-']],
        ['web1.example'],
        '-',
      ],
    ],
  );
});

const job: JobRecord = {
  id: 7,
  ops: [
    {
      input: { OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name: 'web1' },
      status: 'running',
      result: null,
      log: [[1, [10, 0], 'message', 'x']],
      priority: 0,
      start_timestamp: [10, 5],
      exec_timestamp: null,
      end_timestamp: null,
    },
  ],
  received_timestamp: [9, 0],
  start_timestamp: [10, 5],
  end_timestamp: null,
};

test('jobs by number; one that is not there has nothing but its id', async () => {
  const asked: (number | boolean)[] = [];
  const jobs = {
    ids: (withArchived: boolean) => {
      asked.push(withArchived);
      return [100, 7];
    },
    find: (id: number) => {
      asked.push(id);
      return id === 7 ? { job, archived: false } : undefined;
    },
    statusOf: () => 'running',
    priorityOf: () => 0,
  };
  const context = sampleContext({ jobs });
  const fields = ['id', 'status', 'summary', 'opstart', 'opexec', 'received_ts', 'end_ts'];
  assert.deepEqual(await table('job', fields, null, context), [
    [7, 'running', ['INSTANCE_SHUTDOWN(web1)'], [[10, 5]], [null], [9, 0], '-'],
    [100, '-', '-', '-', '-', '-', '-'],
  ]);
  assert.deepEqual(await table('job', ['id'], ['<', 'id', 50], context), [[7]]);
  assert.deepEqual(asked, [false, 7, 100, false]);
  assert.deepEqual(await table('job', ['id', 'archived'], ['=', 'id', 7], context), [[7, false]]);
  assert.deepEqual(
    await table('job', ['id'], parseFilter('id < 50 and received_ts >= 9 and status == "running"'), context),
    [[7]],
  );
  await assert.rejects(table('job', ['id'], null), /not supported yet/);
});

test('locks, job filters, the cluster', async () => {
  const locks = {
    describe: () => [
      { name: 'node/n-10', mode: null, owner: null, pending: [['exclusive', ['8']] as const] },
      { name: 'node/n-2', mode: 'shared', owner: ['7'], pending: null },
    ],
  };
  assert.deepEqual(
    await table('lock', ['name', 'mode', 'owner', 'pending'], null, sampleContext({ locks })),
    [
      ['node/n-2', 'shared', ['7'], []],
      ['node/n-10', null, [], [['exclusive', ['8']]]],
    ],
  );
  assert.deepEqual(await table('filter', ['uuid']), []);
  const state = { queueDrained: true, watcherPausedUntil: null };
  assert.deepEqual(
    await table(
      'cluster',
      ['name', 'master_node', 'drain_flag', 'watcher_pause'],
      null,
      sampleContext({ state }),
    ),
    [['cluster.example', 'node1.example', true, '-']],
  );
});

test('exports: a row for each, and one for a node that says nothing', async () => {
  const nodes = sampleNodes({ export_list: { 'n-1': ['web1.example', 'db'], 'n-10': [] } });
  assert.deepEqual(await table('export', ['node', 'export'], null, sampleContext({ nodes })), [
    ['node1.example', 'web1.example'],
    ['node1.example', 'db'],
    ['node2.example', '?'],
  ]);
});

const os = (variants: string[], more = {}) => ({
  name: 'debian',
  path: '/os/debian',
  valid: true,
  diagnose: '',
  variants,
  parameters: [['mirror', 'Where from']],
  apiVersions: [20, 15],
  trusted: true,
  ...more,
});

test('OS definitions hold where every node that answered has them', async () => {
  const fields = ['name', 'valid', 'variants', 'api_versions', 'os_hvp'];
  const agreeing = sampleNodes({ os_diagnose: { 'n-1': [os(['min', 'full'])], 'n-10': [os(['min'])] } });
  assert.deepEqual(await table('os', fields, null, sampleContext({ nodes: agreeing })), [
    ['debian', true, ['min'], [15, 20], { 'debian+min': { kvm: { acpi: false } } }],
  ]);
  const missing = sampleNodes({ os_diagnose: { 'n-1': [os(['min'])], 'n-10': [] } });
  assert.deepEqual(await table('os', fields, null, sampleContext({ nodes: missing })), [
    ['debian', false, [], [], {}],
  ]);
});

test('storage providers by group', async () => {
  const provider = { name: 'shared', path: '/p', valid: true, diagnose: '', parameters: [['a', 'A']] };
  const nodes = sampleNodes({ extstorage_diagnose: { 'n-1': [provider], 'n-2': [provider], 'n-10': [] } });
  assert.deepEqual(
    await table('extstorage', ['name', 'nodegroup_status', 'parameters'], null, sampleContext({ nodes })),
    [['shared', { default: true, rack2: false }, [['a', 'A']]]],
  );
});

test('the older calls give bare values, find uuids and leave out what is not there', async () => {
  const context = sampleContext();
  assert.deepEqual(
    await classicQuery('instance', ['i-2', 'web1', 'none'], ['name', 'disk.size/3'], context),
    [
      ['web1.example', null],
      ['web2.example', null],
    ],
  );
  assert.equal((await classicQuery('node', [], ['name'], context)).length, 3);
  await assert.rejects(classicQuery('node', [], ['a', 'name', 'b'], context), {
    message: 'Unknown output fields selected: a, b',
    code: 'wrong_input',
  });
  assert.throws(() => refuseLocking(true), /Sync queries are not allowed/);
});

test('fields are told by name, or as asked', () => {
  assert.deepEqual(
    queryFields('lock').fields.map(({ name }) => name),
    ['mode', 'name', 'owner', 'pending'],
  );
  const [known, missing] = queryFields('export', ['node', 'x']).fields;
  assert.deepEqual(known, { name: 'node', title: 'Node', kind: 'text', doc: 'Name of the node' });
  assert.equal(missing?.kind, 'unknown');
  const names = queryFields('instance').fields.map(({ name }) => name);
  assert.ok(names.indexOf('disk.size/2') < names.indexOf('disk.size/10'));
});
