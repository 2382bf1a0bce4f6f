/**
 * How long the htools take, beside Debian's ganeti-htools where that is installed: the same clusters, in one
 * run, each tool on one processor. Run by hand:
 *
 *     node bench/htools.ts [--only TEXT] [--limit SECONDS] [--no-ganeti]
 *
 * Clusters are mixed, skewed DRBD clusters from a seed (`src/htools/load/sample-cluster.ts`). Debian's tools are
 * stopped after the limit (120 s); what they took on another machine of two cores is shown in their place, marked
 * "recorded", and 200x4000 and above are run with ours alone where theirs would need hours. Figures are seconds of
 * processor time, which other work on the machine disturbs least, and in brackets those that passed. Says whether
 * the outputs are the same; judges nothing else but the targets, and exits 1 when one of these is missed.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { SampleCluster } from '../src/htools/load/sample-cluster.ts';
import { ganetiTool } from './htools/ganeti-tools.ts';
import { type Measured, measured } from './htools/measured.ts';

interface Work {
  readonly tool: string;
  readonly nodes: number;
  readonly instances: number;
  readonly even?: boolean;
  /** "data" for -t with the cluster as a text file, "request" for an allocation request. */
  readonly input: 'data' | 'request';
  readonly args: readonly string[];
  /** Seconds that ours may take. */
  readonly target: number;
  /** MiB that ours may take. */
  readonly memory?: number;
  /** Whether Debian's tool ends within hours. */
  readonly paired: boolean;
  /** Seconds that Debian's tool took on another machine of two cores; at least, where it was stopped. */
  readonly recorded?: number;
  /** Why Debian's 3.0 answers otherwise than 3.1, whose answers ours are. */
  readonly changed?: string;
}

const onData = { input: 'data', args: [] } as const;
const onRequest = { input: 'request', args: [] } as const;
const [small, middle, large, huge] = [
  { nodes: 40, instances: 400 },
  { nodes: 80, instances: 1600 },
  { nodes: 200, instances: 4000 },
  { nodes: 1000, instances: 20000 },
];
const oneGroup = ['-G', 'group01'];
/** Ganeti's commit 3c45a5c27. */
const countedN1 = '3.1 judges N+1 by recorded memory from the start: FailN1 where 3.0 says FailMem';

const works: readonly Work[] = [
  { tool: 'hbal', ...small, ...onData, args: ['-l', '50'], target: 0.4, paired: true, recorded: 85 },
  { tool: 'hbal', ...middle, ...onData, args: ['-l', '5'], target: 0.5, paired: true, recorded: 114 },
  { tool: 'hbal', ...large, ...onData, target: 60, paired: false },
  { tool: 'hbal', ...huge, ...onData, args: ['-l', '50'], target: 60, memory: 1024, paired: false },
  { tool: 'hail', ...large, ...onRequest, target: 0.5, paired: true, recorded: 19.2, changed: countedN1 },
  { tool: 'hail', ...large, even: true, ...onRequest, target: 0.3, paired: true, recorded: 1.7 },
  { tool: 'hspace', ...middle, even: true, ...onData, target: 2, paired: true, recorded: 66 },
  { tool: 'hspace', ...large, even: true, ...onData, target: 10, paired: true, recorded: 300 },
  { tool: 'hcheck', ...small, ...onData, target: 5, paired: true, recorded: 300 },
  { tool: 'hroller', ...large, ...onData, args: oneGroup, target: 0.5, paired: true, recorded: 15.6 },
];

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    limit: { type: 'string', default: '120' },
    'no-ganeti': { type: 'boolean', default: false },
  },
});
const limitMs = Number(options.limit) * 1000;
const folder = mkdtempSync(join(tmpdir(), 'bench-htools-'));

function titleOf({ tool, nodes, instances, even, args }: Work): string {
  return [tool, `${nodes}x${instances}`, even ? 'even' : '', ...args].filter((word) => word !== '').join(' ');
}

/** The tools as they are shipped (tools/build.ts). */
async function bundle(): Promise<string> {
  await build({
    entryPoints: { htools: resolve(import.meta.dirname, '../src/htools/programs/main.ts') },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  return join(folder, 'htools.mjs');
}

function argumentsOf(work: Work): string[] {
  const { nodes, instances, even = false, input, args } = work;
  const file = join(folder, `${nodes}x${instances}${even ? 'even' : ''}.${input}`);
  const cluster = new SampleCluster({ nodes, instances, even });
  writeFileSync(file, input === 'data' ? cluster.text() : cluster.allocationRequest());
  return input === 'data' ? ['-t', file, ...args] : [...args, file];
}

function seconds({ processor, elapsed, code }: Measured): string {
  if (code === undefined) return `over ${(limitMs / 1000).toFixed(0)} s`;
  return `${processor.toFixed(2)} (${elapsed.toFixed(2)}) s`;
}

/** Their time in this run, else the recorded one. */
function theirsShown({ recorded }: Work, theirs: Measured | undefined): string {
  const before = recorded === undefined ? '' : `, recorded ${recorded} s`;
  if (theirs !== undefined) return `${seconds(theirs)}${theirs.code === undefined ? before : ''}`;
  return recorded === undefined ? '-' : `recorded ${recorded} s`;
}

function verdict({ recorded, changed }: Work, ours: Measured, theirs: Measured | undefined): string {
  const times = (processor: number) => `×${(processor / ours.processor).toFixed(0)}`;
  if (theirs?.code === undefined) {
    const known = Math.max(theirs?.processor ?? 0, recorded ?? 0);
    return known === 0 ? '' : `${times(known)} or more`;
  }
  return `${times(theirs.processor)}, ${theirs.stdout === ours.stdout ? 'same output' : (changed ?? 'OTHER OUTPUT')}`;
}

async function compare(work: Work, script: string): Promise<boolean> {
  const argv = argumentsOf(work);
  const environment = { ...process.env, HTOOLS: work.tool, NODE_COMPILE_CACHE: join(folder, 'cache') };
  const node = ['--disable-warning=ExperimentalWarning', script];
  // Once without being measured fills the cache of compiled code, as any use before does.
  if (work.target < 5) await measured(process.execPath, [...node, ...argv], environment, limitMs);
  const ours = await measured(process.execPath, [...node, ...argv], environment, limitMs * 10);
  const tool = options['no-ganeti'] || !work.paired ? undefined : ganetiTool(work.tool);
  const theirs = tool === undefined ? undefined : await measured(tool, argv, process.env, limitMs);
  const tooLarge = work.memory !== undefined && ours.memory > work.memory;
  const missed = ours.processor > work.target || tooLarge;
  const columns = [
    titleOf(work).padEnd(30),
    seconds(ours).padEnd(18),
    `${ours.memory.toFixed(0)} MiB`.padStart(9),
    `≤ ${work.target} s`.padEnd(9),
    missed ? 'missed' : 'kept  ',
    theirsShown(work, theirs).padEnd(26),
    verdict(work, ours, theirs),
  ];
  console.log(columns.join('  ').trimEnd());
  return !missed && ours.code === 0;
}

try {
  const script = await bundle();
  console.log(`load ${loadavg()[0]!.toFixed(1)} on ${availableParallelism()} processors`);
  let kept = true;
  for (const work of works) {
    if (titleOf(work).includes(options.only)) kept = (await compare(work, script)) && kept;
  }
  process.exitCode = kept ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
