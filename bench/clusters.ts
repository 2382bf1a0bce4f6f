/**
 * The two clusters that are measured side by side: Gantry's virtual one, and a virtual one of real Ganeti in
 * namespaces of its own (`ganeti/real`). Both run three nodes on loopback or dummy addresses with the fake
 * hypervisor; a command takes the same way into each: a shell script, the node's `cmd`, the program.
 */
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { VirtualLab } from '../lab/harness/virtual.ts';
import { Failure } from '../src/kit/failure.ts';
import { describeFailure, type ProcessResult, runProcess } from '../src/kit/process.ts';

const commandTimeoutMs = 300_000;
const ganetiScript = resolve(import.meta.dirname, 'ganeti', 'real');

/** What the daemons of a node take, in MiB. */
export interface Memory {
  /** Sum of the resident sizes: pages that processes share count once for each. */
  readonly resident: number;
  /** Sum of the proportional sizes: pages that processes share count once in all. */
  readonly proportional: number;
}

export interface MeasuredCluster {
  readonly name: string;
  /** Node names as the cluster knows them; the first is the master. */
  readonly nodes: readonly string[];
  /**
   * Runs a command on the master.
   * @throws Failure CommandError when it exits with anything but 0
   */
  run(argv: readonly string[]): Promise<string>;
  memory(node: number): Promise<Memory>;
  down(): Promise<void>;
}

function outputOf(result: ProcessResult): string {
  if (result.code !== 0) throw new Failure('CommandError', [describeFailure(result)]);
  return result.stdout;
}

/** Processes that were started for the node with this $GANETI_ROOTDIR. */
async function processesOf(root: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const wanted = `GANETI_ROOTDIR=${root}`;
  const environments = await Promise.all(
    ids.map((id) => readFile(`/proc/${id}/environ`, 'latin1').catch(() => '')),
  );
  return ids.filter((_id, position) => environments[position]!.split('\0').includes(wanted));
}

/** A value of a /proc file with lines of "Name:  123 kB", in MiB. */
async function sizeIn(file: string, name: string): Promise<number> {
  const text = await readFile(file, 'latin1').catch(() => '');
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) / 1024;
}

export async function memoryOf(root: string): Promise<Memory> {
  let resident = 0;
  let proportional = 0;
  for (const id of await processesOf(root)) {
    resident += await sizeIn(`/proc/${id}/status`, 'VmRSS');
    proportional += await sizeIn(`/proc/${id}/smaps_rollup`, 'Pss');
  }
  if (resident === 0) throw new Failure('GenericError', [`no daemon runs below ${root}`]);
  return { resident, proportional };
}

export async function gantryCluster(): Promise<MeasuredCluster> {
  const lab = await VirtualLab.up({ nodes: 3 });
  return {
    name: 'Gantry',
    nodes: [1, 2, 3].map((node) => lab.hostName(node)),
    run: (argv) => lab.output(1, argv, { timeoutMs: commandTimeoutMs }),
    memory: (node) => memoryOf(lab.root(node)),
    down: () => lab.down(),
  };
}

export interface GanetiCluster extends MeasuredCluster {
  /** Where its master daemon answers, as a path of this machine. */
  socket(): Promise<string>;
}

/** @throws Failure CommandError when real Ganeti can't run here */
export async function ganetiCluster(): Promise<GanetiCluster> {
  const folder = await mkdtemp('/var/tmp/bench-ganeti-');
  const script = async (...argv: string[]) =>
    outputOf(await runProcess([ganetiScript, ...argv], { timeoutMs: commandTimeoutMs }));
  const directory = join(folder, 'cluster');
  const down = async () => {
    await script('down', folder);
  };
  try {
    await script('up', directory, '3');
  } catch (error) {
    await down();
    throw error;
  }
  return {
    name: 'Ganeti',
    nodes: ['node1', 'node2', 'node3'],
    run: (argv) => script('run', directory, '/srv/vc/node1/cmd', ...argv),
    memory: (node) => memoryOf(`/srv/vc/node${node}`),
    socket: async () => {
      const inside = (await readFile(join(directory, 'keeper.pid'), 'utf8')).trim();
      return `/proc/${inside}/root/srv/vc/node1/var/run/ganeti/socket/ganeti-query`;
    },
    down: async () => {
      await script('down', directory);
      await down();
    },
  };
}
