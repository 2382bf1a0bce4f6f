/** What belongs to a group: its nodes, and instances with a part on one of them. Pure. */
import type { Configuration } from '../../model/configuration.ts';
import { nodesOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';

export function nodesOfGroup(configuration: Configuration, group: string): Node[] {
  return configuration.nodes.filter((node) => node.group === group);
}

/** Instances that have their primary or another node in the group (ConfigWriter.GetNodeGroupInstances). */
export function instancesOfGroup(configuration: Configuration, group: string): Instance[] {
  return configuration.instances.filter((instance) =>
    nodesOf(configuration, instance).some((uuid) => configuration.nodes.get(uuid)?.group === group),
  );
}

/** Groups of the nodes that hold a part of the instance. */
export function groupsOfInstance(configuration: Configuration, instance: Instance): string[] {
  const groups = nodesOf(configuration, instance).flatMap(
    (uuid) => configuration.nodes.get(uuid)?.group ?? [],
  );
  return [...new Set(groups)];
}
