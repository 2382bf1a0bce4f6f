/**
 * One instance and one kind of move, ready to be tried with many target nodes: what happens on the two nodes
 * it leaves or keeps is worked out once, a target then costs a few dozen additions.
 */

import { sideBound } from '../score/bounds.ts';
import { unmetLocations } from '../state/node-operations.ts';
import type { MoveKind } from '../terms/vocabulary.ts';
import { type Columns, Figure, figureCount } from './columns.ts';
import type { LocationPairs } from './location-pairs.ts';
import { MovePosition } from './move-position.ts';
import { roles } from './move-roles.ts';
import { leastOfRange, reservedTotalWeight, type TargetBounds } from './target-bounds.ts';

/** Cost of an offline node's instances in the score: any instance, and a primary beside that. */
const offlineInstance = 4;
const offlinePrimary = 16;
const conflictWeight = 2;

export class MoveFrame extends MovePosition {
  private readonly bounds: TargetBounds;
  private readonly pairs: LocationPairs | undefined;
  /** Of each figure: change of the squares and of the sum on the two nodes, reserved memory left out. */
  private readonly part = new Float64Array(figureCount);
  private readonly shift = new Float64Array(figureCount);
  /** What the sums change, as far as the target doesn't matter. */
  private extra = 0;

  constructor(columns: Columns, bounds: TargetBounds, pairs: LocationPairs | undefined, force: boolean) {
    super(columns, force);
    this.bounds = bounds;
    this.pairs = pairs;
  }

  /** Whether the soft checks of the target are skipped. */
  get targetForced(): boolean {
    if (this.kind === 'replace-and-failover') return this.force;
    if (this.kind === 'replace-secondary') return this.force || this.secondaryOffline;
    return this.force || this.primaryOffline;
  }

  get targetIsPrimary(): boolean {
    return this.role.target === 'primary';
  }

  /** Sets the kind of move; false when it is refused whatever the target. */
  setKind(kind: MoveKind): boolean {
    this.kind = kind;
    this.role = roles[kind];
    if (!this.keepsPlace()) return false;
    this.sumParts();
    this.extra = this.offlineChange() + this.tagChange() + this.locationChange();
    return true;
  }

  private sumParts(): void {
    const { columns, load, role, part, shift, p, s } = this;
    const { centred, unit } = columns;
    const { asPrimary, asSecondary } = load;
    for (let k = 0; k < figureCount; k++) {
      let squares = 0;
      let sum = 0;
      const onPrimary = role.primaryLost * asPrimary[k]! + role.secondaryGained * asSecondary[k]!;
      if (onPrimary !== 0) {
        const at = p * figureCount + k;
        const delta = onPrimary * unit[at]!;
        squares = delta * (2 * centred[at]! + delta);
        sum = delta;
      }
      const onSecondary = role.secondaryLost * asSecondary[k]! + role.primaryGained * asPrimary[k]!;
      if (onSecondary !== 0) {
        const at = s * figureCount + k;
        const delta = onSecondary * unit[at]!;
        squares += delta * (2 * centred[at]! + delta);
        sum += delta;
      }
      part[k] = squares;
      shift[k] = sum;
    }
  }

  private offlineChange(): number {
    const { role } = this;
    let change = 0;
    if (this.primaryOffline) {
      change +=
        role.primaryLost * (offlineInstance + offlinePrimary) + role.secondaryGained * offlineInstance;
    }
    if (this.secondaryOffline) {
      change +=
        role.secondaryLost * offlineInstance + role.primaryGained * (offlineInstance + offlinePrimary);
    }
    return change;
  }

  private tagChange(): number {
    const { role, instance, columns } = this;
    if (instance.exclusionTags.length === 0 || role.primaryLost === 0) return 0;
    let change = 0;
    if (!this.primaryOffline) {
      const counts = columns.nodes.tagCounts[instance.primary]!;
      for (const tag of instance.exclusionTags) if (counts.get(tag)! > 1) change -= conflictWeight;
    }
    if (role.primaryGained !== 0 && !this.secondaryOffline) change += conflictWeight * this.tagsOn(this.s);
    return change;
  }

