/** hbal: finds moves that balance a node group, and makes them when asked (hbal(1)). */

import {
  formatCommands,
  involvedNodes,
  type JobSet,
  type MoveJob,
  solutionLine,
  splitJobs,
} from '../core/balance/plan.ts';
import { clusterSuffix } from '../core/loading.ts';
import { clusterScore, optimalScore } from '../core/score/score.ts';
import { policyHealth } from '../core/state/policy-health.ts';
import { totalResources } from '../core/state/resources.ts';
import {
  type Cluster,
  findByName,
  groupNames,
  type Part,
  splitByGroup,
  splitInstances,
  unredundant,
  wholeOf,
} from '../core/terms/cluster.ts';
import { fixed, general, quoted, quotedList } from '../core/terms/format.ts';
import { moveOpcodes } from '../core/terms/opcodes.ts';
import { policyShown } from '../core/terms/policy-shown.ts';
import { Refusal, refusalNames } from '../core/terms/vocabulary.ts';
import { runBalance } from './balancing.ts';
import { maybeSaveCommands } from './commands-output.ts';
import { explainInstances } from './explanation.ts';
import { annotate, runJobSets } from './jobs.ts';
import { maybePrintInstances, maybePrintNodes, maybeSave, prepareSave, scoreTable } from './listing.ts';
import { loadCluster, setNodeStatus } from './load-cluster.ts';
import { algorithmOptions, type Options } from './options.ts';
import { Exit, failure, type Program, type ProgramContext, refuseArguments } from './program.ts';

/** The group to balance; ends the program when that isn't clear. */
function selectGroup(
  cluster: Cluster,
  options: Options,
  context: ProgramContext,
): { name: string; part: Part } {
  const parts = splitByGroup(wholeOf(cluster));
  const nameOf = (index: number) => cluster.groups.get(index)!.name;
  if (options.group === undefined) {
    if (parts.length > 1) {
      const names = parts.map(({ group }) => `  ${nameOf(group)}\n`).join('');
      context.err(`Found multiple node groups:\n${names}`);
      throw failure('Aborting.');
    }
    const only = parts[0];
    if (only === undefined) throw failure('No groups found by splitCluster?!');
    return { name: nameOf(only.group), part: only.part };
  }
  const group = findByName(cluster.groups.values(), groupNames, options.group);
  if (group === undefined) {
    const names = [...cluster.groups.values()].map(({ name }) => `  ${name}\n`).join('');
    context.err(`Node group ${options.group} not found. Node group list is:\n${names}`);
    throw failure('Aborting.');
  }
  const part = parts.find((candidate) => candidate.group === group.index)?.part;
  return { name: group.name, part: part ?? { nodes: cluster.nodes, list: [], instances: [] } };
}

function checkCluster(cluster: Cluster, options: Options, context: ProgramContext): void {
  const { nodes, instances } = cluster;
  if (instances.length === 0) {
    context.out('Cluster is empty, exiting.\n');
    throw new Exit(0);
  }
  const split = splitInstances(wholeOf(cluster));
  if (split.length > 0 && options.verbosity > 1) {
    const names = split.map(({ name }) => `  ${name}\n`).join('');
    context.err(
      `Found instances belonging to multiple node groups:\n${names}These instances will not be moved.\n`,
    );
  }
  context.out(`Loaded ${nodes.order.length} nodes, ${instances.length} instances\n`);
  const suffix = clusterSuffix(cluster);
  if (suffix !== '' && options.verbosity > 1) {
    context.out(`Note: Stripping common suffix of '${suffix}' from names\n`);
  }
}

function showHealth(part: Part, bad: readonly number[], context: ProgramContext): void {
  const { nodes } = part;
  const others = part.list.filter((node) => !bad.includes(node));
  const names = (list: readonly number[]) => quotedList(list.map((node) => nodes.name[node]!));
  const status = others.map((node) => {
    const health = policyHealth(nodes, node);
    return `(${quoted(nodes.name[node]!)},${health === Refusal.none ? 'Ok ()' : `Bad ${refusalNames[health]}`})`;
  });
  context.out(`Bad nodes: ${names(bad)}\nN+1 happy nodes: ${names(others)}\n`);
  context.out(`Node policy status: [${status.join(',')}]\n`);
}

