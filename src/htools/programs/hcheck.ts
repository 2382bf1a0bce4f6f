/** hcheck: tells how healthy a cluster is and whether balancing would help (hcheck(1)). */
import { canEvacuate } from '../core/allocation/evacuation-check.ts';
import { clusterScore, optimalScore } from '../core/score/score.ts';
import {
  type Cluster,
  type Group,
  type Part,
  splitByGroup,
  unredundant,
  wholeOf,
} from '../core/terms/cluster.ts';
import { fixed } from '../core/terms/format.ts';
import { runBalance } from './balancing.ts';
import { printFinal, printKeys } from './keys.ts';
import { loadCluster, setNodeStatus } from './load-cluster.ts';
import type { Options } from './options.ts';
import { Exit, type Program, type ProgramContext, refuseArguments } from './program.ts';

type Phase = 'initial' | 'rebalanced';

interface GroupCheck {
  readonly group: Group;
  readonly score: number;
  /** One count for each check, in the order of `checksOf`. */
  readonly counts: readonly number[];
}

/** Key and description of each check. */
function checksOf(options: Options): (readonly [key: string, text: string])[] {
  return [
    ['N1_FAIL', 'Nodes not N+1 happy'],
    ['CONFLICT_TAGS', 'Nodes with conflicting instances'],
    ['OFFLINE_PRI', 'Instances having the primary node offline'],
    ['OFFLINE_SEC', 'Instances having a secondary node offline'],
    ...(options.capacityChecks ? ([['GN1_FAIL', 'Nodes not directly evacuateable']] as const) : []),
  ];
}

function checkGroup(cluster: Cluster, group: Group, part: Part, options: Options): GroupCheck {
  const { nodes, list } = part;
  const offline = list.filter((node) => nodes.offline[node] === 1);
  const situation = {
    nodes,
    list,
    instanceOf: (index: number) => cluster.instances[index]!,
  };
  const counts = [
    unredundant(part).nodes.length,
    list.filter((node) => nodes.conflicts[node]! > 0).length,
    offline.reduce((sum, node) => sum + nodes.primaries[node]!.length, 0),
    offline.length,
  ];
  if (options.capacityChecks) counts.push(list.filter((node) => !canEvacuate(situation, node)).length);
  return { group, score: clusterScore(nodes, list), counts };
}

class Report {
  private readonly options: Options;
  private readonly context: ProgramContext;

  constructor(options: Options, context: ProgramContext) {
    this.options = options;
    this.context = context;
  }

  /** Prints the checks of all groups and their sums; returns the sums. */
  show(checks: readonly GroupCheck[], phase: Phase, needed?: boolean): number[] {
    const kinds = checksOf(this.options);
    const sums = kinds.map((_, i) => checks.reduce((sum, { counts }) => sum + counts[i]!, 0));
    const unhealthy = needed ?? sums.some((count) => count > 0);
    for (const { group, score, counts } of checks) {
      const { machineReadable } = this.options;
      const values = [...counts.map(String), fixed(score, 8)];
      const descriptions = [...kinds, ['SCORE', 'Group score'] as const];
      if (machineReadable) this.keys(phase, `GROUP_${group.index}`, descriptions, values);
      else this.text(`Statistics for group ${group.name} ${this.described(phase)}`, descriptions, values);
    }
    const descriptions = [...kinds, ['NEED_REBALANCE', 'Cluster is not healthy'] as const];
    const values = (verdict: string) => [...sums.map(String), verdict];
    if (this.options.machineReadable) {
      this.keys(phase, 'CLUSTER', descriptions, values(unhealthy ? '1' : '0'));
    } else {
      const title = `Cluster statistics ${this.described(phase)}`;
      this.text(title, descriptions, values(unhealthy ? 'True' : 'False'));
    }
    return sums;
  }

  private described(phase: Phase): string {
    return phase === 'initial' ? 'initially' : 'after rebalancing';
  }

  private keys(
    phase: Phase,
    level: string,
    descriptions: readonly (readonly [string, string])[],
    values: readonly string[],
  ): void {
    const prefix = `${phase === 'initial' ? 'INIT' : 'FINAL'}_${level}`;
    printKeys(
      this.context,
      'HCHECK',
      descriptions.map(([key], i) => [`${prefix}_${key}`, values[i]!] as const),
    );
  }

  private text(
    title: string,
    descriptions: readonly (readonly [string, string])[],
    values: readonly string[],
  ): void {
    if (this.options.verbosity < 1) return;
    const lines = descriptions.map(([, text], i) => `    ${text}: ${values[i]}\n`);
    this.context.out(`\n${title}\n${lines.join('')}`);
  }
}

function rebalance(part: Part, options: Options): void {
  const until = options.minScore + optimalScore(part.nodes, part.list);
  if (clusterScore(part.nodes, part.list) < until) return;
  runBalance(part, options, until, () => {});
}

async function main(options: Options, args: readonly string[], context: ProgramContext): Promise<void> {
  refuseArguments(args);
  const cluster = await loadCluster(options, context);
  setNodeStatus(cluster, options);
  const { groups } = cluster;
  const parts = splitByGroup(wholeOf(cluster));
  const { machineReadable, noSimulation, verbosity } = options;
  if (machineReadable) {
    const uuids = [...groups.values()].map(({ index, uuid }) => [`GROUP_UUID_${index}`, uuid] as const);
    printKeys(context, 'HCHECK', uuids);
  }
  const check = () => parts.map(({ group, part }) => checkGroup(cluster, groups.get(group)!, part, options));
  const initial = check();
  const needed = initial.some(({ counts }) => counts.some((count) => count > 0));
  if (verbosity >= 1 && !machineReadable) {
    const verdict = needed
      ? 'Cluster needs rebalancing.'
      : 'No need to rebalance cluster, no problems found.';
    context.out(`${noSimulation ? 'Running in no-simulation mode.' : verdict}\n`);
  }
  const report = new Report(options, context);
  report.show(initial, 'initial');
  const simulate = !noSimulation && needed;
  if (simulate) for (const { part } of parts) rebalance(part, options);
  if (simulate || machineReadable) report.show(check(), 'rebalanced', needed);
  printFinal(context, 'HCHECK', machineReadable);
  if (!noSimulation && needed) throw new Exit(1);
}

export const hcheck: Program = {
  name: 'hcheck',
  purpose: 'says how healthy a cluster is, and whether balancing would help',
  options: [
    'dataFile',
    'diskMoves',
    'utilisationFile',
    'ignoreDynamicUse',
    'evacuate',
    'excludeInstances',
    'exclusionTags',
    'allocatorSource',
    'instanceMoves',
    'luxi',
    'machineReadable',
    'maxCpu',
    'maxLength',
    'minDisk',
    'minGain',
    'minGainLimit',
    'minScore',
    'ignoreSoftErrors',
    'noSimulation',
    'offline',
    'quiet',
    'master',
    'selectInstances',
    'capacityChecks',
    'verbose',
  ],
  arguments: [],
  main,
};