  /** What the location score loses on the old primary, and gains on a secondary that becomes primary. */
  private locationChange(): number {
    const { columns, instance, role } = this;
    if (columns.shared === undefined) return 0;
    const { nodes } = columns;
    let change = 0;
    if (!this.primaryOffline) {
      change -= instance.locationScore;
      if (role.primaryLost !== 0) change -= unmetLocations(nodes, instance.primary, instance);
    }
    if (role.primaryGained !== 0 && !this.secondaryOffline) {
      change += unmetLocations(nodes, instance.secondary, instance);
      if (this.kind === 'failover') change += instance.locationScore;
    }
    return change;
  }

  /** Location score of the instance with a target. */
  private newLocation(target: number): number {
    const { shared, size, nodes, list } = this.columns;
    if (shared === undefined) return 0;
    switch (this.kind) {
      case 'failover':
        return 0;
      case 'replace-secondary':
        return this.primaryOffline ? 0 : shared[this.p * size + target]!;
      case 'failover-and-replace':
        return this.secondaryOffline ? 0 : shared[this.s * size + target]!;
      case 'failover-to-any':
        return this.instance.locationScore + unmetLocations(nodes, list[target]!, this.instance);
      case 'replace-primary':
        return shared[target * size + this.s]! + unmetLocations(nodes, list[target]!, this.instance);
      case 'replace-and-failover':
        return shared[target * size + this.p]! + unmetLocations(nodes, list[target]!, this.instance);
    }
  }

  private newPrimary(target: number): number {
    if (this.role.target === 'primary') return target;
    return this.role.primaryGained === 0 ? this.p : this.s;
  }

  /**
   * A lower bound of what the two nodes add to the score, whatever the target; with the bounds of a target it
   * bounds the whole move.
   */
  bound(): number {
    const { columns, bounds, load, part, shift, role, p, s } = this;
    const count = columns.online.length;
    let sum = this.extra;
    for (let k = 0; k < figureCount; k++) {
      if (k !== Figure.reserved && columns.weights[k] !== 0) {
        sum += sideBound(bounds.bounds[k]!, part[k]!, shift[k]!, count);
      }
    }
    const reserved = bounds.bounds[Figure.reserved]!;
    const { deltaOnSecondary, partOnSecondary } = this.knownReserved();
    if (role.secondaryGained !== 0 || this.kind === 'replace-primary') {
      const at = role.secondaryGained !== 0 ? p : s;
      const scale = columns.unit[at * figureCount + Figure.reserved]!;
      const now = columns.reserved[at]!;
      const kept = role.secondaryGained !== 0 ? now : this.keptWithout;
      const low = (Math.max(kept, load.needed) - now) * scale;
      const high = (kept + load.needed - now) * scale;
      const deviation = columns.centred[at * figureCount + Figure.reserved]!;
      sum += leastOfRange(reserved, deviation, low, high, partOnSecondary, deltaOnSecondary, count);
    } else {
      sum += sideBound(reserved, partOnSecondary, deltaOnSecondary, count);
      sum += reservedTotalWeight * deltaOnSecondary;
    }
    return sum + this.leastRedundancy() - (this.pairs?.most(this.instance, p) ?? 0);
  }

  /** Change of reserved memory on a secondary that is left or becomes primary. */
  private knownReserved(): { readonly deltaOnSecondary: number; readonly partOnSecondary: number } {
    const { columns, role, s } = this;
    if (role.secondaryLost === 0) return { deltaOnSecondary: 0, partOnSecondary: 0 };
    const at = s * figureCount + Figure.reserved;
    const delta = (this.keptWithout - columns.reserved[s]!) * columns.unit[at]!;
    return { deltaOnSecondary: delta, partOnSecondary: delta * (2 * columns.centred[at]! + delta) };
  }

  /** Change of the count of instances on nodes without redundancy, on the two nodes, at its least. */
  private leastRedundancy(): number {
    const { columns, load, role } = this;
    const keptPrimary =
      role.secondaryGained === 0
        ? columns.reserved[this.p]!
        : Math.max(columns.reserved[this.p]!, load.needed);
    const keptSecondary =
      this.kind === 'replace-primary' ? Math.max(this.keptWithout, load.needed) : this.keptWithout;
    return this.redundancyOnPrimary(keptPrimary) + this.redundancyOnSecondary(keptSecondary);
  }

  private redundancyOnPrimary(kept: number): number {
    const { columns, load, role, p } = this;
    if (this.primaryOffline) return 0;
    const free = columns.unallocated[p]!;
    const population = columns.population[p]!;
    const before = free <= columns.reserved[p]! ? population : 0;
    const freeAfter = free - role.primaryLost * load.used;
    const after = freeAfter <= kept ? population + role.primaryLost + role.secondaryGained : 0;
    return after - before;
  }

