/**
 * Locks for jobs: `acquire` waits, `release` lets go, `describe` is what `gnt-debug locks` shows.
 *
 * An owner takes its locks level by level in the one order of levels, all of a level at once, and can't
 * ask for more while it holds any. So whoever is waited for waits only at a later level, or for nothing:
 * a ring of waiting owners can't form, and there is no deadlock to detect.
 */
import { Failure } from '../kit/failure.ts';
import { compareNicely } from '../kit/nice-sort.ts';
import { Allocation, merged, wholeLevel } from './allocation.ts';
import { type LockLevel, type LockMode, type LockRequest, lockLevels } from './contract.ts';
import { Waiting } from './waiting.ts';

export interface AcquireOptions {
  /** Ganeti's scale: -20 comes first, 19 last. */
  readonly priority?: number;
  /** Gives the waiting up: `acquire` rejects with the signal's reason and nothing is held. */
  readonly signal?: AbortSignal;
}

/** A row of the lock query. Names are Ganeti's: "node/<uuid>", "node/[lockset]". */
export interface LockRow {
  readonly name: string;
  readonly mode: LockMode | null;
  readonly owner: readonly string[] | null;
  readonly pending: readonly (readonly [LockMode, readonly string[]])[] | null;
}

interface Acquisition {
  readonly levels: (readonly [LockLevel, readonly LockRequest[]])[];
  priority: number;
  readonly done: (held: readonly LockRequest[]) => void;
}

export class LockManager {
  readonly #allocation = new Allocation();
  readonly #waiting = new Waiting();
  readonly #acquisitions = new Map<string, Acquisition>();

  /**
   * Resolves with what was taken: everything asked for, of the opportunistic ones those that were free.
   * @throws Failure LockError when the owner already holds or waits for locks
   */
  acquire(
    owner: string,
    requests: readonly LockRequest[],
    options: AcquireOptions = {},
  ): Promise<readonly LockRequest[]> {
    const { priority = 0, signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (this.#acquisitions.has(owner) || this.#allocation.heldBy(owner).length > 0) {
      return Promise.reject(new Failure('LockError', [`${owner} already has locks and can't ask for more`]));
    }
    const wanted = merged(requests);
    const levels = lockLevels
      .map((level) => [level, wanted.filter((request) => request.level === level)] as const)
      .filter(([, ofLevel]) => ofLevel.length > 0);
    return new Promise((resolve, reject) => {
      const give = () => {
        this.release(owner);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', give, { once: true });
      const done = (held: readonly LockRequest[]) => {
        signal?.removeEventListener('abort', give);
        resolve(held);
      };
      this.#acquisitions.set(owner, { levels: [...levels], priority, done });
      this.#advance(owner);
      this.#serve();
    });
  }

  /** Lets go of everything, waited for or held. Nothing held: fine. */
  release(owner: string): void {
    this.#acquisitions.delete(owner);
    this.#waiting.remove(owner);
    this.#allocation.drop(owner);
    this.#serve();
  }

  /** A waiting owner's place changes at once. */
  setPriority(owner: string, priority: number): void {
    const acquisition = this.#acquisitions.get(owner);
    if (acquisition === undefined) return;
    acquisition.priority = priority;
    this.#waiting.setPriority(owner, priority);
    this.#serve();
  }

  heldBy(owner: string): readonly LockRequest[] {
    return this.#allocation.heldBy(owner);
  }

  isWaiting(owner: string): boolean {
    return this.#acquisitions.has(owner);
  }

  /** Every lock held or waited for, and the set of each level that has one; in order of names. */
  describe(): LockRow[] {
    const rows = new Map<
      string,
      { mode: LockMode | null; owner: string[]; pending: [LockMode, string[]][] }
    >();
    const row = (level: LockLevel, name: string) => {
      const full = `${level}/${name === wholeLevel ? '[lockset]' : name}`;
      const found = rows.get(full) ?? { mode: null, owner: [], pending: [] };
      rows.set(full, found);
      return found;
    };
    for (const { level, name, mode, owners } of this.#allocation.holdings()) {
      row(level, wholeLevel);
      const entry = row(level, name);
      entry.mode = mode;
      entry.owner = [...owners].sort(compareNicely);
    }
    for (const { owner, request } of this.#waiting.pending()) {
      row(request.level, wholeLevel);
      row(request.level, request.name).pending.push([request.mode, [owner]]);
    }
    return [...rows]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { mode, owner, pending }]) => ({
        name,
        mode,
        owner: owner.length > 0 ? owner : null,
        pending: pending.length > 0 ? pending : null,
      }));
  }

  /** The next level of an owner waits, or the owner has everything. */
  #advance(owner: string): void {
    const acquisition = this.#acquisitions.get(owner);
    if (acquisition === undefined) return;
    const next = acquisition.levels.shift();
    if (next !== undefined) {
      this.#waiting.add(owner, next[0], next[1], acquisition.priority);
      return;
    }
    this.#acquisitions.delete(owner);
    acquisition.done([...this.#allocation.heldBy(owner)]);
  }

  #serve(): void {
    while (this.#waiting.size > 0) {
      const grants = this.#waiting.serve(this.#allocation);
      if (grants.length === 0) return;
      for (const grant of grants) this.#advance(grant.owner);
    }
  }
}
