/**
 * For each class of instances and each node, in either role: whether the node could take one in at all, and a
 * lower bound of what that adds to the score. Made anew each round; what depends on the other nodes of the
 * move (memory reserved for one peer, tags, locations) is left out or taken at its least.
 */
import { type Bound, boundOf, sideBound } from '../score/bounds.ts';
import { type Columns, Figure, figureCount } from './columns.ts';
import type { LoadClass } from './load-classes.ts';

/** Weight of the total of reserved memory in the score. */
export const reservedTotalWeight = 0.25;

/** Bounds of a class in a role, by position. */
export interface TargetTable {
  readonly bounds: Float64Array;
  readonly least: number;
}

export class TargetBounds {
  readonly bounds: Bound[] = [];
  /** The score of the figures that are deviations, before any move. */
  deviations = 0;
  private readonly columns: Columns;
  private readonly classes: readonly LoadClass[];
  private readonly largest = new Float64Array(figureCount);
  private readonly tables = new Map<number, TargetTable>();

  constructor(columns: Columns, classes: readonly LoadClass[]) {
    this.columns = columns;
    this.classes = classes;
    for (const { asPrimary, asSecondary, needed } of classes) {
      for (let k = 0; k < figureCount; k++) {
        const most = Math.max(Math.abs(asPrimary[k]!), Math.abs(asSecondary[k]!));
        this.largest[k] = Math.max(this.largest[k]!, most);
      }
      this.largest[Figure.reserved] = Math.max(this.largest[Figure.reserved]!, needed);
    }
  }

  /** Makes the bounds of the figures for how the cluster is now. */
  beginRound(): void {
    const { columns } = this;
    const count = columns.online.length;
    this.tables.clear();
    this.deviations = 0;
    for (let k = 0; k < figureCount; k++) {
      let swing = 0;
      let step = 0;
      for (const position of columns.online) {
        const delta = this.largest[k]! * columns.unit[position * figureCount + k]!;
        swing = Math.max(swing, 2 * Math.abs(columns.centred[position * figureCount + k]!) * delta);
        step = Math.max(step, delta);
      }
      // At most one node gains and one loses; for reserved memory a third may change.
      const nodes = k === Figure.reserved ? 3 : 2;
      const span = nodes * (swing + step * step);
      const factor = columns.weights[k]! / Math.sqrt(count);
      const squares = columns.squares[k]!;
      this.bounds[k] = boundOf(squares, factor, span + (nodes * nodes * step * step) / count, span);
      this.deviations += factor * Math.sqrt(squares);
    }
  }

  /** What the bounds of all figures begin with. */
  get offset(): number {
    let sum = 0;
    for (const bound of this.bounds) sum += bound.offset;
    return sum;
  }

  /** Bounds by position for a class in a role; infinite where the node can't take it. */
  table(index: number, primary: boolean, force: boolean): TargetTable {
    const key = index * 4 + (primary ? 2 : 0) + (force ? 1 : 0);
    const known = this.tables.get(key);
    if (known !== undefined) return known;
    const bounds = new Float64Array(this.columns.size).fill(Number.POSITIVE_INFINITY);
    let least = Number.POSITIVE_INFINITY;
    const load = this.classes[index]!;
    for (const position of this.columns.online) {
      const refused = primary
        ? primaryRefused(this.columns, position, load, force)
        : secondaryRefused(this.columns, position, load, force);
      if (refused) continue;
      const bound = primary ? this.ofPrimary(position, load) : this.ofSecondary(position, load);
      bounds[position] = bound;
      if (bound < least) least = bound;
    }
    const table = { bounds, least };
    this.tables.set(key, table);
    return table;
  }

  private ofPrimary(position: number, load: LoadClass): number {
    const { unallocated, reserved, population } = this.columns;
    const free = unallocated[position]!;
    const kept = reserved[position]!;
    const before = free <= kept ? population[position]! : 0;
    const after = free - load.used <= kept ? population[position]! + 1 : 0;
    return after - before + this.ofFigures(position, load.asPrimary);
  }

