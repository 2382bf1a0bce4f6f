/**
 * Whether a node could be emptied if it failed (global N+1): its DRBD primaries fail over, its instances on
 * shared storage move to other nodes of its group, and the rest can be made anew there.
 *
 * The check acts it out on the node table and takes everything back. Where a node has only DRBD primaries,
 * `drbd-redundancy.ts` knows the answer without acting; where there is room in plenty, `evacuation-bound.ts` does.
 */
import { applyMove } from '../state/moves.ts';
import { addPrimary, migrationRefused, removePrimary } from '../state/node-operations.ts';
import type { NodeTable } from '../state/node-table.ts';
import type { Instance } from '../terms/instance.ts';
import { checkPolicy } from '../terms/policy.ts';
import { failover, Refusal } from '../terms/vocabulary.ts';
import { surelyFit } from './evacuation-bound.ts';
import { type Put, SingleFinder } from './single-finder.ts';

export interface EvacuationSituation {
  readonly nodes: NodeTable;
  /** The nodes that count; those of the failing node's group can take its instances. */
  readonly list: readonly number[];
  readonly instanceOf: (index: number) => Instance;
}

/** Whether two instances are the same to every node, so that what was found for one serves the other. */
function alike(a: Instance, b: Instance): boolean {
  return (
    a.memory === b.memory &&
    a.disk === b.disk &&
    a.cpus === b.cpus &&
    a.status === b.status &&
    a.template === b.template &&
    a.spindleUse === b.spindleUse &&
    a.totalSpindles === b.totalSpindles &&
    a.forthcoming === b.forthcoming &&
    a.disks.length === b.disks.length &&
    a.disks.every((disk, i) => disk.size === b.disks[i]!.size) &&
    a.otherVolumes === b.otherVolumes &&
    a.exclusionTags.length + b.exclusionTags.length === 0 &&
    a.desiredLocations.length + b.desiredLocations.length === 0 &&
    a.locationScore === b.locationScore &&
    a.load.cpu === b.load.cpu &&
    a.load.memory === b.load.memory &&
    a.load.disk === b.load.disk &&
    a.load.network === b.load.network
  );
}

/** Finds places for one instance after the other, reusing what is known from an alike one. */
class Placement {
  private readonly nodes: NodeTable;
  private readonly list: readonly number[];
  private readonly targets: readonly number[];
  private readonly putFor: (instance: Instance) => Put;
  private last: { instance: Instance; finder: SingleFinder } | undefined;

  constructor(
    nodes: NodeTable,
    list: readonly number[],
    targets: readonly number[],
    putFor: (instance: Instance) => Put,
  ) {
    this.nodes = nodes;
    this.list = list;
    this.targets = targets;
    this.putFor = putFor;
  }

  /** Puts the instance on the best node; `changed` changed since the last call. False when none takes it. */
  place(instance: Instance, changed: readonly number[]): boolean {
    const put = this.putFor(instance);
    if (this.last !== undefined && alike(this.last.instance, instance)) {
      this.last.finder.refresh(changed);
    } else {
      const finder = new SingleFinder(this.nodes, this.list, this.targets, put);
      this.last = { instance, finder };
    }
    const node = this.last.finder.best();
    if (node === undefined) return false;
    put(node);
    this.last.finder.refresh([node]);
    return true;
  }
}

/** Moves instances on shared storage off the node; false when one finds no place. */
function moveAway(
  situation: EvacuationSituation,
  node: number,
  instances: readonly Instance[],
  group: readonly number[],
): boolean {
  const { nodes } = situation;
  const targets = group.filter((other) => other !== node);
  const placement = new Placement(
    nodes,
    group,
    targets,
    (instance) => (target) =>
      migrationRefused(nodes, node, target) ||
      addPrimary(nodes, target, instance, instance.locationScore, true),
  );
  return instances.every((instance) => {
    removePrimary(nodes, node, instance, instance.locationScore);
    return placement.place(instance, [node]);
  });
}

/** Makes instances anew that are lost with the node, the largest first; false when one finds no place. */
function makeAnew(
  situation: EvacuationSituation,
  node: number,
  instances: readonly Instance[],
  group: readonly number[],
): boolean {
  const { nodes, list } = situation;
  const targets = group.filter((other) => other !== node);
  const placement = new Placement(
    nodes,
    list,
    targets,
    (instance) => (target) =>
      checkPolicy(instance, nodes.policy[target]!, nodes.exclusiveStorage[target] === 1) ||
      addPrimary(nodes, target, instance, instance.locationScore, true),
  );
  const ordered = [...instances].sort((a, b) => b.memory - a.memory);
  return ordered.every((instance) => placement.place(instance, []));
}

function empty(situation: EvacuationSituation, node: number, shortCut: boolean): boolean {
  const { nodes, list, instanceOf } = situation;
  const primaries = nodes.primaries[node]!.map(instanceOf);
  for (const instance of primaries) {
    if (instance.template === 'drbd' && applyMove(nodes, instance, failover, true) !== Refusal.none) {
      return false;
    }
  }
  const group = list.filter((other) => nodes.group[other] === nodes.group[node]);
  const lost = primaries.filter(({ template }) => template === 'plain' || template === 'file');
  const shared = primaries.filter(({ mirror }) => mirror === 'external');
  const targets = group.filter((other) => other !== node);
  if (shortCut && surelyFit(nodes, node, targets, shared, lost)) return true;
  return moveAway(situation, node, shared, group) && makeAnew(situation, node, lost, group);
}

/** Whether the node's instances all find a place elsewhere. Without the short cut, everything is acted out. */
export function canEvacuate(situation: EvacuationSituation, node: number, shortCut = true): boolean {
  const mark = situation.nodes.mark();
  const answer = empty(situation, node, shortCut);
  situation.nodes.rollback(mark);
  return answer;
}
