/** Steps on the disks of an instance: make and remove volumes, activate and deactivate, open and close. */
import * as z from 'zod';
import { executionFailure, Failure } from '../../kit/failure.ts';
import * as calls from '../../noderpc/calls/disk.ts';
import { blockdevConvert } from '../../noderpc/calls/disk-copy.ts';
import { DiskOnNode } from '../../noderpc/calls/shapes.ts';
import { step } from '../operation.ts';

const onNode = z.object({ node: z.string(), disk: DiskOnNode });

/** What storage keeps beside the volumes of an instance (cmdlib GetInstanceInfoText). */
export const volumeInfo = (instanceName: string) => `originstname+${instanceName}`;

/** Makes one disk's volumes on one node; undone by removing them. */
export const createVolume = step({
  name: 'create-volume',
  input: onNode.extend({ info: z.string(), onPrimary: z.boolean() }),
  run: async ({ nodes }, { node, disk, info, onPrimary }) => {
    try {
      await nodes.call(node, calls.blockdevCreate, { disk, info, onPrimary, mustBeNew: true });
    } catch (error) {
      if (!(error instanceof Failure) || error.errorClass !== 'BlockDeviceError') throw error;
      // The logical id of a mirror has its secret: it is not shown.
      const { dev_type: template, size } = disk.disk;
      const what = `disk/${disk.index} (${template}, ${size}M)`;
      throw executionFailure(`Can't create block device ${what}: ${error.message}`, error);
    }
  },
  undo: async ({ nodes }, { node, disk }) => {
    await nodes.call(node, calls.blockdevRemove, { disk });
  },
});

/** Removes one disk's volumes from one node for good. */
export const removeVolume = step({
  name: 'remove-volume',
  input: onNode,
  run: async ({ nodes }, { node, disk }) => {
    await nodes.call(node, calls.blockdevRemove, { disk });
  },
  undo: 'none',
});

const disksOf = z.object({ node: z.string(), disks: z.array(DiskOnNode) });

/**
 * Activates disks on one node, as primary or secondary. Undone by what they were `before`: inactive,
 * secondary (the primary's right to write is given back) or the same.
 */
export const activateDisks = step({
  name: 'activate-disks',
  input: disksOf.extend({ asPrimary: z.boolean(), before: z.enum(['inactive', 'secondary', 'primary']) }),
  run: async ({ nodes }, { node, disks, asPrimary }) => {
    const paths: string[] = [];
    for (const disk of disks)
      paths.push((await nodes.call(node, calls.blockdevAssemble, { disk, asPrimary })).path);
    return paths;
  },
  undo: async ({ nodes }, { node, disks, before }) => {
    if (before === 'secondary') await nodes.call(node, calls.blockdevClose, { disks });
    if (before !== 'inactive') return;
    for (const disk of [...disks].reverse()) await nodes.call(node, calls.blockdevShutdown, { disk });
  },
});

/** Deactivates disks on one node; undone by activating them again as they were. */
export const deactivateDisks = step({
  name: 'deactivate-disks',
  input: disksOf.extend({ wasPrimary: z.boolean(), wasActive: z.boolean() }),
  run: async ({ nodes }, { node, disks }) => {
    for (const disk of [...disks].reverse()) await nodes.call(node, calls.blockdevShutdown, { disk });
  },
  undo: async ({ nodes }, { node, disks, wasPrimary, wasActive }) => {
    if (!wasActive) return;
    for (const disk of disks) await nodes.call(node, calls.blockdevAssemble, { disk, asPrimary: wasPrimary });
  },
});

/** Takes one disk down, whoever uses it; nothing to undo: that it is down is wanted in any case. */
export const forceDiskDown = step({
  name: 'force-disk-down',
  input: onNode,
  run: async ({ nodes }, { node, disk }) => {
    await nodes.call(node, calls.blockdevShutdown, { disk });
  },
  undo: 'none',
});

