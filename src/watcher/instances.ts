/**
 * What is to be done about each instance, by what it is and what was tried before. Pure: the decision only.
 *
 *   should run, doesn't ──▶ started, five times; then given up until eight hours have passed or it runs again
 *   stopped by its user ──▶ recorded as stopped (a shutdown job), so that it isn't taken for a crash
 *   well                ──▶ its tries are forgotten
 *
 * An instance that a job is at work on is left alone: what looks like a crash may be a shutdown that isn't done yet.
 */
import type { Notepad } from './state.ts';

export interface WatchedInstance {
  readonly name: string;
  /** Of the query: running, ERROR_down, USER_down, ERROR_nodedown… */
  readonly status: string;
  readonly adminState: string;
  readonly disksActive: boolean;
  readonly secondaries: readonly string[];
  readonly template: string;
}

export type Care =
  | { readonly kind: 'restart'; readonly attempt: number }
  | { readonly kind: 'cleanup' }
  | { readonly kind: 'give up' }
  | { readonly kind: 'exhausted' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'recovered' }
  | { readonly kind: 'none' };

/** watcher.MAXTRIES. */
export const maxTries = 5;
/** States in which nothing can be done from here: the node is gone. */
export const helplessStates: ReadonlySet<string> = new Set(['ERROR_nodedown', 'ERROR_nodeoffline']);

export function careFor(
  instance: WatchedInstance,
  notepad: Notepad,
  isLocked: (name: string) => boolean,
): Care {
  const { name, status, adminState } = instance;
  if (status === 'USER_down' && adminState !== 'down') {
    if (isLocked(name)) return { kind: 'busy' };
    return notepad.cleanups(name) > maxTries ? { kind: 'exhausted' } : { kind: 'cleanup' };
  }
  const tries = notepad.restarts(name);
  if (status === 'ERROR_down') {
    if (tries > maxTries) return { kind: 'exhausted' };
    if (tries === maxTries) return { kind: 'give up' };
    return isLocked(name) ? { kind: 'busy' } : { kind: 'restart', attempt: tries + 1 };
  }
  if (tries === 0) return { kind: 'none' };
  return { kind: 'recovered' };
}
