/** Carries out an export. What has happened when something fails is taken back by the steps. */

import { executionFailure, messageOf } from '../../kit/failure.ts';
import { disksOf } from '../../model/lookup.ts';
import type { DiskOnNode } from '../../noderpc/calls/shapes.ts';
import type { TransferIo } from '../../noderpc/calls/transfer.ts';
import { reasonOf } from '../../noderpc/reply.ts';
import { bringDisksDown, bringDisksUp } from '../instance/disk-activity.ts';
import { helperSteps, runHelper } from '../instance/helper/run.ts';
import { removalSteps, removeForGood } from '../instance/remove.ts';
import { disksOnNode, instanceOnNode } from '../on-node.ts';
import type { JobHandle } from '../operation.ts';
import { runStateOf, setRunState } from '../steps/configuration.ts';
import { activateDisks, deactivateDisks } from '../steps/disks.ts';
import { startInstance, stopInstance } from '../steps/instance.ts';
import {
  beginExport,
  endTransfer,
  finalizeExport,
  removeExport,
  removeKey,
  settleExport,
  startExport,
} from '../steps/transfer.ts';
import { isIpv6, uniqueName } from '../transfer/authority.ts';
import { describeProgress, TransferLoop } from '../transfer/follow.ts';
import { transferDisks, transferSteps } from '../transfer/within.ts';
import type { Destination, ExportPlan } from './export.ts';
import { exportConfiguration } from './export-file.ts';
import { requireLongSleep } from './long-sleep.ts';
import { findExports } from './remove.ts';
import { dropSnapshot, snapshotOnNode, snapshotSteps, takeSnapshots } from './snapshots.ts';

/** Seconds until the receiver must have been reached (constants.RIE_CONNECT_TIMEOUT). */
const remoteConnectTimeout = 180;

const isStartedAgain = ({ stops, instance, removes }: ExportPlan) =>
  stops && instance.admin_state === 'up' && !removes;

async function start(plan: ExportPlan, job: JobHandle): Promise<void> {
  const { configuration, instance, running } = plan;
  const node = instance.primary_node;
  job.say(`Starting instance ${instance.name}`);
  try {
    await job.do(startInstance, {
      node,
      instance: instanceOnNode(configuration, instance, node),
      paused: false,
      // It ran before this export: an undo leaves it running.
      wasRunning: running,
    });
  } catch (error) {
    job.signal.throwIfAborted();
    job.say(`Failed to start instance: ${messageOf(error)}`);
    throw executionFailure(`Could not start instance: ${messageOf(error)}`, error);
  }
}

interface Source {
  readonly label: string;
  readonly io: TransferIo;
  /** Name of the file that its data goes to. */
  readonly dump: string;
}

/** What is read, one a disk: the snapshots, or the disks themselves. */
function sourcesOf(plan: ExportPlan): Source[] {
  const { configuration, instance, snapshots } = plan;
  const node = instance.primary_node;
  const taken = snapshots.length > 0;
  const disks: DiskOnNode[] = taken
    ? snapshots.map((snapshot, index) => snapshotOnNode(configuration, instance, snapshot, index))
    : disksOnNode(configuration, instance, node);
  const told = instanceOnNode(configuration, instance, node);
  return disks.map((disk, index) => ({
    label: `${taken ? 'snapshot' : 'disk'}/${index}`,
    io:
      instance.os === ''
        ? { kind: 'disk', disk, isEmpty: false }
        : { kind: 'script', disk, index, instance: told },
    dump: disk.disk.uuid,
  }));
}

function requireAll(results: readonly boolean[], alsoFailed: readonly string[] = []): void {
  const failed = results.flatMap((good, index) => (good ? [] : [index]));
  if (failed.length === 0) return;
  const what = [...alsoFailed, `disk export: disk(s) ${failed.join(', ')}`];
  throw executionFailure(`Export failed, errors in ${what.join(', ')}`);
}

/** Takes a snapshot away as soon as it has been sent; what fails here is left to the undo. */
function whenSent(plan: ExportPlan, index: number, job: JobHandle): () => Promise<void> {
  return async () => {
    if (plan.snapshots.length === 0) return;
    try {
      await dropSnapshot(plan, index, job);
    } catch (error) {
      job.signal.throwIfAborted();
      job.warn(`Could not remove snapshot for disk/${index}: ${messageOf(error)}`);
      throw error;
    }
  };
}

async function toNode(
  plan: ExportPlan,
  { node, token }: Destination & { kind: 'node' },
  job: JobHandle,
): Promise<boolean[]> {
  const { configuration, instance, exportFolder } = plan;
  const making = { node: node.uuid, name: instance.name, token };
  const sources = sourcesOf(plan);
  await job.do(beginExport, making);
  const results = await transferDisks(
    {
      ...{ configuration, instance, compress: plan.compress, debug: plan.debug },
      source: instance.primary_node,
      target: node.uuid,
      secretParameters: plan.hidden,
      disks: sources.map(({ label, io, dump }, index) => ({
        label,
        from: io,
        to: { kind: 'file', path: `${exportFolder}/${instance.name}.new/${dump}` },
        sent: whenSent(plan, index, job),
      })),
    },
    job,
  );
  requireAll(results, ['export finalization']);
  job.say(`Finalizing export on ${node.name}`);
  const exported = disksOf(configuration, instance).map((disk, index) => ({
    disk,
    dump: sources[index]!.dump,
  }));
  const config = exportConfiguration(configuration, instance, exported, job.world.now());
  try {
    await job.do(finalizeExport(config), making);
  } catch (error) {
    job.signal.throwIfAborted();
    job.warn(
      `Could not finalize export for instance ${instance.name} on node ${node.name}: ${reasonOf(error)}`,
    );
    throw executionFailure('Export failed, errors in export finalization', error);
  }
  return results;
}

