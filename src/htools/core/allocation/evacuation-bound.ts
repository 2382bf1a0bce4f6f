/**
 * When a node's instances are sure to find places, whatever order and choice a search takes.
 *
 * A target refuses an instance only when what came onto it before has eaten its free memory (or disk) down to less
 * than one instance needs. Spoiling a target takes at least its free memory less the largest instance; all
 * instances together bring only so much. Where the targets' room, each measured by the share of all memory (or
 * disk) that would spoil it, adds up to more than there is to spread, one target is always left.
 *
 * Says nothing where further quantities count (exclusive storage, several volume groups, forthcoming instances).
 */
import { migrationRefused } from '../state/node-operations.ts';
import type { NodeTable } from '../state/node-table.ts';
import { mainDisk } from '../state/volume-groups.ts';
import type { Instance } from '../terms/instance.ts';
import { checkPolicy } from '../terms/policy.ts';
import { Refusal } from '../terms/vocabulary.ts';

/** Shares are fractions: what they add up to is off by less than this. */
const roundingSlack = 1e-6;

const isSimple = (instance: Instance) => instance.otherVolumes === undefined && !instance.forthcoming;

/** What share of `total` a target must get before it has no room for the largest. */
function shareToSpoil(free: number, largest: number, total: number): number {
  const room = free - largest;
  if (room <= 0) return 0;
  return total > 0 ? room / total : Number.POSITIVE_INFINITY;
}

/**
 * Whether every instance is sure to find a target.
 *
 * @param node where the instances are
 * @param moved instances on shared storage, which move as they are
 * @param remade instances whose disks are lost with the node, and which a policy judges anew
 */
export function surelyFit(
  nodes: NodeTable,
  node: number,
  targets: readonly number[],
  moved: readonly Instance[],
  remade: readonly Instance[],
): boolean {
  const all = [...moved, ...remade];
  if (all.length === 0) return true;
  if (!all.every(isSimple)) return false;
  const sizes = all.map((instance) => (instance.usesMemory ? instance.memory : 0));
  const largest = Math.max(...sizes);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const local = all.filter((instance) => instance.usesLocalStorage);
  const takes = (target: number) =>
    nodes.exclusiveStorage[target] === 0 &&
    (moved.length === 0 || migrationRefused(nodes, node, target) === Refusal.none) &&
    remade.every((instance) => checkPolicy(instance, nodes.policy[target]!, false) === Refusal.none);
  const wanted = (local.length > 0 ? 2 : 1) + roundingSlack;
  let shares = 0;
  for (const target of targets) {
    if (!takes(target)) continue;
    const ofMemory = shareToSpoil(nodes.unallocatedMemory(target), largest, total);
    if (local.length === 0) shares += ofMemory;
    else {
      const disks = local.map((instance) => mainDisk(nodes, target, instance));
      const allDisk = disks.reduce((sum, disk) => sum + disk, 0);
      shares += Math.min(ofMemory, shareToSpoil(nodes.freeDisk[target]!, Math.max(...disks), allDisk));
    }
    if (shares > wanted) return true;
  }
  return false;
}
