/**
 * What nodes have of something by name: OS definitions, storage providers. A thing is listed when any node
 * has it; a node that answered without it counts against it, a node that didn't answer counts not at all.
 */

import { compareNicely } from '../../kit/nice-sort.ts';
import type { Node } from '../../model/objects/node.ts';
import type { NodeCall } from '../../noderpc/call.ts';
import type { QueryContext } from '../context.ts';

export interface Found<T> {
  readonly name: string;
  /** What each node that answered has, the first one used first; empty where it has none. */
  readonly onNodes: ReadonlyMap<string, readonly T[]>;
}

/** Nodes that are asked. */
function nodesThatHost({ configuration }: QueryContext): Node[] {
  return configuration.nodes
    .filter((node) => !node.offline && node.vm_capable)
    .sort((a, b) => compareNicely(a.name, b.name));
}

export async function findOnNodes<T extends { readonly name: string }>(
  context: QueryContext,
  call: NodeCall<Record<string, never>, T[]>,
): Promise<Found<T>[]> {
  const nodes = nodesThatHost(context).map((node) => node.uuid);
  const replies = await context.nodes.callAll(nodes, call, {});
  const answers = nodes.flatMap((uuid) => {
    const reply = replies.get(uuid);
    return reply?.kind === 'answered' ? [[uuid, reply.value] as const] : [];
  });
  const names = new Set(answers.flatMap(([, found]) => found.map(({ name }) => name)));
  return [...names].sort(compareNicely).map((name) => ({
    name,
    onNodes: new Map(answers.map(([uuid, found]) => [uuid, found.filter((one) => one.name === name)])),
  }));
}

/** What all have in common, in the order of the first. `same` says when two are one. */
export function common<T>(lists: readonly (readonly T[])[], same: (a: T, b: T) => boolean): T[] {
  const [first = [], ...others] = lists;
  return first.filter((item) => others.every((list) => list.some((other) => same(item, other))));
}
