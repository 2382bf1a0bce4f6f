/**
 * Clusters of dedicated nodes (all with exclusive storage): there a place is judged by how many instances of
 * the policy's sizes it keeps from being placed later, not by balance.
 */
import { addPrimary, addSecondary } from '../state/node-operations.ts';
import type { NodeTable } from '../state/node-table.ts';
import type { AlgorithmOptions } from '../terms/algorithm-options.ts';
import { type Cluster, type Groups, splitByGroup } from '../terms/cluster.ts';
import type { Instance } from '../terms/instance.ts';
import { unplaced } from '../terms/instance.ts';
import { checkPolicy, type Policy } from '../terms/policy.ts';
import { Refusal } from '../terms/vocabulary.ts';
import { AllocationError, type AllocationSituation, type Targets, targetsFor } from './allocate.ts';
import {
  type AllocationRequest,
  attempted,
  bestGroups,
  type GroupResult,
  hasNetworks,
  namedGroup,
  networkComplaint,
} from './groups.ts';
import { describe, describeGroup, noFailures, type Place, type Solution } from './solution.ts';

/** Instances lost per size, and the disk left over (MiB); smaller is better. */
export interface LostAllocations {
  readonly lost: readonly number[];
  readonly disk: number;
}

export type DedicatedSolution = Solution<LostAllocations>;

/** Whether all nodes of the groups in question have exclusive storage. */
export function isDedicated(cluster: Cluster, group: string | undefined): boolean {
  const { nodes, groups } = cluster;
  const counted = new Set(
    [...groups.values()]
      .filter(({ name, allocationPolicy }) =>
        group === undefined ? allocationPolicy !== 'unallocable' : name === group,
      )
      .map(({ index }) => index),
  );
  return nodes.order.every((node) => nodes.exclusiveStorage[node] === 1 || !counted.has(nodes.group[node]!));
}

export function compareLost(a: LostAllocations, b: LostAllocations): number {
  for (let i = 0; i < Math.min(a.lost.length, b.lost.length); i++) {
    if (a.lost[i] !== b.lost[i]) return a.lost[i]! - b.lost[i]!;
  }
  return a.lost.length - b.lost.length || a.disk - b.disk;
}

const showLost = ({ lost, disk }: LostAllocations): string => `([${lost.join(',')}],${disk})`;

/** The smallest instance of each of the policy's ranges, the one with the largest disk first. */
function testInstances(policy: Policy): Instance[] {
  return policy.ranges
    .map(({ min }) => min)
    .sort((a, b) => b.diskSize - a.diskSize)
    .map((spec) =>
      unplaced({
        name: 'minimalspecinstance',
        memory: spec.memory,
        disk: spec.diskSize,
        disks: [],
        cpus: spec.cpus,
        status: 'running',
        tags: [],
        autoBalance: false,
        template: 'plain',
        spindleUse: spec.spindles,
        nics: [],
        forthcoming: false,
      }),
    );
}

/** How many of each test instance fit on the node. */
function capacity(nodes: NodeTable, node: number, tests: readonly Instance[]): number[] {
  return tests.map((instance) => {
    const mark = nodes.mark();
    let count = 0;
    while (addPrimary(nodes, node, instance, 0, false) === Refusal.none) count++;
    nodes.rollback(mark);
    return count;
  });
}

/** Judges single nodes and pairs for one instance. */
class LostAllocationsSearch {
  readonly failures = noFailures();
  successes = 0;
  best: Place<LostAllocations> | undefined;
  private readonly nodes: NodeTable;
  private readonly instance: Instance;
  private readonly force: boolean;

  constructor(nodes: NodeTable, instance: Instance, options: AlgorithmOptions) {
    this.nodes = nodes;
    this.instance = instance;
    this.force = options.ignoreSoftErrors;
  }

  tryPlace(primary: number, secondary: number | undefined): void {
    const mark = this.nodes.mark();
    const outcome = this.measure(primary, secondary);
    this.nodes.rollback(mark);
    if (typeof outcome === 'number') {
      this.failures[outcome]!++;
      return;
    }
    this.successes++;
    if (this.best !== undefined && compareLost(this.best.metric, outcome) < 0) return;
    const nodes = secondary === undefined ? [primary] : [primary, secondary];
    this.best = { instance: this.instance, nodes, metric: outcome };
  }

