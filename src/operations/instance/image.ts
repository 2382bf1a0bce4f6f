/** The first disk of an instance is written from an image; a mirror doesn't copy meanwhile. */

import { executionFailure } from '../../kit/failure.ts';
import type { DiskOnNode } from '../../noderpc/calls/shapes.ts';
import { reasonOf } from '../../noderpc/reply.ts';
import { storageAbout } from '../../storage/catalog.ts';
import type { JobHandle } from '../operation.ts';
import { imageDisk, pauseSync } from '../steps/disks.ts';

export interface ImageTarget {
  readonly instance: string;
  /** Uuid and name of the primary node. */
  readonly node: string;
  readonly nodeName: string;
  /** All disks of the instance, active on the node. */
  readonly disks: readonly DiskOnNode[];
}

/** @throws Failure OpExecError */
export async function writeOsImage(job: JobHandle, image: string, target: ImageTarget): Promise<void> {
  const { instance, node, nodeName, disks } = target;
  const [disk] = disks;
  if (disk === undefined) return;
  const isMirror = storageAbout(disk.disk.dev_type).mirrored === 'internal';
  if (isMirror) await job.do(pauseSync, { node, disks: [disk], pause: true });
  job.info(`Imaging disk '0' for instance '${instance}' on node '${nodeName}'`);
  try {
    await job.do(imageDisk, { node, disk, image });
  } catch (error) {
    throw executionFailure(
      `Could not image disk '0' for instance '${instance}' on node '${nodeName}': ${reasonOf(error)}`,
      error,
    );
  }
  if (isMirror) await job.do(pauseSync, { node, disks: [disk], pause: false });
}

/** The steps of writing an image. */
export const imageSteps = [pauseSync, imageDisk] as const;
