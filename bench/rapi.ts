/**
 * The remote API under load: Gantry and real Ganeti 3.0 on this machine in one run, the same requests by the same
 * program. Run by hand:
 *
 *     node bench/rapi.ts [--seconds N] [--instances N] [--million] [--fuzz N] [--idle N] [--no-ganeti]
 *
 * With --million the daemon's memory is read after a million requests as well; --fuzz sends so many broken requests
 * (rapi/rubbish.ts), --idle opens so many connections that say nothing, and both see whether the same process still
 * answers, with the memory that it may have. Prints figures beside the targets and judges by them (exit code 1 when
 * one is missed). Where real Ganeti can't run, its recorded figures stand.
 */
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pollUntil, sleep } from '../src/kit/clock.ts';
import { Failure, messageOf } from '../src/kit/failure.ts';
import { ganetiCluster, gantryCluster, type MeasuredCluster } from './clusters.ts';
import type { FuzzResult } from './rapi/fuzz.ts';
import type { IdleResult } from './rapi/idle.ts';
import type { LoadResult } from './rapi/load.ts';

const programs = resolve(import.meta.dirname, 'rapi');
const connections = 8;
/** What real Ganeti 3.0.2 answered on another machine of 2 cores: requests a second. */
const recorded: Readonly<Record<string, number>> = { '/2/info': 148, '/2/instances?bulk=1': 7.9 };
/** Requests a second that are asked of Gantry. */
const targets: Readonly<Record<string, number>> = { '/2/info': 5000, '/2/instances?bulk=1': 800 };
const mostMemory = 150;
const steadiest = 10;
const million = 1_000_000;

interface Row {
  readonly cluster: string;
  readonly path: string;
  readonly result: LoadResult;
}

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    instances: { type: 'string', default: '200' },
    million: { type: 'boolean', default: false },
    fuzz: { type: 'string', default: '0' },
    idle: { type: 'string', default: '0' },
    'no-ganeti': { type: 'boolean', default: false },
  },
});

async function fill(cluster: MeasuredCluster, count: number): Promise<void> {
  const add = ['gnt-instance', 'add', '--submit', '-t', 'diskless', '-o', 'noop', '--no-nics', '--no-start'];
  const more = ['-n', cluster.nodes[0]!, '--no-ip-check', '--no-name-check'];
  for (let from = 1; from <= count; from += 20) {
    const names = Array.from({ length: Math.min(20, count - from + 1) }, (_, index) => `load${from + index}`);
    await Promise.all(names.map((name) => cluster.run([...add, ...more, name])));
  }
  const ended = async () => {
    const rows = await cluster.run(['gnt-instance', 'list', '--no-headers', '-o', 'name']);
    return rows.trim().split('\n').length >= count ? true : undefined;
  };
  if ((await pollUntil(ended, { everyMs: 1000, timeoutMs: 900_000 })) === undefined)
    throw new Failure('TimeoutError', [`${cluster.name}: the instances are not there`]);
}

/** Runs one of the programs of bench/rapi where the cluster is. */
async function ask<T>(cluster: MeasuredCluster, program: string, ...words: string[]): Promise<T> {
  const listed = await cluster.run(['gnt-node', 'list', '--no-headers', '-o', 'pip']);
  const [address] = listed.trim().split(/\s+/);
  const path = resolve(programs, `${program}.ts`);
  return JSON.parse(await cluster.run([process.execPath, path, address!, '5080', ...words])) as T;
}

async function load(cluster: MeasuredCluster, path: string, ...more: string[]): Promise<LoadResult> {
  const result = await ask<LoadResult>(cluster, 'load', path, '--connections', String(connections), ...more);
  if (result.failures > 0) console.log(`${cluster.name}: ${result.failures} requests for ${path} failed`);
  return result;
}

/** MiB that the daemon has. */
async function memoryOf(cluster: MeasuredCluster): Promise<number> {
  const script = 'grep VmRSS "/proc/$(cat "$GANETI_ROOTDIR/var/run/ganeti/ganeti-rapi.pid")/status"';
  const text = await cluster.run(['sh', '-c', script]);
  return Number(/(\d+) kB/.exec(text)?.[1] ?? Number.NaN) / 1024;
}

const rate = ({ requests, failures, seconds }: LoadResult) => (requests - failures) / seconds;

