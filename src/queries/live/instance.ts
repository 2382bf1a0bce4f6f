/**
 * Live data of instances: one all_instances_info call to each primary node concerned, then, where the
 * console is asked for, console calls to the nodes that answered. A dead node costs one deadline, whatever
 * is asked.
 */
import type { Instance } from '../../model/objects/instance.ts';
import type { Reply, ResultOf } from '../../noderpc/call.ts';
import { allInstancesInfo, instanceConsole, type RunningInstance } from '../../noderpc/calls/instance.ts';
import type { QueryContext } from '../context.ts';
import type { LiveNeed } from '../field.ts';
import type { Row } from '../resource.ts';

export type Console = ResultOf<typeof instanceConsole>;

export type InstanceLive =
  | {
      readonly kind: 'answered';
      /** null: no node that was asked has it. */
      readonly running: (RunningInstance & { readonly onPrimary: boolean }) | null;
      readonly console: Console | null;
    }
  | { readonly kind: 'offline' | 'nodata' };

type Replies = ReadonlyMap<string, Reply<Record<string, RunningInstance>>>;

async function askNodes(context: QueryContext, instances: readonly Instance[]): Promise<Replies> {
  const { cluster, nodes } = context.configuration;
  const names = [...new Set(instances.map((instance) => instance.hypervisor))];
  const hypervisors = names.map((name) => ({ name, hvparams: { ...cluster.hvparams[name] } }));
  const primaries = new Set(instances.map((instance) => instance.primary_node));
  const online = [...primaries].filter((uuid) => nodes.get(uuid)?.offline === false);
  return await context.nodes.callAll(online, allInstancesInfo, { hypervisors });
}

/** Instances that some node has, by name; for those that are not where they should be. */
function seenAnywhere(replies: Replies): ReadonlyMap<string, RunningInstance> {
  const seen = new Map<string, RunningInstance>();
  for (const reply of replies.values()) {
    if (reply.kind !== 'answered') continue;
    for (const [name, running] of Object.entries(reply.value)) if (!seen.has(name)) seen.set(name, running);
  }
  return seen;
}

function stateOf(
  context: QueryContext,
  instance: Instance,
  replies: Replies,
  seen: ReadonlyMap<string, RunningInstance>,
): InstanceLive {
  const { primary_node: primary, name } = instance;
  const node = context.configuration.nodes.get(primary);
  const reply = replies.get(primary);
  const here = reply?.kind === 'answered' ? reply.value[name] : undefined;
  if (here !== undefined) return { kind: 'answered', running: { ...here, onPrimary: true }, console: null };
  const there = seen.get(name);
  if (there !== undefined)
    return { kind: 'answered', running: { ...there, onPrimary: false }, console: null };
  if (node === undefined || reply?.kind === 'answered')
    return { kind: 'answered', running: null, console: null };
  return { kind: node.offline || reply?.kind === 'offline' ? 'offline' : 'nodata' };
}

async function consoleOf(
  context: QueryContext,
  instance: Instance,
  live: InstanceLive,
): Promise<InstanceLive> {
  const describe = context.instanceOnNode;
  const primary = instance.primary_node;
  if (live.kind !== 'answered' || describe === undefined || primary === '') return live;
  const replies = await context.nodes.callAll([primary], instanceConsole, {
    instance: describe(instance, primary),
  });
  const reply = replies.get(primary);
  return reply?.kind === 'answered' ? { ...live, console: reply.value } : live;
}

export async function fetchInstances(
  context: QueryContext,
  instances: readonly Instance[],
  needs: ReadonlySet<LiveNeed>,
): Promise<Row<Instance, InstanceLive>[]> {
  const replies = await askNodes(context, instances);
  const seen = seenAnywhere(replies);
  const rows = instances.map((item) => ({ item, live: stateOf(context, item, replies, seen) }));
  if (!needs.has('console')) return rows;
  return await Promise.all(
    rows.map(async ({ item, live }) => ({ item, live: await consoleOf(context, item, live) })),
  );
}
