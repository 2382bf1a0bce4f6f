/**
 * What instances were last seen as, for whoever can't ask the master: a file for each group, and one that puts all
 * together, in Ganeti's form ("name status" a line, in order).
 */
import { closeSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { writeFileAtomic } from '../kit/atomic-file.ts';
import { pollUntil } from '../kit/clock.ts';
import { takeFileLock } from '../kit/file-lock.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import type { WatchedInstance } from './instances.ts';

/** How long another group's process may take with the common file (watcher.INSTANCE_STATUS_LOCK_TIMEOUT). */
const lockTimeoutMs = 10_000;

export const groupStatusFile = ({ dataDir }: Pick<Paths, 'dataDir'>, group: string) =>
  `${dataDir}/watcher.${group}.instance-status`;
export const statusFile = ({ dataDir }: Pick<Paths, 'dataDir'>) => `${dataDir}/instance-status`;

type Status = readonly [name: string, status: string];

async function write(path: string, statuses: readonly Status[]): Promise<void> {
  const lines = [...statuses]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, status]) => `${name} ${status}`);
  await writeFileAtomic(path, lines.join('\n'), { mode: 0o644, durable: false });
}

async function read(
  path: string,
): Promise<{ readonly changed: number; readonly statuses: Status[] } | undefined> {
  try {
    const { mtimeMs } = await stat(path);
    const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
    return {
      changed: mtimeMs,
      statuses: lines.map((line): Status => [line.split(' ', 1)[0]!, line.slice(line.indexOf(' ') + 1)]),
    };
  } catch {
    return undefined;
  }
}

/** An instance that two groups know is as the newer file says: it has moved. */
async function merged(paths: Paths, groups: readonly string[]): Promise<Status[]> {
  const files = await Promise.all(groups.map((group) => read(groupStatusFile(paths, group))));
  const oldestFirst = files.flatMap((file) => file ?? []).sort((a, b) => a.changed - b.changed);
  return [...new Map(oldestFirst.flatMap(({ statuses }) => statuses))];
}

export async function writeStatusFiles(
  paths: Paths,
  group: string,
  groups: readonly string[],
  instances: Iterable<WatchedInstance>,
  log: Log,
): Promise<void> {
  await write(
    groupStatusFile(paths, group),
    [...instances].map(({ name, status }): Status => [name, status]),
  );
  const path = statusFile(paths);
  const lock = await pollUntil(async () => takeFileLock(`${path}.lock`, 'exclusive'), {
    everyMs: 100,
    timeoutMs: lockTimeoutMs,
  });
  if (lock === undefined) {
    log.error(`Can't acquire lock on instance status file '${path}', not updating`);
    return;
  }
  try {
    await write(path, await merged(paths, groups));
  } finally {
    closeSync(lock.descriptor);
  }
}
