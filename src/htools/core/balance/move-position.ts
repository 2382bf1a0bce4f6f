/**
 * Where one instance is and what may happen to it: the checks of `state/node-operations.ts` on flat columns,
 * as far as they are needed to see whether a kind of move is refused.
 */
import type { Instance } from '../terms/instance.ts';
import type { MoveKind } from '../terms/vocabulary.ts';
import type { Columns } from './columns.ts';
import type { LoadClass } from './load-classes.ts';
import { type Roles, roles } from './move-roles.ts';

export class MovePosition {
  protected readonly columns: Columns;
  protected readonly force: boolean;
  protected instance!: Instance;
  protected load!: LoadClass;
  protected kind: MoveKind = 'failover';
  protected role: Roles = roles.failover;
  /** Positions of the instance's nodes; the secondary is -1 for a single-homed one. */
  protected p = 0;
  protected s = 0;
  protected primaryOffline = false;
  protected secondaryOffline = false;
  /** Reserved memory of the secondary when the instance is gone from it. */
  protected keptWithout = 0;

  constructor(columns: Columns, force: boolean) {
    this.columns = columns;
    this.force = force;
  }

  setInstance(instance: Instance, load: LoadClass): void {
    const { columns } = this;
    this.instance = instance;
    this.load = load;
    this.p = columns.positionOf[instance.primary]!;
    this.s = instance.secondary < 0 ? -1 : columns.positionOf[instance.secondary]!;
    this.primaryOffline = columns.isOffline[this.p] === 1;
    this.secondaryOffline = this.s >= 0 && columns.isOffline[this.s] === 1;
    if (this.s < 0 || instance.mirror !== 'internal') return;
    const peer = columns.peers[this.s * columns.size + this.p]!;
    const kept = columns.reserved[this.s]!;
    this.keptWithout = peer < kept ? kept : Math.max(columns.nextReserved[this.s]!, peer - load.needed);
  }

  /** The checks on the nodes that keep the instance in some role. */
  protected keepsPlace(): boolean {
    const forced = this.force || this.primaryOffline;
    switch (this.kind) {
      case 'failover':
        return this.canMigrate() && this.secondaryTakesOver(forced) && this.primaryStays(forced, this.s);
      case 'failover-and-replace':
        return this.canMigrate() && this.secondaryTakesOver(forced);
      case 'replace-primary':
        return this.canMigrate() && this.secondaryTakesOver(forced) && this.secondaryStays(forced);
      case 'replace-and-failover':
        return this.primaryStays(this.force || this.secondaryOffline, -1);
      case 'replace-secondary': {
        const { columns } = this;
        return columns.unallocated[this.p]! > 0 && columns.freeDisk[this.p]! > 0;
      }
      case 'failover-to-any':
        return true;
    }
  }

  protected canMigrate(): boolean {
    const { immobile, size } = this.columns;
    return immobile === undefined || immobile[this.p * size + this.s] === 0;
  }

  /** Whether the secondary can become primary. */
  protected secondaryTakesOver(forced: boolean): boolean {
    const { columns, load, s } = this;
    const { sample, used } = load;
    const before = columns.unallocated[s]!;
    const free = before - used;
    if (free <= 0 || columns.freeDisk[s]! <= 0) return false;
    if (forced) return true;
    if (columns.freeDisk[s]! < columns.lowDisk[s]! || columns.spindles[s]! > columns.highSpindles[s]!) {
      return false;
    }
    if (free <= this.keptWithout && before > this.keptWithout) return false;
    const cpus = sample.isOffline ? columns.usedCpus[s]! : columns.usedCpus[s]! + sample.cpus;
    const ratio = columns.cpuRatio[s]!;
    if (ratio >= 0 && ratio < cpus / columns.totalCpus[s]!) return false;
    if (this.tagsOn(s) > 0) return false;
    return columns.freeMemoryForth[s]! - sample.memory > 0;
  }

