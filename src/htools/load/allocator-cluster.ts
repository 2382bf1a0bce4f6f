/** The cluster in an allocator request (iallocator API, version 2): groups, nodes, instances. */

import type { NodeFields } from '../core/state/node-table.ts';
import type { Group } from '../core/terms/cluster.ts';
import { type Disk, Instance, type InstanceFields, type Nic } from '../core/terms/instance.ts';
import { type InstanceStatus, noNode } from '../core/terms/vocabulary.ts';
import { annotated, DataError } from './data-error.ts';
import { findGroup, findNode, type Indexes } from './indexed.ts';
import {
  asBoolean,
  asInteger,
  asNumber,
  asObject,
  asString,
  asValue,
  asWord,
  entriesOf,
  field,
  isObject,
  type Json,
  type JsonObject,
  listOf,
  optionalField,
  type Reader,
} from './json.ts';
import { asPolicy } from './policy-json.ts';
import { readAllocationPolicy, readDiskTemplate } from './words.ts';

function objects(value: Json): JsonObject[] {
  if (!Array.isArray(value)) {
    throw new DataError(`Invalid input, expected array but got ${JSON.stringify(value)}`);
  }
  return value.map((item: Json) => {
    if (!isObject(item)) throw new DataError('not an object');
    return item;
  });
}

const nicModes = { bridged: 'bridged', routed: 'routed', openvswitch: 'openvswitch' } as const;

function readNic(instance: string, nic: JsonObject): Nic {
  const mode = optionalField(nic, 'mode', asString);
  if (mode !== undefined && !Object.hasOwn(nicModes, mode)) {
    throw new DataError(`invalid NIC mode in instance ${instance}`);
  }
  return {
    mac: optionalField(nic, 'mac', asString),
    ip: optionalField(nic, 'ip', asString),
    mode: mode as Nic['mode'],
    link: optionalField(nic, 'link', asString),
    bridge: optionalField(nic, 'bridge', asString),
    network: optionalField(nic, 'network', asString),
  };
}

const statuses: Readonly<Record<string, InstanceStatus>> = {
  up: 'running',
  down: 'ADMIN_down',
  offline: 'ADMIN_offline',
};

function readStatus(instance: JsonObject): InstanceStatus {
  const state = 'admin_state' in instance || instance instanceof Map ? instance : undefined;
  const value = state === undefined ? undefined : optionalValue(state, 'admin_state');
  return (typeof value === 'string' ? statuses[value] : undefined) ?? 'running';
}

function optionalValue(object: JsonObject, key: string): Json | undefined {
  return optionalField(object, key, asValue);
}

/** Disks, with the volume group of those that aren't in the main one. */
function readDisks(owner: string, disks: readonly JsonObject[], mainVolumeGroup: string | undefined): Disk[] {
  const sizes = disks.map((disk) => field(owner, disk, 'size', asInteger));
  return disks.map((disk, i) => {
    const spindles = annotated(owner, () => optionalField(disk, 'spindles', asInteger));
    const vg = mainVolumeGroup === undefined ? undefined : optionalField(disk, 'vg', asString);
    return {
      size: sizes[i]!,
      spindles,
      ...(vg === undefined || vg === mainVolumeGroup ? {} : { volumeGroup: vg }),
    };
  });
}

/** What an instance of the cluster and an instance to be made have in common. */
export function readBaseInstance(
  name: string,
  object: JsonObject,
  mainVolumeGroup: string | undefined,
): InstanceFields {
  const owner = `invalid data for instance '${name}'`;
  const value = <T>(key: string, read: Reader<T>) => field(owner, object, key, read);
  const total = value('disk_space_total', asInteger);
  const disks = readDisks(owner, objects(value('disks', asValue)), mainVolumeGroup);
  const memory = value('memory', asInteger);
  const cpus = value('vcpus', asInteger);
  const tags = value('tags', listOf(asString));
  const template = value('disk_template', asWord('DiskTemplate', readDiskTemplate));
  const spindleUse = value('spindle_use', asInteger);
  const nics = objects(value('nics', asValue)).map((nic) => readNic(name, nic));
  const forthcoming = optionalValue(object, 'forthcoming');
  return {
    name,
    memory,
    disk: total,
    disks,
    cpus,
    status: readStatus(object),
    tags,
    autoBalance: true,
    primary: 0,
    secondary: 0,
    template,
    spindleUse,
    nics,
    forthcoming: forthcoming === true,
  };
}

