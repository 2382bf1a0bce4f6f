/**
 * How long the everyday commands take, and what the daemons take of memory: Gantry and real Ganeti 3.0 on this
 * machine in one run, command by command in turn, so that both meet the same load. Run by hand:
 *
 *     node bench/operations.ts [--runs N] [--instances N] [--no-ganeti]
 *
 * Prints medians (lowest to highest) and ratios; judges nothing, since times depend on the machine. Where real
 * Ganeti can't run (it needs root and Debian's packages), the ratios are against recorded figures, which it says.
 */
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { pollUntil } from '../src/kit/clock.ts';
import { Failure, messageOf } from '../src/kit/failure.ts';
import { ganetiCluster, gantryCluster, type MeasuredCluster, type Memory } from './clusters.ts';
import { recordedFigures } from './recorded.ts';

const atOnce = 29;
/** Jobs that wait while the memory of running jobs is measured. */
const waitingJobs = 5;
const waitingSeconds = 8;

interface Figure {
  readonly name: string;
  readonly unit: 's' | 'MiB';
  readonly decimals: number;
  /** By cluster, in the order of the clusters. */
  readonly values: readonly (readonly number[])[];
}

type Work = (cluster: MeasuredCluster, run: number) => Promise<unknown>;

const figures: Figure[] = [];

const addCommand = (cluster: MeasuredCluster, name: string, ...more: string[]) => [
  'gnt-instance',
  'add',
  ...['-t', 'diskless', '-o', 'noop', '-n', cluster.nodes[0]!],
  ...['--no-nics', '--no-ip-check', '--no-name-check'],
  ...more,
  name,
];

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

function record(name: string, unit: Figure['unit'], decimals: number, values: Figure['values']): void {
  figures.push({ name, unit, decimals, values });
}

/** The same work on each cluster in turn, several times. */
async function timed(clusters: readonly MeasuredCluster[], name: string, runs: number, work: Work) {
  const values: number[][] = clusters.map(() => []);
  for (let run = 1; run <= runs; run += 1) {
    for (const [position, cluster] of clusters.entries())
      values[position]!.push(await secondsOf(() => work(cluster, run)));
  }
  record(name, 's', 3, values);
}

/** Submits a job for each name at once and waits until the last has ended. */
async function addTogether(cluster: MeasuredCluster, names: readonly string[], ...more: string[]) {
  const outputs = await Promise.all(
    names.map((name) => cluster.run(addCommand(cluster, name, '--submit', '--print-jobid', ...more))),
  );
  const jobs = outputs.map((output) => {
    const id = /(\d+)\s*$/.exec(output)?.[1];
    if (id === undefined) throw new Failure('GenericError', [`${cluster.name} told no job's id: ${output}`]);
    return id;
  });
  const ended = async () => {
    const rows = await cluster.run(['gnt-job', 'list', '--no-headers', '-o', 'id,status', ...jobs]);
    const failed = /^\s*(\d+)\s+(?:error|cancel\w*)$/m.exec(rows);
    if (failed) throw new Failure('GenericError', [`${cluster.name}: job ${failed[1]} has failed`]);
    return rows.match(/^\s*\d+\s+success$/gm)?.length === jobs.length ? true : undefined;
  };
  if ((await pollUntil(ended, { everyMs: 50, timeoutMs: 600_000 })) === undefined)
    throw new Failure('TimeoutError', [`${cluster.name}: the jobs have not ended`]);
}

async function memory(clusters: readonly MeasuredCluster[], name: string, node: number): Promise<Memory[]> {
  const found = await Promise.all(clusters.map((cluster) => cluster.memory(node)));
  const of = (what: keyof Memory) => found.map((sizes) => [sizes[what]]);
  record(name, 'MiB', 0, of('resident'));
  record(`${name}, shared once`, 'MiB', 0, of('proportional'));
  return found;
}

/** How much more memory the master takes for each job that runs. */
async function jobMemory(clusters: readonly MeasuredCluster[]): Promise<void> {
  const values: number[][] = [];
  for (const cluster of clusters) {
    const before = await cluster.memory(1);
    for (let job = 0; job < waitingJobs; job += 1)
      await cluster.run(['gnt-debug', 'delay', '--submit', String(waitingSeconds)]);
    const running = await cluster.memory(1);
    values.push([(running.resident - before.resident) / waitingJobs]);
  }
  record('each running job', 'MiB', 1, values);
}

