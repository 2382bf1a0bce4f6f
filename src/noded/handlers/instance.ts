/**
 * Node calls about instances: finds the driver, makes the guest it works on from the instance and its
 * active disks, and words failures as Ganeti's backend does.
 */

import type { Guest, GuestDisk, HypervisorDriver, RunningGuest } from '../../hypervisors/contract.ts';
import { diskLink, linkDisk, unlinkDisks } from '../../hypervisors/disk-links.ts';
import { ErrorCode, executionFailure, Failure, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import type { Log } from '../../kit/log.ts';
import type { Paths } from '../../kit/paths.ts';
import * as calls from '../../noderpc/calls/instance.ts';
import type { DiskOnNode, InstanceOnNode } from '../../noderpc/calls/shapes.ts';
import { answers, type NodeHandler } from '../../noderpc/handler.ts';
import type { StorageDriver } from '../../storage/contract.ts';
import type { MetadataTeller } from '../metadata.ts';

/** What these calls need of the daemon. */
export interface InstanceContext {
  readonly paths: Paths;
  readonly log: Log;
  readonly hypervisors: { driver(name: string): Promise<HypervisorDriver> };
  readonly storage: { driver(template: string): Promise<StorageDriver> };
  /** Nobody is told when not given. */
  readonly metadata?: MetadataTeller;
}

export interface ActiveDisk {
  /** Device or file; null when there is only a URI. */
  readonly path: string | null;
  readonly uri: string | null;
}

/** Where an active disk is; userspace access has a URI instead of, or beside, a device. */
export async function activeDisk(context: InstanceContext, request: DiskOnNode): Promise<ActiveDisk> {
  const driver = await context.storage.driver(request.disk.dev_type);
  if (request.params.access === 'userspace') {
    const device = await driver.assemble(request, true);
    return { path: device.path || null, uri: device.uri };
  }
  const state = await driver.find(request);
  if (state === null) {
    const what = request.disk.iv_name || request.disk.uuid;
    throw new Failure('BlockDeviceError', [`Block device '${what}' of ${request.owner} is not set up.`]);
  }
  return { path: state.path, uri: null };
}

async function guestDisk(context: InstanceContext, request: DiskOnNode, path: string): Promise<GuestDisk> {
  const { disk, params } = request;
  const { about } = await context.storage.driver(disk.dev_type);
  const driver = disk.logical_id?.[0];
  return {
    uuid: disk.uuid,
    name: disk.name ?? null,
    path,
    mode: disk.mode,
    template: disk.dev_type,
    sizeMiB: disk.size,
    driver: typeof driver === 'string' ? driver : null,
    logicalId: disk.logical_id ?? null,
    params,
    seenElsewhere: about.mirrored === 'external',
    isFile: about.fileBased,
  };
}

function guestWith(instance: InstanceOnNode, disks: readonly GuestDisk[]): Guest {
  const { uuid, name, hvparams, beparams, nics, networkPort, tags } = instance;
  const { primaryNode, primaryNodeName, sshPort, uidPool, clusterName } = instance;
  return {
    ...{ uuid, name, hvparams, beparams, disks, nics, networkPort, tags },
    ...{ primaryNode, primaryNodeName, sshPort, uidPool, clusterName },
  };
}

/** The guest with its disks' stable names, whether they are active or not. */
export async function guestOf(context: InstanceContext, instance: InstanceOnNode): Promise<Guest> {
  const disks = instance.disks.map((request, index) =>
    guestDisk(context, request, diskLink(context.paths, instance.name, index)),
  );
  return guestWith(instance, await Promise.all(disks));
}

/** The guest with active disks, opened and linked under their stable names. */
async function guestWithDisks(
  context: InstanceContext,
  instance: InstanceOnNode,
  options: { readonly open: boolean },
): Promise<Guest> {
  const disks: GuestDisk[] = [];
  for (const [index, request] of instance.disks.entries()) {
    const { path, uri } = await activeDisk(context, request);
    if (options.open) await (await context.storage.driver(request.disk.dev_type)).open(request, true);
    const link = path === null ? null : await linkDisk(context.paths, instance.name, index, path);
    disks.push(
      await guestDisk(context, request, uri ?? link ?? diskLink(context.paths, instance.name, index)),
    );
  }
  return guestWith(instance, disks);
}

async function wording<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw executionFailure(`${what}: ${messageOf(error)}`, error);
  }
}

function report(guest: RunningGuest) {
  const { memory, vcpus, state, time } = guest;
  return { memory: Math.round(memory), vcpus, state, time };
}

