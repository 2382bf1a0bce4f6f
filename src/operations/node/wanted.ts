/** Nodes that a request names, in its order; none named means all. */
import { compareNicely } from '../../kit/nice-sort.ts';
import type { LockMode, LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { nodeNamed } from '../../model/lookup.ts';
import type { Node } from '../../model/objects/node.ts';

/** @throws Failure OpPrereqError unknown_entity */
export function wantedNodes(configuration: Configuration, names: readonly string[]): Node[] {
  return names.length === 0
    ? nodesByName(configuration)
    : names.map((name) => nodeNamed(configuration, name));
}

/** All nodes in the order of their names, so that of several faults the same one is told each time. */
export function nodesByName({ nodes }: Configuration): Node[] {
  return nodes.values().sort((a, b) => compareNicely(a.name, b.name));
}

export function nodeLocks(
  configuration: Configuration,
  names: readonly string[],
  mode: LockMode,
): LockRequest[] {
  if (names.length === 0) return [{ level: 'node', name: 'all', mode }];
  return wantedNodes(configuration, names).map(({ uuid }) => ({ level: 'node', name: uuid, mode }));
}
