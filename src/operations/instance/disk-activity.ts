/** Bringing the disks of a committed instance up and down on all their nodes, as steps of a job. */

import { sleep } from '../../kit/clock.ts';
import { executionFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import { disksOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import { blockdevStatus, type DiskStatus } from '../../noderpc/calls/disk.ts';
import { version } from '../../noderpc/calls/node.ts';
import type { DiskOnNode } from '../../noderpc/calls/shapes.ts';
import { reasonOf } from '../../noderpc/reply.ts';
import { storageAbout } from '../../storage/catalog.ts';
import { disksOnNode } from '../on-node.ts';
import type { JobHandle } from '../operation.ts';
import { runStateOf, setRunState } from '../steps/configuration.ts';
import { activateDisks, deactivateDisks } from '../steps/disks.ts';

/** So often, this far apart, mirrors that were told to connect are asked whether they have met. */
const mostPolls = 20;
const pollMs = 500;

/** Nodes on which the instance's disks are brought up when it runs on `primary`: the others first. */
export function diskNodes(
  configuration: Configuration,
  instance: Instance,
  primary = instance.primary_node,
): string[] {
  const disks = disksOf(configuration, instance);
  const mirrored = disks.some((disk) => storageAbout(disk.dev_type).mirrored === 'internal');
  const others = mirrored
    ? [...new Set(disks.flatMap((disk) => disk.nodes))].filter((uuid) => uuid !== primary)
    : [];
  return [...others, primary];
}

export interface ActivationOptions {
  readonly primary?: string;
  /** A secondary that can't be reached is no reason to stop. */
  readonly ignoreSecondaries?: boolean;
  readonly wasActive?: boolean;
  /** Recorded sizes are not held against what the volumes have. */
  readonly ignoreSize?: boolean;
}

const nameOf = (configuration: Configuration, uuid: string) => configuration.nodes.get(uuid)?.name ?? uuid;

function sizeless(request: DiskOnNode): DiskOnNode {
  return { ...request, disk: { ...request.disk, size: 0 } };
}

type Activation = Parameters<typeof activateDisks.run>[1];

/** @throws Failure OpExecError; what stands behind it is said before */
async function activateOrSay(job: JobHandle, input: Activation, name: string): Promise<string[]> {
  try {
    return await job.do(activateDisks, input);
  } catch (error) {
    const isPrimary = input.asPrimary ? 'True' : 'False';
    job.warn(`Could not prepare block devices on node ${name} (is_primary=${isPrimary}): ${reasonOf(error)}`);
    throw executionFailure('Disk consistency error', error);
  }
}

/**
 * Activates on the secondaries, then on the primary. A node marked offline is left out.
 * @returns where the primary has each disk
 */
export async function bringDisksUp(
  job: JobHandle,
  configuration: Configuration,
  instance: Instance,
  options: ActivationOptions = {},
): Promise<string[]> {
  const primary = options.primary ?? instance.primary_node;
  let paths: string[] = [];
  let isWhole = true;
  for (const node of diskNodes(configuration, instance, primary)) {
    if (node !== primary && configuration.nodes.get(node)?.offline) {
      isWhole = false;
      continue;
    }
    const found = disksOnNode(configuration, instance, node);
    if (found.length === 0) continue;
    const disks = options.ignoreSize ? found.map(sizeless) : found;
    const wasActive = options.wasActive ?? instance.disks_active;
    const role = node === instance.primary_node ? 'primary' : 'secondary';
    const input = {
      node,
      disks,
      asPrimary: node === primary,
      before: wasActive ? role : 'inactive',
    } as const;
    if (node === primary || !options.ignoreSecondaries) {
      const found = await activateOrSay(job, input, nameOf(configuration, node));
      if (node === primary) paths = found;
      continue;
    }
    try {
      await job.world.nodes.call(node, version, {});
    } catch (error) {
      job.warn(
        `Could not prepare block devices on node ${nameOf(configuration, node)} (is_primary=False): ${reasonOf(error)}`,
      );
      isWhole = false;
      continue;
    }
    await job.do(activateDisks, input);
  }
  const mirrors = (node: string) =>
    disksOnNode(configuration, instance, node).filter(
      ({ disk }) => storageAbout(disk.dev_type).mirrored === 'internal',
    );
  const asked = isWhole ? diskNodes(configuration, instance, primary).reverse() : [primary];
  await sayTrouble(
    job,
    asked.map((node) => [node, mirrors(node)] as const),
  );
  return paths;
}

const troubleIn = (status: DiskStatus | null) =>
  typeof status?.details.trouble === 'string' ? status.details.trouble : undefined;

/** Neither together nor known to refuse each other: the two sides are still looking for each other. */
const isLooking = (status: DiskStatus | null) =>
  status?.details.connected === false && status.syncPercent === null && troubleIn(status) === undefined;

/**
 * Two sides of a mirror that refuse each other are no reason to stop, but somebody has to know. They refuse each
 * other only when they have met, which takes a moment, and often only one of them stands alone then. Nothing is
 * waited for when a side is missing.
 */
async function sayTrouble(
  job: JobHandle,
  sides: readonly (readonly [string, DiskOnNode[]])[],
): Promise<void> {
  const ask = ([node, disks]: readonly [string, DiskOnNode[]]) =>
    job.world.nodes.call(node, blockdevStatus, { disks });
  const [first, ...others] = sides;
  if (first === undefined || first[1].length === 0) return;
  let troubles: (string | undefined)[] = [];
  for (let left = others.length > 0 ? mostPolls : 0; ; left -= 1) {
    const statuses = await ask(first);
    troubles = statuses.map(troubleIn);
    if (left <= 0 || !statuses.some(isLooking)) break;
    for (const side of others) {
      for (const [index, status] of (await ask(side)).entries()) troubles[index] ??= troubleIn(status);
    }
    if (!statuses.some((status, index) => isLooking(status) && troubles[index] === undefined)) break;
    await sleep(pollMs, job.signal);
  }
  for (const trouble of troubles) if (trouble !== undefined) job.warn(trouble);
}

/** Deactivates on the primary, then on the secondaries. Nodes marked offline are left out. */
export async function bringDisksDown(
  job: JobHandle,
  configuration: Configuration,
  instance: Instance,
  primary = instance.primary_node,
): Promise<void> {
  for (const node of diskNodes(configuration, instance, primary).reverse()) {
    if (configuration.nodes.get(node)?.offline) continue;
    const disks = disksOnNode(configuration, instance, node);
    if (disks.length > 0)
      await job.do(deactivateDisks, {
        node,
        disks,
        wasPrimary: node === primary,
        wasActive: instance.disks_active,
      });
  }
}

/**
 * Brings the disks of a stopped instance up for the time of `work`. What the work has done is kept when it
 * succeeds; then the disks go down.
 */
export async function whileActive<T>(
  job: JobHandle,
  configuration: Configuration,
  instance: Instance,
  work: () => Promise<T>,
): Promise<T> {
  const { uuid } = instance;
  const before = runStateOf(instance);
  await job.do(setRunState, { uuid, before, after: { disks_active: true } });
  await bringDisksUp(job, configuration, instance);
  const result = await work();
  await job.keep();
  const active = { ...before, disks_active: true };
  await job.do(setRunState, { uuid, before: active, after: { disks_active: false } });
  await bringDisksDown(job, configuration, { ...instance, disks_active: true });
  await job.keep();
  return result;
}

/** The steps of `whileActive`. */
export const activitySteps = [setRunState, activateDisks, deactivateDisks] as const;
