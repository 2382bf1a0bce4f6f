/** Memory: may the instance still start where it is and where its mirror is, and what the guest has now. */

import { ErrorCode, messageOf, prerequisiteFailure } from '../../../kit/failure.ts';
import type { Configuration } from '../../../model/configuration.ts';
import { secondariesOf } from '../../../model/lookup.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import type { BackendParameters } from '../../../model/params/backend.ts';
import { filledBackend } from '../../../model/params/fill.ts';
import { nodeInfo } from '../../../noderpc/calls/node.ts';
import { offlineReason } from '../../../noderpc/reply.ts';
import { primaryOf, requireFreeMemory, runningOn } from '../../checks.ts';
import type { PlanContext } from '../../operation.ts';

const nameOf = (configuration: Configuration, uuid: string) => configuration.nodes.get(uuid)?.name ?? uuid;

/** Free memory by node, in MiB; the reason where it can't be known. */
async function freeMemory(
  { nodes, configuration }: PlanContext,
  on: readonly string[],
  hypervisor: string,
): Promise<Map<string, number | string>> {
  const hvparams = configuration.cluster.hvparams[hypervisor] ?? {};
  const replies = await nodes.callAll(on, nodeInfo, {
    storage: [],
    hypervisors: [{ name: hypervisor, hvparams }],
  });
  return new Map(
    [...replies].map(([node, reply]) => {
      if (reply.kind === 'offline') return [node, offlineReason];
      if (reply.kind !== 'answered') return [node, reply.message];
      return [node, reply.value.hypervisors[0]?.memoryFree ?? 'no free memory information'];
    }),
  );
}

/**
 * More memory than before must be there: on the primary node beside what the guest has already, and on the
 * secondary whole, when the instance counts for balance.
 * @throws Failure OpPrereqError
 */
export async function requireRoomFor(
  context: PlanContext,
  instance: Instance,
  before: BackendParameters,
  after: BackendParameters,
): Promise<void> {
  if (after.maxmem <= before.maxmem) return;
  const { configuration } = context;
  const secondaries = after.auto_balance ? secondariesOf(configuration, instance) : [];
  const free = await freeMemory(context, [instance.primary_node, ...secondaries], instance.hypervisor);
  const onPrimary = free.get(instance.primary_node);
  if (typeof onPrimary !== 'number') {
    const primary = nameOf(configuration, instance.primary_node);
    context.say(`WARNING: Can't get info from primary node ${primary}: ${onPrimary ?? 'no answer'}`);
  } else {
    await requireOnPrimary(context, instance, after.maxmem, onPrimary);
  }
  for (const node of secondaries) {
    const there = free.get(node);
    const name = nameOf(configuration, node);
    if (typeof there !== 'number') {
      throw prerequisiteFailure(
        `Can't get info from secondary node ${name}: ${there ?? 'no answer'}`,
        ErrorCode.state,
      );
    }
    if (after.maxmem > there) {
      throw prerequisiteFailure(
        `This change will prevent the instance from failover to its secondary node ${name}, due to not enough memory`,
        ErrorCode.state,
      );
    }
  }
}

async function requireOnPrimary(
  context: PlanContext,
  instance: Instance,
  wanted: number,
  free: number,
): Promise<void> {
  let current = 0;
  try {
    const guest = await runningOn(context.nodes, context.configuration, instance, instance.primary_node);
    current = guest?.memory ?? 0;
  } catch (error) {
    context.say(`WARNING: Can't get instance runtime information: ${messageOf(error)}`);
    return;
  }
  const missing = wanted - current - free;
  if (missing > 0) {
    throw prerequisiteFailure(
      `This change will prevent the instance from starting, due to ${missing} MB of memory missing on its primary node`,
      ErrorCode.resources,
    );
  }
}

/**
 * May the running guest have `wanted` MiB?
 * @returns what it has now
 * @throws Failure OpPrereqError
 */
export async function planRuntimeMemory(
  context: PlanContext,
  instance: Instance,
  wanted: number,
  force: boolean,
): Promise<number> {
  const { configuration, nodes } = context;
  const primary = primaryOf(configuration, instance);
  const guest = await runningOn(nodes, configuration, instance, primary.uuid);
  if (guest === null) throw prerequisiteFailure(`Instance ${instance.name} is not running`, ErrorCode.state);
  const { minmem, maxmem } = filledBackend(configuration.cluster, instance);
  if (!force && (wanted > maxmem || wanted < minmem)) {
    throw prerequisiteFailure(
      `Instance ${instance.name} must have memory between ${minmem} and ${maxmem} MB of memory unless --force is given`,
      ErrorCode.invalid,
    );
  }
  const more = wanted - guest.memory;
  if (more > 0) {
    const reason = `ballooning memory for instance ${instance.name}`;
    await requireFreeMemory(nodes, configuration, primary, reason, more, instance.hypervisor);
  }
  return guest.memory;
}
