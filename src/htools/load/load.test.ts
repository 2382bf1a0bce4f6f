/** Reading and writing clusters: every source, and what each says of broken data. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mergeCluster, settleMemory } from '../core/loading.ts';
import { DataError } from './data-error.ts';
import { entriesOf, isObject, parseJson } from './json.ts';
import { type LuxiAnswers, parseLuxi, queryCluster } from './luxi.ts';
import { instanceRow, nodeRow, row } from './luxi-rows.fixture.ts';
import { parseReports, useReports } from './monitoring.ts';
import { parseRapi } from './rapi.ts';
import { SampleCluster } from './sample-cluster.ts';
import { readInteger, readNumber, readUnit, splitSections } from './scan.ts';
import { simulate } from './simulated.ts';
import { parseText } from './text.ts';
import { writeText } from './text-write.ts';
import { variedCluster } from './varied-cluster.ts';

function refused(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof DataError) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}

test('numbers are read wholly or not at all', () => {
  assert.equal(readInteger('x', '-5'), -5);
  assert.equal(readInteger('x', '0x1f'), 31);
  assert.equal(readNumber('x', '1.5e2'), 150);
  assert.equal(
    refused(() => readInteger('mem', '12 MB')),
    "mem: leftover characters when parsing '12 MB': ' MB'",
  );
  assert.equal(
    refused(() => readInteger('mem', '1.5')),
    "mem: cannot parse string '1.5'",
  );
  assert.equal(
    refused(() => readNumber('ratio', 'abc')),
    "ratio: cannot parse string 'abc'",
  );
});

test('units are binary in small letters, decimal in capitals', () => {
  assert.equal(readUnit('512'), 512);
  assert.equal(readUnit('4g'), 4096);
  assert.equal(readUnit('1 TiB'), 1048576);
  assert.equal(readUnit('8T'), 7629394);
  assert.equal(
    refused(() => readUnit('8x')),
    "Unknown unit 'x'",
  );
  assert.equal(
    refused(() => readUnit('g')),
    "Can't parse string 'g'",
  );
});

test('sections are divided by empty lines', () => {
  assert.deepEqual(splitSections(['a', '', '', 'b']), [['a'], [], ['b']]);
  assert.deepEqual(splitSections([]), []);
});

test('a cluster that is written reads the same again', () => {
  fc.assert(
    fc.property(fc.nat(1e6), fc.boolean(), fc.boolean(), (seed, exclusiveStorage, forthcoming) => {
      const text = variedCluster(seed, {
        groups: 2,
        locations: true,
        migrationTags: true,
        exclusionTags: true,
        exclusiveStorage,
        forthcoming,
        offline: true,
        alike: false,
        onlyDrbd: false,
      });
      const write = (from: string) => {
        const raw = parseText(from);
        return writeText({ ...raw, list: raw.nodes.order });
      };
      const once = write(text);
      assert.equal(write(once), once);
    }),
    { numRuns: 30, seed: 1 },
  );
});

test('other volume groups are kept in further columns', () => {
  const text = new SampleCluster({ nodes: 4, instances: 4 })
    .text()
    .replace(/^(node001.*)$/m, '$1|hdd=1000:400')
    .replace(/^(node002.*)$/m, '$1|-')
    .replace(/^(inst00001.*)$/m, '$1|N|hdd=300');
  const raw = parseText(text);
  assert.deepEqual(raw.nodes.volumeGroups[0], new Map([['hdd', { total: 1000, free: 400 }]]));
  assert.deepEqual(raw.instances[0]!.otherVolumes, new Map([['hdd', 300]]));
  assert.deepEqual(raw.nodes.volumeGroups[1], new Map());
  assert.equal(raw.nodes.volumeGroups[2], undefined);
  const written = writeText({ ...raw, list: raw.nodes.order });
  assert.match(written, /^node001.*\|hdd=1000:400$/m);
  assert.match(written, /^node002.*\|-$/m);
  assert.match(written, /^inst00001.*\|hdd=300$/m);
});

test('broken text files are refused with the reason', () => {
  const sample = new SampleCluster({ nodes: 3, instances: 3 }).text();
  const broken = (from: RegExp | string, to: string) => refused(() => parseText(sample.replace(from, to)));
  assert.equal(
    refused(() => parseText('a\n\nb\n')),
    'Invalid format of the input file: 2 sections instead of 4 or more',
  );
  assert.equal(
    broken('|N|uuid-group-01|12', '|N|no-such-group|12'),
    "Unknown group 'no-such-group' for node node002.example.com",
  );
  assert.match(broken('|98304|', '|lots|'), /^node00\d.example.com: cannot parse string 'lots'$/);
  assert.match(broken('|drbd|', '|zfs|'), /^Instance .*: Invalid string value for type DiskTemplate: "zfs"$/);
  assert.match(broken('|running|', '|asleep|'), /^Invalid string value for type InstanceStatus: "asleep"$/);
  assert.equal(broken(';32768', ';32768,1,1,1,1,1;32768'), 'Odd number of min/max specs for ');
});

test('a simulated cluster has what its description says', () => {
  const { nodes, groups } = simulate(['p,2,8T,16g,4', 'u,1,10g,1g,1,3,True']);
  assert.deepEqual(nodes.order, [1, 2, 3]);
  assert.equal(nodes.name[3], 'node-02-001');
  assert.equal(nodes.exclusiveStorage[3], 1);
  assert.equal(groups.get(2)!.allocationPolicy, 'unallocable');
  assert.match(
    refused(() => simulate(['p,2'])),
    /but got 2: 'p,2'$/,
  );
  assert.equal(
    refused(() => simulate(['x,2,8T,16g,4'])),
    'Invalid string value for type AllocPolicy: "x"; Cannot parse AllocPolicy abbreviation \'x\'',
  );
});

test('JSON objects keep the order of their keys, also of numbers', () => {
  const value = parseJson('{"nodes": {"10": {"a": [1, "x\\"y"]}, "9": {}, "b": null}}');
  assert.ok(isObject(value));
  const [[, nodes]] = entriesOf(value) as [[string, typeof value]];
  assert.deepEqual(
    entriesOf(nodes).map(([key]) => key),
    ['10', '9', 'b'],
  );
  assert.match(
    refused(() => parseJson('{"1": ')),
    /^Malformed JSON: /,
  );
});

const policy = {
  minmax: [{ min: specOf(128), max: specOf(32768) }],
  std: specOf(128),
  'disk-templates': ['drbd', 'plain'],
  'vcpu-ratio': 4,
  'spindle-ratio': 32,
};

function specOf(memory: number) {
  return {
    'memory-size': memory,
    'cpu-count': 8,
    'disk-size': 1048576,
    'disk-count': 16,
    'nic-count': 8,
    'spindle-use': 12,
  };
}

/** What a master daemon answers to the four queries. */
function luxiAnswers(): { groups: unknown; nodes: unknown; instances: unknown; cluster: unknown } {
  return {
    groups: { data: [row('uuid-1', 'default', 'preferred', policy, [])] },
    nodes: { data: [nodeRow('node1'), nodeRow('node2', true)] },
    instances: { data: [instanceRow('inst1')] },
    cluster: {
      tags: ['htools:iextags:a'],
      ipolicy: policy,
      master: 'node1',
      default_hypervisor: 'kvm',
    },
  };
}