function print({ cluster, path, result }: Row): void {
  const columns = [
    cluster.padEnd(8),
    path.padEnd(24),
    `${rate(result).toFixed(1)} a second`.padEnd(20),
    `p50 ${result.p50.toFixed(2)} ms`.padEnd(16),
    `p99 ${result.p99.toFixed(2)} ms (${(result.p99 / result.p50).toFixed(1)} times)`.padEnd(30),
    `longest ${result.longest.toFixed(0)} ms`.padEnd(18),
    `${(result.bytes / result.requests / 1024).toFixed(1)} KiB each`,
  ];
  console.log(columns.join(' '));
}

const missed: string[] = [];

function judge(what: string, holds: boolean): void {
  console.log(`${holds ? 'holds ' : 'MISSED'} ${what}`);
  if (!holds) missed.push(what);
}

const processOf = async (cluster: MeasuredCluster) =>
  (await cluster.run(['sh', '-c', 'cat "$GANETI_ROOTDIR/var/run/ganeti/ganeti-rapi.pid"'])).trim();

/** Lines of the daemon's log that tell of a fault of its own. */
async function complaints(cluster: MeasuredCluster): Promise<string[]> {
  const script = 'grep -E "ERROR|Unhandled|    at " "$GANETI_ROOTDIR/var/log/ganeti/rapi-daemon.log" || :';
  return (await cluster.run(['sh', '-c', script])).split('\n').filter((line) => line !== '');
}

async function bearsHarm(
  cluster: MeasuredCluster,
  mostMiB: number,
  what: string,
  harm: () => Promise<void>,
): Promise<void> {
  const [before, known] = [await processOf(cluster), (await complaints(cluster)).length];
  await harm();
  const memory = await memoryOf(cluster);
  judge(`${what}: the same process answers`, before === (await processOf(cluster)));
  judge(`${what}: memory ${memory.toFixed(0)} MiB, asked ${mostMiB}`, memory < mostMiB);
  const told = (await complaints(cluster)).slice(known);
  judge(`${what}: ${told.length} complaints in its log ${told.slice(0, 3).join(' | ')}`, told.length === 0);
}

/** Of many requests, since a command has its time. */
const part = 100_000;

/** The parts' sums, with the slowest part's times. */
async function manyRequests(cluster: MeasuredCluster, path: string, count: number): Promise<LoadResult> {
  const parts: LoadResult[] = [];
  for (let from = 0; from < count; from += part)
    parts.push(await load(cluster, path, '--requests', String(Math.min(part, count - from))));
  const sum = (of: (one: LoadResult) => number) => parts.reduce((total, one) => total + of(one), 0);
  const most = (of: (one: LoadResult) => number) => Math.max(...parts.map(of));
  return {
    requests: sum(({ requests }) => requests),
    failures: sum(({ failures }) => failures),
    seconds: sum(({ seconds }) => seconds),
    bytes: sum(({ bytes }) => bytes),
    p50: most(({ p50 }) => p50),
    p99: most(({ p99 }) => p99),
    longest: most(({ longest }) => longest),
  };
}

async function fuzz(cluster: MeasuredCluster, count: number): Promise<void> {
  await bearsHarm(cluster, mostMemory, `${count} broken requests`, async () => {
    const statuses: Record<string, number> = {};
    const faults: string[] = [];
    let seconds = 0;
    for (let from = 0; from < count; from += part) {
      const words = ['--from', String(from), '--requests', String(Math.min(part, count - from))];
      const found = await ask<FuzzResult>(cluster, 'fuzz', ...words);
      seconds += found.seconds;
      faults.push(...found.faults);
      for (const [status, times] of Object.entries(found.statuses))
        statuses[status] = (statuses[status] ?? 0) + times;
    }
    console.log(`${count} broken requests in ${seconds.toFixed(0)} s: ${JSON.stringify(statuses)}`);
    judge(`all of them answered well ${faults.slice(0, 5).join(', ')}`, faults.length === 0);
  });
}

/**
 * A connection takes up to 65 KiB, and a thousand may wait for their clients at once (src/rapi/connections.ts), however
 * many are opened. A second time shows whether something of them stays.
 */
const mostIdleMemory = 300;
const mostGrowth = 1.2;

