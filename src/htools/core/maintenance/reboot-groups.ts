/**
 * Groups of nodes that can be rebooted together without taking down both sides of an instance, after moving
 * away what has no second side (hroller(1)).
 */
import { addPrimary, addSecondary, removePrimary, removeSecondary } from '../state/node-operations.ts';
import type { NodeTable } from '../state/node-table.ts';
import type { Instance } from '../terms/instance.ts';
import { Refusal } from '../terms/vocabulary.ts';
import type { Edge } from './graph.ts';

/** The cluster, as far as moving instances for a reboot goes. */
export interface RebootSituation {
  readonly nodes: NodeTable;
  readonly instances: readonly Instance[];
}

/** Where all instances are. */
export type Places = readonly { readonly primary: number; readonly secondary: number }[];

export interface RebootGroup {
  readonly members: readonly number[];
  /** Where the instances are while these nodes reboot. */
  readonly places: Places;
}

/** Both sides of each DRBD instance must not reboot together. */
export function replicationEdges(instances: readonly Instance[]): Edge[] {
  return instances.flatMap((instance): Edge[] =>
    instance.hasSecondary
      ? [
          [instance.primary, instance.secondary],
          [instance.secondary, instance.primary],
        ]
      : [],
  );
}

/** Beside these, nodes whose primaries share a secondary: it couldn't take both. */
export function rebootEdges(nodes: NodeTable, instances: readonly Instance[]): Edge[] {
  const edges = replicationEdges(instances);
  const key = ([from, to]: Edge) => from * nodes.size + to;
  const known = new Set(edges.map(key));
  for (const node of nodes.order) {
    const primaries = nodes.secondaries[node]!.map((index) => instances[index]!.primary);
    for (const from of primaries) {
      for (const to of primaries) {
        if (known.has(from * nodes.size + to)) continue;
        known.add(from * nodes.size + to);
        edges.push([from, to]);
      }
    }
  }
  return edges;
}

export function currentPlaces(instances: readonly Instance[]): Places {
  return instances.map(({ primary, secondary }) => ({ primary, secondary }));
}

/** Moves a single-homed instance to the first node that takes it. */
function relocate(nodes: NodeTable, instance: Instance, targets: readonly number[]): boolean {
  const { primary, secondary, locationScore } = instance;
  for (const target of targets) {
    if (addPrimary(nodes, target, instance, locationScore, true) !== Refusal.none) continue;
    removePrimary(nodes, primary, instance, locationScore);
    nodes.place(instance, target, secondary, locationScore);
    return true;
  }
  return false;
}

/** Gives a DRBD instance the first other secondary that takes it. */
function replaceSecondary(nodes: NodeTable, instance: Instance, targets: readonly number[]): boolean {
  const { primary, secondary, locationScore } = instance;
  for (const target of targets) {
    if (target === primary) continue;
    if (addSecondary(nodes, target, instance, primary, { force: true }) !== Refusal.none) continue;
    removeSecondary(nodes, secondary, instance, primary);
    nodes.place(instance, primary, target, locationScore);
    return true;
  }
  return false;
}

/** Swaps primary and secondary; false when the secondary can't take it. */
export function migrate(nodes: NodeTable, instance: Instance): boolean {
  const { primary, secondary, locationScore } = instance;
  if (secondary < 0) return false;
  removePrimary(nodes, primary, instance, locationScore);
  removeSecondary(nodes, secondary, instance, primary);
  const refused =
    addPrimary(nodes, secondary, instance, locationScore, true) ||
    addSecondary(nodes, primary, instance, secondary, { force: true });
  nodes.place(instance, secondary, primary, locationScore);
  return refused === Refusal.none;
}

/** What to clear from a node, and how one of it is moved to other nodes. */
export interface Clearing {
  readonly what: (nodes: NodeTable, node: number) => readonly number[];
  readonly move: (nodes: NodeTable, instance: Instance, targets: readonly number[]) => boolean;
}

/** Single-homed instances, moved to any node. */
export function nonRedundantClearing(instances: readonly Instance[]): Clearing {
  return {
    what: (nodes, node) => nonRedundant(nodes, instances, node),
    move: relocate,
  };
}

export const secondaryClearing: Clearing = {
  what: (nodes, node) => nodes.secondaries[node]!,
  move: replaceSecondary,
};

export function nonRedundant(nodes: NodeTable, instances: readonly Instance[], node: number): number[] {
  return nodes.primaries[node]!.filter((index) => !instances[index]!.hasSecondary);
}

/** Clears one node; takes everything back and says false when it can't. */
function clearNode(
  situation: RebootSituation,
  clearing: Clearing,
  node: number,
  targets: readonly number[],
): boolean {
  const { nodes, instances } = situation;
  const others = targets.filter((target) => target !== node && nodes.group[target] === nodes.group[node]);
  const mark = nodes.mark();
  for (const index of clearing.what(nodes, node)) {
    if (clearing.move(nodes, instances[index]!, others)) continue;
    nodes.rollback(mark);
    return false;
  }
  nodes.release(mark);
  return true;
}

/** As many of the nodes as can be cleared at the same time, greedily, with where the instances are then. */
function clearTogether(
  situation: RebootSituation,
  clearing: Clearing,
  members: readonly number[],
  targets: readonly number[],
): RebootGroup {
  let open = [...targets];
  const cleared: number[] = [];
  for (const node of members) {
    if (!clearNode(situation, clearing, node, open)) continue;
    cleared.push(node);
    open = open.filter((target) => target !== node);
  }
  return { members: cleared, places: currentPlaces(situation.instances) };
}

/**
 * Splits a group into groups that can be cleared at the same time, each starting from how things are now.
 * `then` runs while the instances are where such a group puts them. Undefined when some node can't be cleared
 * even alone.
 */
export function partition<T>(
  situation: RebootSituation,
  clearing: Clearing,
  members: readonly number[],
  targets: readonly number[],
  then: (group: RebootGroup) => T | undefined,
): T[] | undefined {
  const { nodes } = situation;
  const results: T[] = [];
  let remaining = [...members];
  while (remaining.length > 0) {
    const mark = nodes.mark();
    const group = clearTogether(situation, clearing, remaining, targets);
    const result = group.members.length === 0 ? undefined : then(group);
    nodes.rollback(mark);
    if (result === undefined) return undefined;
    results.push(result);
    remaining = remaining.filter((node) => !group.members.includes(node));
  }
  return results;
}
