/** Placing instances on a cluster of several node groups: each group is tried, policy and score decide. */
import type { NodeTable } from '../state/node-table.ts';
import { type AlgorithmOptions, defaultAlgorithmOptions } from '../terms/algorithm-options.ts';
import {
  type Cluster,
  findByName,
  type Group,
  type Groups,
  groupNames,
  splitByGroup,
} from '../terms/cluster.ts';
import { quoted, quotedList } from '../terms/format.ts';
import type { Instance } from '../terms/instance.ts';
import { policyShown } from '../terms/policy-shown.ts';
import { allocationPolicies, requiredNodes } from '../terms/vocabulary.ts';
import {
  AllocationError,
  type AllocationSituation,
  commitPlace,
  targetsFor,
  tryAllocate,
} from './allocate.ts';
import { type Evacuated, EvacuationError, evacuateInstance, noneEvacuated, record } from './evacuate.ts';
import { describeGroup, type ScoredSolution, type Solution } from './solution.ts';

/** How a new instance is asked for. */
export interface AllocationRequest {
  readonly instance: Instance;
  readonly nodeCount: number;
  /** Name or UUID of the only group to use. */
  readonly group: string | undefined;
}

export type GroupResult<M> = { readonly group: Group; readonly result: Solution<M> | Error };

/** Whether the group is connected to all networks that the instance's NICs name. */
export function hasNetworks(group: Group, instance: Instance): boolean {
  return instance.nics.every(({ network }) => network === undefined || group.networks.includes(network));
}

export function networkComplaint(group: Group, instance: Instance): AllocationError {
  return new AllocationError(
    `The group ${group.name} is not connected to a network required by instance ${instance.name}`,
  );
}

/** Usable results, the best first: by the groups' allocation policy, then by `compare`. */
export function bestGroups<M>(
  results: readonly GroupResult<M>[],
  compare: (a: M, b: M) => number,
): { readonly group: Group; readonly solution: Solution<M> }[] {
  return results
    .flatMap(({ group, result }) =>
      result instanceof Error || result.best === undefined || group.allocationPolicy === 'unallocable'
        ? []
        : [{ group, solution: result }],
    )
    .reverse()
    .sort(
      (a, b) =>
        allocationPolicies.indexOf(a.group.allocationPolicy) -
          allocationPolicies.indexOf(b.group.allocationPolicy) ||
        compare(a.solution.best!.metric, b.solution.best!.metric),
    );
}

/** A result or the error that stood in its way. */
export function attempted<T>(run: () => T): T | AllocationError {
  try {
    return run();
  } catch (error) {
    if (error instanceof AllocationError) return error;
    throw error;
  }
}

function groupShown(group: Group): string {
  const policies = ['AllocPreferred', 'AllocLastResort', 'AllocUnallocable'];
  return (
    `Group {name = ${quoted(group.name)}, uuid = ${quoted(group.uuid)}, idx = ${group.index}, ` +
    `allocPolicy = ${policies[allocationPolicies.indexOf(group.allocationPolicy)]}, ` +
    `networks = ${quotedList(group.networks)}, iPolicy = ${policyShown(group.policy)}, ` +
    `allTags = ${quotedList(group.tags)}}`
  );
}

interface BestGroup {
  readonly group: Group;
  readonly solution: ScoredSolution;
  readonly messages: readonly string[];
}

/** The group that takes the instance best; `allowed` limits the choice. Throws AllocationError. */
function findBestGroup(
  situation: AllocationSituation,
  groups: Groups,
  instance: Instance,
  nodeCount: number,
  allowed: readonly number[] | undefined,
  options: AlgorithmOptions,
): BestGroup {
  const { nodes, list } = situation;
  const present = splitByGroup({ nodes, list, instances: [] });
  const all = present.map(({ group }) => groups.get(group)!);
  const eligible = present.filter(({ group }) => allowed?.includes(group) ?? true);
  const messages: string[] = [];
  const results: GroupResult<number>[] = [];
  for (const { group: index, part } of eligible) {
    const group = groups.get(index)!;
    if (!hasNetworks(group, instance)) {
      messages.push(
        `group ${group.name} is not connected to a network required by instance ${instance.name}`,
      );
      continue;
    }
    const result = attempted(() => {
      const targets = targetsFor(part, groups, options, nodeCount, false);
      return tryAllocate(situation, instance, targets, options);
    });
    results.push({ group, result });
  }
  messages.push(...results.flatMap(({ group, result }) => describeGroup(group, result)));
  const [best] = bestGroups(results, (a, b) => a - b);
  if (best !== undefined) return { ...best, messages };
  if (eligible.length === 0) {
    throw new AllocationError(
      `no groups for evacuation: allowed groups was ${allowed === undefined ? 'Nothing' : `Just [${allowed.join(',')}]`}, ` +
        `all groups: [${all.map(groupShown).join(',')}]`,
    );
  }
  throw new AllocationError(messages.join(', '));
}

