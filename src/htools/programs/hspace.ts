/** hspace: how many more instances a cluster holds (hspace(1)). */
import { AllocationError, type Targets, targetsFor } from '../core/allocation/allocate.ts';
import { isRedundant } from '../core/allocation/global-redundancy.ts';
import { clusterSuffix } from '../core/loading.ts';
import { clusterScore } from '../core/score/score.ts';
import { type Filling, fillStandard, fillTiered, type Refusals } from '../core/space/fill.ts';
import { totalResources } from '../core/state/resources.ts';
import type { AlgorithmOptions } from '../core/terms/algorithm-options.ts';
import { type Cluster, type Group, type Groups, unredundant, wholeOf } from '../core/terms/cluster.ts';
import { alignRows, fixed, quotedList } from '../core/terms/format.ts';
import { type Instance, unplaced } from '../core/terms/instance.ts';
import type { InstanceSpec } from '../core/terms/policy.ts';
import { type DiskTemplate, Refusal, requiredNodes } from '../core/terms/vocabulary.ts';
import { explainNew, explainUnredundant } from './explanation.ts';
import { maybePrintNodes, maybeSave, scoreTable } from './listing.ts';
import { loadCluster, setNodeStatus } from './load-cluster.ts';
import { algorithmOptions, type Options, type ResourceSpec } from './options.ts';
import { failure, type Program, type ProgramContext, refuseArguments } from './program.ts';
import { hasExclusiveStorage, SpaceReport, type SpecKind } from './space-report.ts';

function resourcesOf(spec: InstanceSpec): ResourceSpec {
  return { cpus: spec.cpus, memory: spec.memory, disk: spec.diskSize, spindles: spec.spindles };
}

/** How instances of some size are made. */
interface Kind {
  readonly template: DiskTemplate;
  readonly spindleUse: number;
  readonly volumeGroup: string | undefined;
}

function instanceOf(spec: ResourceSpec, { template, spindleUse, volumeGroup }: Kind): Instance {
  return unplaced({
    name: 'new',
    memory: spec.memory,
    disk: spec.disk,
    disks: [{ size: spec.disk, spindles: spec.spindles, volumeGroup }],
    cpus: spec.cpus,
    status: 'running',
    tags: [],
    autoBalance: true,
    template,
    spindleUse,
    nics: [],
    forthcoming: false,
  });
}

/** Groups in which no instance may be placed, because they aren't redundant as they are. */
interface Restrictions {
  readonly groups: Groups;
  readonly options: AlgorithmOptions;
  /** Nothing is to be allocated at all. */
  readonly stop: boolean;
  readonly badNodes: readonly number[];
  readonly badGroups: readonly number[];
}

function restrictionsOf(cluster: Cluster, options: Options): Restrictions {
  const { nodes, groups, instances } = cluster;
  const algorithm = algorithmOptions(options);
  const badNodes = unredundant(wholeOf(cluster)).nodes;
  const lookup = (index: number) => instances[index]!;
  const badGroups = [...groups.keys()].filter((group) => {
    const list = nodes.order.filter((node) => nodes.group[node] === group);
    return !isRedundant(nodes, list, lookup, algorithm);
  });
  const closed = new Set<number>(options.acceptExisting ? [] : badNodes.map((node) => nodes.group[node]!));
  if (options.independentGroups) for (const group of badGroups) closed.add(group);
  const restricted = new Map<number, Group>(
    [...groups].map(([index, group]) => [
      index,
      closed.has(index) ? { ...group, allocationPolicy: 'unallocable' as const } : group,
    ]),
  );
  const open = [...restricted.values()].some(({ allocationPolicy }) => allocationPolicy !== 'unallocable');
  const stop = !options.acceptExisting && !(options.independentGroups && open) && badNodes.length > 0;
  return {
    groups: restricted,
    options: options.independentGroups ? { ...algorithm, capacityIgnoredGroups: badGroups } : algorithm,
    stop,
    badNodes,
    badGroups,
  };
}

