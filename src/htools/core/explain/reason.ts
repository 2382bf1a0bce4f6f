/**
 * Why a node refused an instance, with what is missing. The checks of `state/node-operations.ts` say no as
 * fast as they can; here the one that said no is found again and put in words. Only for refusals somebody
 * asked about.
 */
import { spindlesInUse, spindlesLeft } from '../state/node-operations.ts';
import type { NodeTable } from '../state/node-table.ts';
import { peerMemory } from '../state/peers.ts';
import { mainDisk, volumeShortage } from '../state/volume-groups.ts';
import type { Instance } from '../terms/instance.ts';
import { Refusal } from '../terms/vocabulary.ts';

export interface Reason {
  readonly refusal: Refusal;
  readonly node: number;
  readonly role: 'primary' | 'secondary';
  /** In words; the same words for the same cause, whatever is missing. */
  readonly cause: string;
  /** How much is missing of what `cause` names; undefined when it isn't a matter of amounts. */
  readonly missing: number | undefined;
}

/** A check that would refuse when something is missing; `undefined` is always in the way. */
type Check = readonly [refusal: Refusal, missing: number | undefined, cause: string];

/** The free figures of a node, as they are or with forthcoming instances counted. */
interface Free {
  readonly memory: number;
  readonly disk: number;
  readonly spindles: number;
  readonly instanceSpindles: number;
  readonly usedCpus: number;
  /** Added to each cause. */
  readonly remark: string;
}

function freeNow(nodes: NodeTable, node: number): Free {
  return {
    memory: nodes.unallocatedMemory(node),
    disk: nodes.freeDisk[node]!,
    spindles: nodes.freeSpindles[node]!,
    instanceSpindles: nodes.instanceSpindles[node]!,
    usedCpus: nodes.usedCpus[node]!,
    remark: '',
  };
}

function freeForth(nodes: NodeTable, node: number): Free {
  return {
    memory: nodes.freeMemoryForth[node]!,
    disk: nodes.freeDiskForth[node]!,
    spindles: nodes.freeSpindlesForth[node]!,
    instanceSpindles: nodes.instanceSpindlesForth[node]!,
    usedCpus: nodes.usedCpusForth[node]!,
    remark: ', forthcoming instances counted',
  };
}

function diskChecks(nodes: NodeTable, node: number, instance: Instance, free: Free): Check[] {
  if (!instance.usesLocalStorage) return [];
  const { remark } = free;
  const left = free.disk - mainDisk(nodes, node, instance);
  const checks: Check[] = [[Refusal.disk, 1 - left, `MiB of disk missing${remark}`]];
  if (nodes.exclusiveStorage[node] === 1) {
    checks.push(
      instance.totalSpindles === undefined
        ? [Refusal.spindles, undefined, 'its disks have no number of spindles']
        : [
            Refusal.spindles,
            -spindlesLeft(nodes, node, instance, 1, free.spindles),
            `spindles missing${remark}`,
          ],
    );
  }
  const shortage = volumeShortage(nodes, node, instance);
  if (shortage !== undefined) {
    const { volumeGroup, missing } = shortage;
    checks.push([
      Refusal.disk,
      missing,
      missing === undefined
        ? `there is no volume group ${volumeGroup}`
        : `MiB missing in volume group ${volumeGroup}`,
    ]);
  }
  const used = spindlesInUse(nodes, node, instance, 1, free.instanceSpindles);
  checks.push(
    [
      Refusal.disk,
      Math.ceil(nodes.lowDisk[node]! - left),
      `MiB of disk missing beside what stays free${remark}`,
    ],
    [Refusal.disk, used - nodes.highSpindles[node]!, `spindle uses too many for the policy's ratio${remark}`],
  );
  return checks;
}

function cpuCheck(nodes: NodeTable, node: number, instance: Instance, free: Free): Check {
  const limit =
    nodes.cpuRatio[node]! < 0 ? Infinity : Math.floor(nodes.cpuRatio[node]! * nodes.totalCpus[node]!);
  const used = free.usedCpus + (instance.isOffline ? 0 : instance.cpus);
  return [Refusal.cpu, used - limit, `VCPUs too many for the policy's ratio${free.remark}`];
}