export function readInstance(
  nodes: Indexes,
  name: string,
  value: Json,
  mainVolumeGroup: string | undefined,
): Instance {
  if (!isObject(value)) throw new DataError('not an object');
  const base = readBaseInstance(name, value, mainVolumeGroup);
  const names = annotated('', () => optionalField(value, 'nodes', listOf(asValue))) ?? [];
  const [primary, secondary] = names;
  if (primary === undefined) throw new DataError(`empty node list for instance ${name}`);
  const indexOf = (node: Json) => {
    if (typeof node !== 'string') throw new DataError('Wrong JSON type');
    return findNode(nodes, name, node);
  };
  const at = indexOf(primary);
  return new Instance({
    ...base,
    primary: at,
    secondary: secondary === undefined ? noNode : indexOf(secondary),
  });
}

function readVolumeGroups(object: JsonObject): NodeFields['volumeGroups'] {
  const groups = optionalField(object, 'volume_groups', asObject);
  if (groups === undefined) return undefined;
  return new Map(
    entriesOf(groups).map(([name, group]) => {
      const figures = asObject(group);
      return [
        name,
        {
          total: field(`volume group ${name}`, figures, 'total', asInteger),
          free: field(`volume group ${name}`, figures, 'free', asInteger),
        },
      ];
    }),
  );
}

export function readNode(
  groups: Indexes,
  name: string,
  object: Json,
  hypervisor: string | undefined,
): NodeFields {
  if (!isObject(object)) throw new DataError('not an object');
  const owner = `invalid data for node '${name}'`;
  const value = <T>(key: string, read: Reader<T>) => field(owner, object, key, read);
  const offline = value('offline', asBoolean);
  const drained = value('drained', asBoolean);
  const uuid = value('group', asString);
  const capable = annotated(owner, () => optionalField(object, 'vm_capable', asBoolean)) ?? true;
  const group = findGroup(groups, name, uuid);
  const parameters = value('ndparams', asValue);
  if (!isObject(parameters)) throw new DataError('not an object');
  const tags = optionalField(object, 'tags', listOf(asString)) ?? [];
  const exclusiveStorage = field(owner, parameters, 'exclusive_storage', asBoolean);
  const live = !offline && capable;
  const liveInteger = (key: string) => (live ? value(key, asInteger) : 0);
  const liveNumber = (key: string) => (live ? value(key, asNumber) : 0);
  const volumeGroups = live ? readVolumeGroups(object) : undefined;
  return {
    name,
    group,
    tags,
    exclusiveStorage,
    totalSpindles: exclusiveStorage
      ? liveInteger('total_spindles')
      : field(owner, parameters, 'spindle_count', asInteger),
    freeSpindles: liveInteger('free_spindles'),
    totalMemory: liveNumber('total_memory'),
    nodeMemory: liveInteger('reserved_memory'),
    freeMemory: liveInteger('free_memory'),
    totalDisk: liveNumber('total_disk'),
    freeDisk: liveInteger('free_disk'),
    totalCpus: liveNumber('total_cpus'),
    nodeCpus: liveInteger('reserved_cpus'),
    offline: !live || drained,
    ...(hypervisor === undefined ? {} : { hypervisor }),
    ...(volumeGroups === undefined ? {} : { volumeGroups }),
  };
}

export function readGroup(uuid: string, value: Json, index: number): Group {
  if (!isObject(value)) throw new DataError('not an object');
  const owner = `invalid data for group '${uuid}'`;
  return {
    name: field(owner, value, 'name', asString),
    uuid,
    index,
    allocationPolicy: field(owner, value, 'alloc_policy', asWord('AllocPolicy', readAllocationPolicy)),
    networks: field(owner, value, 'networks', listOf(asString)),
    policy: field(owner, value, 'ipolicy', asPolicy),
    tags: field(owner, value, 'tags', listOf(asString)),
  };
}
