/** What the nodes have, as allocators are told: memory, processors, storage of the kind that is asked for. */
import type { ClusterFacts, NodeFacts, Space } from '../allocator/cluster-data.ts';
import type { Wish } from '../allocator/wish.ts';
import { executionFailure } from '../kit/failure.ts';
import type { Configuration } from '../model/configuration.ts';
import type { Disk } from '../model/objects/disk.ts';
import type { Node } from '../model/objects/node.ts';
import { filledNode } from '../model/params/fill.ts';
import type { ResultOf } from '../noderpc/call.ts';
import { allInstancesInfo, type RunningInstance } from '../noderpc/calls/instance.ts';
import { nodeInfo } from '../noderpc/calls/node.ts';
import { emptyTemplate, storageAbout } from '../storage/catalog.ts';
import type { PlanContext } from './operation.ts';
import type { Prospect } from './placements.ts';

/** MiB of a node's storage that a disk takes. */
export const spaceOf: ClusterFacts['spaceOf'] = ({ template, size }) => {
  const about = storageAbout(template);
  if (about.empty || about.adoptable === 'must') return 0;
  return size + about.overheadMiB;
};

/** Storage whose free space counts: its type and key (volume group, folder). */
interface Unit {
  readonly type: string;
  readonly key: string;
}

/** Where a template's free space is looked up; nothing for storage that is no single node's. */
function storageUnit(configuration: Configuration, template: string): Unit | undefined {
  const { cluster } = configuration;
  const about = storageAbout(template);
  if (about.volumeGroup && cluster.volume_group_name)
    return { type: about.storageType, key: cluster.volume_group_name };
  if (about.fileBased && about.mirrored === 'no')
    return { type: about.storageType, key: cluster.file_storage_dir };
  return undefined;
}

/** The volume group of a disk's data; undefined when it is kept elsewhere. */
function volumeGroupOf(disk: Disk): string | undefined {
  if (!storageAbout(disk.dev_type).volumeGroup) return undefined;
  const name = (disk.children?.[0] ?? disk).logical_id?.[0];
  return typeof name === 'string' ? name : undefined;
}

function disksWanted(wish: Wish): readonly { readonly vg?: string | undefined }[] {
  if (wish.kind === 'allocate') return wish.instance.disks;
  return wish.kind === 'multi-allocate' ? wish.instances.flatMap(({ disks }) => disks) : [];
}

/** Volume groups beside the main one where disks are, or are wanted. */
function otherVolumeGroups({ cluster, disks }: Configuration, wish: Wish): string[] {
  const main = cluster.volume_group_name;
  if (!main) return [];
  const wanted = disksWanted(wish).flatMap(({ vg }) => vg ?? []);
  const present = disks.values().flatMap((disk) => volumeGroupOf(disk) ?? []);
  return [...new Set([...wanted, ...present])].filter((name) => name !== main).sort();
}

/** What is asked of nodes for a request. */
export interface FactsWanted {
  readonly hypervisor: string;
  readonly unit: Unit | undefined;
  /** Names of volume groups beside the main one. */
  readonly otherGroups: readonly string[];
  /** Free spindles count too. */
  readonly withSpindles: boolean;
}

export function factsWanted(
  configuration: Configuration,
  wish: Wish,
  { hypervisor, template }: { readonly hypervisor: string; readonly template: string },
): FactsWanted {
  const isGroup = storageAbout(template).volumeGroup;
  return {
    hypervisor,
    unit: storageUnit(configuration, template),
    otherGroups: isGroup ? otherVolumeGroups(configuration, wish) : [],
    withSpindles: isGroup,
  };
}

type NodeAnswer = ResultOf<typeof nodeInfo>;

function groupsOf(storage: NodeAnswer['storage'], names: readonly string[]): ReadonlyMap<string, Space> {
  return new Map(
    names.flatMap((name) => {
      const found = storage.find((unit) => unit.name === name);
      if (found?.size == null || found.free == null) return [];
      return [[name, { total: Math.floor(found.size), free: Math.floor(found.free) }]];
    }),
  );
}

function factsOf(
  name: string,
  { storage, hypervisors }: NodeAnswer,
  guests: Readonly<Record<string, RunningInstance>>,
  { unit, otherGroups }: FactsWanted,
): NodeFacts {
  const [host] = hypervisors;
  if (host === undefined) throw executionFailure(`Node '${name}' didn't return attribute 'memory_free'`);
  const space = unit === undefined ? undefined : storage[0];
  const spindles = storage.find((each) => each.type === spindleType);
  return {
    totalMemory: host.memoryTotal,
    reservedMemory: host.memoryNode,
    freeMemory: host.memoryFree,
    totalDisk: Math.floor(space?.size ?? 0),
    freeDisk: Math.floor(space?.free ?? 0),
    totalSpindles: spindles?.size ?? 0,
    freeSpindles: spindles?.free ?? 0,
    totalCpus: host.cpuTotal,
    reservedCpus: host.cpuNode,
    guests: new Map(Object.entries(guests).map(([guest, { memory }]) => [guest, memory])),
    ...(otherGroups.length === 0 ? {} : { volumeGroups: groupsOf(storage, otherGroups) }),
  };
}

