/** Bringing the two ends of mirrors together, for every step that does. */
import { drbdAttachNet } from '../../noderpc/calls/disk.ts';
import type { DiskOnNode } from '../../noderpc/calls/shapes.ts';
import type { World } from '../operation.ts';

export interface MirrorEnd {
  readonly node: string;
  readonly disks: DiskOnNode[];
}

/**
 * Both ends look for each other; done when they have met. An end waits two minutes for the other: when one of them
 * fails, as on a node that has lost its power, the other is told that nobody waits any more.
 * @throws the failure of the end that failed first
 */
export async function connectEnds(
  nodes: World['nodes'],
  ends: readonly MirrorEnd[],
  multiMaster: boolean,
): Promise<void> {
  const failed = new AbortController();
  await Promise.all(
    ends.map(async ({ node, disks }) => {
      try {
        await nodes.call(node, drbdAttachNet, { disks, multiMaster }, { signal: failed.signal });
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    }),
  );
}
