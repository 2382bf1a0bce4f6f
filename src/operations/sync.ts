/** Waiting for mirrored disks to be alike on both nodes, with the progress that Ganeti shows. */

import { sleep } from '../kit/clock.ts';
import { executionFailure, Failure, messageOf } from '../kit/failure.ts';
import { blockdevStatus, type DiskStatus } from '../noderpc/calls/disk.ts';
import type { DiskOnNode } from '../noderpc/calls/shapes.ts';
import type { JobHandle } from './operation.ts';

const longestPauseSeconds = 60;
/** Ganeti asks again this often before it believes that disks are degraded for good. */
const degradedTries = 10;

/** "9m 1s", as Ganeti writes a duration (utils.FormatSeconds). */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  const parts: string[] = [];
  let rest = whole;
  for (const [letter, size] of [
    ['d', 86400],
    ['h', 3600],
    ['m', 60],
  ] as const) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 || parts.length > 0) parts.push(`${count}${letter}`);
  }
  return [...parts, `${rest}s`].join(' ');
}

function describe(index: number, status: DiskStatus): string {
  const left =
    status.estimatedTime === null
      ? 'no time estimate'
      : `${formatSeconds(status.estimatedTime)} remaining (estimated)`;
  return `- device disk/${index}: ${status.syncPercent!.toFixed(2).padStart(5)}% done, ${left}`;
}

function whyDegraded(status: DiskStatus | null): string {
  if (status === null) return ': it is not active';
  const { trouble, connected } = status.details;
  if (typeof trouble === 'string') return `: ${trouble}`;
  return connected === false ? ': its other side does not answer' : '';
}

/**
 * Waits until no disk of `disks` is synchronising on `node`.
 * @returns false when they are degraded for another reason
 */
export async function waitForSync(
  job: JobHandle,
  name: string,
  node: string,
  disks: readonly DiskOnNode[],
  oneShot = false,
): Promise<boolean> {
  if (disks.length === 0) return true;
  job.info(`Waiting for instance ${name} to sync disks`);
  let failures = 0;
  let degradedLooks = 0;
  for (;;) {
    let statuses: (DiskStatus | null)[];
    try {
      statuses = await job.world.nodes.call(
        node,
        blockdevStatus,
        { disks: [...disks] },
        { signal: job.signal },
      );
      failures = 0;
    } catch (error) {
      if (!(error instanceof Failure) || error.errorClass !== 'RpcError') throw error;
      failures += 1;
      job.warn(`Can't get any data from node: ${messageOf(error)}`);
      if (failures >= 10)
        throw executionFailure(`Can't contact node for mirror data, aborting: ${messageOf(error)}`, error);
      await sleep(6000, job.signal);
      continue;
    }
    const syncing = statuses.flatMap((status, index) =>
      status !== null && status.syncPercent !== null ? [{ status, index: disks[index]?.index ?? index }] : [],
    );
    for (const { status, index } of syncing) job.info(describe(index, status));
    const degraded = statuses.some(
      (status) => status === null || (status.degraded && status.syncPercent === null),
    );
    if (syncing.length === 0) {
      if (!degraded) break;
      degradedLooks += 1;
      if (oneShot) {
        job.info(`Instance ${name}'s disks are in sync`);
        return false;
      }
      if (degradedLooks >= degradedTries) {
        for (const [position, status] of statuses.entries()) {
          const label = `disk/${disks[position]?.index ?? position} of instance ${name}`;
          if (status === null || status.degraded) job.warn(`${label} is degraded${whyDegraded(status)}`);
        }
        return false;
      }
      await sleep(1000, job.signal);
      continue;
    }
    if (oneShot) return true;
    const longest = Math.max(1, ...syncing.map(({ status }) => status.estimatedTime ?? 1));
    await sleep(Math.min(longestPauseSeconds, longest, syncing.length > 0 ? 60 : 1) * 1000, job.signal);
  }
  job.info(`Instance ${name}'s disks are in sync`);
  return true;
}
