/** Instances, nodes and locks of one group, as the master tells them. */
import type { Log } from '../kit/log.ts';
import type { LuxiClient } from '../luxi/client.ts';
import type { WatchedInstance } from './instances.ts';

export interface WatchedNode {
  readonly name: string;
  /** Null when the node could not say. */
  readonly bootId: string | null;
  readonly offline: boolean;
  /** Names of instances whose secondary it is. */
  readonly secondaryOf: readonly string[];
}

export interface GroupData {
  readonly instances: ReadonlyMap<string, WatchedInstance>;
  readonly nodes: ReadonlyMap<string, WatchedNode>;
  /** A job is at work on the instance, or waits to be. */
  readonly isLocked: (name: string) => boolean;
}

const instanceFields = [
  'name',
  'status',
  'admin_state',
  'disks_active',
  'snodes',
  'pnode.group.uuid',
  'snodes.group.uuid',
  'disk_template',
] as const;
const instanceLock = 'instance/';

/** Values of the rows; the status of each cell is left out, as Ganeti's watcher does. */
async function rows(
  client: LuxiClient,
  what: string,
  fields: readonly string[],
  filter: unknown,
): Promise<unknown[][]> {
  const { data } = (await client.call('Query', [what, fields, filter])) as { data: [number, unknown][][] };
  return data.map((row) => row.map(([, value]) => value));
}

/** Names of instances whose lock somebody has for himself alone, or waits for. */
export async function lockedInstances(client: LuxiClient): Promise<ReadonlySet<string>> {
  const locks = await rows(client, 'lock', ['name', 'mode', 'pending'], null);
  const taken = locks.filter(
    ([name, mode, pending]) =>
      String(name).startsWith(instanceLock) &&
      (mode === 'exclusive' || (pending as unknown[] | null)?.length),
  );
  return new Set(taken.map(([name]) => String(name).slice(instanceLock.length)));
}

function watched(row: readonly unknown[], log: Log): WatchedInstance | undefined {
  const [name, status, adminState, disksActive, secondaries, group, secondaryGroups, template] = row;
  const others = (secondaryGroups as string[] | null) ?? [];
  if (others.some((other) => other !== group)) {
    log.error(
      `Ignoring split instance '${String(name)}', primary group ${String(group)}, secondary groups ${others.join(', ')}`,
    );
    return undefined;
  }
  return {
    name: String(name),
    status: String(status),
    adminState: String(adminState),
    disksActive: disksActive === true,
    secondaries: (secondaries as string[] | null) ?? [],
    template: String(template),
  };
}

export async function readGroup(client: LuxiClient, group: string, log: Log): Promise<GroupData> {
  // Locks last: whoever has begun meanwhile is seen.
  const found = await rows(client, 'instance', instanceFields, ['=', 'pnode.group.uuid', group]);
  const machines = await rows(client, 'node', ['name', 'bootid', 'offline'], ['=', 'group.uuid', group]);
  const locked = await lockedInstances(client);
  const instances = found.flatMap((row) => watched(row, log) ?? []);
  const nodes = machines.map(([name, bootId, offline]): WatchedNode => {
    const secondaryOf = instances.filter(({ secondaries }) => secondaries.includes(String(name)));
    return {
      name: String(name),
      bootId: typeof bootId === 'string' && bootId !== '' ? bootId : null,
      offline: offline === true,
      secondaryOf: secondaryOf.map((instance) => instance.name),
    };
  });
  return {
    instances: new Map(instances.map((instance) => [instance.name, instance])),
    nodes: new Map(nodes.map((node) => [node.name, node])),
    isLocked: (name) => locked.has(name),
  };
}

/** The state of one instance now, just before something is done about it. */
export async function isStill(client: LuxiClient, { name, status }: WatchedInstance): Promise<boolean> {
  const [row] = await rows(client, 'instance', ['status'], ['=', 'name', name]);
  return row?.[0] === status && !(await lockedInstances(client)).has(name);
}
