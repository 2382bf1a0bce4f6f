/** What a new instance's plan asks of the nodes before anything is made. */

import { ErrorCode, executionFailure, prerequisiteFailure } from '../../kit/failure.ts';
import type { Disk } from '../../model/objects/disk.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';
import { filledBackend, filledHypervisor, filledOs } from '../../model/params/fill.ts';
import { networkAbout } from '../../networks/catalog.ts';
import { hypervisorValidateParams } from '../../noderpc/calls/instance.ts';
import { bridgesExist, nodeInfo } from '../../noderpc/calls/node.ts';
import { osValidate } from '../../noderpc/calls/os.ts';
import { reasonOf } from '../../noderpc/reply.ts';
import { storageAbout } from '../../storage/catalog.ts';
import { requireFreeMemory } from '../checks.ts';
import { filledNicOf } from '../on-node.ts';
import type { PlanContext } from '../operation.ts';

/** Bridges and switches that the NICs name are there. */
export async function requireLinks(context: PlanContext, instance: Instance, node: Node): Promise<void> {
  const links = instance.nics
    .map((nic) => filledNicOf(context.configuration, nic))
    .filter((nic) => networkAbout(nic.mode).linkIsDevice)
    .map(({ mode, link }) => ({ mode, link }));
  if (links.length === 0) return;
  const { missing } = await context.nodes.call(node.uuid, bridgesExist, { links });
  if (missing.length > 0) {
    throw prerequisiteFailure(
      `Error checking bridges on destination node '${node.name}': Missing bridges ${missing.join(', ')}`,
      ErrorCode.environment,
    );
  }
}

/** MiB by volume group that the disks need on each node that holds them. */
function neededByGroup(disks: readonly Disk[]): Map<string, number> {
  const needed = new Map<string, number>();
  const visit = (disk: Disk) => {
    for (const child of disk.children ?? []) visit(child);
    if (!storageAbout(disk.dev_type).volumeGroup || (disk.children ?? []).length > 0) return;
    const group = String(disk.logical_id?.[0]);
    needed.set(group, (needed.get(group) ?? 0) + disk.size);
  };
  for (const disk of disks) visit(disk);
  return needed;
}

/** @throws Failure insufficient_resources naming node, volume group and MiB */
export async function requireDiskSpace(
  context: PlanContext,
  disks: readonly Disk[],
  nodes: readonly Node[],
): Promise<void> {
  const needed = neededByGroup(disks);
  if (needed.size === 0) return;
  const { storageType } = storageAbout(disks[0]!.dev_type);
  for (const node of nodes) {
    const info = await context.nodes.call(node.uuid, nodeInfo, {
      storage: [...needed.keys()].map((key) => ({ type: storageType, key, exclusive: false })),
      hypervisors: [],
    });
    for (const [group, mebibytes] of needed) {
      const free = info.storage.find((space) => space.name === group)?.free ?? null;
      if (free === null) {
        throw prerequisiteFailure(
          `Can't compute free disk space on node ${node.name} for vg ${group}`,
          ErrorCode.environment,
        );
      }
      if (mebibytes > free) {
        throw prerequisiteFailure(
          `Not enough disk space on target node ${node.name} vg ${group}: required ${mebibytes} MiB, available ${Math.floor(free)} MiB`,
          ErrorCode.resources,
        );
      }
    }
  }
}

/**
 * The OS definition is on the node, with the variant, and takes the parameters.
 * @returns whether its create script has to run in a helper virtual machine
 */
export async function requireOs(
  context: PlanContext,
  instance: Instance,
  node: Node,
  hiddenParameters: Readonly<Record<string, string>>,
  forceVariant: boolean,
): Promise<boolean> {
  const osparams = {
    ...filledOs(context.configuration.cluster, instance.os, instance.osparams),
    ...hiddenParameters,
  };
  try {
    const { untrusted } = await context.nodes.call(node.uuid, osValidate, {
      name: instance.os,
      checks: ['parameters'],
      osparams,
      required: true,
      forceVariant,
    });
    return untrusted;
  } catch (error) {
    throw executionFailure(`OS Parameters validation failed on node ${node.name}: ${reasonOf(error)}`, error);
  }
}

/** The hypervisor on each node accepts the parameters. */
export async function requireHypervisor(
  context: PlanContext,
  instance: Instance,
  nodes: readonly Node[],
): Promise<void> {
  const hvparams = filledHypervisor(context.configuration.cluster, instance);
  const replies = await context.nodes.callAll(
    nodes.map((node) => node.uuid),
    hypervisorValidateParams,
    { name: instance.hypervisor, hvparams },
  );
  for (const node of nodes) {
    const reply = replies.get(node.uuid);
    if (reply === undefined || reply.kind === 'answered' || reply.kind === 'offline') continue;
    throw executionFailure(`Hypervisor parameter validation failed on node ${node.name}: ${reply.message}`);
  }
}

/** Enough memory to start it. */
export async function requireMemory(context: PlanContext, instance: Instance, node: Node): Promise<void> {
  const { maxmem } = filledBackend(context.configuration.cluster, instance);
  await requireFreeMemory(
    context.nodes,
    context.configuration,
    node,
    `creating instance ${instance.name}`,
    maxmem,
    instance.hypervisor,
  );
}