test('a cluster comes over LUXI', async () => {
  const answers = luxiAnswers();
  const asked: [string, readonly unknown[]][] = [];
  const client = {
    call: (method: string, args: readonly unknown[]) => {
      asked.push([method, args]);
      const key = method === 'Query' ? (`${String(args[0])}s` as keyof typeof answers) : 'cluster';
      return Promise.resolve(answers[key]);
    },
  };
  const cluster = mergeCluster(parseLuxi(await queryCluster(client)), { now: 0 });
  settleMemory(cluster, 4096);
  assert.deepEqual(
    asked.map(([method, args]) => [method, args[0]]),
    [
      ['Query', 'node'],
      ['Query', 'instance'],
      ['QueryClusterInfo', undefined],
      ['Query', 'group'],
    ],
  );
  const { nodes, instances } = cluster;
  assert.equal(nodes.isMaster[0], 1);
  assert.equal(nodes.offline[1], 1);
  assert.equal(nodes.nodeMemory[0], 4096);
  assert.deepEqual(instances[0]!.exclusionTags, ['a:b']);
  assert.equal(instances[0]!.secondary, 1);
});

test('volume groups come over LUXI when a disk is in another than the main one', () => {
  const answers = luxiAnswers();
  const parsed = (column: unknown) => {
    const [node1, node2] = (answers.nodes as { data: unknown[][] }).data;
    const [instance] = (answers.instances as { data: unknown[][] }).data;
    const nodes = {
      data: [
        [...node1!, [0, { hdd: { total: 50000, free: 20000 } }]],
        [...node2!, [4, null]],
      ],
    };
    return parseLuxi({ ...answers, nodes, instances: { data: [[...instance!, column]] } });
  };
  const { nodes, instances } = parsed([0, ['hdd']]);
  assert.deepEqual(nodes.volumeGroups, [new Map([['hdd', { total: 50000, free: 20000 }]]), undefined]);
  assert.deepEqual(instances[0]!.otherVolumes, new Map([['hdd', 10112]]));
  assert.equal(instances[0]!.mainDisk, 128);
  for (const unused of [
    [0, [null]],
    [1, null],
  ]) {
    const plain = parsed(unused);
    assert.deepEqual(plain.nodes.volumeGroups, [undefined, undefined]);
    assert.equal(plain.instances[0]!.otherVolumes, undefined);
  }
});

