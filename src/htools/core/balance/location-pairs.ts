/**
 * Pairs of (failure domain, exclusion tag) over all online nodes of a part: the score counts those that are
 * there more than once.
 */
import { locationPairs } from '../state/node-operations.ts';
import type { Instance } from '../terms/instance.ts';
import type { Columns } from './columns.ts';

export class LocationPairs {
  private readonly columns: Columns;
  private counts = new Map<string, number>();

  constructor(columns: Columns) {
    this.columns = columns;
  }

  /** Counts the pairs as they are now; returns how many are surplus. */
  beginRound(): number {
    const { nodes, list, online } = this.columns;
    this.counts = new Map();
    let surplus = 0;
    for (const position of online) {
      for (const [pair, count] of nodes.pairCounts[list[position]!]!) {
        const known = this.counts.get(pair);
        this.counts.set(pair, (known ?? 0) + count);
        surplus += known === undefined ? count - 1 : count;
      }
    }
    return surplus;
  }

  private pairsOn(instance: Instance, position: number): string[] {
    const { nodes, list, isOffline } = this.columns;
    return isOffline[position] === 1 ? [] : locationPairs(nodes, list[position]!, instance);
  }

  /** The most that taking the instance off its primary can gain. */
  most(instance: Instance, primary: number): number {
    if (instance.exclusionTags.length === 0) return 0;
    return this.pairsOn(instance, primary).length;
  }

  /** Change of the surplus when the instance's primary goes from one position to another. */
  change(instance: Instance, from: number, to: number): number {
    if (instance.exclusionTags.length === 0 || from === to) return 0;
    const gone = this.pairsOn(instance, from);
    let change = 0;
    for (const pair of gone) if (this.counts.get(pair)! > 1) change--;
    for (const pair of this.pairsOn(instance, to)) {
      const left = (this.counts.get(pair) ?? 0) - (gone.includes(pair) ? 1 : 0);
      if (left > 0) change++;
    }
    return change;
  }
}
