/**
 * Who waits for locks, and who is served next. Pure state.
 *
 * A waiter asks for all its locks of one level at once. The order is: effective priority (lower comes
 * first, as everywhere in Ganeti), then arrival. A waiter is served when nothing held and nothing asked
 * for by a waiter before it stands in the way; so nobody is passed by a later waiter of its own
 * priority. A waiter of better priority may pass; each such passing is counted, and `patience` of them
 * better the passed one's priority by one. Hence every waiter is served after a bounded number of
 * others: nobody starves.
 */
import { type Allocation, conflicting } from './allocation.ts';
import type { LockLevel, LockRequest } from './contract.ts';

/** So many times a waiter is passed before its priority gets one step better. */
export const patience = 8;

interface Waiter {
  readonly owner: string;
  readonly level: LockLevel;
  readonly needed: readonly LockRequest[];
  readonly wished: readonly LockRequest[];
  readonly arrival: number;
  priority: number;
  passed: number;
}

export interface Pending {
  readonly owner: string;
  readonly request: LockRequest;
}

export interface Grant {
  readonly owner: string;
  readonly level: LockLevel;
}

const effectivePriority = (waiter: Waiter) => waiter.priority - Math.floor(waiter.passed / patience);

function collide(left: readonly LockRequest[], right: readonly LockRequest[]): boolean {
  return left.some((one) => right.some((other) => conflicting(one, other)));
}

export class Waiting {
  #waiters: Waiter[] = [];
  #arrivals = 0;

  get size(): number {
    return this.#waiters.length;
  }

  /** `requests` are all of one level. */
  add(owner: string, level: LockLevel, requests: readonly LockRequest[], priority: number): void {
    this.#arrivals += 1;
    this.#waiters.push({
      owner,
      level,
      needed: requests.filter((request) => request.opportunistic !== true),
      wished: requests.filter((request) => request.opportunistic === true),
      arrival: this.#arrivals,
      priority,
      passed: 0,
    });
  }

  remove(owner: string): void {
    this.#waiters = this.#waiters.filter((waiter) => waiter.owner !== owner);
  }

  setPriority(owner: string, priority: number): void {
    for (const waiter of this.#waiters) if (waiter.owner === owner) waiter.priority = priority;
  }

  /** What is waited for, in the order of service. Opportunistic wishes don't wait and aren't listed. */
  pending(): Pending[] {
    this.#sort();
    return this.#waiters.flatMap(({ owner, needed }) => needed.map((request) => ({ owner, request })));
  }

  /** Serves everyone who can be served now: their locks are taken in `allocation`. */
  serve(allocation: Allocation): Grant[] {
    this.#sort();
    const grants: Grant[] = [];
    const before: Waiter[] = [];
    for (const waiter of this.#waiters) {
      const free = (request: LockRequest) =>
        !allocation.blocks(waiter.owner, request) &&
        !before.some((other) => other.level === waiter.level && collide([request], other.needed));
      if (!waiter.needed.every(free)) {
        before.push(waiter);
        continue;
      }
      const taken = [...waiter.needed, ...waiter.wished.filter(free)];
      for (const request of taken) allocation.take(waiter.owner, request);
      grants.push({ owner: waiter.owner, level: waiter.level });
    }
    if (grants.length > 0) this.#settle(grants);
    return grants;
  }

  /** Takes the served ones out and counts whom they have passed. */
  #settle(grants: readonly Grant[]): void {
    const served = new Set(grants.map((grant) => grant.owner));
    const gone = this.#waiters.filter((waiter) => served.has(waiter.owner));
    this.#waiters = this.#waiters.filter((waiter) => !served.has(waiter.owner));
    for (const waiter of this.#waiters) {
      for (const winner of gone) {
        if (winner.arrival > waiter.arrival && collide(winner.needed, waiter.needed)) waiter.passed += 1;
      }
    }
  }

  #sort(): void {
    this.#waiters.sort((a, b) => effectivePriority(a) - effectivePriority(b) || a.arrival - b.arrival);
  }
}
