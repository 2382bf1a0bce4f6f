/** hinfo: shows what the tools see of a cluster (hinfo(1)). */

import { clusterSuffix } from '../core/loading.ts';
import { clusterScore } from '../core/score/score.ts';
import { type Cluster, splitByGroup, splitInstances, unredundant, wholeOf } from '../core/terms/cluster.ts';
import { fixed, table } from '../core/terms/format.ts';
import { policyShown } from '../core/terms/policy-shown.ts';
import { maybePrintInstances, maybePrintNodes, scoreTable } from './listing.ts';
import { loadCluster, setNodeStatus } from './load-cluster.ts';
import type { Options } from './options.ts';
import { type Program, type ProgramContext, refuseArguments } from './program.ts';

function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}

function showCommon(cluster: Cluster, options: Options, context: ProgramContext): void {
  const { nodes, instances, groups } = cluster;
  if (instances.length === 0 && options.verbosity > 1) context.out('Cluster is empty.\n');
  context.out(
    `Loaded ${counted(nodes.order.length, 'node')}, ${counted(instances.length, 'instance')}, ` +
      `${counted(groups.size, 'node group')}\n`,
  );
  const suffix = clusterSuffix(cluster);
  if (suffix !== '' && options.verbosity > 2) {
    context.out(`Note: Stripping common suffix of '${suffix}' from names\n`);
  }
}

function showSplit(cluster: Cluster, options: Options, context: ProgramContext): void {
  const split = splitInstances(wholeOf(cluster));
  if (split.length > 0) {
    context.out('Found instances belonging to multiple node groups:\n');
    for (const { name } of split) context.err(`  ${name}\n`);
  } else if (options.verbosity > 1) {
    context.out('No split instances found\n');
  }
}

function showGroups(cluster: Cluster, options: Options, context: ProgramContext): void {
  let happy = true;
  const rows = splitByGroup(wholeOf(cluster)).map(({ group, part }) => {
    const bad = unredundant(part);
    if (bad.nodes.length > 0) happy = false;
    return [
      cluster.groups.get(group)!.name,
      String(part.list.length),
      String(part.instances.length),
      String(bad.nodes.length),
      String(bad.instances.length),
      bad.nodes.length === 0 ? 'True' : 'False',
      fixed(clusterScore(part.nodes, part.list), 8),
    ];
  });
  if (options.verbosity > 1) {
    const header = ['Group', 'Nodes', 'Instances', 'Bad_Nodes', 'Bad_Instances', 'N+1', 'Score'];
    const numeric = [false, true, true, true, true, false, true];
    context.out(`Node group information:\n${table('  ', header, rows, numeric)}`);
  }
  context.out(`Cluster is N+1 ${happy ? 'happy' : 'unhappy'}\n`);
}

async function main(options: Options, args: readonly string[], context: ProgramContext): Promise<void> {
  refuseArguments(args);
  const cluster = await loadCluster(options, context);
  context.out(`Loaded cluster tags: ${cluster.tags.join(',')}\n`);
  if (options.verbosity > 2) context.out(`Loaded cluster ipolicy: ${policyShown(cluster.policy)}\n`);
  setNodeStatus(cluster, options);
  showCommon(cluster, options, context);
  showSplit(cluster, options, context);
  showGroups(cluster, options, context);
  const whole = wholeOf(cluster);
  maybePrintInstances(context, options, 'Instances', whole);
  maybePrintNodes(context, options, 'Cluster', whole.nodes, whole.list);
  context.out(`Cluster coefficients:\n${scoreTable(whole.nodes, whole.list)}`);
  context.out(`Cluster score: ${fixed(clusterScore(whole.nodes, whole.list), 8)}\n`);
}

export const hinfo: Program = {
  name: 'hinfo',
  purpose: 'shows a cluster with its nodes and instances',
  options: [
    'printNodes',
    'printInstances',
    'dataFile',
    'master',
    'luxi',
    'allocatorSource',
    'verbose',
    'quiet',
    'offline',
    'ignoreDynamicUse',
    'monitoring',
    'monitoringFile',
    'staticKvmNodeMemory',
  ],
  arguments: [],
  main,
};
