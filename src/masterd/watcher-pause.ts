/** The file that says until when the watcher rests. */
import { readFile } from 'node:fs/promises';
import type { Paths } from '../kit/paths.ts';

/** Seconds since the epoch; null when it isn't paused. */
export async function readWatcherPause(
  paths: Pick<Paths, 'watcherPause'>,
  now = Date.now() / 1000,
): Promise<number | null> {
  const text = await readFile(paths.watcherPause, 'utf8').catch(() => '');
  const until = Number(text.trim());
  return text.trim() !== '' && Number.isFinite(until) && until > now ? until : null;
}
