/**
 * How long `gnt-cluster verify` takes: on 3 nodes with 200 instances, Gantry and real Ganeti 3.0 in turn, and Gantry
 * on 50 nodes with 1,000 instances, one node dead. Run by hand:
 *
 *     node bench/verify.ts [--runs N] [--no-ganeti] [--no-small] [--no-large] [--nodes N] [--instances N]
 *
 * Wall time of the whole command, as a person waits for it; medians (lowest to highest). Judges nothing. Where real
 * Ganeti can't run, its 3.4 s for the small cluster are from another machine of two cores.
 */
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { VirtualLab } from '../lab/harness/virtual.ts';
import { pollUntil } from '../src/kit/clock.ts';
import { Failure, messageOf } from '../src/kit/failure.ts';
import { describeFailure } from '../src/kit/process.ts';
import type { LuxiClient } from '../src/luxi/client.ts';
import { ganetiCluster, gantryCluster, type MeasuredCluster } from './clusters.ts';

const small = 200;
/** Jobs that are submitted side by side. */
const batch = 20;
const recordedSeconds = 3.4;
const bounds =
  'min:disk-size=1,cpu-count=1,disk-count=0,memory-size=1,nic-count=0,spindle-use=1/' +
  'max:disk-size=1048576,cpu-count=8,disk-count=16,memory-size=32768,nic-count=8,spindle-use=12';

/** Daemons of a node that have no part in it. */
const idle = ['ganeti-confd', 'ganeti-mond', 'ganeti-metad'];

type Run = (argv: readonly string[]) => Promise<string>;

const addCommand = (name: string, node: string, ...more: string[]) => [
  ...['gnt-instance', 'add', '-t', 'diskless', '-o', 'noop', '-n', node, '-B', 'memory=16M'],
  ...['--no-nics', '--no-ip-check', '--no-name-check', '--no-install', ...more],
  name,
];

async function fill(run: Run, nodes: readonly string[], count: number, ...more: string[]): Promise<void> {
  for (let from = 0; from < count; from += batch) {
    const names = Array.from({ length: Math.min(batch, count - from) }, (_, index) => from + index);
    await Promise.all(
      names.map((number) => run(addCommand(`inst${number + 1}`, nodes[number % nodes.length]!, ...more))),
    );
  }
}

/** Instances by jobs that are all submitted in one call. */
async function fillAtOnce(client: LuxiClient, nodes: readonly string[], count: number): Promise<void> {
  const jobs = Array.from({ length: count }, (_, index) => [
    {
      OP_ID: 'OP_INSTANCE_CREATE',
      instance_name: `inst${index + 1}`,
      mode: 'create',
      disk_template: 'diskless',
      os_type: 'noop',
      disks: [],
      nics: [],
      pnode: nodes[index % nodes.length],
      beparams: { memory: 16 },
      no_install: true,
      name_check: false,
      ip_check: false,
    },
  ]);
  const answers = (await client.call('SubmitManyJobs', [jobs])) as [boolean, number][];
  const ids = answers.map(([, id]) => id);
  const ended = async () => {
    const rows = (await client.call('QueryJobs', [ids, ['status']])) as [string][];
    const failed = rows.filter(([status]) => status === 'error' || status === 'canceled').length;
    if (failed > 0) throw new Failure('GenericError', [`${failed} instances could not be made`]);
    return rows.every(([status]) => status === 'success') ? true : undefined;
  };
  if ((await pollUntil(ended, { everyMs: 1000, timeoutMs: 600_000 })) === undefined)
    throw new Failure('TimeoutError', ['the instances are not there yet']);
}

/** Seconds of the command, whatever it finds. */
async function secondsOf(run: Run): Promise<number> {
  const begun = performance.now();
  await run(['sh', '-c', 'gnt-cluster verify >/dev/null 2>&1 || true']);
  return (performance.now() - begun) / 1000;
}

function shown(values: readonly number[]): string {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted[Math.floor(sorted.length / 2)]!;
  return `${middle.toFixed(2)} s (${sorted[0]!.toFixed(2)}–${sorted.at(-1)!.toFixed(2)})`;
}

function load(): string {
  const [one, five] = loadavg() as [number, number, number];
  const cpus = readFileSync('/proc/cpuinfo', 'utf8').match(/^processor\s/gm)?.length ?? 0;
  return `load ${one.toFixed(1)} (1 min), ${five.toFixed(1)} (5 min) on ${cpus} processors`;
}

