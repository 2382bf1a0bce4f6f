/**
 * A cluster's nodes in memory: what node calls change is kept as plain values, so that a test can look at
 * everything that an operation left behind. Calls are checked against their definitions as on the wire.
 */
import { Failure } from '../../src/kit/failure.ts';
import type { NodeCall, NodeCaller, Reply } from '../../src/noderpc/call.ts';
import type { MinorFacts } from '../../src/noderpc/calls/remains.ts';
import type { DiskOnNode, InstanceOnNode } from '../../src/noderpc/calls/shapes.ts';
import type { MasterAddress } from '../../src/operations/steps/master-ip.ts';
import { cryptoHandlers } from './crypto.ts';
import { remainsHandlers } from './remains.ts';
import { siteHandlers } from './site.ts';
import { sshHandlers } from './ssh.ts';
import { newTransfers, type TransferState, transferHandlers, transfersSeen } from './transfers.ts';

/** What a machine holds that can outlive an operation. */
export interface MachineState {
  /** Volumes by their logical id. */
  readonly volumes: Map<string, number>;
  /** What the storage keeps beside a volume, by its logical id. */
  readonly info: Map<string, string>;
  /** Volumes that something works on, by their logical id. */
  readonly open: Set<string>;
  /** Mirrors that run here without being a disk of an instance. */
  readonly ghosts: Map<number, MinorFacts>;
  /** Active disks by uuid. */
  readonly active: Map<string, 'primary' | 'secondary'>;
  /**
   * How mirrored disks are connected, by uuid; one that isn't here is connected the usual way. One that is
   * `looking` goes on looking, one that is `refused` was refused by its other side.
   */
  readonly connection: Map<string, 'standalone' | 'dual' | 'looking' | 'refused'>;
  /** Mirrored disks that don't copy, by uuid. */
  readonly paused: Set<string>;
  readonly guests: Map<string, 'running' | 'paused' | 'shutdown'>;
  /** What guests have now: memory in MiB, uuids of disks and interfaces. */
  readonly hardware: Map<string, { memory: number; readonly devices: Set<string> }>;
  /** Instances that this machine is ready to receive. */
  readonly accepting: Set<string>;
  readonly hosts: Set<string>;
  /** Open vSwitches with their interfaces. */
  readonly switches: Map<string, Set<string>>;
  /** Physical volumes on which new volumes may be put. */
  readonly allocatable: Set<string>;
  /** Contents of files that were written from outside, by path. */
  readonly files: Map<string, string>;
  readonly transfers: TransferState;
  /** The cluster's address where it is up here: "ip/netmask netdev". */
  masterIp: string | null;
  /** Certificates, as words that say what they are. */
  readonly certificates: Certificates;
  readonly ssh: SshState;
  /** Belongs to the cluster: has its certificate. */
  member: boolean;
  reachable: boolean;
  /** MiB. */
  memoryFree: number;
}

/** root's SSH keys, as words. */
export interface SshState {
  key: string | null;
  prepared: string | null;
  authorized: Set<string>;
  /** The list of the nodes' keys; null where there is none. */
  known: Readonly<Record<string, readonly string[]>> | null;
}

export interface Certificates {
  cluster: string;
  client: string;
  stagedCluster: string | null;
  stagedClient: string | null;
  replaced: string | null;
}

export function newMachine(member = true): MachineState {
  return {
    volumes: new Map(),
    info: new Map(),
    open: new Set(),
    ghosts: new Map(),
    active: new Map(),
    connection: new Map(),
    paused: new Set(),
    guests: new Map(),
    hardware: new Map(),
    accepting: new Set(),
    hosts: new Set(),
    switches: new Map(),
    allocatable: new Set(['/dev/sda5']),
    files: new Map(),
    transfers: newTransfers(),
    masterIp: null,
    certificates: {
      cluster: 'cluster',
      client: 'aa:bb',
      stagedCluster: null,
      stagedClient: null,
      replaced: null,
    },
    ssh: { key: null, prepared: null, authorized: new Set(), known: null },
    member,
    reachable: true,
    memoryFree: 60_000,
  };
}

export type Handler = (machine: MachineState, argument: never, nodes: MemoryNodes) => unknown;