function checkGroup(name: string, part: Part, options: Options, context: ProgramContext): void {
  const { nodes, list, instances } = part;
  context.out(`Group size ${list.length} nodes, ${instances.length} instances\n`);
  context.out(`Selected node group: ${name}\n`);
  const bad = unredundant(part);
  if (options.verbosity >= 1) {
    context.out(
      `Initial check done: ${bad.nodes.length} bad nodes, ${bad.instances.length} bad instances.\n`,
    );
  }
  const against = list.filter(
    (node) => !bad.nodes.includes(node) && policyHealth(nodes, node) !== Refusal.none,
  );
  if (options.verbosity > 4) showHealth(part, bad.nodes, context);
  if (bad.nodes.length > 0) {
    context.out(
      'Cluster is not N+1 happy, continuing but no guarantee that the cluster will end N+1 happy.\n',
    );
  }
  if (against.length > 0) {
    context.out(`The cluster contains ${against.length} policy-violating nodes.\n`);
    context.out(
      options.ignoreSoftErrors
        ? 'Continuing, ignoring soft errors.\n'
        : 'Continuing, but the set of moves might be too restricted; consider using the ' +
            '--ignore-soft-errors option.\n',
    );
  }
}

function maybeExplain(part: Part, score: number, options: Options, context: ProgramContext): void {
  if (options.explain === undefined) return;
  explainInstances(part, options.explain, score, algorithmOptions(options), context);
}

function checkNeed(
  part: Part,
  score: number,
  optimum: number,
  options: Options,
  context: ProgramContext,
): void {
  if (!(score - optimum < options.minScore)) return;
  context.out(
    `Cluster is already well balanced (initial score ${general(score, 6)},\n` +
      `optimum score due to N+1 reservations ${general(optimum, 6)},\n` +
      `minimum score ${general(options.minScore, 6)}).\nNothing to do, exiting\n`,
  );
  maybeExplain(part, score, options, context);
  throw new Exit(0);
}

interface Plan {
  readonly jobs: readonly MoveJob[];
  readonly score: number;
}

function makePlan(part: Part, options: Options, until: number, context: ProgramContext): Plan {
  const { nodes } = part;
  const widths = {
    node: Math.max(...part.list.map((node) => nodes.alias[node]!.length)),
    instance: Math.max(...part.instances.map((instance) => instance.alias.length)),
  };
  const jobs: MoveJob[] = [];
  const { score } = runBalance(part, options, until, ({ instance, before, placement }, position) => {
    const { line, commands } = solutionLine(nodes, instance, before, placement, position, widths);
    context.out(`${line}\n`);
    jobs.push({
      nodes: involvedNodes(instance, before, placement),
      instance: placement.instance,
      move: placement.move,
      commands,
    });
  });
  return { jobs, score };
}

function showOutcome(part: Part, start: number, plan: Plan, options: Options, context: ProgramContext): void {
  if (plan.jobs.length === 0) context.out('No solution found\n');
  else if (options.verbosity > 2) {
    context.out(
      `Final coefficients:   overall ${fixed(plan.score, 8)}\n${scoreTable(part.nodes, part.list)}`,
    );
  } else {
    context.out(`Cluster score improved from ${fixed(start, 8)} to ${fixed(plan.score, 8)}\n`);
  }
  if (options.verbosity >= 1) context.out(`Solution length=${plan.jobs.length}\n`);
}

