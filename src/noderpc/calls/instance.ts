/** Node calls about instances: starting, stopping, migrating, and what runs now. */
import * as z from 'zod';
import { Parameters } from '../../model/objects/common.ts';
import { nodeCall } from '../call.ts';
import { Done, HypervisorWithParameters, InstanceOnNode } from './shapes.ts';

/** What a hypervisor says of one instance. Memory is MiB, time is seconds of processor time. */
export const RunningInstance = z.object({
  memory: z.int(),
  vcpus: z.int(),
  state: z.enum(['running', 'paused', 'shutdown']),
  time: z.number(),
});
export type RunningInstance = z.infer<typeof RunningInstance>;

const instance = z.object({ instance: InstanceOnNode });
/** Private OS parameters for the metadata service, of instances that use it; never stored or logged. */
const hidden = z.record(z.string(), z.string()).default({});

/** One instance; null when it doesn't run here. */
export const instanceInfo = nodeCall({
  name: 'instance_info',
  deadline: 60,
  effect: 'read',
  argument: z.object({ name: z.string(), hypervisor: z.string(), hvparams: Parameters }),
  result: RunningInstance.nullable(),
});

/** Every instance that the named hypervisors run here, by name. */
export const allInstancesInfo = nodeCall({
  name: 'all_instances_info',
  deadline: 60,
  effect: 'read',
  argument: z.object({ hypervisors: z.array(HypervisorWithParameters) }),
  result: z.record(z.string(), RunningInstance),
});

/** Starts it; running already: fine. Disks must be active. */
export const instanceStart = nodeCall({
  name: 'instance_start',
  deadline: 900,
  effect: 'change',
  argument: z.object({ instance: InstanceOnNode, startupPaused: z.boolean(), privateParameters: hidden }),
  result: Done,
});

/** Asks the guest to stop, waits up to `timeout` seconds, then ends it; not running: fine. */
export const instanceShutdown = nodeCall({
  name: 'instance_shutdown',
  deadline: 900,
  effect: 'change',
  argument: z.object({ instance: InstanceOnNode, timeout: z.int() }),
  result: Done,
});

/** soft: the hypervisor's reset; hard: stopped and started. (full is made of other calls.) */
export const instanceReboot = nodeCall({
  name: 'instance_reboot',
  deadline: 900,
  effect: 'change',
  argument: z.object({ instance: InstanceOnNode, type: z.enum(['soft', 'hard']), shutdownTimeout: z.int() }),
  result: Done,
});

/** Is it in a state that can be migrated? Refused with the reason when not. */
export const instanceMigratable = nodeCall({
  name: 'instance_migratable',
  deadline: 60,
  effect: 'read',
  argument: instance,
  result: Done,
});

/** What the target must know to accept it (KVM: the runtime file); opaque to the master. */
export const migrationInfo = nodeCall({
  name: 'migration_info',
  deadline: 60,
  effect: 'read',
  argument: instance,
  result: z.string(),
});

/** Prepares this node to receive it. */
export const acceptInstance = nodeCall({
  name: 'accept_instance',
  deadline: 900,
  effect: 'change',
  argument: z.object({
    instance: InstanceOnNode,
    info: z.string(),
    address: z.string(),
    privateParameters: hidden,
  }),
  result: Done,
});

/** Starts sending it to `address`; returns once the transfer has begun. */
export const instanceMigrate = nodeCall({
  name: 'instance_migrate',
  deadline: 3600,
  effect: 'change',
  argument: z.object({ instance: InstanceOnNode, address: z.string(), live: z.boolean() }),
  result: Done,
});

export const MigrationStatus = z.object({
  status: z.enum(['active', 'completed', 'failed', 'cancelled', 'postcopy']),
  transferredMiB: z.number().nullable(),
  totalMiB: z.number().nullable(),
  /** Milliseconds that the guest stood still; known at the end. */
  downtimeMs: z.number().nullable(),
  message: z.string().nullable(),
});
export type MigrationStatus = z.infer<typeof MigrationStatus>;