const idOf = (disk: { readonly logical_id?: unknown }) => JSON.stringify(disk.logical_id);

function volumesOf({ disk }: DiskOnNode): { readonly id: string; readonly size: number }[] {
  const lower = disk.children ?? [];
  return lower.length > 0
    ? lower.map((child) => ({ id: idOf(child), size: child.size }))
    : [{ id: idOf(disk), size: disk.size }];
}

function requireVolumes(machine: MachineState, disk: DiskOnNode): void {
  for (const { id } of volumesOf(disk)) {
    if (!machine.volumes.has(id)) throw new Failure('BlockDeviceError', [`volume ${id} not found`]);
  }
}

/** Renamed already: fine. */
function renameVolume(machine: MachineState, from: string, to: string): void {
  if (from === to || (!machine.volumes.has(from) && machine.volumes.has(to))) return;
  const size = machine.volumes.get(from);
  if (size === undefined) throw new Failure('BlockDeviceError', [`volume ${from} not found`]);
  if (machine.volumes.has(to)) throw new Failure('BlockDeviceError', [`volume ${to} exists`]);
  machine.volumes.delete(from);
  machine.volumes.set(to, size);
  if (machine.open.delete(from)) machine.open.add(to);
  const info = machine.info.get(from);
  if (info === undefined) return;
  machine.info.delete(from);
  machine.info.set(to, info);
}