/** Storage type in which free spindles are counted. */
const spindleType = 'lvm-pv';

function isExclusive({ cluster, nodegroups }: Configuration, node: Node): boolean {
  return filledNode(cluster, nodegroups.get(node.group), node).exclusive_storage === true;
}

/** What every usable node reports; one that says nothing is left out, and said. */
export async function gatherFacts(
  context: Pick<PlanContext, 'configuration' | 'nodes' | 'warn'>,
  wanted: FactsWanted,
): Promise<ReadonlyMap<string, NodeFacts>> {
  const { configuration, nodes } = context;
  const { cluster } = configuration;
  const { hypervisor, unit, otherGroups, withSpindles } = wanted;
  const usable = configuration.nodes.values().filter((node) => node.vm_capable && !node.offline);
  const uuids = usable.map((node) => node.uuid);
  const hvparams = cluster.hvparams[hypervisor] ?? {};
  const storageOf = (uuid: string) => {
    if (unit === undefined) return [];
    const exclusive = isExclusive(configuration, configuration.nodes.get(uuid)!);
    return [
      { ...unit, exclusive },
      ...(withSpindles && exclusive ? [{ ...unit, exclusive, type: spindleType }] : []),
      ...otherGroups.map((key) => ({ type: unit.type, key, exclusive })),
    ];
  };
  const [answers, running] = await Promise.all([
    nodes.callAll(uuids, nodeInfo, (uuid: string) => ({
      storage: storageOf(uuid),
      hypervisors: [{ name: hypervisor, hvparams }],
    })),
    nodes.callAll(uuids, allInstancesInfo, {
      hypervisors: cluster.enabled_hypervisors.map((name) => ({
        name,
        hvparams: cluster.hvparams[name] ?? {},
      })),
    }),
  ]);
  const facts = new Map<string, NodeFacts>();
  for (const { uuid, name } of usable) {
    const [info, guests] = [answers.get(uuid), running.get(uuid)];
    if (info?.kind === 'answered' && guests?.kind === 'answered') {
      facts.set(uuid, factsOf(name, info.value, guests.value, wanted));
      continue;
    }
    const silent = info?.kind === 'answered' ? guests : info;
    const why = silent === undefined || !('message' in silent) ? 'it is marked offline' : silent.message;
    context.warn(`Can't get data for node ${name}, it is left out of the allocation: ${why}`);
  }
  return facts;
}

/** A node's facts once these disks have come to it. */
function withDisks(
  facts: NodeFacts,
  coming: readonly Disk[],
  { cluster }: Configuration,
  unit: Unit | undefined,
): NodeFacts {
  const groups = facts.volumeGroups === undefined ? undefined : new Map(facts.volumeGroups);
  let { freeDisk } = facts;
  for (const disk of coming) {
    const space = spaceOf({ template: disk.dev_type, size: disk.size });
    const about = storageAbout(disk.dev_type);
    const group = volumeGroupOf(disk);
    const other = group === undefined ? undefined : groups?.get(group);
    if (other !== undefined) groups!.set(group!, { ...other, free: other.free - space });
    else if (unit !== undefined && about.storageType === unit.type) {
      const inMain = group === undefined || group === cluster.volume_group_name;
      if (inMain) freeDisk -= space;
    }
  }
  return { ...facts, freeDisk, ...(groups === undefined ? {} : { volumeGroups: groups }) };
}

/** All that a request tells of the cluster, with what is going to be. */
export function clusterFacts(
  answers: ReadonlyMap<string, NodeFacts>,
  { unit, otherGroups }: FactsWanted,
  { configuration, coming }: Prospect,
): ClusterFacts {
  const nodes = new Map(
    [...answers].map(([uuid, facts]) => [
      uuid,
      withDisks(facts, coming.get(uuid) ?? [], configuration, unit),
    ]),
  );
  const main = configuration.cluster.volume_group_name;
  return {
    nodes,
    spaceOf,
    emptyTemplate,
    ...(otherGroups.length === 0 || !main ? {} : { volumeGroups: { main, of: volumeGroupOf } }),
  };
}
