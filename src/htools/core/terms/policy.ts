/**
 * Instance policies: what sizes an instance may have on a node, and how far a node may be overcommitted.
 */
import type { Instance } from './instance.ts';
import { type DiskTemplate, diskTemplates, Refusal } from './vocabulary.ts';

/** One size of an instance; memory and disk in MiB, disk per disk. */
export interface InstanceSpec {
  readonly memory: number;
  readonly cpus: number;
  readonly diskSize: number;
  readonly diskCount: number;
  readonly nicCount: number;
  readonly spindles: number;
}

export interface SpecRange {
  readonly min: InstanceSpec;
  readonly max: InstanceSpec;
}

export interface Policy {
  readonly ranges: readonly SpecRange[];
  readonly standard: InstanceSpec;
  readonly diskTemplates: readonly DiskTemplate[];
  readonly cpuRatio: number;
  readonly spindleRatio: number;
}

const smallest: InstanceSpec = {
  memory: 128,
  cpus: 1,
  diskSize: 1024,
  diskCount: 1,
  nicCount: 1,
  spindles: 1,
};
const largest: InstanceSpec = {
  memory: 32768,
  cpus: 8,
  diskSize: 1048576,
  diskCount: 16,
  nicCount: 8,
  spindles: 12,
};

/** What holds when a source of data says nothing. */
export const defaultPolicy: Policy = {
  ranges: [{ min: smallest, max: largest }],
  standard: smallest,
  diskTemplates,
  cpuRatio: 4,
  spindleRatio: 32,
};

/** `sign` 1 finds what is above the spec, -1 what is below it. */
function beyond(sign: 1 | -1, instance: Instance, spec: InstanceSpec, exclusive: boolean): Refusal {
  const off = (value: number, limit: number) => (sign === 1 ? value > limit : value < limit);
  if (off(instance.memory, spec.memory)) return Refusal.memory;
  if (instance.disks.some((disk) => off(disk.size, spec.diskSize))) return Refusal.disk;
  if (off(instance.cpus, spec.cpus)) return Refusal.cpu;
  const spindles = exclusive ? instance.totalSpindles : instance.spindleUse;
  if (spindles === undefined || off(spindles, spec.spindles)) return Refusal.spindles;
  if (instance.template !== 'diskless' && off(instance.disks.length, spec.diskCount)) {
    return Refusal.diskCount;
  }
  return Refusal.none;
}

/**
 * Whether the policy of a node lets the instance onto it. With several ranges the refusal told is the one of
 * the first range, as Ganeti tells it.
 */
export function checkPolicy(instance: Instance, policy: Policy, exclusive: boolean): Refusal {
  let verdict: Refusal = Refusal.none;
  for (let i = policy.ranges.length - 1; i >= 0; i--) {
    const range = policy.ranges[i]!;
    verdict = beyond(-1, instance, range.min, exclusive) || beyond(1, instance, range.max, exclusive);
    if (verdict === Refusal.none) break;
  }
  if (verdict !== Refusal.none) return verdict;
  return policy.diskTemplates.includes(instance.template) ? Refusal.none : Refusal.disk;
}
