/** Lets the collectors that need a past look again, each in its interval while the cluster wants it. */
import { messageOf } from '../kit/failure.ts';
import { Samples } from './collectors/catalog.ts';
import type { CollectorWorld } from './collectors/collector.ts';
import type { CollectorSettings } from './settings.ts';

/** constants.MOND_TIME_INTERVAL: the longest that nobody looks what is due. */
const longestPauseMs = 5000;

export interface Schedule {
  close(): void;
}

/** Milliseconds until the next collector is due, given when each was due; those that are due are in `names`. Pure. */
export function dueNow(
  settings: CollectorSettings,
  due: ReadonlyMap<string, number>,
  now: number,
): {
  readonly names: readonly string[];
  readonly next: ReadonlyMap<string, number>;
  readonly pauseMs: number;
} {
  const active = Samples.names.filter((name) => settings.get(name)?.active === true);
  const names = active.filter((name) => (due.get(name) ?? 0) <= now);
  const next = new Map(
    active.map((name) => [
      name,
      names.includes(name) ? now + settings.get(name)!.intervalMs : (due.get(name) ?? now),
    ]),
  );
  const soonest = Math.min(now + longestPauseMs, ...next.values());
  return { names, next, pauseMs: Math.max(0, soonest - now) };
}

export function startSchedule(
  samples: Samples,
  world: CollectorWorld,
  settings: () => CollectorSettings,
  shortestPauseMs = 100,
): Schedule {
  let due: ReadonlyMap<string, number> = new Map();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const look = async () => {
    const { names, next, pauseMs } = dueNow(settings(), due, world.now());
    due = next;
    for (const name of names) {
      await samples.take(name, world).catch((error: unknown) => {
        world.log.warning(`Data collector ${name}: ${messageOf(error)}`);
      });
    }
    // Nothing is known yet right after the start.
    const wait = due.size === 0 ? shortestPauseMs * 5 : Math.max(shortestPauseMs, pauseMs);
    if (!closed) timer = setTimeout(() => void look(), wait);
  };
  void look();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