async function toCluster(
  plan: ExportPlan,
  { keyName, certificate, disks }: Destination & { kind: 'cluster' },
  job: JobHandle,
): Promise<boolean[]> {
  const { configuration, instance, hidden } = plan;
  const node = instance.primary_node;
  const nodeName = configuration.nodes.get(node)!.name;
  const loop = new TransferLoop(job);
  const results = disks.map(() => false);
  for (const [index, { io }] of sourcesOf(plan).entries()) {
    const { host, port, magic } = disks[index]!;
    const component = `disk${index}`;
    const name = uniqueName(`export-${component}`, job.world.now());
    const end = {
      ...{ name, component, instanceName: instance.name, os: instance.os, io, keyName, magic },
      ...{ peerCertificate: certificate, compress: plan.compress, ipv6: isIpv6(host) },
      ...{ connectTimeout: remoteConnectTimeout, debug: plan.debug },
    };
    job.say(`Sending disk ${index} to ${host}:${port}`);
    const sent = whenSent(plan, index, job);
    loop.add({
      ...{ mode: 'export', name, node, nodeName, connectTimeout: remoteConnectTimeout },
      start: () => job.do(startExport(hidden), { node, end, host, port }),
      connected: () => job.say(`Disk ${index} is now sending data`),
      progress: (status) => job.say(`Disk ${index} sent ${describeProgress(status)}`),
      finished: async ({ success, message, recent }) => {
        results[index] = success;
        job.say(
          success
            ? `Disk ${index} finished sending data`
            : `Disk ${index} failed to send data: ${message} (recent output: ${recent})`,
        );
        await sent();
      },
    });
  }
  await loop.run();
  requireAll(results);
  return results;
}

/** Exports of the instance on other nodes than the one that has the new one. */
async function removeOlder(plan: ExportPlan, keeper: string, job: JobHandle): Promise<void> {
  const { configuration, instance } = plan;
  const others = configuration.nodes.values().flatMap(({ uuid }) => (uuid === keeper ? [] : [uuid]));
  if (others.length === 0) return;
  job.say(`Removing old exports for instance ${instance.name}`);
  const { holders } = await findExports(job, others, instance.name);
  for (const node of holders) {
    try {
      await job.do(removeExport, { node, name: instance.name });
    } catch (error) {
      job.signal.throwIfAborted();
      job.warn(
        `Could not remove older export for instance ${instance.name} on node ${configuration.nodes.get(node)!.name}: ${reasonOf(error)}`,
      );
    }
  }
}

async function activate(plan: ExportPlan, job: JobHandle): Promise<void> {
  const { configuration, instance } = plan;
  job.say(`Activating disks for ${instance.name}`);
  const before = runStateOf(instance);
  await job.do(setRunState, { uuid: instance.uuid, before, after: { disks_active: true } });
  await bringDisksUp(job, configuration, instance);
}

async function deactivate(plan: ExportPlan, job: JobHandle): Promise<void> {
  const { configuration, instance } = plan;
  job.say(`Deactivating disks for ${instance.name}`);
  const before = { ...runStateOf(instance), disks_active: true };
  await job.do(setRunState, { uuid: instance.uuid, before, after: { disks_active: false } });
  await bringDisksDown(job, configuration, { ...instance, disks_active: true });
}

/** Goes on without snapshots. @throws Failure OpExecError when that would take the guest away for too long */
function unsnapped(plan: ExportPlan): ExportPlan {
  requireLongSleep(plan);
  return { ...plan, snapshots: [] };
}

/** @returns whether the export stands, and for each disk whether all of it was exported */
export async function runExport(wish: ExportPlan, job: JobHandle): Promise<[boolean, boolean[]]> {
  const { configuration, instance, destination } = wish;
  const node = instance.primary_node;
  const activates = !instance.disks_active && instance.disks.length > 0;
  if (wish.stops) {
    job.say(`Shutting down instance ${instance.name}`);
    await job.do(stopInstance, {
      node,
      instance: instanceOnNode(configuration, instance, node),
      timeout: wish.shutdownTimeout,
      wasRunning: wish.running,
    });
  }
  if (activates) await activate(wish, job);
  if (wish.zeroing !== undefined) await runHelper(wish.zeroing, wish, job);
  const plan = wish.snapshots.length === 0 || (await takeSnapshots(wish, job)) ? wish : unsnapped(wish);
  const isEarly = plan.snapshots.length > 0;
  if (isStartedAgain(plan) && isEarly) await start(plan, job);
  const results =
    destination.kind === 'node'
      ? await toNode(plan, destination, job)
      : await toCluster(plan, destination, job);
  if (isStartedAgain(plan) && !isEarly) await start(plan, job);
  if (activates) await deactivate(plan, job);
  await job.keep();
  if (destination.kind === 'node') {
    const { node: keeper, token } = destination;
    await job.do(settleExport, { node: keeper.uuid, name: instance.name, token });
  }
  if (plan.removes) {
    job.say(`Removing instance ${instance.name}`);
    await removeForGood({ configuration, instance, ignoreFailures: plan.ignoreRemoveFailures }, job);
  }
  if (destination.kind === 'node') await removeOlder(plan, destination.node.uuid, job);
  else await job.do(removeKey, { node, name: destination.keyName });
  return [true, results];
}

export const exportSteps = [
  ...new Set([
    setRunState,
    stopInstance,
    startInstance,
    activateDisks,
    deactivateDisks,
    ...helperSteps,
    ...snapshotSteps,
    ...transferSteps,
    endTransfer,
    beginExport,
    finalizeExport(''),
    settleExport,
    removeExport,
    removeKey,
    ...removalSteps,
  ]),
];
