/**
 * Disks of a group: those of instances whose secondary was rebooted are activated, so that the mirrors find each other
 * again; then the master has all looked at, and what it says isn't active is activated in one job.
 */
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { LuxiClient } from '../luxi/client.ts';
import type { GroupData, WatchedNode } from './group-data.ts';
import { helplessStates } from './instances.ts';
import { because, carryOut, type Opcode, resultsOf, submit } from './jobs.ts';
import type { Notepad } from './state.ts';

/** constants.OP_PRIO_LOW. */
const lowPriority = 10;

/** Nodes that were seen with another boot id, or never. */
export function rebootedNodes(nodes: Iterable<WatchedNode>, notepad: Notepad, log: Log): WatchedNode[] {
  return [...nodes].filter(({ name, bootId, offline }) => {
    if (bootId === null && !offline) log.debug(`Node '${name}' missing boot ID, skipping secondary checks`);
    return bootId !== null && notepad.bootId(name) !== bootId;
  });
}

const activation = (name: string): Opcode =>
  because(`Activating disks for instance ${name}`, {
    OP_ID: 'OP_INSTANCE_ACTIVATE_DISKS',
    instance_name: name,
  });

/** @param started instances that a start has just been asked for: it activates their disks */
export async function mendAfterReboots(
  client: LuxiClient,
  { instances, nodes }: GroupData,
  started: ReadonlySet<string>,
  notepad: Notepad,
  log: Log,
): Promise<void> {
  const rebooted = rebootedNodes(nodes.values(), notepad, log);
  const names = new Set(rebooted.flatMap(({ secondaryOf }) => secondaryOf));
  for (const name of names) {
    if (!instances.get(name)?.disksActive) {
      log.info(`Skipping disk activation for instance with not activated disks '${name}'`);
      continue;
    }
    if (started.has(name)) continue;
    log.info(`Activating disks for instance '${name}'`);
    try {
      await carryOut(client, activation(name));
    } catch (error) {
      log.error(`Error while activating disks for instance '${name}': ${messageOf(error)}`);
    }
  }
  for (const { name, bootId } of rebooted) notepad.setBootId(name, bootId!);
}

/** What a verification says is inactive and can be activated from here. */
function mendable({ instances, nodes }: GroupData, names: readonly string[], log: Log): string[] {
  return names.filter((name) => {
    const instance = instances.get(name);
    if (instance === undefined) {
      log.info(`Can't find instance '${name}', maybe it was ignored`);
      return false;
    }
    const isHelpless =
      helplessStates.has(instance.status) || instance.secondaries.some((node) => nodes.get(node)?.offline);
    if (isHelpless)
      log.info(`Skipping instance '${name}' because it is in a helpless state or has offline secondaries`);
    return !isHelpless;
  });
}

export async function verifyDisks(
  client: LuxiClient,
  group: string,
  data: GroupData,
  options: { readonly strict: boolean; readonly log: Log },
): Promise<void> {
  const { log, strict } = options;
  // Storage from outside can't say what state it is in.
  if ([...data.instances.values()].every(({ template }) => template === 'ext' || template === 'diskless'))
    return;
  const opcode = because(`Verifying disks of group ${group}`, {
    OP_ID: 'OP_GROUP_VERIFY_DISKS',
    group_name: group,
    priority: lowPriority,
    is_strict: strict,
  });
  const job = await submit(client, [opcode]);
  const [[, inactive]] = (await resultsOf(client, job)) as [[unknown, readonly string[], unknown]];
  await client.call('ArchiveJob', [job]).catch((error: unknown) => {
    log.error(`Error while archiving job ${job}: ${messageOf(error)}`);
  });
  const names = mendable(data, inactive, log);
  if (names.length === 0) return;
  log.info(`Activating disks of ${names.join(', ')}, which are not active`);
  try {
    // One job for all: it puts less on the queue.
    await resultsOf(client, await submit(client, names.map(activation)));
  } catch (error) {
    log.error(`Error while activating disks: ${messageOf(error)}`);
  }
}