/** Writes the text that the storage keeps beside the volumes; undone by the text of before. */
export const setDiskInfo = step({
  name: 'set-disk-info',
  input: onNode.extend({ info: z.string(), before: z.string() }),
  run: async ({ nodes }, { node, disk, info }) => {
    await nodes.call(node, calls.blockdevSetInfo, { disk, info });
  },
  undo: async ({ nodes }, { node, disk, before }) => {
    await nodes.call(node, calls.blockdevSetInfo, { disk, info: before });
  },
});

const LogicalId = z.array(z.union([z.string(), z.number(), z.null()]));

/** Renames the volumes of disks on one node, in order; undone by their old names, in the reverse order. */
export const renameVolumes = step({
  name: 'rename-volumes',
  input: z.object({
    node: z.string(),
    renames: z.array(z.object({ disk: DiskOnNode, logicalId: LogicalId })),
  }),
  run: async ({ nodes }, { node, renames }) => {
    await nodes.call(node, calls.blockdevRename, { renames });
  },
  undo: async ({ nodes }, { node, renames }) => {
    await nodes.call(node, calls.blockdevRename, {
      renames: [...renames].reverse().map(({ disk, logicalId }) => ({
        disk: { ...disk, disk: { ...disk.disk, logical_id: logicalId } },
        logicalId: [...(disk.disk.logical_id ?? [])],
      })),
    });
  },
});

/** Stops mirrors from copying, or lets them go on; undone by the opposite. */
export const pauseSync = step({
  name: 'pause-sync',
  input: disksOf.extend({ pause: z.boolean() }),
  run: async ({ nodes }, { node, disks, pause }) => {
    await nodes.call(node, calls.blockdevPauseResumeSync, { disks, pause });
  },
  undo: async ({ nodes }, { node, disks, pause }) => {
    for (const disk of disks) {
      if ((await nodes.call(node, calls.blockdevFind, { disk })) === null) continue;
      await nodes.call(node, calls.blockdevPauseResumeSync, { disks: [disk], pause: !pause });
    }
  },
});

/** Writes zeros; only ever over space that holds nobody's data yet. Sizes are MiB. */
export const wipeDisk = step({
  name: 'wipe-disk',
  input: onNode.extend({ offset: z.int(), size: z.int() }),
  run: async ({ nodes }, { node, disk, offset, size }) => {
    await nodes.call(node, calls.blockdevWipe, { disk, offset, size });
  },
  undo: 'none',
});

/** Writes an image over what the disk holds, which nothing brings back. */
export const imageDisk = step({
  name: 'image-disk',
  input: onNode.extend({ image: z.string() }),
  run: async ({ nodes }, { node, disk, image }) => {
    await nodes.call(node, calls.blockdevImage, { disk, image });
  },
  undo: 'none',
});

/**
 * Makes a mirror of volumes that are there already, the data of which it begins with. Its undo takes the
 * mirror down and leaves every volume: other steps have made, or not made, those.
 */
export const raiseMirror = step({
  name: 'raise-mirror',
  input: onNode.extend({ info: z.string() }),
  run: async ({ nodes }, { node, disk, info }) => {
    await nodes.call(node, calls.blockdevCreate, { disk, info, onPrimary: true, mustBeNew: false });
  },
  undo: async ({ nodes }, { node, disk }) => {
    await nodes.call(node, calls.blockdevShutdown, { disk });
  },
});

/** Copies one disk to another on the same node; what it writes to is new and goes with that step's undo. */
export const copyDisk = step({
  name: 'copy-disk',
  input: z.object({ node: z.string(), source: DiskOnNode, target: DiskOnNode, targetIsEmpty: z.boolean() }),
  run: async ({ nodes }, { node, ...disks }) => {
    await nodes.call(node, blockdevConvert, disks);
  },
  undo: 'none',
});

/**
 * Grows a disk on one node by MiB. Volumes don't shrink again: what has grown is there for the next try,
 * which asks for the same size.
 */
export const growDisk = step({
  name: 'grow-disk',
  input: onNode.extend({ amount: z.int(), dryRun: z.boolean(), backingStore: z.boolean() }),
  run: async ({ nodes }, { node, ...argument }) => {
    await nodes.call(node, calls.blockdevGrow, argument);
  },
  undo: 'none',
});
