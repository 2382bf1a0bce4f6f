/** hroller: an order of reboots that keeps instances running (hroller(1)). */
import {
  type ColourGroups,
  colourings,
  compareColourings,
  type Graph,
  graphOf,
  showGraph,
} from '../core/maintenance/graph.ts';
import {
  currentPlaces,
  migrate,
  nonRedundant,
  nonRedundantClearing,
  type Places,
  partition,
  type RebootGroup,
  rebootEdges,
  replicationEdges,
  secondaryClearing,
} from '../core/maintenance/reboot-groups.ts';
import { type Cluster, findByName, groupNames, wholeOf } from '../core/terms/cluster.ts';
import { quotedList } from '../core/terms/format.ts';
import { prepareSave } from './listing.ts';
import { loadCluster, setNodeStatus } from './load-cluster.ts';
import type { Options } from './options.ts';
import { failure, type Program, type ProgramContext, refuseArguments } from './program.ts';

function checkMaster(cluster: Cluster, options: Options, context: ProgramContext): void {
  const { nodes } = cluster;
  const masters = nodes.order.filter((node) => nodes.isMaster[node] === 1);
  if (masters.length === 0) {
    const message = 'No master node found (maybe not supported by backend).';
    if (!options.force) throw failure(message);
    context.err(`Warning: ${message}\n`);
  }
  if (masters.length > 1) {
    const names = quotedList(masters.map((node) => nodes.name[node]!));
    throw failure(`Found more than one master node: ${names}`);
  }
}

/** The nodes to reboot. */
function chosenNodes(cluster: Cluster, options: Options): number[] {
  const { nodes, instances, groups } = cluster;
  const { group: wanted, nodeTags } = options;
  const group = wanted === undefined ? undefined : findByName(groups.values(), groupNames, wanted);
  if (wanted !== undefined && group === undefined) throw failure('Cannot find target group.');
  return nodes.order.filter(
    (node) =>
      nodes.offline[node] === 0 &&
      !(options.skipNonRedundant && nonRedundant(nodes, instances, node).length > 0) &&
      (nodeTags === undefined || nodes.tags[node]!.some((tag) => nodeTags.includes(tag))) &&
      (group === undefined || nodes.group[node] === group.index),
  );
}

function conflictGraph(cluster: Cluster, chosen: readonly number[], options: Options): Graph {
  if (chosen.length === 0) throw failure('Cannot create node graph');
  const { nodes, instances } = cluster;
  const edges = options.offlineMaintenance ? replicationEdges(instances) : rebootEdges(nodes, instances);
  const member = new Set(chosen);
  const valid = edges.filter(([from, to]) => member.has(from) && member.has(to));
  return graphOf(chosen[0]!, chosen.at(-1)!, valid);
}

/** Why no order can be given; of several the one with the lowest rank is told. */
class NoOrder extends Error {
  readonly rank: number;
  constructor(rank: number, message: string) {
    super(message);
    this.rank = rank;
  }
}

/** Moves all DRBD primaries off the members. Throws NoOrder when one can't move. */
function migrateOff(cluster: Cluster, group: RebootGroup): RebootGroup {
  const { nodes, instances } = cluster;
  const primaries = group.members.flatMap((node) =>
    nodes.primaries[node]!.filter((index) => instances[index]!.hasSecondary),
  );
  for (const index of primaries) {
    if (!migrate(nodes, instances[index]!)) throw new NoOrder(1, 'Failed to migrate instances off nodes');
  }
  return { members: group.members, places: currentPlaces(instances) };
}

/** What a group of one colour becomes, depending on how much is to be moved away first. */
function splitColour(
  cluster: Cluster,
  colour: readonly number[],
  online: readonly number[],
  options: Options,
): RebootGroup[] {
  const { nodes, instances } = cluster;
  const situation = { nodes, instances };
  const evacuated = (group: RebootGroup): RebootGroup[] => {
    if (!options.fullEvacuation) return [group];
    const migrated = migrateOff(cluster, group);
    const split = partition(situation, secondaryClearing, migrated.members, online, (found) => found);
    if (split === undefined) throw new NoOrder(2, 'Not enough capacity to move secondaries');
    return split;
  };
  if (options.ignoreNonRedundant) {
    const mark = nodes.mark();
    const groups = evacuated({ members: colour, places: currentPlaces(instances) });
    nodes.rollback(mark);
    return groups;
  }
  const split = partition(situation, nonRedundantClearing(instances), colour, online, evacuated);
  if (split === undefined) throw new NoOrder(0, 'Not enough capacity to move non-redundant instances');
  return split.flat();
}

