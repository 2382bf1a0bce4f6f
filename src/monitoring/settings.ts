/**
 * Which collectors the cluster wants, and how often: asked of the configuration daemons every 15 seconds
 * (constants.MOND_CONFIG_TIME_INTERVAL). Until the first answer no collector is active; when answers stop, what was
 * known counts on.
 */
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import { collectors } from '../model/collectors.ts';

const askMs = 15_000;
/** While nothing is known yet: daemons of a cluster start in any order. */
const firstAskMs = 1000;
const microsecondsPerMillisecond = 1000;
/** No collector is asked to look more often than this. */
const shortestMs = 100;

export interface CollectorSetting {
  readonly active: boolean;
  readonly intervalMs: number;
}

export type CollectorSettings = ReadonlyMap<string, CollectorSetting>;

/** From the answer of the configuration daemon; what isn't said is not active. */
export function settingsIn(answer: unknown): CollectorSettings {
  const told = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<
    string,
    { readonly active?: unknown; readonly interval?: unknown } | undefined
  >;
  return new Map(
    collectors.map(({ name }) => {
      const { active, interval } = told[name] ?? {};
      const milliseconds = Number(interval ?? 0) / microsecondsPerMillisecond;
      return [name, { active: active === true, intervalMs: Math.max(shortestMs, milliseconds || 0) }];
    }),
  );
}

export interface SettingsFollower {
  readonly current: CollectorSettings;
  /** Asks now. */
  again(): void;
  close(): void;
}

/** @param ask gives the answer to the question about data collectors */
export function followSettings(ask: () => Promise<unknown>, log: Log): SettingsFollower {
  let current: CollectorSettings = settingsIn(undefined);
  let isKnown = false;
  let complaint = '';
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const look = async () => {
    clearTimeout(timer);
    try {
      current = settingsIn(await ask());
      isKnown = true;
      complaint = '';
    } catch (error) {
      if (messageOf(error) !== complaint) log.warning(`Settings of data collectors: ${messageOf(error)}`);
      complaint = messageOf(error);
    }
    clearTimeout(timer);
    if (!closed) timer = setTimeout(() => void look(), isKnown ? askMs : firstAskMs);
  };
  void look();
  return {
    get current() {
      return current;
    },
    again: () => void look(),
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
