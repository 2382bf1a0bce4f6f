/** Node calls about guests, for nodes in memory: they run, move and are plugged; nothing runs inside. */
import { Failure } from '../../../src/kit/failure.ts';
import type { InstanceOnNode } from '../../../src/noderpc/calls/shapes.ts';
import type { Handler, MachineState } from './machine.ts';

type OnInstance = { readonly instance: InstanceOnNode };

function endGuest(machine: MachineState, name: string): void {
  machine.guests.delete(name);
  machine.hardware.delete(name);
}

function newHardware({ disks, nics, beparams }: InstanceOnNode) {
  const devices = [...disks.map(({ disk }) => disk.uuid), ...nics.map((nic) => nic.uuid)];
  return { memory: Number(beparams.maxmem), devices: new Set(devices) };
}

/** One that boots from an image in /helpers does its work at once and shuts itself down. */
function bootedState(machine: MachineState, { disks: [first] }: InstanceOnNode): 'running' | 'shutdown' {
  const image = first === undefined ? undefined : machine.images.get(first.disk.uuid);
  return image?.startsWith('/helpers/') ? 'shutdown' : 'running';
}

interface Plug {
  readonly action: 'add' | 'remove' | 'modify';
  readonly target: 'disk' | 'nic';
  readonly device: string;
}

export const instanceHandlers: Readonly<Record<string, Handler>> = {
  all_instances_info: (machine) =>
    Object.fromEntries(
      [...machine.guests].map(([name, state]) => {
        const memory = machine.hardware.get(name)?.memory ?? 128;
        return [name, { memory, vcpus: 1, state, time: 1 }];
      }),
    ),
  instance_info: (machine, { name }: { name: string }) => {
    const state = machine.guests.get(name);
    const { memory = 128, devices = [] } = machine.hardware.get(name) ?? {};
    // Booted from this image, a guest is seen once and then no more.
    if ([...devices].some((uuid) => machine.images.get(uuid) === '/images/killed.raw'))
      endGuest(machine, name);
    return state === undefined ? null : { memory, vcpus: 1, state, time: 1 };
  },
  instance_start: (machine, { instance, startupPaused }: OnInstance & { startupPaused: boolean }) => {
    for (const { disk } of instance.disks) {
      if (machine.active.get(disk.uuid) !== 'primary')
        throw new Failure('HypervisorError', [`disk ${disk.uuid} is not ready`]);
    }
    if (machine.guests.has(instance.name)) return null;
    machine.guests.set(instance.name, startupPaused ? 'paused' : bootedState(machine, instance));
    machine.hardware.set(instance.name, newHardware(instance));
    return null;
  },
  instance_shutdown: (machine, { instance }: OnInstance) => {
    endGuest(machine, instance.name);
    return null;
  },
  instance_reboot: (machine, { instance }: OnInstance) => {
    machine.guests.set(instance.name, 'running');
    return null;
  },
  instance_console_info: (_machine, { instance }: OnInstance) => ({
    kind: 'msg',
    message: `console of ${instance.name}`,
    host: null,
    port: null,
    user: null,
    command: null,
    display: null,
  }),
  instance_migratable: () => null,
  migration_info: (_machine, { instance }: OnInstance) => `runtime of ${instance.name}`,
  accept_instance: (machine, { instance }: OnInstance) => {
    machine.accepting.add(instance.name);
    return null;
  },
  instance_migrate: (machine, { instance, address }: OnInstance & { address: string }, neighbours) => {
    const target = neighbours.at(address);
    if (!target.accepting.has(instance.name))
      throw new Failure('HypervisorError', ['the target does not accept the instance']);
    machine.guests.set(instance.name, 'paused');
    target.guests.set(instance.name, 'running');
    target.hardware.set(instance.name, newHardware(instance));
    return null;
  },
  instance_get_migration_status: (machine, { instance }: OnInstance) => ({
    status: machine.guests.get(instance.name) === 'paused' ? 'completed' : 'failed',
    transferredMiB: null,
    totalMiB: null,
    downtimeMs: 7,
    message: null,
  }),
  instance_finalize_migration_src: (machine, { instance, success }: OnInstance & { success: boolean }) => {
    if (success) endGuest(machine, instance.name);
    else if (machine.guests.has(instance.name)) machine.guests.set(instance.name, 'running');
    return null;
  },
  instance_finalize_migration_dst: (machine, { instance, success }: OnInstance & { success: boolean }) => {
    machine.accepting.delete(instance.name);
    if (!success) endGuest(machine, instance.name);
    return null;
  },
  instance_migration_cancel: () => null,
  instance_balloon_memory: (machine, { instance, memory }: OnInstance & { memory: number }) => {
    const hardware = machine.hardware.get(instance.name);
    if (hardware !== undefined) hardware.memory = memory;
    return null;
  },
  resize_disk: () => null,
  hotplug_supported: () => null,
  hotplug_device: (machine, { instance, action, target, device }: OnInstance & Plug) => {
    const hardware = machine.hardware.get(instance.name);
    if (hardware === undefined) throw new Failure('HotplugError', ['Instance is probably down']);
    if (action === 'remove') hardware.devices.delete(device);
    else if (target === 'disk' && machine.active.get(device) !== 'primary')
      throw new Failure('HotplugError', [`disk ${device} is not ready`]);
    else hardware.devices.add(device);
    return null;
  },
  instance_os_add: () => null,
  os_package_make: (machine, { instance }: OnInstance) => {
    machine.packages.add(instance.uuid);
    return `/var/run/ganeti/metad/packages/${instance.uuid}.tgz`;
  },
  os_package_remove: (machine, { uuid }: { uuid: string }) => {
    machine.packages.delete(uuid);
    return null;
  },
  instance_run_rename: () => null,
  hypervisor_validate_params: () => null,
};
