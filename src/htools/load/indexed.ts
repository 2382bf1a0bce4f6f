/** Names to indexes, as the data sources refer to groups and nodes, with Ganeti's words for unknown ones. */
import { DataError } from './data-error.ts';

export type Indexes = ReadonlyMap<string, number>;

/** Elements get their place as index; of equal names the last one is found. */
export function indexesOf(names: readonly string[]): Indexes {
  return new Map(names.map((name, index) => [name, index]));
}

export function findGroup(groups: Indexes, node: string, group: string): number {
  const index = groups.get(group);
  if (index === undefined) throw new DataError(`Unknown group '${group}' for node ${node}`);
  return index;
}

export function findNode(nodes: Indexes, instance: string, node: string): number {
  const index = nodes.get(node);
  if (index === undefined) throw new DataError(`Unknown node '${node}' for instance ${instance}`);
  return index;
}

export function findInstance(instances: Indexes, name: string): number {
  const index = instances.get(name);
  if (index === undefined) throw new DataError(`Unknown instance '${name}'`);
  return index;
}