test('LUXI answers that make no sense are refused', () => {
  const parse = (changes: Partial<LuxiAnswers>) => refused(() => parseLuxi({ ...luxiAnswers(), ...changes }));
  assert.match(parse({ groups: 'rubbish' }), /^Invalid input, expected dict entry/);
  assert.match(parse({ nodes: { data: [[1]] } }), /^Parsing new node: Invalid query field/);
  assert.match(parse({ cluster: [] }), /^Cannot parse cluster info, not a JSON record$/);
  const unknown = { data: [luxiAnswers().nodes as never] };
  assert.match(parse({ nodes: unknown }), /^Invalid query row result/);
  const answers = luxiAnswers() as { instances: { data: unknown[][] } };
  answers.instances.data[0]![1] = [4, null];
  assert.equal(
    refused(() => parseLuxi(answers as never)),
    "Instance 'inst1', error while reading attribute 'disk_usage': Ganeti reports resource as offline",
  );
});

test('RAPI answers that make no sense are refused', () => {
  const good = { groups: '[]', nodes: '[]', instances: '[]', info: '{}' };
  assert.match(
    refused(() => parseRapi({ ...good, groups: '<html>' })),
    /^Parsing group data: Invalid JSON/,
  );
  assert.match(
    refused(() => parseRapi({ ...good, nodes: '{"a": 1}' })),
    /^Parsing node data: Unable to read List$/,
  );
  assert.match(
    refused(() => parseRapi(good)),
    /^Parsing cluster data: key 'master' not found, object contains only \[\]$/,
  );
  const info = JSON.stringify({ master: 'm', tags: [], ipolicy: policy, default_hypervisor: 'kvm' });
  assert.equal(
    refused(() => parseRapi({ ...good, info })),
    'Master node m unknown',
  );
});

test('monitoring sets the CPU load of nodes and shares it out to instances', () => {
  const load = () =>
    mergeCluster(parseText(new SampleCluster({ nodes: 2, instances: 2 }).text()), { now: 0 });
  const cluster = load();
  const { nodes, instances } = cluster;
  const file = nodes.order.map((node) => ({
    node: nodes.name[node],
    reports: [{ name: 'cpu-avg-load', data: { cpu_number: 2, cpus: [1, 2], cpu_total: 3 } }],
  }));
  const reports = parseReports(JSON.stringify(file));
  const byNode = new Map(
    nodes.order.map((node) => [node, reports.get(nodes.name[node]!)!.get('cpu-avg-load')!]),
  );
  assert.deepEqual(useReports(cluster, 'cpu-avg-load', byNode), []);
  assert.equal(nodes.cpuLoad[0], 3);
  const [first] = instances;
  assert.equal(first!.load.cpu, (3 / nodes.usedCpus[first!.primary]!) * first!.cpus);
  const other = load();
  byNode.delete(0);
  const warnings = useReports(other, 'cpu-avg-load', byNode);
  assert.equal(warnings.length, 1);
  assert.equal(other.instances[0]!.load.cpu, 1);
  const perInstance = new Map(other.nodes.order.map((node) => [node, { inst00001: 1 }]));
  assert.match(
    useReports(other, 'xen-cpu-avg-load', perInstance)[0]!,
    /^No CPU information available for \[/,
  );
});
