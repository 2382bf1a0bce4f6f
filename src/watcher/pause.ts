/** Whether the watcher rests: until the time that stands in the file of `gnt-cluster watcher pause`. */
import { readFile, rm } from 'node:fs/promises';
import type { Paths } from '../kit/paths.ts';

/** A pause that ended so many seconds ago is taken away (utils.ReadWatcherPauseFile). */
const keptSeconds = 3600;

export async function isPaused({ watcherPause }: Pick<Paths, 'watcherPause'>, now: number): Promise<boolean> {
  const text = (await readFile(watcherPause, 'utf8').catch(() => '')).trim();
  if (!/^\d+(\.\d+)?$/.test(text)) return false;
  const until = Number(text);
  if (until > now) return true;
  if (until + keptSeconds < now) await rm(watcherPause, { force: true });
  return false;
}