const diskHandlers: Readonly<Record<string, Handler>> = {
  blockdev_create: (
    machine,
    { disk, info, onPrimary }: { disk: DiskOnNode; info: string; onPrimary: boolean },
  ) => {
    for (const { id, size } of volumesOf(disk)) {
      machine.volumes.set(id, size);
      machine.info.set(id, info);
      // A new mirror runs from its first moment.
      if (disk.disk.children?.length) machine.open.add(id);
    }
    if (disk.disk.children?.length) machine.active.set(disk.disk.uuid, onPrimary ? 'primary' : 'secondary');
    return null;
  },
  blockdev_remove: (machine, { disk }: { disk: DiskOnNode }) => {
    machine.active.delete(disk.disk.uuid);
    for (const { id } of volumesOf(disk)) {
      machine.volumes.delete(id);
      machine.info.delete(id);
      machine.open.delete(id);
    }
    return null;
  },
  blockdev_assemble: (machine, { disk, asPrimary }: { disk: DiskOnNode; asPrimary: boolean }) => {
    requireVolumes(machine, disk);
    for (const { id } of volumesOf(disk)) machine.open.add(id);
    machine.active.set(disk.disk.uuid, asPrimary ? 'primary' : 'secondary');
    // A mirror that stands alone looks for its other side again.
    if (machine.connection.get(disk.disk.uuid) === 'standalone') machine.connection.delete(disk.disk.uuid);
    return { path: `/memory/${disk.disk.uuid}`, link: null, uri: null };
  },
  blockdev_shutdown: (machine, { disk }: { disk: DiskOnNode }) => {
    for (const { id } of volumesOf(disk)) machine.open.delete(id);
    machine.active.delete(disk.disk.uuid);
    machine.connection.delete(disk.disk.uuid);
    machine.paused.delete(disk.disk.uuid);
    return null;
  },
  blockdev_open: (machine, { disks }: { disks: DiskOnNode[] }) => {
    for (const { disk } of disks) machine.active.set(disk.uuid, 'primary');
    return null;
  },
  blockdev_close: (machine, { disks }: { disks: DiskOnNode[] }) => {
    for (const { disk } of disks)
      if (machine.active.has(disk.uuid)) machine.active.set(disk.uuid, 'secondary');
    return null;
  },
  blockdev_rename: (
    machine,
    { renames }: { renames: { disk: DiskOnNode; logicalId: (string | number | null)[] }[] },
  ) => {
    for (const { disk, logicalId } of renames)
      renameVolume(machine, idOf(disk.disk), JSON.stringify(logicalId));
    return null;
  },
  blockdev_image: (machine, { disk }: { disk: DiskOnNode }) => {
    if (machine.active.get(disk.disk.uuid) !== 'primary')
      throw new Failure('BlockDeviceError', [`disk ${disk.disk.uuid} is not ready`]);
    return null;
  },
  blockdev_setinfo: (machine, { disk, info }: { disk: DiskOnNode; info: string }) => {
    requireVolumes(machine, disk);
    for (const { id } of volumesOf(disk)) machine.info.set(id, info);
    return null;
  },
  drbd_disconnect_net: (machine, { disks }: { disks: DiskOnNode[] }) => {
    for (const { disk } of disks) machine.connection.set(disk.uuid, 'standalone');
    return null;
  },
  drbd_attach_net: (machine, { disks, multiMaster }: { disks: DiskOnNode[]; multiMaster: boolean }) => {
    for (const { disk } of disks) {
      if (multiMaster) machine.connection.set(disk.uuid, 'dual');
      else machine.connection.delete(disk.uuid);
    }
    return null;
  },
  blockdev_addchildren: (machine, { disk, children }: { disk: DiskOnNode; children: DiskOnNode[] }) => {
    if (!machine.active.has(disk.disk.uuid)) throw new Failure('BlockDeviceError', ['mirror is not active']);
    for (const child of children) requireVolumes(machine, child);
    for (const child of children) machine.open.add(idOf(child.disk));
    return null;
  },
  blockdev_removechildren: (machine, { children }: { children: DiskOnNode[] }) => {
    for (const child of children) machine.open.delete(idOf(child.disk));
    return null;
  },
  blockdev_grow: (
    machine,
    {
      disk,
      amount,
      dryRun,
      backingStore,
    }: { disk: DiskOnNode; amount: number; dryRun: boolean; backingStore: boolean },
  ) => {
    requireVolumes(machine, disk);
    const [data] = volumesOf(disk);
    if (!dryRun && backingStore) machine.volumes.set(data!.id, data!.size + amount);
    return null;
  },
  blockdev_getdimensions: (machine, { disks }: { disks: DiskOnNode[] }) =>
    disks.map((disk) => {
      const size = machine.volumes.get(volumesOf(disk)[0]!.id);
      return size === undefined ? null : { bytes: size * 1024 * 1024, spindles: null };
    }),
  blockdev_convert: (machine, { source, target }: { source: DiskOnNode; target: DiskOnNode }) => {
    for (const { disk } of [source, target])
      if (machine.active.get(disk.uuid) !== 'primary')
        throw new Failure('BlockDeviceError', [`disk ${disk.uuid} is not ready`]);
    for (const { id } of volumesOf(target)) machine.info.set(id, `copy of ${idOf(source.disk)}`);
    return null;
  },
  blockdev_wipe: (machine, { disk }: { disk: DiskOnNode }) => {
    if (!machine.active.has(disk.disk.uuid)) throw new Failure('BlockDeviceError', ['device not found']);
    return null;
  },
  blockdev_pause_resume_sync: (machine, { disks, pause }: { disks: DiskOnNode[]; pause: boolean }) => {
    for (const { disk } of disks) {
      if (pause) machine.paused.add(disk.uuid);
      else machine.paused.delete(disk.uuid);
    }
    return null;
  },
  drbd_wait_sync: () => ({ done: true, syncPercent: null }),
  blockdev_getmirrorstatus: (machine, { disks }: { disks: DiskOnNode[] }) =>
    disks.map((disk) => statusOf(machine, disk)),
  blockdev_find: (machine, { disk }: { disk: DiskOnNode }) => statusOf(machine, disk),
};

function statusOf(machine: MachineState, request: DiskOnNode): unknown {
  const { disk } = request;
  const isMirror = (disk.children ?? []).length > 0;
  if (isMirror ? !machine.active.has(disk.uuid) : !machine.volumes.has(idOf(disk))) return null;
  const connection = machine.connection.get(disk.uuid);
  const isApart = connection !== undefined && connection !== 'dual';
  const isWhole = !isMirror || volumesOf(request).every(({ id }) => machine.open.has(id));
  return {
    path: `/memory/${disk.uuid}`,
    major: null,
    minor: null,
    syncPercent: null,
    estimatedTime: null,
    degraded: !isWhole || isApart,
    localDisk: isWhole ? 'okay' : 'faulty',
    children: [],
    details: isMirror
      ? { connected: !isApart, ...(connection === 'refused' ? { trouble: 'split brain' } : {}) }
      : {},
  };
}