async function measureSmall(runs: number, withGaneti: boolean): Promise<void> {
  const clusters: MeasuredCluster[] = [];
  try {
    clusters.push(await gantryCluster());
    try {
      if (withGaneti) clusters.push(await ganetiCluster());
    } catch (error) {
      console.log(`real Ganeti can't run here: ${messageOf(error)}`);
    }
    for (const cluster of clusters) await fill((argv) => cluster.run(argv), cluster.nodes, small);
    const values: number[][] = clusters.map(() => []);
    for (let run = 0; run < runs; run += 1)
      for (const [position, cluster] of clusters.entries())
        values[position]!.push(await secondsOf((argv) => cluster.run(argv)));
    for (const [position, { name }] of clusters.entries())
      console.log(`3 nodes, ${small} instances, ${name}: ${shown(values[position]!)}`);
    const other = values[1] ?? [recordedSeconds];
    const best = (list: readonly number[]) => list.toSorted((left, right) => left - right)[list.length >> 1]!;
    console.log(`Ganeti / Gantry: ${(best(other) / best(values[0]!)).toFixed(1)}`);
  } finally {
    for (const cluster of clusters) await cluster.down();
  }
}

async function measureLarge(runs: number, nodes: number, instances: number): Promise<void> {
  const lab = await VirtualLab.up({ nodes, init: false });
  const on = async (node: number, argv: readonly string[]): Promise<string> => {
    const result = await lab.run(node, argv, { timeoutMs: 600_000 });
    if (result.code !== 0) throw new Failure('CommandError', [describeFailure(result)]);
    return result.stdout;
  };
  const run: Run = (argv) => on(1, argv);
  try {
    await run([
      ...['gnt-cluster', 'init', '--no-etc-hosts', '--no-ssh-init', '--master-netdev=lo'],
      ...['--enabled-hypervisors=fake', '--enabled-disk-templates=diskless,file,sharedfile'],
      ...['--nic-parameters', 'mode=routed,link=100', '--ipolicy-vcpu-ratio=512'],
      ...['--ipolicy-bounds-specs', bounds, 'cluster.virtual.example'],
    ]);
    const names = Array.from({ length: nodes }, (_, index) => lab.hostName(index + 1));
    const stopped: Promise<unknown>[] = [];
    for (const [index, name] of names.entries()) {
      if (index === 0) continue;
      await run(['gnt-node', 'add', '--no-ssh-key-check', name]);
      // What isn't asked here only takes memory.
      const stop = idle.map((daemon) => `daemon-util stop ${daemon}`).join('; ');
      stopped.push(lab.run(index + 1, ['sh', '-c', stop]));
    }
    await Promise.all(stopped);
    console.log(`${nodes} nodes are there; ${load()}`);
    await fillAtOnce(await lab.luxi(1), names, instances);
    console.log(`${instances} instances are there; ${load()}`);
    const whole: number[] = [];
    const without: number[] = [];
    for (let count = 0; count < runs; count += 1) whole.push(await secondsOf(run));
    console.log(`${nodes} nodes, ${instances} instances, all alive: ${shown(whole)}`);
    await lab.cut(nodes);
    for (let count = 0; count < runs; count += 1) without.push(await secondsOf(run));
    console.log(`${nodes} nodes, ${instances} instances, one that answers nothing: ${shown(without)}`);
    await lab.kill(nodes);
    const dead: number[] = [];
    for (let count = 0; count < runs; count += 1) dead.push(await secondsOf(run));
    console.log(`${nodes} nodes, ${instances} instances, one dead: ${shown(dead)}`);
  } finally {
    await lab.down();
  }
}

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    nodes: { type: 'string', default: '50' },
    instances: { type: 'string', default: '1000' },
    'no-ganeti': { type: 'boolean', default: false },
    'no-large': { type: 'boolean', default: false },
    'no-small': { type: 'boolean', default: false },
  },
});
console.log(`before: ${load()}`);
if (!options['no-small']) await measureSmall(Number(options.runs), !options['no-ganeti']);
if (!options['no-large'])
  await measureLarge(Number(options.runs), Number(options.nodes), Number(options.instances));
console.log(`after: ${load()}`);