interface Round {
  readonly kind: SpecKind;
  readonly template: DiskTemplate;
  readonly spec: ResourceSpec;
  readonly fill: (filling: Filling) => Refusals;
}

/** One allocation run on the cluster; everything is taken back when `show` is done. */
class Rounds {
  private readonly cluster: Cluster;
  private readonly options: Options;
  private readonly context: ProgramContext;
  private readonly report: SpaceReport;
  private readonly stop: boolean;

  constructor(
    cluster: Cluster,
    options: Options,
    context: ProgramContext,
    report: SpaceReport,
    stop: boolean,
  ) {
    this.cluster = cluster;
    this.options = options;
    this.context = context;
    this.report = report;
    this.stop = stop;
  }

  run(round: Round, show: (filling: Filling, refusals: Refusals) => void): void {
    const { cluster, options, context } = this;
    const { nodes } = cluster;
    const mark = nodes.mark();
    const filling: Filling = {
      nodes,
      list: nodes.order,
      instances: [...cluster.instances],
      allocated: [],
    };
    const refusals = this.stop ? [{ refusal: Refusal.redundancy, count: 1 }] : this.fill(round, filling);
    const name = round.kind === 'standard' ? 'Standard' : 'Tiered';
    this.report.spec(round.spec, round.kind, round.template);
    this.showMap(`${name} allocation`, filling);
    maybePrintNodes(context, options, `${name} allocation`, nodes, nodes.order);
    const part = { nodes, list: nodes.order, instances: filling.instances };
    maybeSave(context, options, round.kind, `after ${round.kind} allocation`, cluster, part);
    show(
      filling,
      [...refusals].sort((a, b) => b.count - a.count),
    );
    nodes.rollback(mark);
  }

  private fill(round: Round, filling: Filling): Refusals {
    try {
      return round.fill(filling);
    } catch (error) {
      if (!(error instanceof AllocationError)) throw error;
      throw failure(`failure during allocation: ${error.message}`);
    }
  }

  private showMap(title: string, { nodes, allocated }: Filling): void {
    if (this.options.verbosity <= 1) return;
    const exclusive = hasExclusiveStorage(nodes);
    const rows = allocated.map((instance) => [
      instance.name,
      nodes.name[instance.primary]!,
      instance.secondary < 0 ? '' : nodes.name[instance.secondary]!,
      String(instance.memory),
      String(instance.disk),
      String(instance.cpus),
      exclusive ? String(instance.totalSpindles ?? '?') : '',
    ]);
    const numeric = [false, false, false, true, true, true, true];
    const lines = alignRows(rows, numeric).map((cells) => ` ${cells.join(' ')}\n`);
    this.context.err(`${title} map\n${lines.join('')}`);
  }
}

function showInitial(cluster: Cluster, options: Options, context: ProgramContext): void {
  const { nodes } = cluster;
  const suffix = clusterSuffix(cluster);
  if (suffix !== '' && options.verbosity > 1) {
    context.err(`Note: Stripping common suffix of '${suffix}' from names\n`);
  }
  maybePrintNodes(context, options, 'Initial cluster', nodes, nodes.order);
  if (options.verbosity > 2) {
    const score = fixed(clusterScore(nodes, nodes.order), 8);
    context.err(`Initial coefficients: overall ${score}\n${scoreTable(nodes, nodes.order)}`);
  }
}

function showRestrictions(
  cluster: Cluster,
  restrictions: Restrictions,
  targets: Targets,
  context: ProgramContext,
): void {
  const { nodes, groups } = cluster;
  const { badNodes, badGroups } = restrictions;
  if (badNodes.length > 0) {
    context.err(`Bad nodes: ${quotedList(badNodes.map((node) => nodes.name[node]!))}\n`);
  }
  if (badGroups.length > 0) {
    context.err(`Bad groups: ${quotedList(badGroups.map((group) => groups.get(group)!.name))}\n`);
  }
  const shown =
    targets.kind === 'single'
      ? `Left [${targets.nodes.join(',')}]`
      : `Right [${targets.pairs.map(({ primary, secondaries }) => `(${primary},[${secondaries.join(',')}])`).join(',')}]`;
  context.err(`Allocatable nodes: ${shown}\n`);
}