async function oneByOne(clusters: readonly MeasuredCluster[], runs: number): Promise<void> {
  await timed(clusters, 'add, in a row', runs, (cluster, run) =>
    cluster.run(addCommand(cluster, `row${run}`)),
  );
  const onFirst = (verb: string, ...more: string[]) =>
    timed(
      clusters,
      verb,
      runs,
      async (cluster) => await cluster.run(['gnt-instance', verb, ...more, 'row1']),
    );
  await onFirst('reboot');
  await onFirst('info');
  // Started and stopped in turn, each of them measured.
  const down = clusters.map((): number[] => []);
  const up = clusters.map((): number[] => []);
  for (let run = 0; run < runs; run += 1) {
    for (const [position, cluster] of clusters.entries()) {
      down[position]!.push(await secondsOf(() => cluster.run(['gnt-instance', 'shutdown', 'row1'])));
      up[position]!.push(await secondsOf(() => cluster.run(['gnt-instance', 'startup', 'row1'])));
    }
  }
  record('shutdown', 's', 3, down);
  record('startup', 's', 3, up);
  for (const cluster of clusters) {
    // Said twice, the later template counts.
    await cluster.run(addCommand(cluster, 'shared', '-t', 'sharedfile', '--disk', '0:size=4'));
  }
  await timed(clusters, 'migrate (sharedfile)', runs, (cluster, run) =>
    cluster.run(['gnt-instance', 'migrate', '-f', '-n', cluster.nodes[run % 2]!, 'shared']),
  );
}

async function together(clusters: readonly MeasuredCluster[], runs: number, instances: number) {
  const values: number[][] = [];
  for (const cluster of clusters) {
    const names = Array.from({ length: atOnce }, (_, index) => `together${index + 1}`);
    values.push([(await secondsOf(() => addTogether(cluster, names))) / atOnce]);
  }
  record(`add, ${atOnce} at once`, 's', 3, values);
  // Instances so far: the ones in a row, the shared one, those added together.
  const missing = Math.max(0, instances - runs - 1 - atOnce);
  for (const cluster of clusters) {
    const names = Array.from({ length: missing }, (_, index) => `more${index + 1}`);
    for (let from = 0; from < names.length; from += 20)
      await addTogether(cluster, names.slice(from, from + 20), '--no-start');
  }
  await timed(clusters, 'list of all', runs * 2, (cluster) => cluster.run(['gnt-instance', 'list']));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function show({ decimals, unit }: Figure, values: readonly number[]): string {
  const spread =
    values.length > 1
      ? ` (${Math.min(...values).toFixed(decimals)}–${Math.max(...values).toFixed(decimals)})`
      : '';
  return `${median(values).toFixed(decimals)} ${unit}${spread}`;
}

function print(figure: Figure): void {
  const [ours, theirs] = figure.values as [readonly number[], readonly number[] | undefined];
  const known = recordedFigures[figure.name];
  const reference = theirs ?? (known === undefined ? undefined : [known]);
  // Next to nothing gives no ratio.
  const some = median(ours) >= 0.5 * 10 ** -figure.decimals;
  const ratio = reference === undefined || !some ? undefined : median(reference) / median(ours);
  const columns = [
    figure.name.padEnd(36),
    show(figure, ours).padEnd(26),
    (reference === undefined ? '-' : show(figure, reference)).padEnd(26),
    ratio === undefined ? '-' : `${ratio.toFixed(ratio < 3 ? 2 : 1)}`,
  ];
  console.log(columns.join(' ').trimEnd());
}

function load(): string {
  const [one, five] = loadavg() as [number, number, number];
  const cpus = readFileSync('/proc/cpuinfo', 'utf8').match(/^processor\s/gm)?.length ?? 0;
  return `load ${one.toFixed(1)} (1 min), ${five.toFixed(1)} (5 min) on ${cpus} processors`;
}

async function measure(clusters: readonly MeasuredCluster[], runs: number, instances: number): Promise<void> {
  await memory(clusters, 'empty master', 1);
  await memory(clusters, 'another node', 2);
  await oneByOne(clusters, runs);
  await together(clusters, runs, instances);
  await memory(clusters, 'master with instances', 1);
  await jobMemory(clusters);
}

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    instances: { type: 'string', default: '200' },
    'no-ganeti': { type: 'boolean', default: false },
  },
});

const clusters: MeasuredCluster[] = [];
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void Promise.allSettled(clusters.map((cluster) => cluster.down())).then(() => process.exit(1));
  });
}

console.log(`before: ${load()}`);
try {
  clusters.push(await gantryCluster());
  if (!options['no-ganeti']) {
    try {
      clusters.push(await ganetiCluster());
    } catch (error) {
      console.log(`real Ganeti can't run here: ${messageOf(error)}`);
    }
  }
  await measure(clusters, Number(options.runs), Number(options.instances));
} finally {
  for (const cluster of clusters) await cluster.down();
  console.log(`after: ${load()}; ${options.instances} instances, ${options.runs} runs`);
  if (clusters.length < 2) console.log('Ganeti: recorded on another machine of 2 cores (bench/recorded.ts)');
  console.log(`${'figure'.padEnd(36)} ${'Gantry'.padEnd(26)} ${'Ganeti'.padEnd(26)} Ganeti / Gantry`);
  for (const figure of figures) print(figure);
}
