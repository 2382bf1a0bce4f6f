/** Writing zeros over new disks, on clusters that want nobody to read what was there (prealloc_wipe_disks). */
import { formatUnit } from '../../kit/units.ts';
import type { Configuration } from '../../model/configuration.ts';
import type { DiskOnNode } from '../../noderpc/calls/shapes.ts';
import { storageAbout } from '../../storage/catalog.ts';
import type { JobHandle } from '../operation.ts';
import { activateDisks, pauseSync, wipeDisk } from '../steps/disks.ts';
import { formatSeconds } from '../sync.ts';

/** Of a disk's size a chunk takes this part at most, and never more than so many MiB (constants.MAX_WIPE_CHUNK). */
const chunkPercent = 10;
const largestChunkMiB = 1024;
const tellEverySeconds = 60;

/** Zeros from `offset` MiB to the end of the disk. */
async function wipe(job: JobHandle, node: string, disk: DiskOnNode, offset: number): Promise<void> {
  const { size } = disk.disk;
  const from = offset === 0 ? '' : ` (from ${formatUnit(offset, 'h')} to ${formatUnit(size, 'h')})`;
  job.info(`* Wiping disk ${disk.index}${from}`);
  const chunk = Math.max(1, Math.floor(Math.min(largestChunkMiB, (size * chunkPercent) / 100)));
  const began = job.world.now();
  let toldAt = began;
  for (let at = offset; at < size; at += chunk) {
    job.signal.throwIfAborted();
    await job.do(wipeDisk, { node, disk, offset: at, size: Math.min(chunk, size - at) });
    const now = job.world.now();
    const done = Math.min(at + chunk, size) - offset;
    if (now - toldAt < tellEverySeconds) continue;
    toldAt = now;
    const left = ((now - began) / done) * (size - offset - done);
    job.info(` - done: ${(((done + offset) / size) * 100).toFixed(1)}% ETA: ${formatSeconds(left)}`);
  }
}

/**
 * Wipes what lies beyond `offset` MiB of each disk, which must be active on the node. A mirror doesn't copy
 * meanwhile.
 */
export async function wipeDisks(
  job: JobHandle,
  node: string,
  disks: readonly DiskOnNode[],
  offset = 0,
): Promise<void> {
  const mirrored = disks.filter((disk) => storageAbout(disk.disk.dev_type).mirrored === 'internal');
  const input = { node, disks: mirrored };
  if (mirrored.length > 0) await job.do(pauseSync, { ...input, pause: true });
  for (const disk of disks) await wipe(job, node, disk, offset);
  if (mirrored.length > 0) await job.do(pauseSync, { ...input, pause: false });
}

/** Wipes disks that were just made, when the cluster wants it; `node` is the primary. */
export async function wipeNewDisks(
  job: JobHandle,
  configuration: Configuration,
  node: string,
  disks: readonly DiskOnNode[],
): Promise<void> {
  if (!configuration.cluster.prealloc_wipe_disks || disks.length === 0) return;
  await job.do(activateDisks, { node, disks: [...disks], asPrimary: true, before: 'inactive' as const });
  await wipeDisks(job, node, disks);
}

/** The steps of wiping. */
export const wipeSteps = [activateDisks, pauseSync, wipeDisk] as const;