function primaryChecks(nodes: NodeTable, node: number, instance: Instance): Check[] {
  const forth = freeForth(nodes, node);
  const forthChecks: Check[] = [
    [Refusal.memory, instance.memory - forth.memory + 1, `MiB of memory missing${forth.remark}`],
    ...diskChecks(nodes, node, instance, forth),
    cpuCheck(nodes, node, instance, forth),
  ];
  if (instance.forthcoming) return forthChecks;
  const now = freeNow(nodes, node);
  const left = instance.usesMemory ? now.memory - instance.memory : now.memory;
  const present = nodes.tagCounts[node]!;
  const shared = instance.exclusionTags.filter((tag) => (present.get(tag) ?? 0) > 0);
  return [
    [Refusal.memory, 1 - left, 'MiB of memory missing'],
    ...diskChecks(nodes, node, instance, now),
    [Refusal.memory, nodes.reservedMemory[node]! - left + 1, 'MiB of memory missing beside the N+1 reserve'],
    cpuCheck(nodes, node, instance, now),
    [Refusal.tags, undefined, `a primary there has the exclusion tag ${shared.join(', ')}`],
    ...forthChecks,
  ];
}

function secondaryChecks(nodes: NodeTable, node: number, instance: Instance, primary: number): Check[] {
  if (!instance.hasSecondary) {
    return [[Refusal.disk, undefined, `disk template ${instance.template} has no secondary node`]];
  }
  const needed = instance.reservesMemory ? instance.memory : 0;
  const forth = freeForth(nodes, node);
  const forthChecks: Check[] = [
    ...diskChecks(nodes, node, instance, forth),
    [Refusal.memory, needed - forth.memory + 1, `MiB of memory missing${forth.remark}`],
  ];
  if (instance.forthcoming) return forthChecks;
  const now = freeNow(nodes, node);
  const reserve = Math.max(nodes.reservedMemory[node]!, peerMemory(nodes.peers[node]!, primary) + needed);
  return [
    ...diskChecks(nodes, node, instance, now),
    [Refusal.memory, needed - now.memory + 1, 'MiB of memory missing'],
    [Refusal.memory, reserve - now.memory + 1, 'MiB of memory missing for the N+1 reserve'],
    ...forthChecks,
  ];
}

function firstOf(checks: readonly Check[], refusal: Refusal): Pick<Reason, 'cause' | 'missing'> {
  const found = checks.find(([of, missing]) => of === refusal && (missing === undefined || missing > 0));
  return { cause: found?.[2] ?? 'refused', missing: found?.[1] };
}

/** Why the node, as it is now, refused the instance as a primary. */
export function primaryReason(nodes: NodeTable, refusal: Refusal, node: number, instance: Instance): Reason {
  return { refusal, node, role: 'primary', ...firstOf(primaryChecks(nodes, node, instance), refusal) };
}

/** Why the node, as it is now, refused the instance as a secondary of a primary on `primary`. */
export function secondaryReason(
  nodes: NodeTable,
  refusal: Refusal,
  node: number,
  instance: Instance,
  primary: number,
): Reason {
  const checks = secondaryChecks(nodes, node, instance, primary);
  return { refusal, node, role: 'secondary', ...firstOf(checks, refusal) };
}

/** Why instances don't move live between two nodes. */
export function migrationReason(nodes: NodeTable, from: number, to: number): Reason {
  const accepted = nodes.acceptedMigrationTags[to]!;
  const tags = nodes.migrationTags[from]!.filter((tag) => !accepted.has(tag));
  const cause = `it doesn't take instances from ${nodes.name[from]}, which has the migration tag ${tags.join(', ')}`;
  return { refusal: Refusal.migration, node: to, role: 'primary', cause, missing: undefined };
}

const sizes: Partial<Readonly<Record<Refusal, string>>> = {
  [Refusal.memory]: 'memory size',
  [Refusal.disk]: 'disk size or template',
  [Refusal.cpu]: 'number of VCPUs',
  [Refusal.spindles]: 'number of spindles',
  [Refusal.diskCount]: 'number of disks',
};

/** What the policy of the node's group has against the instance. */
export function policyReason(refusal: Refusal, node: number): Reason {
  const cause = `the group's policy doesn't allow this ${sizes[refusal] ?? 'size'}`;
  return { refusal, node, role: 'primary', cause, missing: undefined };
}
