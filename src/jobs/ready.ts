/**
 * Queued jobs in the order in which they are considered: best priority first, then lowest id. Jobs that
 * wait for other jobs stand aside until the last of those has ended.
 */
import { type Job, priorityOf } from './job.ts';

interface Entry {
  readonly job: Job;
  readonly priority: number;
}

const compare = (a: Entry, b: Entry) => a.priority - b.priority || a.job.id - b.job.id;

/** The ids of all jobs that an opcode of the job depends on. */
export function dependenciesOf(job: Job): number[] {
  const ids = new Set<number>();
  for (const op of job.ops) {
    if (!Array.isArray(op.input.depends)) continue;
    for (const pair of op.input.depends as unknown[]) {
      const id = Array.isArray(pair) ? (pair[0] as unknown) : undefined;
      if (typeof id === 'number') ids.add(id);
    }
  }
  return [...ids];
}

export class ReadyList {
  readonly #entries: Entry[] = [];
  readonly #priorities = new Map<number, number>();
  /** Id of a job to the jobs that wait for its end. */
  readonly #waiters = new Map<number, Set<Job>>();
  /** Id of a waiting job to the ids that it still waits for. */
  readonly #missing = new Map<number, Set<number>>();

  /** @param isUnfinished whether a job of that id is known and hasn't ended */
  add(job: Job, isUnfinished: (id: number) => boolean): void {
    const missing = new Set(dependenciesOf(job).filter((id) => id !== job.id && isUnfinished(id)));
    if (missing.size === 0) {
      this.#insert(job);
      return;
    }
    this.#missing.set(job.id, missing);
    for (const id of missing) {
      const waiters = this.#waiters.get(id) ?? new Set();
      this.#waiters.set(id, waiters.add(job));
    }
  }

  /** @returns whether it was there */
  remove(job: Job): boolean {
    const missing = this.#missing.get(job.id);
    if (missing === undefined) return this.#takeOut(job);
    this.#missing.delete(job.id);
    for (const id of missing) {
      const waiters = this.#waiters.get(id);
      waiters?.delete(job);
      if (waiters?.size === 0) this.#waiters.delete(id);
    }
    return true;
  }

  /** The job's priority has changed: it gets its new place. */
  replace(job: Job): void {
    if (this.#takeOut(job)) this.#insert(job);
  }

  /** A job has ended: those that waited for it alone become ready. */
  ended(id: number): void {
    const waiters = this.#waiters.get(id);
    this.#waiters.delete(id);
    for (const job of waiters ?? []) {
      const missing = this.#missing.get(job.id);
      missing?.delete(id);
      if (missing?.size !== 0) continue;
      this.#missing.delete(job.id);
      this.#insert(job);
    }
  }

  /** Jobs that may start, in order. */
  *[Symbol.iterator](): IterableIterator<Job> {
    for (const entry of this.#entries) yield entry.job;
  }

  #insert(job: Job): void {
    const entry = { job, priority: priorityOf(job) };
    this.#priorities.set(job.id, entry.priority);
    this.#entries.splice(this.#place(entry), 0, entry);
  }

  #takeOut(job: Job): boolean {
    const priority = this.#priorities.get(job.id);
    if (priority === undefined) return false;
    this.#priorities.delete(job.id);
    this.#entries.splice(this.#place({ job, priority }), 1);
    return true;
  }

  /** Where the entry stands, or would. */
  #place(entry: Entry): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(this.#entries[middle]!, entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
