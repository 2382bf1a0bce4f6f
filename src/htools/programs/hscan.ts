/** hscan: saves the state of clusters, read over RAPI or from the local master, as text files (hscan(1)). */

import type { RawCluster } from '../core/loading.ts';
import { mergeCluster, settleMemory } from '../core/loading.ts';
import { clusterScore } from '../core/score/score.ts';
import { type Cluster, unredundant, wholeOf } from '../core/terms/cluster.ts';
import { fixed } from '../core/terms/format.ts';
import { DataError } from '../load/data-error.ts';
import { writeText } from '../load/text-write.ts';
import { withSuffix, writeTextFile } from './files.ts';
import { nodeListing } from './listing.ts';
import type { Options } from './options.ts';
import { Exit, type Program, type ProgramContext } from './program.ts';
import { loadLuxi, loadRapi } from './sources.ts';

function summary(cluster: Cluster): string {
  const { nodes, instances } = cluster;
  const bad = unredundant(wholeOf(cluster));
  const sum = (column: Float64Array) => nodes.order.reduce((total, node) => total + column[node]!, 0);
  const cells = [
    String(nodes.order.length).padStart(5),
    String(instances.length).padStart(5),
    String(bad.nodes.length).padStart(5),
    String(bad.instances.length).padStart(5),
    fixed(sum(nodes.totalMemory), 0).padStart(6),
    String(sum(nodes.freeMemory)).padStart(6),
    fixed(sum(nodes.totalDisk) / 1024, 0).padStart(6),
    String(Math.floor(sum(nodes.freeDisk) / 1024)).padStart(6),
    fixed(clusterScore(nodes, nodes.order), 8),
  ];
  return cells.join(' ');
}

/** Scans one cluster; false when it can't be read. */
async function scan(
  name: string,
  width: number,
  load: () => Promise<RawCluster>,
  options: Options,
  context: ProgramContext,
): Promise<boolean> {
  let raw: RawCluster;
  try {
    raw = await load();
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    context.out(`\nError for ${name}: failed to load data. Details:\n${error.message}\n`);
    return false;
  }
  const cluster = mergeCluster(raw, { now: context.now() });
  settleMemory(cluster, options.staticKvmNodeMemory);
  context.out(`${name.padEnd(width)} ${summary(cluster)}\n`);
  const { nodes, groups, instances, tags, policy } = cluster;
  const list = nodes.order;
  if (options.nodeFields !== undefined) context.out(nodeListing(nodes, list, options.nodeFields));
  const path = withSuffix(`${options.outputDirectory}/${name.replaceAll('/', '_')}`, 'data');
  writeTextFile(path, writeText({ groups, nodes, list, instances, tags, policy }));
  return true;
}

const localName = 'LOCAL';

async function main(options: Options, args: readonly string[], context: ProgramContext): Promise<void> {
  const width = Math.max(...(args.length === 0 ? [localName] : args).map((name) => name.length));
  if (!options.noHeaders) {
    const titles = ['Nodes', 'Inst', 'BNode', 'BInst'].map((title) => title.padStart(5));
    const sizes = ['t_mem', 'f_mem', 't_disk', 'f_disk'].map((title) => title.padStart(6));
    context.out(`${['Name'.padEnd(width), ...titles, ...sizes, 'Score'.padStart(10)].join(' ')}\n`);
  }
  if (args.length === 0) {
    const socket = options.luxiSocket ?? context.querySocket;
    const done = await scan(localName, width, () => loadLuxi(socket, context), options, context);
    if (!done) throw new Exit(2);
  }
  let all = true;
  for (const name of args) {
    if (!(await scan(name, width, () => loadRapi(name), options, context))) all = false;
  }
  if (!all) throw new Exit(2);
}

export const hscan: Program = {
  name: 'hscan',
  purpose: 'saves clusters, seen through their remote API, as files that the other tools read',
  options: ['printNodes', 'outputDirectory', 'luxi', 'verbose', 'noHeaders', 'staticKvmNodeMemory'],
  arguments: ['host 0 none'],
  main,
};