export const instanceGetMigrationStatus = nodeCall({
  name: 'instance_get_migration_status',
  deadline: 60,
  effect: 'read',
  argument: instance,
  result: MigrationStatus,
});

/** Ends the migration on the sending node: removes the old guest, or keeps it when it failed. */
export const instanceFinalizeMigrationSource = nodeCall({
  name: 'instance_finalize_migration_src',
  deadline: 900,
  effect: 'change',
  argument: z.object({ instance: InstanceOnNode, success: z.boolean(), live: z.boolean() }),
  result: Done,
});

/** Ends it on the receiving node: takes it over, or removes what was prepared. */
export const instanceFinalizeMigrationTarget = nodeCall({
  name: 'instance_finalize_migration_dst',
  deadline: 900,
  effect: 'change',
  argument: z.object({ instance: InstanceOnNode, info: z.string(), success: z.boolean() }),
  result: Done,
});

/** Calls a migration off; the guest stays where it was. No migration: fine. */
export const instanceMigrationCancel = nodeCall({
  name: 'instance_migration_cancel',
  deadline: 60,
  effect: 'change',
  argument: instance,
  result: Done,
});

/** How to reach its console (objects.InstanceConsole). */
export const instanceConsole = nodeCall({
  name: 'instance_console_info',
  deadline: 60,
  effect: 'read',
  argument: instance,
  result: z.object({
    kind: z.enum(['ssh', 'vnc', 'spice', 'msg']),
    message: z.string().nullable(),
    host: z.string().nullable(),
    port: z.int().nullable(),
    user: z.string().nullable(),
    command: z.array(z.string()).nullable(),
    display: z.union([z.string(), z.int()]).nullable(),
  }),
});

/** Sets the memory of the running guest, in MiB. */
export const instanceBalloonMemory = nodeCall({
  name: 'instance_balloon_memory',
  deadline: 900,
  effect: 'change',
  argument: z.object({ instance: InstanceOnNode, memory: z.int() }),
  result: Done,
});

/** Adds, removes or changes a disk or NIC of the running guest. */
export const hotplugDevice = nodeCall({
  name: 'hotplug_device',
  deadline: 900,
  effect: 'change',
  argument: z.object({
    instance: InstanceOnNode,
    action: z.enum(['add', 'remove', 'modify']),
    target: z.enum(['disk', 'nic']),
    /** Uuid of the device within `instance`. */
    device: z.string(),
    index: z.int(),
    privateParameters: hidden,
  }),
  result: Done,
});

/** Can devices be changed while it runs? Refused with the reason when not. */
export const hotplugSupported = nodeCall({
  name: 'hotplug_supported',
  deadline: 60,
  effect: 'read',
  argument: instance,
  result: Done,
});

/** Tells the running guest that the disk at `index` has grown to `size` MiB. */
export const resizeDisk = nodeCall({
  name: 'resize_disk',
  deadline: 900,
  effect: 'change',
  argument: z.object({ instance: InstanceOnNode, index: z.int(), size: z.int() }),
  result: Done,
});

/** Runs the OS definition's create script; a failure carries the last lines of its log. */
export const instanceOsAdd = nodeCall({
  name: 'instance_os_add',
  deadline: 86400,
  effect: 'change',
  argument: z.object({
    instance: InstanceOnNode,
    reinstall: z.boolean(),
    debug: z.int(),
    /** Private and secret OS parameters: for the script's environment only, never stored or logged. */
    secretParameters: z.record(z.string(), z.string()).default({}),
    /** Names of those that are secret; the others are private. */
    secretNames: z.array(z.string()).default([]),
  }),
  result: Done,
});

/** Runs the OS definition's rename script. */
export const instanceRunRename = nodeCall({
  name: 'instance_run_rename',
  deadline: 3600,
  effect: 'change',
  argument: z.object({ instance: InstanceOnNode, oldName: z.string(), debug: z.int() }),
  result: Done,
});

/** Checks a hypervisor's parameters against this machine (files exist, devices present). */
export const hypervisorValidateParams = nodeCall({
  name: 'hypervisor_validate_params',
  deadline: 60,
  effect: 'read',
  argument: HypervisorWithParameters,
  result: Done,
});