  private redundancyOnSecondary(kept: number): number {
    const { columns, load, role, s } = this;
    if (s < 0 || this.secondaryOffline || this.kind === 'failover-to-any') return 0;
    const free = columns.unallocated[s]!;
    const population = columns.population[s]!;
    const before = free <= columns.reserved[s]! ? population : 0;
    const freeAfter = free - role.primaryGained * load.used;
    const after = freeAfter <= kept ? population + role.secondaryLost + role.primaryGained : 0;
    return after - before;
  }

  private redundancyOnTarget(target: number, kept: number): number {
    const { columns, load, role } = this;
    const free = columns.unallocated[target]!;
    const population = columns.population[target]!;
    const before = free <= columns.reserved[target]! ? population : 0;
    const freeAfter = role.target === 'primary' ? free - load.used : free;
    const after = freeAfter <= kept ? population + 1 : 0;
    return after - before;
  }

  /**
   * The change of the score when the move is made with this target (-1 for a plain failover): the new score
   * less the sums before. Undefined when it is refused; NaN when running sums can't tell it well enough.
   */
  evaluate(target: number): number | undefined {
    if (this.targetRefused(target)) return undefined;
    const { columns, role, p, s } = this;
    const keptPrimary =
      role.secondaryGained === 0
        ? columns.reserved[p]!
        : this.keptOnPrimary(this.kind === 'failover' ? s : target);
    const keptSecondary = this.kind === 'replace-primary' ? this.keptOnSecondary(target) : this.keptWithout;
    const keptTarget =
      role.target === 'secondary'
        ? this.keptOnTarget(target, this.kind === 'replace-secondary' ? p : s)
        : target < 0
          ? 0
          : columns.reserved[target]!;
    let sums = this.extra + this.redundancyOnPrimary(keptPrimary) + this.redundancyOnSecondary(keptSecondary);
    if (target >= 0) {
      sums += this.redundancyOnTarget(target, keptTarget) + this.newLocation(target);
      if (role.target === 'primary') sums += conflictWeight * this.tagsOn(target);
    }
    if (this.pairs !== undefined && role.primaryLost !== 0) {
      sums += this.pairs.change(this.instance, p, this.newPrimary(target));
    }
    const figures = this.figures(target, keptPrimary, keptSecondary, keptTarget);
    return figures + sums;
  }

  /** The figures that are deviations, and the total of reserved memory's change. */
  private figures(target: number, keptPrimary: number, keptSecondary: number, keptTarget: number): number {
    const { columns, load, role, part, shift } = this;
    const { centred, unit, weights, squares } = columns;
    const count = columns.online.length;
    const amounts = role.target === 'primary' ? load.asPrimary : load.asSecondary;
    let score = 0;
    for (let k = 0; k < figureCount; k++) {
      const weight = weights[k]!;
      if (weight === 0) continue;
      let change = part[k]!;
      let sum = shift[k]!;
      let moved = Math.abs(change);
      if (k === Figure.reserved) {
        change = 0;
        sum = 0;
        moved = 0;
        for (let role3 = 0; role3 < 3; role3++) {
          const at = role3 === 0 ? this.p : role3 === 1 ? this.s : target;
          if (at < 0 || (role3 === 1 && this.kind === 'failover-to-any')) continue;
          const kept = role3 === 0 ? keptPrimary : role3 === 1 ? keptSecondary : keptTarget;
          const cell = at * figureCount + k;
          const delta = (kept - columns.reserved[at]!) * unit[cell]!;
          if (delta === 0) continue;
          const added = delta * (2 * centred[cell]! + delta);
          change += added;
          moved += Math.abs(added);
          sum += delta;
        }
        score += reservedTotalWeight * sum;
      } else if (target >= 0 && amounts[k] !== 0) {
        const cell = target * figureCount + k;
        const delta = amounts[k]! * unit[cell]!;
        const added = delta * (2 * centred[cell]! + delta);
        change += added;
        moved += Math.abs(added);
        sum += delta;
      }
      const before = squares[k]!;
      const after = before + change - (sum * sum) / count;
      if (after < 1e-10 * (before + moved)) return Number.NaN;
      score += weight * Math.sqrt(after / count);
    }
    return score;
  }
}
