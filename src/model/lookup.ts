/** Finding objects the way users name them: full name, unique short name, or uuid (utils.MatchNameComponent). */
import { ErrorCode, prerequisiteFailure } from '../kit/failure.ts';
import type { Configuration } from './configuration.ts';
import type { Disk } from './objects/disk.ts';
import type { Instance } from './objects/instance.ts';
import type { Network } from './objects/network.ts';
import type { Node } from './objects/node.ts';
import type { NodeGroup } from './objects/node-group.ts';

/**
 * The one name of `names` that `wanted` means: the same name, or the only one that begins with
 * `wanted` followed by a dot. Upper and lower case are the same.
 */
export function matchName(wanted: string, names: Iterable<string>): string | undefined {
  const lower = wanted.toLowerCase();
  const matches: string[] = [];
  for (const name of names) {
    const candidate = name.toLowerCase();
    if (candidate === lower) return name;
    if (candidate.startsWith(`${lower}.`)) matches.push(name);
  }
  return matches.length === 1 ? matches[0] : undefined;
}

function find<T extends { uuid: string; name: string }>(
  table: { get(uuid: string): T | undefined; byName(name: string): T | undefined; values(): T[] },
  wanted: string,
): T | undefined {
  const direct = table.byName(wanted) ?? table.get(wanted);
  if (direct !== undefined) return direct;
  const name = matchName(
    wanted,
    table.values().map((object) => object.name),
  );
  return name === undefined ? undefined : table.byName(name);
}

/** @throws Failure OpPrereqError unknown_entity */
export function nodeNamed(configuration: Configuration, name: string): Node {
  const node = find(configuration.nodes, name);
  if (node === undefined) throw prerequisiteFailure(`Node '${name}' not known`, ErrorCode.unknown);
  return node;
}

/** @throws Failure OpPrereqError unknown_entity */
export function instanceNamed(configuration: Configuration, name: string): Instance {
  const instance = find(configuration.instances, name);
  if (instance === undefined) throw prerequisiteFailure(`Instance '${name}' not known`, ErrorCode.unknown);
  return instance;
}

/** @throws Failure OpPrereqError unknown_entity */
export function groupNamed(configuration: Configuration, name: string): NodeGroup {
  const group = configuration.nodegroups.byName(name) ?? configuration.nodegroups.get(name);
  if (group === undefined) throw prerequisiteFailure(`Node group '${name}' not found`, ErrorCode.unknown);
  return group;
}

/** @throws Failure OpPrereqError unknown_entity */
export function networkNamed(configuration: Configuration, name: string): Network {
  const network = configuration.networks.byName(name) ?? configuration.networks.get(name);
  if (network === undefined) throw prerequisiteFailure(`Network '${name}' not found`, ErrorCode.unknown);
  return network;
}

/** The instance's disks in their order; a uuid without a disk is left out. */
export function disksOf(configuration: Configuration, instance: Instance): Disk[] {
  return instance.disks.flatMap((uuid) => configuration.disks.get(uuid) ?? []);
}

/** Uuids of every node that holds a part of the instance: the primary first, then the others. */
export function nodesOf(configuration: Configuration, instance: Instance): string[] {
  const nodes = new Set([instance.primary_node]);
  for (const disk of disksOf(configuration, instance)) for (const node of disk.nodes) nodes.add(node);
  nodes.delete('');
  return [...nodes];
}

/** Uuids of the nodes that hold mirrored disks of the instance besides its primary. */
export function secondariesOf(configuration: Configuration, instance: Instance): string[] {
  return nodesOf(configuration, instance).filter((uuid) => uuid !== instance.primary_node);
}

/** The node that is master now. */
export function masterNode(configuration: Configuration): Node {
  const master = configuration.nodes.get(configuration.cluster.master_node);
  if (master === undefined)
    throw prerequisiteFailure('The master node is not in the configuration', ErrorCode.fault);
  return master;
}
