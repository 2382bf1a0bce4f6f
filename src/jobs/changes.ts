/** Waiting for a job to change (LUXI's WaitForJobChange). */
import { sleep } from '../kit/clock.ts';
import { isFinal, type Job, type LogEntry, statusOf } from './job.ts';

/** So long a caller may wait, in seconds: half of LUXI's read timeout (luxi.WFJC_TIMEOUT). */
export const longestWait = 89;

export interface JobChange {
  /** Values of the fields asked for. */
  readonly fields: readonly unknown[];
  /** Log entries that the caller hasn't seen. */
  readonly log: readonly LogEntry[];
}

export interface ChangeWish {
  /** The values to watch. */
  readonly read: (job: Job) => readonly unknown[];
  /** What the caller saw last; null when nothing. */
  readonly previousFields: unknown;
  /** Number of the last log entry that the caller saw; null when none. */
  readonly previousSerial: number | null;
  /** Seconds. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

function observe(job: Job, wish: ChangeWish): JobChange {
  const after = wish.previousSerial ?? -1;
  const log = job.ops.flatMap((op) => op.log.filter((entry) => entry[0] > after));
  return { fields: wish.read(job), log };
}

export class JobChanges {
  readonly #listeners = new Map<number, Set<() => void>>();
  readonly #watchers: ((job: Job) => void)[] = [];

  /** Calls `watcher` at every change of any job; it must not throw. */
  watch(watcher: (job: Job) => void): void {
    this.#watchers.push(watcher);
  }

  announce(job: Job): void {
    for (const watcher of this.#watchers) watcher(job);
    const listeners = this.#listeners.get(job.id);
    if (listeners === undefined) return;
    this.#listeners.delete(job.id);
    for (const listener of listeners) listener();
  }

  /**
   * What is new of the job; waits for something new unless the job has ended.
   * @returns 'nochange' when the time is up
   */
  async wait(job: Job, wish: ChangeWish): Promise<JobChange | 'nochange'> {
    const previous = JSON.stringify(wish.previousFields);
    const late = new AbortController();
    const stop = wish.signal === undefined ? late.signal : AbortSignal.any([late.signal, wish.signal]);
    let isLate = false;
    const milliseconds = Math.min(Math.max(wish.timeout, 0), longestWait) * 1000;
    const timeUp = sleep(milliseconds, stop).then(
      () => {
        isLate = true;
      },
      () => {},
    );
    try {
      for (;;) {
        const change = observe(job, wish);
        if (isFinal(statusOf(job)) || change.log.length > 0) return change;
        if (JSON.stringify(change.fields) !== previous) return change;
        if (isLate) return 'nochange';
        await Promise.race([timeUp, this.#next(job.id, stop)]);
        wish.signal?.throwIfAborted();
      }
    } finally {
      late.abort();
    }
  }

  /** Resolves at the job's next change, or when `stop` aborts. */
  #next(id: number, stop: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const listeners = this.#listeners.get(id) ?? new Set();
      this.#listeners.set(id, listeners);
      const done = () => {
        stop.removeEventListener('abort', done);
        listeners.delete(done);
        if (listeners.size === 0 && this.#listeners.get(id) === listeners) this.#listeners.delete(id);
        resolve();
      };
      listeners.add(done);
      stop.addEventListener('abort', done, { once: true });
    });
  }
}
