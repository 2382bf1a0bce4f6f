/** Time: waiting that can be called off, and deadlines that say what was late. */
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from './failure.ts';

/** Seconds since the epoch with a fraction, the form of every timestamp in config.data. */
export function now(): number {
  return Date.now() / 1000;
}

/** Waits; rejects at once when `signal` aborts. */
export async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, signal === undefined ? {} : { signal });
}

/** The result of `work`, or a TimeoutError naming `what` after `milliseconds`. */
export async function withDeadline<T>(work: Promise<T>, milliseconds: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Failure('TimeoutError', [`${what} took longer than ${milliseconds / 1000} s`]));
    }, milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks `probe` again and again until it gives a value; undefined once `timeoutMs` has passed. */
export async function pollUntil<T>(
  probe: () => Promise<T | undefined>,
  options: { readonly everyMs: number; readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<T | undefined> {
  const end = Date.now() + options.timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    const left = end - Date.now();
    if (left <= 0) return undefined;
    await sleep(Math.min(options.everyMs, left), options.signal);
  }
}