type OnInstance = { readonly instance: InstanceOnNode };

function endGuest(machine: MachineState, name: string): void {
  machine.guests.delete(name);
  machine.hardware.delete(name);
}

function newHardware({ disks, nics, beparams }: InstanceOnNode) {
  const devices = [...disks.map(({ disk }) => disk.uuid), ...nics.map((nic) => nic.uuid)];
  return { memory: Number(beparams.maxmem), devices: new Set(devices) };
}

interface Plug {
  readonly action: 'add' | 'remove' | 'modify';
  readonly target: 'disk' | 'nic';
  readonly device: string;
}

const instanceHandlers: Readonly<Record<string, Handler>> = {
  all_instances_info: (machine) =>
    Object.fromEntries(
      [...machine.guests].map(([name, state]) => {
        const memory = machine.hardware.get(name)?.memory ?? 128;
        return [name, { memory, vcpus: 1, state, time: 1 }];
      }),
    ),
  instance_info: (machine, { name }: { name: string }) => {
    const state = machine.guests.get(name);
    const memory = machine.hardware.get(name)?.memory ?? 128;
    return state === undefined ? null : { memory, vcpus: 1, state, time: 1 };
  },
  instance_start: (machine, { instance, startupPaused }: OnInstance & { startupPaused: boolean }) => {
    for (const { disk } of instance.disks) {
      if (machine.active.get(disk.uuid) !== 'primary')
        throw new Failure('HypervisorError', [`disk ${disk.uuid} is not ready`]);
    }
    if (machine.guests.has(instance.name)) return null;
    machine.guests.set(instance.name, startupPaused ? 'paused' : 'running');
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
  instance_migratable: () => null,
  migration_info: (_machine, { instance }: OnInstance) => `runtime of ${instance.name}`,
  accept_instance: (machine, { instance }: OnInstance) => {
    machine.accepting.add(instance.name);
    return null;
  },
  instance_migrate: (machine, { instance, address }: OnInstance & { address: string }, nodes) => {
    const target = nodes.at(address);
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
  instance_run_rename: () => null,
  hypervisor_validate_params: () => null,
};

const nodeHandlers: Readonly<Record<string, Handler>> = {
  version: () => ({ protocol: 3010000, release: '3.1.0' }),
  node_info: (
    machine,
    { storage, hypervisors }: { storage: { type: string; key: string }[]; hypervisors: { name: string }[] },
  ) => ({
    bootId: 'boot',
    storage: storage.map(({ type, key }) => ({ type, name: key, free: 100_000, size: 200_000 })),
    hypervisors: hypervisors.map(({ name }) => ({
      name,
      version: null,
      memoryTotal: 64_000,
      memoryFree: machine.memoryFree,
      memoryNode: 1_000,
      cpuTotal: 8,
      cpuNodes: 1,
      cpuSockets: 1,
      cpuNode: 1,
    })),
  }),
  bridges_exist: () => ({ missing: [] }),
  os_validate: () => ({ found: true }),
  node_has_ip_address: () => true,
  node_crypto_tokens: ({ certificates }) => ({ digest: certificates.client }),
  lv_list: (machine) =>
    [...machine.volumes].map(([id, size]) => {
      const [vg, name] = JSON.parse(id) as [string, string];
      const online = machine.open.has(id);
      const tags = machine.info.has(id) ? [machine.info.get(id)!] : [];
      return { vg, name, size, online, inactive: !online, tags, device: `/dev/${vg}/${name}` };
    }),
  drbd_helper: () => '/bin/true',
  vg_list: () => ({ xenvg: { size: 200_000, free: 100_000 } }),
  etc_hosts_modify: (machine, { action, host }: { action: 'add' | 'remove'; host: string }) => {
    if (action === 'add') machine.hosts.add(host);
    else machine.hosts.delete(host);
    return null;
  },
  node_activate_master_ip: (machine, address: MasterAddress) => {
    machine.masterIp = `${address.ip}/${address.netmask} ${address.netdev}`;
    return null;
  },
  node_deactivate_master_ip: (machine) => {
    machine.masterIp = null;
    return null;
  },
  node_leave_cluster: (machine) => {
    machine.member = false;
    return null;
  },
  node_demote_from_mc: () => null,
  hooks_runner: () => [],
  node_verify: () => ({
    protocol: 3010000,
    release: '3.1.0',
    time: 1_800_000_000,
    fileChecksums: {},
    hypervisors: [],
    volumeGroups: null,
    logicalVolumes: null,
    physicalVolumes: null,
    drbd: null,
    missingBridges: [],
    unreachablePeers: [],
    missingAddresses: [],
    oses: [],
    masterIpReachable: null,
    missingScripts: [],
    clientCertificate: { fault: null, digest: null, expires: null },
    faults: {},
  }),
};

const handlers: Readonly<Record<string, Handler>> = {
  ...diskHandlers,
  ...instanceHandlers,
  ...nodeHandlers,
  ...siteHandlers,
  ...cryptoHandlers,
  ...sshHandlers,
  ...transferHandlers,
  ...remainsHandlers,
};

/** Time of every clock in this cluster, seconds. */
export const memoryTime = 1_800_000_000;

export class MemoryNodes implements NodeCaller {
  /** By uuid, and by the key of a joining node. */
  readonly machines: Map<string, MachineState>;
  /** Which machine an address belongs to. */
  readonly addresses: ReadonlyMap<string, string>;

  constructor(machines: Map<string, MachineState>, addresses: ReadonlyMap<string, string>) {
    this.machines = machines;
    this.addresses = addresses;
  }

  at(address: string): MachineState {
    return this.machine(this.addresses.get(address) ?? address);
  }

  machine(key: string): MachineState {
    const machine = this.machines.get(key);
    if (machine === undefined) throw new Failure('RpcError', [`no node ${key}`]);
    return machine;
  }

  async call<A, R>(node: string, call: NodeCall<A, R>, argument: A): Promise<R> {
    const machine = this.machine(node);
    if (!machine.reachable) throw new Failure('RpcError', [`node ${node} can't be reached for ${call.name}`]);
    const handler = handlers[call.name];
    if (handler === undefined)
      throw new Failure('ProgrammerError', [`nodes in memory don't know ${call.name}`]);
    const checked = call.argument.parse(structuredClone(argument));
    return call.result.parse(handler(machine, checked as never, this));
  }

  async callAll<A, R>(
    nodes: readonly string[],
    call: NodeCall<A, R>,
    argument: A | ((node: string) => A),
  ): Promise<ReadonlyMap<string, Reply<R>>> {
    const replies = new Map<string, Reply<R>>();
    for (const node of nodes) {
      try {
        const own = typeof argument === 'function' ? (argument as (node: string) => A)(node) : argument;
        replies.set(node, { kind: 'answered', value: await this.call(node, call, own) });
      } catch (error) {
        const failure = error as Failure;
        replies.set(
          node,
          failure.errorClass === 'RpcError'
            ? { kind: 'unreachable', message: failure.message }
            : { kind: 'refused', message: failure.message, error: [failure.errorClass, failure.args] },
        );
      }
    }
    return replies;
  }

  /** Everything that nodes hold, as a value to compare. */
  snapshot(): unknown {
    return [...this.machines]
      .map(([key, machine]) => [
        key,
        {
          volumes: [...machine.volumes].sort(),
          info: [...machine.info].sort(),
          open: [...machine.open].sort(),
          active: [...machine.active].sort(),
          connection: [...machine.connection].sort(),
          paused: [...machine.paused].sort(),
          guests: [...machine.guests].sort(),
          hardware: [...machine.hardware].map(([name, { memory, devices }]) => [
            name,
            memory,
            [...devices].sort(),
          ]),
          accepting: [...machine.accepting].sort(),
          hosts: [...machine.hosts].sort(),
          switches: [...machine.switches].map(([name, ports]) => [name, [...ports].sort()]),
          allocatable: [...machine.allocatable].sort(),
          transfers: transfersSeen(machine.transfers),
          masterIp: machine.masterIp,
          certificates: { ...machine.certificates },
          ssh: { ...machine.ssh, authorized: [...machine.ssh.authorized].sort() },
          member: machine.member,
        },
      ])
      .sort();
  }
}