  /** Whether the old primary can become secondary; with the peer check when `peer` is known. */
  protected primaryStays(forced: boolean, peer: number): boolean {
    const { columns, load, p } = this;
    const deadDisk = this.kind === 'failover' && this.primaryOffline;
    if (!deadDisk && columns.freeDisk[p]! <= 0) return false;
    if (forced) return true;
    if (columns.freeDisk[p]! < columns.lowDisk[p]! || columns.spindles[p]! > columns.highSpindles[p]!) {
      return false;
    }
    const free = columns.unallocated[p]! + load.used;
    if (load.needed >= free) return false;
    if (peer >= 0 && this.newlyFails(free, columns.reserved[p]!, this.keptOnPrimary(peer))) return false;
    return load.needed < columns.freeMemoryForth[p]! + load.sample.memory;
  }

  /** Whether the secondary can stay secondary of another primary, the peer check left aside. */
  protected secondaryStays(forced: boolean): boolean {
    const { columns, load, s } = this;
    if (columns.freeDisk[s]! <= 0) return false;
    if (forced) return true;
    if (columns.freeDisk[s]! < columns.lowDisk[s]! || columns.spindles[s]! > columns.highSpindles[s]!) {
      return false;
    }
    return load.needed < columns.unallocated[s]! && load.needed < columns.freeMemoryForth[s]!;
  }

  protected newlyFails(free: number, keptBefore: number, keptAfter: number): boolean {
    return free <= keptAfter && free > keptBefore;
  }

  protected keptOnPrimary(peer: number): number {
    const { columns, load, p } = this;
    return Math.max(columns.reserved[p]!, columns.peers[p * columns.size + peer]! + load.needed);
  }

  protected keptOnSecondary(peer: number): number {
    const { columns, load, s } = this;
    return Math.max(this.keptWithout, columns.peers[s * columns.size + peer]! + load.needed);
  }

  protected keptOnTarget(target: number, peer: number): number {
    const { columns, load } = this;
    return Math.max(columns.reserved[target]!, columns.peers[target * columns.size + peer]! + load.needed);
  }

  /** How many of the instance's exclusion tags are on a node. */
  protected tagsOn(position: number): number {
    const { exclusionTags } = this.instance;
    if (exclusionTags.length === 0) return 0;
    const counts = this.columns.nodes.tagCounts[this.columns.list[position]!]!;
    return exclusionTags.reduce((sum, tag) => sum + (counts.has(tag) ? 1 : 0), 0);
  }

  /** The checks that depend on the target and on another node or on tags. */
  protected targetRefused(target: number): boolean {
    const { columns, kind } = this;
    const { immobile, size } = columns;
    const blocked = (from: number) => immobile !== undefined && immobile[from * size + target] === 1;
    const forced = this.force || this.primaryOffline;
    switch (kind) {
      case 'failover':
        return false;
      case 'failover-to-any':
        return blocked(this.p) || (!forced && this.tagsOn(target) > 0);
      case 'replace-primary':
        return (
          blocked(this.s) ||
          (!forced &&
            (this.tagsOn(target) > 0 ||
              this.newlyFails(columns.unallocated[this.s]!, this.keptWithout, this.keptOnSecondary(target))))
        );
      case 'replace-and-failover': {
        const free = columns.unallocated[this.p]! + this.load.used;
        return (
          blocked(this.p) ||
          (!this.force && this.tagsOn(target) > 0) ||
          (!(this.force || this.secondaryOffline) &&
            this.newlyFails(free, columns.reserved[this.p]!, this.keptOnPrimary(target)))
        );
      }
      case 'replace-secondary':
        return !(this.force || this.secondaryOffline) && this.targetNewlyFails(target, this.p);
      case 'failover-and-replace':
        return !forced && this.targetNewlyFails(target, this.s);
    }
  }

  protected targetNewlyFails(target: number, peer: number): boolean {
    const { columns } = this;
    return this.newlyFails(
      columns.unallocated[target]!,
      columns.reserved[target]!,
      this.keptOnTarget(target, peer),
    );
  }
}
