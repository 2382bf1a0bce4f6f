/** Loads the cluster from the source that the options name, and applies the options that change it. */

import { mergeCluster, type RawCluster, settleMemory, UnknownInstances } from '../core/loading.ts';
import type { Cluster } from '../core/terms/cluster.ts';
import { quotedList } from '../core/terms/format.ts';
import { lookupNames } from '../core/terms/name-lookup.ts';
import { type Utilisation, zeroUtilisation } from '../core/terms/vocabulary.ts';
import { parseRequestCluster } from '../load/allocator-request.ts';
import { DataError } from '../load/data-error.ts';
import { linesOf, readNumber } from '../load/scan.ts';
import { simulate } from '../load/simulated.ts';
import { parseText } from '../load/text.ts';
import { readText } from './files.ts';
import type { Options } from './options.ts';
import { failure, type ProgramContext } from './program.ts';
import { applyMonitoring, loadLuxi, loadRapi } from './sources.ts';

function readUtilisation(line: string): readonly [string, Utilisation] {
  const fields = line.split(' ');
  const [name, cpu, memory, disk, network] = fields;
  if (fields.length !== 5) throw new DataError(`Cannot parse line ${line}`);
  const number = (text: string | undefined) => readNumber(name!, text!);
  return [name!, { cpu: number(cpu), memory: number(memory), disk: number(disk), network: number(network) }];
}

function utilisationOf(options: Options): (readonly [string, Utilisation])[] {
  if (options.utilisationFile === undefined) return [];
  const text = readText(options.utilisationFile);
  try {
    return linesOf(text).map(readUtilisation);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw failure(`can't parse utilisation data: ${error.message}`);
  }
}

async function readSource(options: Options, context: ProgramContext): Promise<RawCluster> {
  if (options.master !== '') return await loadRapi(options.master);
  if (options.luxiSocket !== undefined) return await loadLuxi(options.luxiSocket, context);
  if (options.simulation.length > 0) return simulate(options.simulation);
  if (options.dataFile !== undefined) return parseText(readText(options.dataFile));
  if (options.allocatorSource === '-') return parseRequestCluster(await context.readInput());
  if (options.allocatorSource !== undefined) return parseRequestCluster(readText(options.allocatorSource));
  throw new DataError('No backend selected! Exiting.');
}

/** Says what the records don't explain, unless told to be quiet. */
export function showWarnings(context: ProgramContext, messages: readonly string[]): void {
  if (messages.length === 0) return;
  const lines = messages.map((message) => `  - ${message}\n`).join('');
  context.err(`Warning: cluster has inconsistent data:\n${lines}\n`);
}

function merge(raw: RawCluster, options: Options, now: number): Cluster {
  if (options.ignoreDynamicUse) for (const instance of raw.instances) instance.load = zeroUtilisation;
  try {
    return mergeCluster(raw, {
      utilisation: options.ignoreDynamicUse ? [] : utilisationOf(options),
      exclusionTags: options.exclusionTags.map((tag) => `${tag}:`),
      selected: options.selectedInstances,
      excluded: options.excludedInstances,
      now,
    });
  } catch (error) {
    if (!(error instanceof UnknownInstances)) throw error;
    throw new DataError(`Unknown instance(s): ${quotedList(error.names)}`, { cause: error });
  }
}

/** The cluster that the options name; ends the program when it can't be had. */
export async function loadCluster(options: Options, context: ProgramContext): Promise<Cluster> {
  const chosen = [options.master !== '', options.luxiSocket !== undefined, options.dataFile !== undefined];
  if (chosen.filter(Boolean).length > 1) {
    throw failure('Only one of the rapi, luxi, and data files options should be given.');
  }
  const cluster = await loadMerged(options, context);
  await applyMonitoring(cluster, options, context);
  const messages = settleMemory(cluster, options.staticKvmNodeMemory);
  if (options.verbosity !== 0) showWarnings(context, messages);
  return cluster;
}

async function loadMerged(options: Options, context: ProgramContext): Promise<Cluster> {
  try {
    return merge(await readSource(options, context), options, context.now());
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw failure(`failed to load data, aborting: ${error.message}`);
  }
}

/** Marks nodes offline and sets the limits that options override. */
export function setNodeStatus(cluster: Cluster, options: Options): void {
  const { nodes } = cluster;
  const names = nodes.order.map((node) => nodes.name[node]!);
  const { found, unknown } = lookupNames(names, options.offlineNodes);
  if (unknown.length > 0) {
    throw failure(`wrong node name(s) set as offline: ${unknown.join(',')}\n`);
  }
  for (const node of nodes.order) {
    if (options.maxCpu !== undefined) {
      nodes.cpuRatio[node] = options.maxCpu;
      nodes.highCpu[node] = Math.floor(options.maxCpu * nodes.totalCpus[node]!);
    }
    nodes.lowDisk[node] = Math.floor(options.minDisk * nodes.totalDisk[node]!);
    if (found.includes(nodes.name[node]!)) nodes.offline[node] = 1;
  }
}