function splitColours(
  cluster: Cluster,
  colours: readonly (readonly number[])[],
  online: readonly number[],
  options: Options,
): RebootGroup[] {
  let problem: NoOrder | undefined;
  const groups = colours.flatMap((colour) => {
    const mark = cluster.nodes.mark();
    try {
      return splitColour(cluster, colour, online, options);
    } catch (error) {
      if (!(error instanceof NoOrder)) throw error;
      if (problem === undefined || error.rank < problem.rank) problem = error;
      return [];
    } finally {
      cluster.nodes.rollback(mark);
    }
  });
  if (problem !== undefined) throw failure(problem.message);
  return groups;
}

/** Largest group first; the master's group last, with the master at its end. */
function inRebootOrder(cluster: Cluster, groups: readonly RebootGroup[]): RebootGroup[] {
  const { nodes } = cluster;
  const isMaster = (node: number) => nodes.isMaster[node] === 1;
  const sorted = [...groups].sort((a, b) => b.members.length - a.members.length);
  const masterLast = sorted.map((group) => ({
    ...group,
    members: [...group.members.filter((node) => !isMaster(node)), ...group.members.filter(isMaster)],
  }));
  const hasMaster = ({ members }: RebootGroup) => members.some(isMaster);
  return [...masterLast.filter((group) => !hasMaster(group)), ...masterLast.filter(hasMaster)];
}

/** Lines about instances that aren't where they were; a swap of both sides is none. */
function movesShown(cluster: Cluster, before: Places, after: Places): string[] {
  const { nodes, instances } = cluster;
  return instances.flatMap((instance, index) => {
    const from = before[index]!;
    const to = after[index]!;
    const moved = from.primary !== to.primary || (instance.hasSecondary && from.secondary !== to.secondary);
    const swapped = to.primary === from.secondary && to.secondary === from.primary;
    if (!moved || swapped) return [];
    const secondary = instance.hasSecondary ? ` ${nodes.name[to.secondary]}` : '';
    return [`  ${instance.name} ${nodes.name[to.primary]}${secondary}`];
  });
}

function show(
  cluster: Cluster,
  groups: readonly RebootGroup[],
  options: Options,
  context: ProgramContext,
): void {
  const { nodes } = cluster;
  const before = currentPlaces(cluster.instances);
  const shown = options.oneStepOnly ? groups.slice(0, 1) : groups;
  if (!options.noHeaders) {
    context.out(options.oneStepOnly ? "'First Reboot Group'\n" : "'Node Reboot Groups'\n");
  }
  for (const { members, places } of shown) {
    const names = members.map((node) => nodes.name[node]!);
    context.out(`${names.join(options.oneStepOnly ? '\n' : ',')}\n`);
    if (!options.printMoves) continue;
    for (const line of movesShown(cluster, before, places)) context.out(`${line}\n`);
  }
}

async function main(options: Options, args: readonly string[], context: ProgramContext): Promise<void> {
  refuseArguments(args);
  const cluster = await loadCluster(options, context);
  checkMaster(cluster, options, context);
  const saveOriginal = prepareSave(options, cluster, wholeOf(cluster));
  setNodeStatus(cluster, options);
  saveOriginal(context, 'original', 'before hroller run');
  const chosen = chosenNodes(cluster, options);
  const graph = conflictGraph(cluster, chosen, options);
  if (options.verbosity > 2) context.out(`Node Graph: ${showGraph(graph)}\n`);
  const all = colourings(graph);
  const smallest = all.reduce((best, candidate) =>
    candidate.groups.length < best.groups.length ? candidate : best,
  );
  const { nodes } = cluster;
  const online = nodes.order.filter((node) => nodes.offline[node] === 0);
  const member = new Set(chosen);
  const colours = existing(smallest.groups, nodes.order);
  const groups = splitColours(cluster, colours, online, options).map((group) => ({
    ...group,
    members: group.members.filter((node) => member.has(node)),
  }));
  const ordered = inRebootOrder(cluster, groups);
  if (options.verbosity > 1) context.out(`${compareColourings(all)}\n`);
  show(cluster, ordered, options, context);
}

/** Colours without the indexes that lie between nodes and name none. */
function existing(groups: ColourGroups, order: readonly number[]): number[][] {
  const known = new Set(order);
  return groups.map((group) => group.filter((node) => known.has(node)));
}

export const hroller: Program = {
  name: 'hroller',
  purpose: 'plans reboots of nodes: which ones can go down together',
  options: [
    'luxi',
    'master',
    'dataFile',
    'allocatorSource',
    'offline',
    'offlineMaintenance',
    'verbose',
    'quiet',
    'noHeaders',
    'nodeTags',
    'save',
    'group',
    'printMoves',
    'fullEvacuation',
    'skipNonRedundant',
    'ignoreNonRedundant',
    'force',
    'oneStepOnly',
    'staticKvmNodeMemory',
  ],
  arguments: [],
  main,
};
