/** The scripts of the `watcher` hook: on every node at every run, in the environment of whoever starts the watcher. */
import { runParts } from '../hooks/run-parts.ts';
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';

/** The same as for scripts of other hooks. */
const deadlineMs = 600_000;

export async function runWatcherHooks({ hooksDir }: Pick<Paths, 'hooksDir'>, log: Log): Promise<void> {
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  try {
    for (const { name, status, output } of await runParts(`${hooksDir}/watcher`, {
      env,
      timeoutMs: deadlineMs,
    })) {
      if (status === 'error') log.warning(`Watcher hook ${name}: failed (output: ${output})`);
      else log.debug(`Watcher hook ${name}: ${status} (output: ${output})`);
    }
  } catch (error) {
    log.error(`Watcher hooks of ${hooksDir}/watcher: ${messageOf(error)}`);
  }
}
