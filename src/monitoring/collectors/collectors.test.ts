/**
 * Collectors held to what Ganeti 3.0.2's own mon-collector gives for the same files (testdata/*.real.json), and to
 * recorded output of the programs that they read.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../kit/failure.ts';
import { silentLog } from '../../kit/log.ts';
import { collectors } from '../../model/collectors.ts';
import { collect, collectOrExplain, Samples } from './catalog.ts';
import type { CollectorWorld } from './collector.ts';
import { cpuLoad, parseCpuWork, withSample } from './cpu-load.ts';
import { parseDrbd } from './drbd.ts';
import { instanceStatus, parseDomains, parseUptimes, withHung } from './instance-status.ts';
import { parseVolumes } from './lv.ts';
import { domainLoads, parseXentop, withDomains } from './xen-cpu-load.ts';

const folder = join(import.meta.dirname, '..', 'testdata');
const sample = (name: string) => readFileSync(join(folder, name), 'utf8');
const real = (name: string) => JSON.parse(sample(name)) as unknown;

const world: CollectorWorld = {
  log: silentLog,
  hostname: 'node1.example.com',
  readText: (path) => readFile(path, 'utf8'),
  run: async (argv) => {
    throw new Failure('CommandError', [`can't run ${argv[0]}`]);
  },
  ask: async () => {
    throw new Failure('TimeoutError', ['nobody answers']);
  },
  reasonFile: () => '/nowhere',
  now: () => 1_700_000_000_123,
};

for (const name of readdirSync(folder).filter((file) => /^drbd-.*\.txt$/.test(file))) {
  test(`${name} gives Ganeti's report`, async () => {
    const inputs = { file: join(folder, name), pairing: join(folder, 'pairing.json') };
    const report = await collect('drbd', world, new Samples(), inputs);
    assert.deepEqual(report.data, real(name.replace('.txt', '.real.json')));
  });
}

test("volumes and disks give Ganeti's reports", async () => {
  const lv = await collect('lv', world, new Samples(), {
    file: join(folder, 'lvs.txt'),
    instances: join(folder, 'instance-disks.json'),
  });
  assert.deepEqual(lv.data, real('lvs.real.json'));
  const disks = await collect('diskstats', world, new Samples(), { file: join(folder, 'diskstats.txt') });
  assert.deepEqual(disks.data, real('diskstats.real.json'));
  assert.deepEqual(Object.keys(disks), [
    ...['name', 'version', 'format_version', 'timestamp', 'category', 'kind', 'data'],
  ]);
  assert.deepEqual(
    [disks.version, disks.timestamp, disks.category],
    ['B', 1_700_000_000_123_000_000, 'storage'],
  );
});

test('every collector of the table can be asked', async () => {
  for (const { name } of collectors) {
    const report = await collectOrExplain(name, world, new Samples());
    assert.equal(report.name, name);
  }
  await assert.rejects(collect('nope', world, new Samples()), RangeError);
});

test('a collector that can do nothing says why, in the form of its kind', async () => {
  const lv = await collectOrExplain('lv', world, new Samples());
  assert.deepEqual(lv.data, { error: "can't run lvs" });
  const status = await collectOrExplain('inst-status-xen', world, new Samples());
  assert.deepEqual(status.data, { status: { code: 2, message: 'nobody answers' } });
});

test('what is no output of these programs is refused', () => {
  assert.throws(() => parseDrbd('root:x:0:0', []), RangeError);
  assert.throws(() => parseVolumes('  a;b;c'), RangeError);
  assert.throws(() => parseCpuWork('intr 1'), RangeError);
  assert.throws(() => parseXentop(''), RangeError);
  assert.throws(() => parseXentop('NAME STATE MEM\n'), RangeError);
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseDrbd(`version: 8.4.2 (api:1/proto:86-101)\n 0: cs:${text}`, []);
      } catch (error) {
        assert.ok(error instanceof RangeError);
      }
    }),
  );
});

test('processors: work of the window, each and all', () => {
  const stat = (user: number, guest: number) =>
    `cpu  ${2 * user} 0 10 500 5 0 0 0 ${guest} 0\ncpu0 ${user} 0 5 250 5 0 0 0 ${guest} 0\ncpu1 ${user} 0 5 250 0 0 0 0 0 0\nintr 5\n`;
  assert.deepEqual(parseCpuWork(stat(100, 90)), [215, 110, 105]);
  const first = withSample([], { time: 0, work: parseCpuWork(stat(100, 0)) });
  assert.deepEqual(cpuLoad([]), { error: 'Empty buffer' });
  assert.match(JSON.stringify(cpuLoad(first)), /Time covered by data is not sufficient/);
  const two = withSample(first, { time: 10_000, work: parseCpuWork(stat(600, 500)) });
  assert.deepEqual(cpuLoad(two), { cpu_number: 2, cpus: [0.5, 0.5], cpu_total: 1 });
  const later = withSample(two, { time: 605_000, work: parseCpuWork(stat(60_100, 0)) });
  assert.deepEqual(cpuLoad(later), { cpu_number: 2, cpus: [1, 1], cpu_total: 2 });
  const other = withSample(later, { time: 606_000, work: [1, 1] });
  assert.equal(other.length, 1, 'a processor less: the past says nothing');
});

test('domains: loads of those that were watched long enough, over a counter that began anew', () => {
  const top = (seconds: number) =>
    `      NAME  STATE   CPU(sec) CPU(%)\n  Domain-0 -----r 9999 1\n  inst1 --b--- ${seconds} 0.5\n`;
  assert.deepEqual([...parseXentop(top(7))], [['inst1', 7]]);
  let samples: Parameters<typeof withDomains>[0] = new Map();
  for (const [time, seconds] of [
    [0, 100],
    [60_000, 130],
    [120_000, 160],
  ] as const)
    samples = withDomains(samples, time, parseXentop(top(seconds)));
  assert.deepEqual(domainLoads(samples), { inst1: 0.5 });
  samples = withDomains(samples, 180_000, parseXentop(top(3)));
  assert.deepEqual(domainLoads(samples), { inst1: 0.5 });
  samples = withDomains(samples, 290_000, new Map());
  assert.deepEqual(domainLoads(samples), {}, 'gone');
});

test('instances of Xen: what is and what should be', () => {
  const list = `Name                                        ID   Mem VCPUs      State   Time(s)
Domain-0                                     0  1023     1     r----- 121152.6
inst1.example.com                            1  1024     1     -b---- 167643.2
inst2.example.com                            2  1024     1     r----- 10.0
`;
  const again = list.replace('167643.2', '167643.9');
  const domains = withHung(parseDomains(list), parseDomains(again));
  assert.deepEqual(
    [domains.get('inst1.example.com')?.state, domains.get('inst2.example.com')?.state],
    ['blocked', 'hung'],
  );
  const uptimes = parseUptimes(sample('xl-uptime.txt'));
  assert.equal(uptimes.get(119), '15 days, 20:57:07');
  const instance = (name: string, admin_state: string) => ({ name, uuid: name, admin_state, mtime: 1 });
  const report = instanceStatus(
    [
      instance('inst1.example.com', 'up'),
      instance('inst2.example.com', 'up'),
      instance('inst3.example.com', 'up'),
      instance('inst4.example.com', 'down'),
      instance('inst5.example.com', 'offline'),
    ],
    {
      domains,
      uptimes: new Map([[1, '1 day']]),
      reasons: new Map([['inst1.example.com', [['gnt', 'why', 5]]]]),
    },
  ) as { instances: Record<string, unknown>[]; status: unknown };
  assert.deepEqual(
    report.instances.map(({ actualState, status }) => [actualState, (status as { code: number }).code]),
    [
      ['blocked', 0],
      ['hung', 2],
      ['unknown', 4],
      ['shutdown', 0],
      ['unknown', 2],
    ],
  );
  assert.deepEqual([report.instances[0]!.uptime, report.instances[1]!.uptime], ['1 day', null]);
  assert.deepEqual(report.instances[0]!.state_reason, [['gnt', 'why', 5]]);
  assert.deepEqual(report.status, {
    code: 4,
    message:
      '\nThe instance is marked as offline\nThe instance is not running as it should be\nInstance marked as running, but it appears to be hung',
  });
});