async function startInstance(
  context: InstanceContext,
  instance: InstanceOnNode,
  paused: boolean,
): Promise<void> {
  const driver = await context.hypervisors.driver(instance.hypervisor);
  const running = await driver.info(instance.name, instance.hvparams);
  if (running !== null && running.state !== 'shutdown') {
    context.log.info(`Instance '${instance.name}' already running, not starting`);
    return;
  }
  let guest: Guest;
  try {
    guest = await guestWithDisks(context, instance, { open: true });
  } catch (error) {
    throw executionFailure(`Block device error: ${messageOf(error)}`, error);
  }
  try {
    await driver.start(guest, { paused });
  } catch (error) {
    await unlinkDisks(context.paths, instance.name);
    throw executionFailure(`Hypervisor error: ${messageOf(error)}`, error);
  }
  context.log.info(`Instance '${instance.name}' started`);
}

async function stopInstance(
  context: InstanceContext,
  instance: InstanceOnNode,
  timeout: number,
): Promise<void> {
  const driver = await context.hypervisors.driver(instance.hypervisor);
  const guest = await guestOf(context, instance);
  const running = async () => (await driver.info(instance.name, instance.hvparams)) !== null;
  if (await running()) {
    try {
      await driver.stop(guest, timeout);
    } catch (error) {
      if (await running()) {
        throw executionFailure(`Failed to stop instance '${instance.name}': ${messageOf(error)}`, error);
      }
    }
    if (await running()) {
      throw executionFailure(`Could not shutdown instance '${instance.name}' even by destroy`);
    }
    context.log.info(`Instance '${instance.name}' stopped`);
  } else {
    context.log.info(`Instance '${instance.name}' not running, doing nothing`);
  }
  await driver.cleanUp(guest).catch((error: unknown) => {
    context.log.warning(`Failed to execute post-shutdown cleanup step: ${messageOf(error)}`);
  });
  await unlinkDisks(context.paths, instance.name);
}

async function rebootInstance(
  context: InstanceContext,
  instance: InstanceOnNode,
  type: 'soft' | 'hard',
  shutdownTimeout: number,
): Promise<void> {
  const driver = await context.hypervisors.driver(instance.hypervisor);
  if ((await driver.info(instance.name, instance.hvparams)) === null) {
    throw executionFailure(`Cannot reboot instance '${instance.name}' that is not running`);
  }
  if (type === 'soft') {
    const guest = await guestOf(context, instance);
    await wording(`Failed to soft reboot instance '${instance.name}'`, driver.reboot(guest));
    return;
  }
  await stopInstance(context, instance, shutdownTimeout);
  await startInstance(context, instance, false);
}

function running(context: InstanceContext): NodeHandler[] {
  return [
    answers(calls.instanceInfo, async ({ name, hypervisor, hvparams }) => {
      const driver = await context.hypervisors.driver(hypervisor);
      const guest = await driver.info(name, hvparams);
      return guest === null ? null : report(guest);
    }),
    answers(calls.allInstancesInfo, async ({ hypervisors }) => {
      const result: Record<string, ReturnType<typeof report>> = {};
      for (const { name: hypervisor, hvparams } of hypervisors) {
        const driver = await context.hypervisors.driver(hypervisor);
        for (const guest of await driver.list(hvparams)) {
          const other = result[guest.name];
          const found = report(guest);
          if (other !== undefined && (other.memory !== found.memory || other.vcpus !== found.vcpus)) {
            throw executionFailure(`Instance ${guest.name} is running twice with different parameters`);
          }
          result[guest.name] = found;
        }
      }
      return result;
    }),
    answers(calls.instanceStart, async ({ instance, startupPaused, privateParameters }) => {
      await context.metadata?.tell(instance, { private: privateParameters });
      await startInstance(context, instance, startupPaused);
      return null;
    }),
    answers(calls.instanceShutdown, async ({ instance, timeout }) => {
      await stopInstance(context, instance, timeout);
      return null;
    }),
    answers(calls.instanceReboot, async ({ instance, type, shutdownTimeout }) => {
      await rebootInstance(context, instance, type, shutdownTimeout);
      return null;
    }),
    answers(calls.instanceConsole, async ({ instance }) => {
      const driver = await context.hypervisors.driver(instance.hypervisor);
      const console = await driver.console(await guestOf(context, instance));
      return { ...console, command: console.command === null ? null : [...console.command] };
    }),
    answers(calls.hypervisorValidateParams, async ({ name, hvparams }) => {
      await (await context.hypervisors.driver(name)).validate(hvparams);
      return null;
    }),
  ];
}

