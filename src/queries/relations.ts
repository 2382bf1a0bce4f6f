/**
 * Who belongs to whom in a configuration, each direction worked out once for a query and only when asked
 * for: a list of 1,000 nodes with their instances must not walk 10,000 instances 1,000 times.
 */
import type { Configuration } from '../model/configuration.ts';
import { disksOf, secondariesOf } from '../model/lookup.ts';
import type { Disk } from '../model/objects/disk.ts';
import type { Instance } from '../model/objects/instance.ts';
import type { Node } from '../model/objects/node.ts';
import type { ParameterValues } from '../model/params/family.ts';
import {
  type FilledNicParameters,
  filledBackend,
  filledHypervisor,
  filledNic,
} from '../model/params/fill.ts';

function grouped<T>(items: Iterable<T>, keysOf: (item: T) => Iterable<string>): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    for (const key of keysOf(item)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [item]);
      else group.push(item);
    }
  }
  return groups;
}

/** The last answer is kept: the many fields of one object ask for the same thing one after the other. */
function lastOf<K, V>(make: (key: K) => V): (key: K) => V {
  let last: { readonly key: K; readonly value: V } | undefined;
  return (key) => {
    if (last === undefined || last.key !== key) last = { key, value: make(key) };
    return last.value;
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

export interface Relations {
  /** By uuid of the node. */
  readonly primaryInstances: (node: string) => readonly Instance[];
  readonly secondaryInstances: (node: string) => readonly Instance[];
  /** By uuid of the group. */
  readonly nodesOfGroup: (group: string) => readonly Node[];
  /** By uuid of the network, each instance once. */
  readonly instancesOfNetwork: (network: string) => readonly Instance[];
  readonly disks: (instance: Instance) => readonly Disk[];
  readonly secondaries: (instance: Instance) => readonly Node[];
  readonly hvparams: (instance: Instance) => ParameterValues;
  readonly beparams: (instance: Instance) => ParameterValues;
  readonly nics: (instance: Instance) => readonly FilledNicParameters[];
}

export function relationsOf(configuration: Configuration): Relations {
  const { cluster, instances, nodes } = configuration;
  const byPrimary = once(() => grouped(instances, (instance) => [instance.primary_node]));
  const bySecondary = once(() => grouped(instances, (instance) => secondariesOf(configuration, instance)));
  const byGroup = once(() => grouped(nodes, (node) => [node.group]));
  const byNetwork = once(() =>
    grouped(instances, (instance) => new Set(instance.nics.flatMap((nic) => nic.network ?? []))),
  );
  return {
    primaryInstances: (node) => byPrimary().get(node) ?? [],
    secondaryInstances: (node) => bySecondary().get(node) ?? [],
    nodesOfGroup: (group) => byGroup().get(group) ?? [],
    instancesOfNetwork: (network) => byNetwork().get(network) ?? [],
    disks: lastOf((instance) => disksOf(configuration, instance)),
    secondaries: lastOf((instance) =>
      secondariesOf(configuration, instance).flatMap((uuid) => nodes.get(uuid) ?? []),
    ),
    hvparams: lastOf((instance) => filledHypervisor(cluster, instance)),
    beparams: lastOf((instance) => filledBackend(cluster, instance)),
    nics: lastOf((instance) => instance.nics.map((nic) => filledNic(cluster, nic))),
  };
}