  private ofSecondary(position: number, load: LoadClass): number {
    const { unallocated, reserved, population, unit } = this.columns;
    const free = unallocated[position]!;
    const kept = reserved[position]!;
    const before = free <= kept ? population[position]! : 0;
    const after = free <= Math.max(kept, load.needed) ? population[position]! + 1 : 0;
    const scale = unit[position * figureCount + Figure.reserved]!;
    const low = Math.max(0, load.needed - kept) * scale;
    return (
      after -
      before +
      this.ofFigures(position, load.asSecondary) +
      this.ofReserved(position, low, load.needed * scale)
    );
  }

  private ofFigures(position: number, amounts: Float64Array): number {
    const { centred, unit, weights, online } = this.columns;
    const count = online.length;
    let sum = 0;
    for (let k = 0; k < figureCount; k++) {
      const amount = amounts[k]!;
      if (amount === 0 || weights[k] === 0) continue;
      const delta = amount * unit[position * figureCount + k]!;
      const part = delta * (2 * centred[position * figureCount + k]! + delta);
      sum += sideBound(this.bounds[k]!, part, delta, count);
    }
    return sum;
  }

  /** The least that reserved memory adds when it grows on one node by something between two amounts. */
  private ofReserved(position: number, low: number, high: number): number {
    const deviation = this.columns.centred[position * figureCount + Figure.reserved]!;
    return leastOfRange(
      this.bounds[Figure.reserved]!,
      deviation,
      low,
      high,
      0,
      0,
      this.columns.online.length,
    );
  }
}

/**
 * The least bound of reserved memory when one node's share changes by between `low` and `high`, and the rest of
 * the change is known (`part` of the squares, `shift` of the sum); the total's weight included.
 */
export function leastOfRange(
  bound: Bound,
  deviation: number,
  low: number,
  high: number,
  part: number,
  shift: number,
  count: number,
): number {
  const partOf = (delta: number) => delta * (2 * deviation + delta);
  const vertex = Math.min(high, Math.max(low, -deviation));
  const atLow = partOf(low);
  const atHigh = partOf(high);
  const least = part + Math.min(atLow, atHigh, partOf(vertex));
  const most = Math.max(Math.abs(part + atLow), Math.abs(part + atHigh), Math.abs(least));
  const widest = Math.max(Math.abs(shift + low), Math.abs(shift + high));
  const meanShift = (widest * widest) / count;
  const magnitude = most + meanShift;
  return (
    bound.slope * (least - 2 * meanShift) -
    bound.curve * magnitude * magnitude +
    reservedTotalWeight * (shift + low)
  );
}

/** Whether a node refuses the class as a primary, tags left aside. */
export function primaryRefused(columns: Columns, at: number, load: LoadClass, force: boolean): boolean {
  const { sample, used } = load;
  const before = columns.unallocated[at]!;
  const free = before - used;
  if (free <= 0) return true;
  if (sample.usesLocalStorage) {
    const disk = columns.freeDisk[at]! - sample.disk;
    if (disk <= 0) return true;
    if (!force && disk < columns.lowDisk[at]!) return true;
    if (!force && columns.spindles[at]! + sample.spindleUse > columns.highSpindles[at]!) return true;
  }
  if (force) return false;
  const kept = columns.reserved[at]!;
  if (free <= kept && before > kept) return true;
  const cpus = sample.isOffline ? columns.usedCpus[at]! : columns.usedCpus[at]! + sample.cpus;
  const ratio = columns.cpuRatio[at]!;
  if (ratio >= 0 && ratio < cpus / columns.totalCpus[at]!) return true;
  return columns.freeMemoryForth[at]! - sample.memory <= 0;
}

/** Whether a node refuses the class as a secondary, whatever its primary; the peer is checked elsewhere. */
export function secondaryRefused(columns: Columns, at: number, load: LoadClass, force: boolean): boolean {
  const { sample, needed } = load;
  if (!sample.hasSecondary) return true;
  const disk = columns.freeDisk[at]! - sample.disk;
  if (disk <= 0) return true;
  if (force) return false;
  if (disk < columns.lowDisk[at]!) return true;
  if (columns.spindles[at]! + sample.spindleUse > columns.highSpindles[at]!) return true;
  const free = columns.unallocated[at]!;
  if (needed >= free) return true;
  if (free <= Math.max(columns.reserved[at]!, needed) && free > columns.reserved[at]!) return true;
  return needed >= columns.freeMemoryForth[at]!;
}
