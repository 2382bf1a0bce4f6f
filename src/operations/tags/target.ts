/** Whose tags an opcode means, and the lock that goes with it. */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { LockMode, LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { groupNamed, instanceNamed, networkNamed, nodeNamed } from '../../model/lookup.ts';

export type TagKind = 'cluster' | 'instance' | 'network' | 'node' | 'nodegroup';

interface Tagged {
  readonly uuid: string;
  readonly name: string;
  readonly tags: readonly string[];
}

const kinds = {
  instance: { table: 'instances', named: instanceNamed },
  node: { table: 'nodes', named: nodeNamed },
  nodegroup: { table: 'nodegroups', named: groupNamed },
  network: { table: 'networks', named: networkNamed },
} as const satisfies Record<
  Exclude<TagKind, 'cluster'>,
  { table: string; named: (configuration: Configuration, name: string) => Tagged }
>;

export interface TagTarget {
  readonly table: 'cluster' | (typeof kinds)[keyof typeof kinds]['table'];
  readonly uuid: string;
  readonly name: string;
  readonly tags: readonly string[];
}

/** @throws Failure OpPrereqError for a name that nobody has, or none where one is needed */
export function tagTarget(configuration: Configuration, kind: TagKind, name: string | null): TagTarget {
  const { cluster } = configuration;
  if (kind === 'cluster')
    return { table: 'cluster', uuid: cluster.uuid, name: cluster.cluster_name, tags: cluster.tags };
  if (name === null)
    throw prerequisiteFailure(`The name of the ${kind} whose tags are meant is missing`, ErrorCode.invalid);
  const { table, named } = kinds[kind];
  const object = named(configuration, name);
  return { table, uuid: object.uuid, name: object.name, tags: object.tags };
}

/** The object's own lock; the cluster has none beside the Big Ganeti Lock, and one commit needs none. */
export function tagLocks(
  configuration: Configuration,
  kind: TagKind,
  name: string | null,
  mode: LockMode,
): LockRequest[] {
  if (kind === 'cluster') return [];
  const target = tagTarget(configuration, kind, name);
  return [{ level: kind, name: kind === 'instance' ? target.name : target.uuid, mode }];
}
