/**
 * Who holds which lock. Pure state: no clock, no waiting, no I/O.
 *
 * A lock is a name within a level; the name 'all' stands for the whole level, present and future
 * members, and so overlaps with every name of it. Shared holders agree with each other, everything
 * else conflicts. An owner never conflicts with itself.
 */
import type { LockLevel, LockMode, LockRequest } from './contract.ts';

/** The name that covers a whole level. */
export const wholeLevel = 'all';

export interface Holding {
  readonly level: LockLevel;
  readonly name: string;
  readonly mode: LockMode;
  readonly owners: readonly string[];
}

/** Whether two requests of different owners can't be held at once. */
export function conflicting(left: LockRequest, right: LockRequest): boolean {
  if (left.level !== right.level) return false;
  if (left.mode === 'shared' && right.mode === 'shared') return false;
  return left.name === right.name || left.name === wholeLevel || right.name === wholeLevel;
}

/** One request a lock: the stronger mode wins, and must-have wins over opportunistic. */
export function merged(requests: readonly LockRequest[]): LockRequest[] {
  const byLock = new Map<string, LockRequest>();
  for (const request of requests) {
    const key = `${request.level}/${request.name}`;
    const before = byLock.get(key);
    if (before === undefined) {
      byLock.set(key, request);
      continue;
    }
    const mode: LockMode =
      before.mode === 'exclusive' || request.mode === 'exclusive' ? 'exclusive' : 'shared';
    const opportunistic = before.opportunistic === true && request.opportunistic === true;
    byLock.set(key, {
      level: request.level,
      name: request.name,
      mode,
      ...(opportunistic && { opportunistic }),
    });
  }
  return [...byLock.values()];
}

type Holders = Map<string, LockMode>;

export class Allocation {
  readonly #levels = new Map<LockLevel, Map<string, Holders>>();
  readonly #byOwner = new Map<string, LockRequest[]>();

  /** Whether another owner's hold stands in the way. */
  blocks(owner: string, request: LockRequest): boolean {
    const level = this.#levels.get(request.level);
    if (level === undefined) return false;
    const names = request.name === wholeLevel ? level.keys() : [request.name, wholeLevel];
    for (const name of names) {
      for (const [holder, mode] of level.get(name) ?? []) {
        if (holder !== owner && (mode === 'exclusive' || request.mode === 'exclusive')) return true;
      }
    }
    return false;
  }

  /** @throws Error when the lock isn't free: a caller asks `blocks` first */
  take(owner: string, request: LockRequest): void {
    if (this.blocks(owner, request)) throw new Error(`${request.level}/${request.name} is not free`);
    const level = this.#levels.get(request.level) ?? new Map<string, Holders>();
    this.#levels.set(request.level, level);
    const holders: Holders = level.get(request.name) ?? new Map<string, LockMode>();
    level.set(request.name, holders);
    const stronger = holders.get(owner) === 'exclusive' ? 'exclusive' : request.mode;
    holders.set(owner, stronger);
    const own = this.#byOwner.get(owner);
    if (own === undefined) this.#byOwner.set(owner, [request]);
    else own.push(request);
  }

  /** Everything that `owner` holds is free again; holding nothing is fine. */
  drop(owner: string): void {
    for (const { level, name } of this.#byOwner.get(owner) ?? []) {
      const names = this.#levels.get(level);
      const holders = names?.get(name);
      holders?.delete(owner);
      if (holders?.size === 0) names?.delete(name);
    }
    this.#byOwner.delete(owner);
  }

  heldBy(owner: string): readonly LockRequest[] {
    return this.#byOwner.get(owner) ?? [];
  }

  /** Every lock that somebody holds. */
  holdings(): Holding[] {
    const result: Holding[] = [];
    for (const [level, names] of this.#levels) {
      for (const [name, holders] of names) {
        const mode = [...holders.values()].includes('exclusive') ? 'exclusive' : 'shared';
        result.push({ level, name, mode, owners: [...holders.keys()] });
      }
    }
    return result;
  }
}