function migrating(context: InstanceContext): NodeHandler[] {
  const driverOf = (instance: InstanceOnNode) => context.hypervisors.driver(instance.hypervisor);
  return [
    answers(calls.instanceMigratable, async ({ instance }) => {
      await (await driverOf(instance)).migratable(await guestOf(context, instance));
      return null;
    }),
    answers(calls.migrationInfo, async ({ instance }) => {
      const driver = await driverOf(instance);
      const info = driver.migrationInfo(await guestOf(context, instance));
      return wording('Failed to fetch migration information', info);
    }),
    answers(calls.acceptInstance, async ({ instance, info, address, privateParameters }) => {
      const driver = await driverOf(instance);
      await context.metadata?.tell(instance, { private: privateParameters });
      const accept = async () =>
        driver.accept(await guestWithDisks(context, instance, { open: false }), info, address);
      await wording('Failed to accept instance', accept());
      return null;
    }),
    answers(calls.instanceMigrate, async ({ instance, address, live }) => {
      const driver = await driverOf(instance);
      await wording(
        'Failed to migrate instance',
        driver.migrate(await guestOf(context, instance), address, live),
      );
      return null;
    }),
    answers(calls.instanceGetMigrationStatus, async ({ instance }) => {
      const driver = await driverOf(instance);
      return wording(
        'Failed to get migration status',
        driver.migrationStatus(await guestOf(context, instance)),
      );
    }),
    answers(calls.instanceFinalizeMigrationSource, async ({ instance, success, live }) => {
      const driver = await driverOf(instance);
      const done = driver.finalizeSource(await guestOf(context, instance), success, live);
      await wording('Failed to finalize the migration on the source node', done);
      if (success) {
        await unlinkDisks(context.paths, instance.name);
        await context.metadata?.forget(instance);
      }
      return null;
    }),
    answers(calls.instanceFinalizeMigrationTarget, async ({ instance, info, success }) => {
      const driver = await driverOf(instance);
      const done = driver.finalizeTarget(await guestOf(context, instance), info, success);
      await wording('Failed to finalize migration on the target node', done);
      if (!success) {
        await unlinkDisks(context.paths, instance.name);
        await context.metadata?.forget(instance);
      }
      return null;
    }),
    answers(calls.instanceMigrationCancel, async ({ instance }) => {
      await (await driverOf(instance)).cancelMigration(await guestOf(context, instance));
      return null;
    }),
  ];
}

function changing(context: InstanceContext): NodeHandler[] {
  const driverOf = (instance: InstanceOnNode) => context.hypervisors.driver(instance.hypervisor);
  return [
    answers(calls.instanceBalloonMemory, async ({ instance, memory }) => {
      const driver = await driverOf(instance);
      if ((await driver.info(instance.name, instance.hvparams)) === null) {
        context.log.info(`Instance ${instance.name} is not running, cannot balloon`);
        return null;
      }
      await wording(
        'Failed to balloon instance memory',
        driver.balloon(await guestOf(context, instance), memory),
      );
      return null;
    }),
    answers(calls.hotplugSupported, async ({ instance }) => {
      const driver = await driverOf(instance);
      await wording('Hotplug is not supported', driver.hotplugSupported(await guestOf(context, instance)));
      return null;
    }),
    answers(calls.hotplugDevice, async (request) => {
      const { instance, action, target, device, index, privateParameters } = request;
      const driver = await driverOf(instance);
      await wording('Hotplug is not supported', driver.hotplugSupported(await guestOf(context, instance)));
      const guest =
        target === 'disk' && action !== 'remove'
          ? await guestWithDisks(context, instance, { open: true })
          : await guestOf(context, instance);
      await driver.hotplug(guest, action, target, device, index);
      if (target === 'nic') await context.metadata?.tell(instance, { private: privateParameters });
      return null;
    }),
    answers(calls.resizeDisk, async ({ instance, index, size }) => {
      const driver = await driverOf(instance);
      if (instance.disks[index] === undefined) {
        throw prerequisiteFailure(`Instance ${instance.name} has no disk ${index}`, ErrorCode.invalid);
      }
      await driver.resizeDisk(await guestOf(context, instance), index, size);
      return null;
    }),
  ];
}

/** Handlers of every call in calls/instance.ts but those that run OS scripts (`os.ts`). */
export function instanceHandlers(context: InstanceContext): NodeHandler[] {
  return [...running(context), ...migrating(context), ...changing(context)];
}
