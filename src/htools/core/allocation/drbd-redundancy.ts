/**
 * Global N+1 without acting it out, for nodes whose primaries are all DRBD: a node's primaries fail over to
 * their secondaries, so all that counts is whether each secondary has the memory that this one peer needs.
 * With the needs summed up per pair of nodes, a further instance is judged by looking at its two nodes only.
 */
import { migrationRefused } from '../state/node-operations.ts';
import type { NodeTable } from '../state/node-table.ts';
import type { Instance } from '../terms/instance.ts';
import { Refusal } from '../terms/vocabulary.ts';

/** Whether a node's evacuation is plain failover, without anything this file leaves out. */
export function onlyFailovers(
  nodes: NodeTable,
  node: number,
  instanceOf: (index: number) => Instance,
): boolean {
  const simple = (other: number) => other >= 0 && nodes.exclusiveStorage[other] === 0;
  return (
    simple(node) &&
    nodes.primaries[node]!.every((index) => {
      const instance = instanceOf(index);
      return instance.hasSecondary && instance.otherVolumes === undefined && simple(instance.secondary);
    })
  );
}

export class DrbdRedundancy {
  private readonly nodes: NodeTable;
  private readonly isSource: Uint8Array;
  /** Memory that the primaries of a source need on a node, by `node * size + source`. */
  private readonly needs = new Map<number, number>();
  private readonly greatestNeed: Float64Array;
  /** Whether every source can be evacuated as things are. */
  readonly holds: boolean;

  /** `sources` are the nodes that must be evacuable; all satisfy `onlyFailovers`. */
  constructor(nodes: NodeTable, sources: readonly number[], instanceOf: (index: number) => Instance) {
    this.nodes = nodes;
    this.isSource = new Uint8Array(nodes.size);
    this.greatestNeed = new Float64Array(nodes.size);
    let holds = true;
    for (const source of sources) {
      this.isSource[source] = 1;
      for (const index of nodes.primaries[source]!) {
        const instance = instanceOf(index);
        const target = instance.secondary;
        this.add(target, source, instance.usesMemory ? instance.memory : 0);
        if (migrationRefused(nodes, source, target) !== Refusal.none) holds = false;
        if (nodes.freeDisk[target]! <= 0) holds = false;
        if (nodes.offline[source] === 0 && nodes.freeDisk[source]! <= 0) holds = false;
        if (nodes.unallocatedMemory(target) <= this.greatestNeed[target]!) holds = false;
      }
    }
    this.holds = holds;
  }

  private add(target: number, source: number, memory: number): void {
    const key = target * this.nodes.size + source;
    const need = (this.needs.get(key) ?? 0) + memory;
    this.needs.set(key, need);
    this.greatestNeed[target] = Math.max(this.greatestNeed[target]!, need);
  }

  /** Whether all stays evacuable with one more instance; its nodes are known to have the disk for it. */
  holdsWith(instance: Instance, primary: number, secondary: number): boolean {
    if (!this.holds) return false;
    const { nodes } = this;
    const memory = instance.usesMemory ? instance.memory : 0;
    if (nodes.unallocatedMemory(primary) - memory <= this.greatestNeed[primary]!) return false;
    if (this.isSource[primary] === 0) return true;
    if (migrationRefused(nodes, primary, secondary) !== Refusal.none) return false;
    const need = (this.needs.get(secondary * nodes.size + primary) ?? 0) + memory;
    return nodes.unallocatedMemory(secondary) > need;
  }
}
