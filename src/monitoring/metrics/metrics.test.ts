/** Figures from recorded files, and their form: every line must be one that Prometheus reads. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { mergeCluster } from '../../htools/core/loading.ts';
import { parseText } from '../../htools/load/text.ts';
import { residentBytes } from '../../hypervisors/kvm/usage.ts';
import { silentLog } from '../../kit/log.ts';
import { pathsFor } from '../../kit/paths.ts';
import type { CollectorWorld } from '../collectors/collector.ts';
import { parseDrbd } from '../collectors/drbd.ts';
import { processFigures } from './daemons.ts';
import { Metrics, openMetricsType, prometheusType, render } from './exposition.ts';
import { families } from './families.ts';
import { diskLink } from './instances.ts';
import { balanceMetrics, statisticsMetrics } from './master.ts';
import { memoryStates, processorTimes } from './node.ts';
import { createScraper, localSources } from './scrape.ts';
import type { Source } from './source.ts';
import { mirrorMetrics, parseGroups } from './storage.ts';

const samples = join(import.meta.dirname, '..', 'testdata');
const lines = (metrics: Metrics) =>
  render(metrics, false)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
const of = (fill: (metrics: Metrics) => void) => {
  const metrics = new Metrics();
  fill(metrics);
  return lines(metrics);
};

test('both forms differ in counters and in the end', () => {
  const metrics = new Metrics();
  metrics.add('ganeti_instance_cpu_seconds_total', 1.5, { instance_name: 'a"b\\c\nd' });
  metrics.add('ganeti_locks_held', Number.NaN);
  metrics.add('ganeti_lock_waits', null);
  const help = '# HELP ganeti_instance_cpu_seconds_total Processor time that an instance has used.\n';
  assert.equal(
    render(metrics, false),
    `${help}# TYPE ganeti_instance_cpu_seconds_total counter\nganeti_instance_cpu_seconds_total{instance_name="a\\"b\\\\c\\nd"} 1.5\n`,
  );
  assert.equal(
    render(metrics, true),
    `${help.replace('_total', '')}# TYPE ganeti_instance_cpu_seconds counter\nganeti_instance_cpu_seconds_total{instance_name="a\\"b\\\\c\\nd"} 1.5\n# EOF\n`,
  );
});

test('labels are those of the table', () => {
  assert.throws(() => new Metrics().add('ganeti_locks_held', 1, { node: 'x' }), RangeError);
  assert.throws(() => new Metrics().add('ganeti_drbd_connected', 1, { minor: 0 }), RangeError);
  for (const [name, { type }] of Object.entries(families)) {
    assert.match(name, /^ganeti_[a-z0-9_]+$/);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
  }
});

test('any text is a label that can be read', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const [line = ''] = of((metrics) => metrics.add('ganeti_instance_vcpus', 1, { instance_name: text }));
      assert.match(line, /^ganeti_instance_vcpus\{instance_name="(?:[^"\\\n]|\\["\\n])*"\} 1$/);
    }),
  );
});

test('a histogram has its buckets, sum and count', () => {
  const value = { bounds: [0.1, 1], counts: [2, 3], count: 4, sum: 7.5 };
  assert.deepEqual(
    of((metrics) => metrics.addHistogram('ganeti_commit_seconds', value)),
    [
      'ganeti_commit_seconds_bucket{le="0.1"} 2',
      'ganeti_commit_seconds_bucket{le="1"} 3',
      'ganeti_commit_seconds_bucket{le="+Inf"} 4',
      'ganeti_commit_seconds_sum 7.5',
      'ganeti_commit_seconds_count 4',
    ],
  );
});

test('mirrors: connection, sync, what is missing', () => {
  const text = readFileSync(join(samples, 'drbd-84-sync.txt'), 'utf8');
  const { deviceInfos } = parseDrbd(text, [['node1', 5, 'web', 'disk/0', 'primary', 'node2']]);
  const found = of((metrics) => {
    for (const mirror of deviceInfos) mirrorMetrics(mirror, metrics);
  });
  const expected = [
    'ganeti_drbd_connected{minor="0",instance_name=""} 0',
    'ganeti_drbd_connected{minor="5",instance_name="web"} 1',
    'ganeti_drbd_up_to_date{minor="5",instance_name="web"} 0',
    'ganeti_drbd_sync_percent{minor="5",instance_name="web"} 68.5',
    'ganeti_drbd_out_of_sync_bytes{minor="5",instance_name="web"} 343801856',
    'ganeti_drbd_sent_bytes_total{minor="5",instance_name="web"} 734199808',
    'ganeti_drbd_info{minor="5",instance_name="web",connection="SyncSource",role="Secondary",peer_role="Secondary",disk="UpToDate",peer_disk="Inconsistent"} 1',
  ];
  for (const line of expected) assert.ok(found.includes(line), `${line}\n${found.join('\n')}`);
  assert.ok(!found.some((line) => line.includes('minor="3"')), 'not configured');
});

test('volume groups, processes, memory, processors, links', () => {
  assert.deepEqual(parseGroups('  xenvg|4290772992|3758096384|4|0\n  WARNING: whatever\n'), [
    { name: 'xenvg', size: 4290772992, free: 3758096384, volumes: 4, missing: 0 },
  ]);
  const stat = `312 (a) b) S 1 312 312 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 11 0 4711 1000000 2048 18446744073709551615`;
  assert.deepEqual(processFigures(stat), { cpuSeconds: 3, residentBytes: 8388608, started: 47.11 });
  assert.deepEqual(memoryStates('MemTotal: 100 kB\nMemFree:   50 kB\nMemAvailable: 75 kB\n'), {
    ...{ total: 102400, free: 51200, available: 76800 },
  });
  const { seconds, booted } = processorTimes('cpu  100 200 300 400 500 600 700 800 0 0\nbtime 1700000000\n');
  assert.deepEqual([seconds[0], seconds[7], booted], [['user', 1], ['steal', 8], 1700000000]);
  assert.equal(residentBytes('Name: x\nVmRSS:\t  12 kB\n'), 12288);
  assert.equal(residentBytes('Name: kthreadd\n'), null);
  assert.deepEqual(diskLink('web:1.example.com:12'), { instance: 'web:1.example.com', disk: 12 });
  assert.equal(diskLink('web.example.com'), undefined);
});

test('the master: states without jobs count none', () => {
  const statistics = {
    jobs: { running: 2 },
    drained: true,
    locks: { held: 3, waiting: 1 },
    commits: { bounds: [], counts: [], count: 0, sum: 0 },
    candidates: { behind: 1 },
    nodes: { master: 1, candidate: 2 },
    instances: { up: 5 },
  };
  const found = of((metrics) => statisticsMetrics(statistics, metrics));
  for (const line of [
    'ganeti_jobs{status="running"} 2',
    'ganeti_jobs{status="error"} 0',
    'ganeti_job_queue_drained 1',
    'ganeti_lock_waits 1',
    'ganeti_candidates_behind 1',
    'ganeti_cluster_nodes{role="offline"} 0',
    'ganeti_cluster_instances{state="up"} 5',
  ])
    assert.ok(found.includes(line), line);
});

test('balance: score, failing nodes and room to take over, by group', () => {
  const text = `group-01|fake-uuid-01|preferred||
group-02|fake-uuid-02|preferred||

node-1|1024|0|512|95367|94343|4|N|fake-uuid-01
node-2|1024|0|1024|95367|95367|4|N|fake-uuid-01
node-3|1024|0|1024|95367|95367|4|N|fake-uuid-02

inst-1|512|1024|1|running|Y|node-1|node-2|drbd||1

`;
  const cluster = mergeCluster(parseText(text), { now: 0 });
  const found = of((metrics) => balanceMetrics(cluster, metrics));
  const mebibyte = 1024 ** 2;
  assert.ok(
    found.includes(`ganeti_group_n1_headroom_bytes{group="group-01"} ${512 * mebibyte}`),
    found.join('\n'),
  );
  assert.ok(found.includes(`ganeti_group_n1_headroom_bytes{group="group-02"} ${1024 * mebibyte}`));
  assert.ok(found.includes('ganeti_group_n1_failing_nodes{group="group-01"} 0'));
  assert.equal(found.filter((line) => line.startsWith('ganeti_group_score')).length, 2);
});

const world: CollectorWorld = {
  log: silentLog,
  hostname: 'node1.example.com',
  readText: (path) => readFile(path, 'utf8'),
  run: async () => {
    throw new Error('no programs here');
  },
  ask: async () => {
    throw new Error('nobody answers');
  },
  reasonFile: () => '/nowhere',
  now: () => 1_700_000_000_000,
};

test('a part that fails or hangs hides no other, and is told', async () => {
  const paths = pathsFor({ GANETI_ROOTDIR: '/nowhere' });
  const part = (name: string, read: Source['read']): Source => ({ name, read });
  let reads = 0;
  const scrape = createScraper(
    [
      part('good', async (_context, metrics) => {
        reads += 1;
        metrics.add('ganeti_locks_held', 1);
      }),
      part('bad', async (_context, metrics) => {
        metrics.add('ganeti_lock_waits', 2);
        throw new Error('half way');
      }),
      part('slow', () => new Promise(() => {})),
    ],
    { paths, world },
    20,
  );
  const [first, second] = await Promise.all([
    scrape(undefined),
    scrape('application/openmetrics-text; version=1.0.0'),
  ]);
  assert.deepEqual([first.type, second.type, reads], [prometheusType, openMetricsType, 1]);
  for (const line of [
    'ganeti_locks_held 1',
    'ganeti_lock_waits 2',
    'ganeti_scrape_success{part="good"} 1',
    'ganeti_scrape_success{part="bad"} 0',
    'ganeti_scrape_success{part="slow"} 0',
  ])
    assert.ok(first.body.includes(`${line}\n`), line);
  assert.ok(second.body.endsWith('# EOF\n'));
});

test('this machine can be read', { skip: !existsSync('/proc/diskstats') }, async () => {
  const root = await mkdtemp(join(tmpdir(), 'gantry-metrics-'));
  try {
    const { body } = await createScraper(localSources, { paths: pathsFor({ GANETI_ROOTDIR: root }), world })(
      undefined,
    );
    for (const part of ['node', 'instances', 'daemons', 'drbd', 'volume_groups'])
      assert.ok(body.includes(`ganeti_scrape_success{part="${part}"} 1`), `${part}\n${body}`);
    assert.match(body, /^ganeti_node_memory_bytes\{state="available"\} \d+$/m);
    assert.match(body, /^ganeti_daemon_up\{daemon="ganeti-mond"\} 0$/m);
  } finally {
    await rm(root, { recursive: true });
  }
});
