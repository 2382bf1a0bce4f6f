/**
 * A cluster as the solver gets it, and parts of it: the nodes of one group with the instances that run there.
 */

import type { NodeTable } from '../state/node-table.ts';
import type { Instance } from './instance.ts';
import type { Policy } from './policy.ts';
import type { AllocationPolicy } from './vocabulary.ts';

export interface Group {
  readonly name: string;
  readonly uuid: string;
  readonly index: number;
  readonly allocationPolicy: AllocationPolicy;
  /** UUIDs of the networks the group is connected to. */
  readonly networks: readonly string[];
  readonly policy: Policy;
  readonly tags: readonly string[];
}

/** Groups by index, in index order. */
export type Groups = ReadonlyMap<number, Group>;

/** Nodes and instances that are looked at together; the table holds all nodes, `list` names those meant. */
export interface Part {
  readonly nodes: NodeTable;
  /** Node indexes, ascending. */
  readonly list: readonly number[];
  /** In index order. */
  readonly instances: readonly Instance[];
}

export interface Cluster {
  readonly groups: Groups;
  readonly nodes: NodeTable;
  /** All instances; an instance's index is its place here. */
  readonly instances: readonly Instance[];
  readonly tags: readonly string[];
  readonly policy: Policy;
}

export function wholeOf(cluster: Cluster): Part {
  return { nodes: cluster.nodes, list: cluster.nodes.order, instances: cluster.instances };
}

/** The cluster split by node group, in group order; instances go with their primary node. */
export function splitByGroup(part: Part): { readonly group: number; readonly part: Part }[] {
  const lists = new Map<number, number[]>();
  for (const node of part.list) {
    const group = part.nodes.group[node]!;
    const list = lists.get(group);
    if (list === undefined) lists.set(group, [node]);
    else list.push(node);
  }
  const members = new Map<number, Instance[]>([...lists.keys()].map((group) => [group, []]));
  const listed = new Set(part.list);
  for (const instance of part.instances) {
    if (listed.has(instance.primary)) members.get(part.nodes.group[instance.primary]!)!.push(instance);
  }
  return [...lists]
    .sort(([a], [b]) => a - b)
    .map(([group, list]) => ({
      group,
      part: { nodes: part.nodes, list, instances: members.get(group)! },
    }));
}

/** Whether the instance's two nodes are in different groups. */
export function isSplit(nodes: NodeTable, instance: Instance): boolean {
  return instance.secondary >= 0 && nodes.group[instance.primary] !== nodes.group[instance.secondary];
}

export function splitInstances(part: Part): Instance[] {
  return part.instances.filter((instance) => isSplit(part.nodes, instance));
}

/** Online nodes that couldn't take over one of their peers, and the instances on them. */
export function unredundant(part: Part): { readonly nodes: number[]; readonly instances: number[] } {
  const { nodes } = part;
  const bad = part.list.filter((node) => nodes.offline[node] === 0 && nodes.failsRedundancy(node));
  const instances = new Set(bad.flatMap((node) => [...nodes.secondaries[node]!, ...nodes.primaries[node]!]));
  return { nodes: bad, instances: [...instances].sort((a, b) => a - b) };
}

/** Finds one element by any of its names; undefined when none or several match. */
export function findByName<T>(
  elements: Iterable<T>,
  names: (element: T) => readonly string[],
  name: string,
): T | undefined {
  let found: T | undefined;
  for (const element of elements) {
    if (!names(element).includes(name)) continue;
    if (found !== undefined) return undefined;
    found = element;
  }
  return found;
}

export const groupNames = (group: Group): readonly string[] => [group.name, group.uuid];
export const instanceNames = (instance: Instance): readonly string[] => [instance.name, instance.alias];