/** Places an instance in the best group. */
export function allocateAnywhere(
  situation: AllocationSituation,
  groups: Groups,
  request: AllocationRequest,
  options: AlgorithmOptions,
): ScoredSolution {
  const { instance, nodeCount } = request;
  const { group, solution, messages } = findBestGroup(
    situation,
    groups,
    instance,
    nodeCount,
    undefined,
    options,
  );
  return { ...solution, log: [`Selected group: ${group.name}`, ...messages] };
}

/** The group a request names. Throws AllocationError. */
export function namedGroup(groups: Groups, name: string): Group {
  const group = findByName(groups.values(), groupNames, name);
  if (group === undefined) throw new AllocationError(`Wrong number of elems found with name ${name}`);
  return group;
}

/** Places an instance in one group; only its nodes count for the score. */
export function allocateInGroup(
  situation: AllocationSituation,
  groups: Groups,
  request: AllocationRequest,
  name: string,
  options: AlgorithmOptions,
): ScoredSolution {
  const { nodes } = situation;
  const { instance, nodeCount } = request;
  const group = namedGroup(groups, name);
  const list = situation.list.filter((node) => nodes.group[node] === group.index);
  if (!hasNetworks(group, instance)) throw networkComplaint(group, instance);
  const inGroup = { ...situation, list };
  const targets = targetsFor(inGroup, groups, options, nodeCount, false);
  const solution = tryAllocate(inGroup, instance, targets, options);
  return { ...solution, log: describeGroup(group, solution) };
}

/** Places an instance as its request wants it. */
export function allocate(
  situation: AllocationSituation,
  groups: Groups,
  request: AllocationRequest,
  options: AlgorithmOptions,
): ScoredSolution {
  return request.group === undefined
    ? allocateAnywhere(situation, groups, request, options)
    : allocateInGroup(situation, groups, request, request.group, options);
}

/** Places instances one after the other; each gets the next index and its place on the node table. */
export function allocateAll<M>(
  nodes: NodeTable,
  instances: Instance[],
  requests: readonly AllocationRequest[],
  options: AlgorithmOptions,
  place: (request: AllocationRequest) => Solution<M>,
): { readonly request: AllocationRequest; readonly solution: Solution<M> }[] {
  return requests.map((request) => {
    const solution = place(request);
    if (solution.best !== undefined) {
      request.instance.index = instances.length;
      commitPlace(nodes, solution.best, options);
      instances.push(request.instance);
    }
    return { request, solution };
  });
}

/**
 * Moves instances to other groups.
 *
 * @param targets indexes of the groups to use; empty for all groups that no instance leaves
 */
export function changeGroups(
  cluster: Cluster,
  instances: readonly Instance[],
  targets: readonly number[],
  options: AlgorithmOptions,
): Evacuated {
  const { nodes, groups } = cluster;
  const left = new Set(instances.map((instance) => nodes.group[instance.primary]!));
  const wanted = targets.length === 0 ? [...groups.keys()] : [...targets];
  for (const group of left) {
    const at = wanted.indexOf(group);
    if (at >= 0) wanted.splice(at, 1);
  }
  const situation: AllocationSituation = {
    nodes,
    list: nodes.order,
    instanceOf: (index) => cluster.instances[index]!,
  };
  const outcome = noneEvacuated();
  for (const instance of instances) {
    record(outcome, nodes, instance, () => {
      const count = requiredNodes(instance.template);
      const chosen = attempted(() => findBestGroup(situation, groups, instance, count, wanted, options));
      if (chosen instanceof Error) throw new EvacuationError(chosen.message);
      const group = nodes.order.filter((node) => nodes.group[node] === chosen.group.index);
      const available = group.filter((node) => nodes.offline[node] === 0);
      return evacuateInstance({ nodes, group, available }, instance, 'all', defaultAlgorithmOptions);
    });
  }
  return outcome;
}
