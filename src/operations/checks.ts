/** Checks that many plans share, with Ganeti's words and codes. */
import { ErrorCode, prerequisiteFailure } from '../kit/failure.ts';
import type { Configuration } from '../model/configuration.ts';
import type { Instance } from '../model/objects/instance.ts';
import type { Node } from '../model/objects/node.ts';
import { filledHypervisor } from '../model/params/fill.ts';
import type { NodeCaller } from '../noderpc/call.ts';
import { instanceInfo, type RunningInstance } from '../noderpc/calls/instance.ts';
import { nodeInfo } from '../noderpc/calls/node.ts';

export function requireOnline(node: Node): void {
  if (node.offline) throw prerequisiteFailure(`Can't use offline node: ${node.name}`, ErrorCode.state);
}

export function requireNotDrained(node: Node): void {
  if (node.drained) throw prerequisiteFailure(`Can't use drained node: ${node.name}`, ErrorCode.state);
}

export function requireVmCapable(node: Node): void {
  if (!node.vm_capable)
    throw prerequisiteFailure(`Cannot use non-vm_capable node: ${node.name}`, ErrorCode.state);
}

/** A node that new instances may run on. */
export function requireUsableAsPrimary({ name, offline, drained, vm_capable: capable }: Node): void {
  const fault = offline ? 'offline' : drained ? 'drained' : capable ? undefined : 'non-vm_capable';
  if (fault !== undefined)
    throw prerequisiteFailure(`Cannot use ${fault} primary node '${name}'`, ErrorCode.state);
}

/** A node that may take a new instance. */
export function requireUsable(node: Node): void {
  requireOnline(node);
  requireNotDrained(node);
  requireVmCapable(node);
}

export function primaryOf(configuration: Configuration, instance: Instance): Node {
  const node = configuration.nodes.get(instance.primary_node);
  if (node === undefined)
    throw prerequisiteFailure(`Instance ${instance.name} has no primary node`, ErrorCode.state);
  return node;
}

/** What the instance's hypervisor says of it on `node`; null when it isn't running there. */
export async function runningOn(
  nodes: NodeCaller,
  configuration: Configuration,
  instance: Instance,
  node: string,
): Promise<RunningInstance | null> {
  return await nodes.call(node, instanceInfo, {
    name: instance.name,
    hypervisor: instance.hypervisor,
    hvparams: filledHypervisor(configuration.cluster, instance),
  });
}

/** @throws Failure insufficient_resources when `node` has less than `needed` MiB free */
export async function requireFreeMemory(
  nodes: NodeCaller,
  configuration: Configuration,
  node: Node,
  reason: string,
  needed: number,
  hypervisor: string,
): Promise<void> {
  const info = await nodes.call(node.uuid, nodeInfo, {
    storage: [],
    hypervisors: [{ name: hypervisor, hvparams: configuration.cluster.hvparams[hypervisor] ?? {} }],
  });
  const free = info.hypervisors[0]?.memoryFree;
  if (free === undefined) {
    throw prerequisiteFailure(
      `Can't compute free memory on node ${node.name}, result was '${JSON.stringify(info.hypervisors)}'`,
      ErrorCode.environment,
    );
  }
  if (needed > free) {
    throw prerequisiteFailure(
      `Not enough memory on node ${node.name} for ${reason}: needed ${needed} MiB, available ${free} MiB`,
      ErrorCode.resources,
    );
  }
}