async function execute(
  part: Part,
  sets: readonly JobSet[],
  options: Options,
  context: ProgramContext,
): Promise<void> {
  if (!options.execute || sets.length === 0) return;
  if (options.luxiSocket === undefined) {
    throw failure('hbal: Execution of commands possible only on LUXI');
  }
  const byIndex = new Map(part.instances.map((instance) => [instance.index, instance]));
  const submissions = sets.map((jobs) => ({
    jobs: jobs.map(({ instance, move }) =>
      moveOpcodes(part.nodes, byIndex.get(instance)!, move).map((opcode) =>
        annotate(opcode, { tool: 'hbal', comment: 'rebalancing via hbal' }, options, context),
      ),
    ),
    description: `Executing jobset for instances ${jobs
      .map(({ instance }) => byIndex.get(instance)!.name)
      .join(',')}`,
  }));
  await runJobSets('hbal', submissions, options.luxiSocket, context);
}

async function main(options: Options, args: readonly string[], context: ProgramContext): Promise<void> {
  refuseArguments(args);
  const cluster = await loadCluster(options, context);
  if (options.verbosity > 1) {
    context.out(`Loaded cluster tags: ${cluster.tags.join(',')}\n`);
    context.out(`Loaded cluster ipolicy: ${policyShown(cluster.policy)}\n`);
  }
  const saveOriginal = prepareSave(options, cluster, wholeOf(cluster));
  setNodeStatus(cluster, options);
  checkCluster(cluster, options, context);
  saveOriginal(context, 'original', 'before balancing');
  const { name, part } = selectGroup(cluster, options, context);
  checkGroup(name, part, options, context);
  maybePrintInstances(context, options, 'Initial', part);
  maybePrintNodes(context, options, 'Initial cluster', part.nodes, part.list);
  const start = clusterScore(part.nodes, part.list);
  const optimum = optimalScore(part.nodes, part.list);
  context.out(
    options.verbosity > 2
      ? `Initial coefficients: overall ${fixed(start, 8)}\n${scoreTable(part.nodes, part.list)}`
      : `Initial score: ${fixed(start, 8)}\n`,
  );
  checkNeed(part, start, optimum, options, context);
  context.out('Trying to minimize the CV...\n');
  const before = totalResources(part.nodes, part.list);
  const plan = makePlan(part, options, optimum + options.minScore, context);
  showOutcome(part, start, plan, options, context);
  maybeExplain(part, plan.score, options, context);
  const sets = options.firstJobGroup ? splitJobs(plan.jobs).slice(0, 1) : splitJobs(plan.jobs);
  const title = options.firstJobGroup ? 'First set of jobs:' : 'Commands to run to reach the above solution:';
  maybeSaveCommands(context, options, title, formatCommands(sets));
  maybeSave(context, options, 'balanced', 'after balancing', cluster, part);
  maybePrintInstances(context, options, 'Final', part);
  maybePrintNodes(context, options, 'Final cluster', part.nodes, part.list);
  if (options.verbosity > 3) {
    const after = totalResources(part.nodes, part.list);
    context.out(`Original: mem=${before.freeMemory} disk=${before.freeDisk}\n`);
    context.out(`Final:    mem=${after.freeMemory} disk=${after.freeDisk}\n`);
  }
  await execute(part, sets, options, context);
}

export const hbal: Program = {
  name: 'hbal',
  purpose:
    'balances a cluster: finds the moves of instances that make it better, and makes them when told to',
  options: [
    'printNodes',
    'printInstances',
    'printCommands',
    'dataFile',
    'evacuate',
    'restrictedMigration',
    'master',
    'luxi',
    'allocatorSource',
    'execute',
    'firstJobGroup',
    'reason',
    'group',
    'maxLength',
    'verbose',
    'quiet',
    'offline',
    'staticKvmNodeMemory',
    'minScore',
    'maxCpu',
    'minDisk',
    'minGain',
    'minGainLimit',
    'diskMoves',
    'selectInstances',
    'instanceMoves',
    'ignoreSoftErrors',
    'utilisationFile',
    'ignoreDynamicUse',
    'monitoring',
    'monitoringFile',
    'monitoringExitMissing',
    'monitoringXen',
    'exclusionTags',
    'excludeInstances',
    'save',
    'priority',
  ],
  further: ['explain'],
  arguments: [],
  main,
};
