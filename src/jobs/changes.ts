/** Waiting for a job to change (LUXI's WaitForJobChange). */
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
    for (const listener of this.#listeners.get(job.id) ?? []) listener();
  }

  /**
   * What is new of the job; waits for something new unless the job has ended.
   * @returns 'nochange' when the time is up
   */
  async wait(job: Job, wish: ChangeWish): Promise<JobChange | 'nochange'> {
    const previous = JSON.stringify(wish.previousFields);
    let isLate = false;
    let wake = () => {};
    const news = () => wake();
    const timer = setTimeout(
      () => {
        isLate = true;
        wake();
      },
      Math.min(Math.max(wish.timeout, 0), longestWait) * 1000,
    );
    wish.signal?.addEventListener('abort', news);
    this.#listen(job.id, news);
    try {
      for (;;) {
        wish.signal?.throwIfAborted();
        const change = observe(job, wish);
        if (isFinal(statusOf(job)) || change.log.length > 0) return change;
        if (JSON.stringify(change.fields) !== previous) return change;
        if (isLate) return 'nochange';
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
      wish.signal?.removeEventListener('abort', news);
      this.#forget(job.id, news);
    }
  }

  #listen(id: number, listener: () => void): void {
    this.#listeners.set(id, (this.#listeners.get(id) ?? new Set()).add(listener));
  }

  #forget(id: number, listener: () => void): void {
    const listeners = this.#listeners.get(id);
    listeners?.delete(listener);
    if (listeners?.size === 0) this.#listeners.delete(id);
  }
}