function allocationTargets(cluster: Cluster, restrictions: Restrictions, template: DiskTemplate): Targets {
  const { nodes } = cluster;
  const part = { nodes, list: nodes.order };
  return targetsFor(part, restrictions.groups, restrictions.options, requiredNodes(template), true);
}

async function main(options: Options, args: readonly string[], context: ProgramContext): Promise<void> {
  refuseArguments(args);
  const cluster = await loadCluster(options, context);
  setNodeStatus(cluster, options);
  const { nodes, policy } = cluster;
  const template = options.diskTemplate ?? policy.diskTemplates[0];
  if (template === undefined) throw failure('null list of disk templates received from cluster');
  const { volumeGroup } = options;
  const kind: Kind = { template, spindleUse: options.spindleUse ?? policy.standard.spindles, volumeGroup };
  showInitial(cluster, options, context);
  const report = new SpaceReport(context, options.machineReadable, nodes);
  report.cluster(nodes.order.length);
  const restrictions = restrictionsOf(cluster, options);
  const targets = allocationTargets(cluster, restrictions, template);
  if (options.verbosity > 3) showRestrictions(cluster, restrictions, targets, context);
  const limit = options.maxLength === -1 ? Number.POSITIVE_INFINITY : options.maxLength;
  const tieredSpecs =
    options.tieredSpec === undefined
      ? policy.ranges.map(({ max }) => resourcesOf(max))
      : [options.tieredSpec];
  const [firstTiered] = tieredSpecs;
  if (firstTiered === undefined) throw failure('Empty list of specs received from the cluster');
  const rounds = new Rounds(cluster, options, context, report, restrictions.stop);
  const fillAllTiers = (filling: Filling): Refusals => {
    let refusals: Refusals = [];
    for (const spec of tieredSpecs) {
      const done = filling.allocated.length;
      if (limit <= done) break;
      const instance = instanceOf(spec, kind);
      refusals = fillTiered(filling, instance, targets, limit - done, restrictions.options);
    }
    return refusals;
  };
  rounds.run({ kind: 'tiered', template, spec: firstTiered, fill: fillAllTiers }, ({ allocated }, refusals) =>
    report.tiered(allocated, totalResources(nodes, nodes.order), refusals),
  );
  const standardSpec = options.standardSpec ?? resourcesOf(policy.standard);
  const standard = instanceOf(standardSpec, kind);
  rounds.run(
    {
      kind: 'standard',
      template,
      spec: standardSpec,
      fill: (filling) => fillStandard(filling, standard, targets, limit, restrictions.options),
    },
    (filling, refusals) => {
      const after = totalResources(nodes, nodes.order);
      report.standard(cluster.instances.length, filling.allocated.length, after, refusals);
      if (options.explain === undefined) return;
      if (restrictions.stop) explainUnredundant(cluster, restrictions.badNodes, context);
      const situation = {
        nodes,
        list: nodes.order,
        instanceOf: (index: number) => filling.instances[index]!,
      };
      const request = { instance: standard, nodeCount: requiredNodes(template), group: undefined };
      explainNew(situation, restrictions.groups, request, restrictions.options, context);
    },
  );
  if (options.machineReadable) context.out('HTS_OK=1\n');
}

export const hspace: Program = {
  name: 'hspace',
  purpose: 'counts the instances that still fit into a cluster while it can lose a node',
  options: [
    'printNodes',
    'dataFile',
    'diskTemplate',
    'spindleUse',
    'simulate',
    'master',
    'luxi',
    'allocatorSource',
    'verbose',
    'quiet',
    'independentGroups',
    'acceptExisting',
    'offline',
    'capacityChecks',
    'machineReadable',
    'maxCpu',
    'maxLength',
    'minDisk',
    'standardSpec',
    'tieredSpec',
    'save',
    'staticKvmNodeMemory',
  ],
  further: ['explain', 'volumeGroup'],
  arguments: [],
  main,
};