  private measure(primary: number, secondary: number | undefined): Refusal | LostAllocations {
    const { nodes, instance, force } = this;
    const policy = nodes.policy[primary]!;
    const exclusive = nodes.exclusiveStorage[primary] === 1;
    const tests = testInstances(policy);
    const against = checkPolicy(instance, policy, exclusive);
    if (against !== Refusal.none) return against;
    const lost = this.lostBy(primary, tests, () =>
      addPrimary(nodes, primary, instance, instance.locationScore, force),
    );
    if (typeof lost === 'number') return lost;
    const disk = nodes.freeDisk[primary]!;
    if (secondary === undefined) return { lost, disk };
    const more = this.lostBy(secondary, tests, () =>
      addSecondary(nodes, secondary, instance, primary, { force: false }),
    );
    if (typeof more === 'number') return more;
    return { lost: lost.map((count, i) => count + more[i]!), disk: disk + nodes.freeDisk[secondary]! };
  }

  private lostBy(node: number, tests: readonly Instance[], put: () => Refusal): Refusal | number[] {
    const before = capacity(this.nodes, node, tests);
    const refused = put();
    if (refused !== Refusal.none) return refused;
    const after = capacity(this.nodes, node, tests);
    return before.map((count, i) => count - after[i]!);
  }
}

function searchTargets(search: LostAllocationsSearch, targets: Targets): void {
  if (targets.kind === 'single') {
    if (targets.nodes.length === 0) throw new AllocationError('No online nodes');
    for (const node of targets.nodes) search.tryPlace(node, undefined);
    return;
  }
  if (targets.pairs.length === 0) throw new AllocationError('Not enough online nodes');
  for (const { primary, secondaries } of targets.pairs) {
    for (const secondary of secondaries) search.tryPlace(primary, secondary);
  }
}

/** Places an instance in one group; the log tells of the group. */
export function allocateDedicatedInGroup(
  situation: AllocationSituation,
  groups: Groups,
  request: AllocationRequest,
  group: number,
  options: AlgorithmOptions,
): { readonly solution: DedicatedSolution; readonly messages: readonly string[] } {
  const { nodes } = situation;
  const { instance, nodeCount } = request;
  const target = groups.get(group)!;
  const list = situation.list.filter((node) => nodes.group[node] === group);
  if (!hasNetworks(target, instance)) throw networkComplaint(target, instance);
  const targets = targetsFor({ nodes, list }, groups, options, nodeCount, false);
  const search = new LostAllocationsSearch(nodes, instance, options);
  searchTargets(search, targets);
  const { failures, successes, best } = search;
  const found = { failures, successes, best };
  const solution = { ...found, log: [describe(found, showLost, (node) => nodes.name[node]!)] };
  return { solution, messages: describeGroup(target, solution) };
}

/** Places an instance in the group where it costs the fewest others. */
function allocateDedicatedAnywhere(
  situation: AllocationSituation,
  groups: Groups,
  request: AllocationRequest,
  options: AlgorithmOptions,
): DedicatedSolution {
  const { nodes, list } = situation;
  const results: GroupResult<LostAllocations>[] = splitByGroup({ nodes, list, instances: [] }).map(
    ({ group }) => ({
      group: groups.get(group)!,
      result: attempted(() => allocateDedicatedInGroup(situation, groups, request, group, options).solution),
    }),
  );
  const messages = results.flatMap(({ group, result }) => describeGroup(group, result));
  const [best] = bestGroups(results, compareLost);
  if (best === undefined) throw new AllocationError(messages.join(', '));
  return { ...best.solution, log: [`Selected group: ${best.group.name}`, ...messages] };
}

/** Places an instance as its request wants it. */
export function allocateDedicated(
  situation: AllocationSituation,
  groups: Groups,
  request: AllocationRequest,
  options: AlgorithmOptions,
): DedicatedSolution {
  if (request.group === undefined) {
    return allocateDedicatedAnywhere(situation, groups, request, options);
  }
  const { index } = namedGroup(groups, request.group);
  const { solution, messages } = allocateDedicatedInGroup(situation, groups, request, index, options);
  return { ...solution, log: messages };
}
