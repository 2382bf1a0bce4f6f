/** Steps on the guest itself: start, stop, install. */
import * as z from 'zod';
import * as calls from '../../noderpc/calls/instance.ts';
import { osPackageMake, osPackageRemove } from '../../noderpc/calls/os.ts';
import { InstanceOnNode } from '../../noderpc/calls/shapes.ts';
import { step } from '../operation.ts';
import { parametersForMetadata } from './metadata.ts';

const onNode = z.object({ node: z.string(), instance: InstanceOnNode });

/** Starts it; undone by stopping it at once, unless it ran before. */
export const startInstance = step({
  name: 'start-instance',
  input: onNode.extend({ paused: z.boolean(), wasRunning: z.boolean() }),
  run: async ({ nodes, config }, { node, instance, paused }) => {
    const privateParameters = parametersForMetadata(config.current, instance);
    await nodes.call(node, calls.instanceStart, { instance, startupPaused: paused, privateParameters });
  },
  undo: async ({ nodes }, { node, instance, wasRunning }) => {
    if (!wasRunning) await nodes.call(node, calls.instanceShutdown, { instance, timeout: 0 });
  },
});

/** Stops it. A guest that was stopped can't be un-stopped: an undo starts it anew when it ran before. */
export const stopInstance = step({
  name: 'stop-instance',
  input: onNode.extend({ timeout: z.int(), wasRunning: z.boolean() }),
  run: async ({ nodes }, { node, instance, timeout }) => {
    await nodes.call(node, calls.instanceShutdown, { instance, timeout });
  },
  undo: async ({ nodes, config }, { node, instance, wasRunning }) => {
    if (!wasRunning) return;
    const privateParameters = parametersForMetadata(config.current, instance);
    await nodes.call(node, calls.instanceStart, { instance, startupPaused: false, privateParameters });
  },
});

/**
 * Runs the OS definition's create script. Its secret parameters must never be journalled, so the input
 * names the job that holds them in memory.
 */
export function installOs(secrets: Readonly<Record<string, string>>, secretNames: readonly string[] = []) {
  return step({
    name: 'install-os',
    input: onNode.extend({ reinstall: z.boolean(), debug: z.int() }),
    run: async ({ nodes }, { node, instance, reinstall, debug }) => {
      await nodes.call(node, calls.instanceOsAdd, {
        instance,
        reinstall,
        debug,
        secretParameters: { ...secrets },
        secretNames: [...secretNames],
      });
    },
    undo: 'none',
  });
}

/**
 * Makes the package that a helper virtual machine installs from; undone by removing it. Gives its path. Secret
 * parameters stand beside the input, as with `installOs`.
 */
export function makeOsPackage(
  secrets: Readonly<Record<string, string>>,
  secretNames: readonly string[] = [],
) {
  return step({
    name: 'make-os-package',
    input: onNode.extend({
      reinstall: z.boolean(),
      debug: z.int(),
      environment: z.record(z.string(), z.string()),
    }),
    run: async ({ nodes }, { node, ...argument }) =>
      await nodes.call(node, osPackageMake, {
        ...argument,
        secretParameters: { ...secrets },
        secretNames: [...secretNames],
      }),
    undo: async ({ nodes }, { node, instance }) => {
      await nodes.call(node, osPackageRemove, { uuid: instance.uuid });
    },
  });
}

/** Removes the package, which holds private parameters, as soon as nobody needs it. */
export const removeOsPackage = step({
  name: 'remove-os-package',
  input: z.object({ node: z.string(), uuid: z.string() }),
  run: async ({ nodes }, { node, uuid }) => {
    await nodes.call(node, osPackageRemove, { uuid });
  },
  undo: 'none',
});

/** Runs the OS definition's rename script. What it did inside the guest's disks is wanted in any case. */
export const runRenameScript = step({
  name: 'run-rename-script',
  input: onNode.extend({ oldName: z.string(), debug: z.int() }),
  run: async ({ nodes }, { node, instance, oldName, debug }) => {
    await nodes.call(node, calls.instanceRunRename, { instance, oldName, debug });
  },
  undo: 'none',
});

/** Sets the memory of the running guest, in MiB; undone by what it had. */
export const balloon = step({
  name: 'balloon',
  input: onNode.extend({ memory: z.int(), before: z.int() }),
  run: async ({ nodes }, { node, instance, memory }) => {
    await nodes.call(node, calls.instanceBalloonMemory, { instance, memory });
  },
  undo: async ({ nodes }, { node, instance, before }) => {
    const { name, hypervisor, hvparams } = instance;
    // It may have moved, or stopped, since.
    if ((await nodes.call(node, calls.instanceInfo, { name, hypervisor, hvparams })) === null) return;
    await nodes.call(node, calls.instanceBalloonMemory, { instance, memory: before });
  },
});

const Device = z.object({
  action: z.enum(['add', 'remove', 'modify']),
  target: z.enum(['disk', 'nic']),
  /** Uuid of the disk or interface. */
  device: z.string(),
  index: z.int(),
});

const opposite = { add: 'remove', remove: 'add', modify: 'modify' } as const;

/**
 * Changes a device of the running guest. `instance` is how it is with the device where the action needs it;
 * an undo does the opposite with the instance of `back`, as long as the guest still runs.
 */
export const hotplugDevice = step({
  name: 'hotplug-device',
  input: onNode.extend({ ...Device.shape, back: InstanceOnNode }),
  run: async ({ nodes, config }, { node, instance, action, target, device, index }) => {
    const privateParameters = parametersForMetadata(config.current, instance);
    const change = { action, target, device, index, privateParameters };
    await nodes.call(node, calls.hotplugDevice, { instance, ...change });
  },
  undo: async ({ nodes, config }, { node, action, target, device, index, back }) => {
    const { name, hypervisor, hvparams } = back;
    if ((await nodes.call(node, calls.instanceInfo, { name, hypervisor, hvparams })) === null) return;
    const backwards = opposite[action];
    const privateParameters = parametersForMetadata(config.current, back);
    const change = { action: backwards, target, device, index, privateParameters };
    await nodes.call(node, calls.hotplugDevice, { instance: back, ...change });
  },
});

/** Tells the running guest how large a disk is, in MiB. */
export const resizeInGuest = step({
  name: 'resize-in-guest',
  input: onNode.extend({ index: z.int(), size: z.int() }),
  run: async ({ nodes }, { node, ...argument }) => {
    await nodes.call(node, calls.resizeDisk, argument);
  },
  undo: 'none',
});
