/** Global N+1: every node could be emptied if it failed. */
import type { NodeTable } from '../state/node-table.ts';
import type { AlgorithmOptions } from '../terms/algorithm-options.ts';
import type { Instance } from '../terms/instance.ts';
import { DrbdRedundancy, onlyFailovers } from './drbd-redundancy.ts';
import { canEvacuate } from './evacuation-check.ts';

export type InstanceLookup = (index: number) => Instance;

function sourcesOf(nodes: NodeTable, list: readonly number[], options: AlgorithmOptions): number[] {
  return list.filter(
    (node) =>
      !options.capacityIgnoredGroups.includes(nodes.group[node]!) &&
      !(options.acceptExisting && nodes.offline[node] === 1),
  );
}

/** Whether the listed nodes, as they are, could each be emptied. */
export function isRedundant(
  nodes: NodeTable,
  list: readonly number[],
  instanceOf: InstanceLookup,
  options: AlgorithmOptions,
): boolean {
  const sources = sourcesOf(nodes, list, options);
  const simple = sources.filter((node) => onlyFailovers(nodes, node, instanceOf));
  if (!new DrbdRedundancy(nodes, simple, instanceOf).holds) return false;
  const acted = new Set(simple);
  return sources.every((node) => acted.has(node) || canEvacuate({ nodes, list, instanceOf }, node));
}

/** Judges whether allocations keep the listed nodes redundant; made once for many candidates. */
export class RedundancyJudge {
  private readonly nodes: NodeTable;
  private readonly list: readonly number[];
  private readonly instanceOf: InstanceLookup;
  private readonly options: AlgorithmOptions;
  private readonly quick: DrbdRedundancy | undefined;

  constructor(
    nodes: NodeTable,
    list: readonly number[],
    instanceOf: InstanceLookup,
    options: AlgorithmOptions,
  ) {
    this.nodes = nodes;
    this.list = list;
    this.instanceOf = instanceOf;
    this.options = options;
    const sources = sourcesOf(nodes, list, options);
    const simple = sources.every((node) => onlyFailovers(nodes, node, instanceOf));
    this.quick = simple ? new DrbdRedundancy(nodes, sources, instanceOf) : undefined;
  }

  /**
   * Whether the nodes stay redundant with the instance on these nodes. `put` puts it on the node table, to
   * be taken back here. An instance that is on the cluster already counts at both places while it moves.
   */
  accepts(instance: Instance, primary: number, secondary: number, put: () => void): boolean {
    const { nodes, quick } = this;
    const isNew = instance.index < 0;
    const plainDrbd =
      instance.hasSecondary &&
      instance.otherVolumes === undefined &&
      nodes.exclusiveStorage[primary] === 0 &&
      secondary >= 0 &&
      nodes.exclusiveStorage[secondary] === 0;
    if (isNew && quick !== undefined && plainDrbd) return quick.holdsWith(instance, primary, secondary);
    const mark = nodes.mark();
    put();
    if (isNew) nodes.place(instance, primary, secondary, instance.locationScore);
    const lookup: InstanceLookup = (index) => (index < 0 ? instance : this.instanceOf(index));
    const answer = isRedundant(nodes, this.list, lookup, this.options);
    nodes.rollback(mark);
    return answer;
  }
}
