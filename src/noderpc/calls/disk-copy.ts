/** Node calls that move the contents of disks. */
import * as z from 'zod';
import { nodeCall } from '../call.ts';
import { DiskOnNode, Done } from './shapes.ts';

/**
 * Copies a disk to another on the same node, both active there. The target's contents are lost; asked again
 * it copies again.
 */
export const blockdevConvert = nodeCall({
  name: 'blockdev_convert',
  deadline: 86_400,
  effect: 'change',
  argument: z.object({
    source: DiskOnNode,
    target: DiskOnNode,
    /** The target was made a moment ago and holds zeros, as new files do. */
    targetIsEmpty: z.boolean(),
  }),
  result: Done,
});