async function idle(cluster: MeasuredCluster, count: number): Promise<void> {
  await bearsHarm(cluster, mostIdleMemory, `${count} idle connections`, async () => {
    await idleOnce(cluster, count);
    const first = await memoryOf(cluster);
    await idleOnce(cluster, count);
    const second = await memoryOf(cluster);
    judge(
      `nothing of them stays: ${first.toFixed(0)} MiB, then ${second.toFixed(0)}`,
      second < first * mostGrowth,
    );
  });
}

async function idleOnce(cluster: MeasuredCluster, count: number): Promise<void> {
  const asked = ask<IdleResult>(cluster, 'idle', '--connections', String(count));
  let most = 0;
  while ((await Promise.race([asked, sleep(1000)])) === undefined)
    most = Math.max(most, await memoryOf(cluster));
  const { opened, answerMs, closed, seconds } = await asked;
  console.log(
    `${opened} idle connections: /2/info in ${answerMs.toFixed(1)} ms, ${closed} shown out after ${seconds.toFixed(0)} s, ` +
      `${most.toFixed(0)} MiB at most`,
  );
  judge('all of them opened and shown out', opened === count && closed >= opened);
}

function machine(): string {
  const [one] = loadavg() as [number, number, number];
  const cpus = readFileSync('/proc/cpuinfo', 'utf8').match(/^processor\s/gm)?.length ?? 0;
  return `load ${one.toFixed(1)} on ${cpus} processors`;
}

async function measure(cluster: MeasuredCluster, instances: number): Promise<Row[]> {
  await fill(cluster, instances);
  const rows: Row[] = [];
  for (const path of Object.keys(targets)) {
    await load(cluster, path, '--seconds', '2');
    rows.push({
      cluster: cluster.name,
      path,
      result: await load(cluster, path, '--seconds', options.seconds),
    });
  }
  return rows;
}

const clusters: MeasuredCluster[] = [];
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void Promise.allSettled(clusters.map((cluster) => cluster.down())).then(() => process.exit(1));
  });
}

console.log(`before: ${machine()}`);
const rows: Row[] = [];
try {
  const gantry = await gantryCluster();
  clusters.push(gantry);
  rows.push(...(await measure(gantry, Number(options.instances))));
  console.log(`Gantry's daemon: ${(await memoryOf(gantry)).toFixed(0)} MiB`);
  if (options.million) {
    const result = await manyRequests(gantry, '/2/info', million);
    judge(`${result.requests} requests, ${result.failures} of them without an answer`, result.failures === 0);
    rows.push({ cluster: 'Gantry', path: '/2/info (million)', result });
    const memory = await memoryOf(gantry);
    judge(
      `memory after a million requests: ${memory.toFixed(0)} MiB, asked ${mostMemory}`,
      memory < mostMemory,
    );
  }
  if (Number(options.fuzz) > 0) await fuzz(gantry, Number(options.fuzz));
  if (Number(options.idle) > 0) await idle(gantry, Number(options.idle));
  if (!options['no-ganeti']) {
    try {
      const ganeti = await ganetiCluster();
      clusters.push(ganeti);
      rows.push(...(await measure(ganeti, Number(options.instances))));
    } catch (error) {
      console.log(`real Ganeti can't run here: ${messageOf(error)}`);
    }
  }
} finally {
  for (const cluster of clusters) await cluster.down();
}
for (const row of rows) print(row);
for (const [path, target] of Object.entries(targets)) {
  const found = (name: string) => rows.find((row) => row.cluster === name && row.path === path)?.result;
  const ours = found('Gantry');
  if (ours === undefined) continue;
  const theirs = found('Ganeti');
  const reference = theirs === undefined ? recorded[path]! : rate(theirs);
  const times = `${(rate(ours) / reference).toFixed(1)} times Ganeti's ${theirs === undefined ? 'recorded ' : ''}${reference.toFixed(1)}`;
  judge(`${path}: ${rate(ours).toFixed(0)} a second, asked ${target}; ${times}`, rate(ours) >= target);
  const spread = ours.p99 / ours.p50;
  judge(`${path}: p99 ${spread.toFixed(1)} times p50, asked ${steadiest}`, spread < steadiest);
}
console.log(`after: ${machine()}; ${options.instances} instances, ${connections} connections`);
process.exitCode = missed.length > 0 ? 1 : 0;
