/** OP_CLUSTER_REPAIR_DISK_SIZES: recorded sizes and spindles are corrected by what the primary nodes find. */
import type { LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { disksOf, instanceNamed } from '../../model/lookup.ts';
import type { Disk } from '../../model/objects/disk.ts';
import type { Instance } from '../../model/objects/instance.ts';
import { filledNode } from '../../model/params/fill.ts';
import { blockdevGetDimensions } from '../../noderpc/calls/disk.ts';
import { ClusterRepairDiskSizes } from '../../opcodes/cluster.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { storageAbout } from '../../storage/catalog.ts';
import { diskOnNode } from '../on-node.ts';
import { operation, type PlanContext } from '../operation.ts';
import { fieldChange, setFields } from '../steps/objects.ts';

type Op = OpcodeOf<typeof ClusterRepairDiskSizes>;
type Dimensions = { readonly bytes: number; readonly spindles: number | null } | null;

interface Place {
  readonly instance: Instance;
  readonly index: number;
  readonly disk: Disk;
}

/** Instance, index of the disk, what is corrected, its real value: Ganeti's form of the result. */
type Finding = [string, number, 'size' | 'spindles', number];

interface Correction {
  readonly disk: Disk;
  readonly change: Partial<Disk>;
}

interface RepairPlan {
  readonly corrections: readonly Correction[];
  readonly findings: readonly Finding[];
}

function wanted(op: Op, configuration: Configuration): Instance[] {
  return op.instances.length === 0
    ? configuration.instances.values()
    : op.instances.map((name) => instanceNamed(configuration, name));
}

function byPrimary(configuration: Configuration, instances: readonly Instance[]): Map<string, Place[]> {
  const places = new Map<string, Place[]>();
  for (const instance of instances) {
    for (const [index, disk] of disksOf(configuration, instance).entries()) {
      const list = places.get(instance.primary_node) ?? [];
      places.set(instance.primary_node, [...list, { instance, index, disk }]);
    }
  }
  return places;
}

/** The data volume below a mirror is never smaller than the mirror; its metadata has a size of its own. */
function withBigEnoughData(context: PlanContext, disk: Disk): Disk {
  const [data, ...others] = disk.children ?? [];
  if (storageAbout(disk.dev_type).mirrored !== 'internal' || data === undefined || data.size >= disk.size)
    return disk;
  context.info(`Child disk has size ${data.size}, parent ${disk.size}, fixing`);
  return { ...disk, children: [{ ...data, size: disk.size }, ...others] };
}

function usesExclusiveStorage({ cluster, nodes, nodegroups }: Configuration, uuid: string): boolean {
  const node = nodes.get(uuid);
  if (node === undefined) return false;
  return filledNode(cluster, nodegroups.get(node.group), node).exclusive_storage;
}

class Repair {
  readonly corrections: Correction[] = [];
  readonly findings: Finding[] = [];
  readonly #context: PlanContext;

  constructor(context: PlanContext) {
    this.#context = context;
  }

  look({ instance, index, disk }: Place, dimensions: Dimensions, exclusive: boolean): void {
    if (dimensions === null) {
      this.#context.warn(
        `Disk ${index} of instance ${instance.name} did not return size information, ignoring`,
      );
      return;
    }
    let next = disk;
    const size = Math.floor(dimensions.bytes / 2 ** 20);
    if (size !== disk.size) {
      this.#told('size', instance, index, disk.size, size);
      next = { ...next, size };
      this.findings.push([instance.name, index, 'size', size]);
    }
    if (exclusive) next = this.#spindles(next, instance, index, dimensions.spindles);
    const whole = withBigEnoughData(this.#context, next);
    if (whole !== next) this.findings.push([instance.name, index, 'size', whole.size]);
    if (whole === disk) return;
    const { size: newSize, spindles, children } = whole;
    const change = { size: newSize, children, ...(spindles === undefined ? {} : { spindles }) };
    this.corrections.push({ disk, change });
  }

  #spindles(disk: Disk, instance: Instance, index: number, spindles: number | null): Disk {
    if (spindles === null) {
      this.#context.warn(
        `Disk ${index} of instance ${instance.name} did not return valid spindles information, ignoring`,
      );
      return disk;
    }
    if (spindles === disk.spindles) return disk;
    this.#told('spindles', instance, index, disk.spindles ?? null, spindles);
    this.findings.push([instance.name, index, 'spindles', spindles]);
    return { ...disk, spindles };
  }

  #told(
    what: 'size' | 'spindles',
    { name }: Instance,
    index: number,
    recorded: number | null,
    actual: number,
  ): void {
    this.#context.info(
      `Disk ${index} of instance ${name} has mismatched ${what}, correcting: recorded ${recorded ?? 'None'}, actual ${actual}`,
    );
  }
}

async function plan(op: Op, context: PlanContext): Promise<RepairPlan> {
  const { configuration, nodes } = context;
  const places = byPrimary(configuration, wanted(op, configuration));
  const replies = await nodes.callAll([...places.keys()], blockdevGetDimensions, (node) => ({
    disks: places
      .get(node)!
      .map(({ instance, index, disk }) => diskOnNode(configuration, instance, disk, index, node)),
  }));
  const repair = new Repair(context);
  for (const [uuid, list] of places) {
    const reply = replies.get(uuid);
    if (reply?.kind !== 'answered') {
      const name = configuration.nodes.get(uuid)?.name ?? uuid;
      context.warn(`Failure in blockdev_getdimensions call to node ${name}, ignoring`);
      continue;
    }
    const exclusive = usesExclusiveStorage(configuration, uuid);
    for (const [index, place] of list.entries()) repair.look(place, reply.value[index] ?? null, exclusive);
  }
  return repair;
}

export const clusterRepairDiskSizes = operation({
  opcode: ClusterRepairDiskSizes,
  steps: [setFields],
  locks: (op, configuration): LockRequest[] => {
    if (op.instances.length === 0) {
      return [
        { level: 'instance', name: 'all', mode: 'exclusive' },
        { level: 'node-res', name: 'all', mode: 'shared' },
      ];
    }
    const instances = wanted(op, configuration);
    const primaries = new Set(instances.map(({ primary_node }) => primary_node));
    return [
      ...instances.map(({ name }): LockRequest => ({ level: 'instance', name, mode: 'exclusive' })),
      ...[...primaries].map((name): LockRequest => ({ level: 'node-res', name, mode: 'shared' })),
    ];
  },
  plan,
  run: async ({ corrections, findings }, job) => {
    for (const { disk, change } of corrections) {
      await job.do(setFields, fieldChange('disks', disk, change));
      await job.keep();
    }
    return findings;
  },
});
