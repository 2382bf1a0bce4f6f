/** Node calls about disks: Ganeti's blockdev_* and drbd_* procedures as ensure and absent. */
import * as z from 'zod';
import { nodeCall } from '../call.ts';
import { DiskOnNode, Done } from './shapes.ts';

/** State of one disk on one node (objects.BlockDevStatus). */
export const DiskStatus = z.object({
  path: z.string(),
  major: z.int().nullable(),
  minor: z.int().nullable(),
  /** 0–100 while synchronising, null when not. */
  syncPercent: z.number().nullable(),
  /** Seconds. */
  estimatedTime: z.number().nullable(),
  degraded: z.boolean(),
  /** Of the local storage: okay, unknown (being filled), faulty (constants.LDS_*). */
  localDisk: z.enum(['okay', 'unknown', 'faulty', 'sync']),
  /** Where there are lower devices, theirs, in order. */
  children: z.array(z.unknown()).default([]),
  /** Further facts by name: DRBD connection state, roles, "split brain" and the like. */
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
});
export type DiskStatus = z.infer<typeof DiskStatus>;

const oneDisk = z.object({ disk: DiskOnNode });
const disks = z.object({ disks: z.array(DiskOnNode) });
const device = z.object({
  /** Device node or file. */
  path: z.string(),
  /** Link under instance-disks, or the path itself where there is none. */
  link: z.string().nullable(),
  /** URI for userspace access (rbd, gluster), else null. */
  uri: z.string().nullable(),
});

/** Makes the volume(s) of the disk on this node; there already: checked for size and left alone. */
export const blockdevCreate = nodeCall({
  name: 'blockdev_create',
  deadline: 900,
  effect: 'change',
  argument: z.object({
    disk: DiskOnNode,
    onPrimary: z.boolean(),
    /** LV tag text and the like (bdev SetInfo). */
    info: z.string(),
    /** Create only if nothing of that name exists: a volume that isn't ours is never taken over. */
    mustBeNew: z.boolean().default(false),
  }),
  result: Done,
});

/** Removes the disk's volume(s) from this node, deactivating first; not there: fine. */
export const blockdevRemove = nodeCall({
  name: 'blockdev_remove',
  deadline: 900,
  effect: 'change',
  argument: oneDisk,
  result: Done,
});

/** Activates the disk on this node, as primary (usable) or secondary; active already: fine. */
export const blockdevAssemble = nodeCall({
  name: 'blockdev_assemble',
  deadline: 900,
  effect: 'change',
  argument: z.object({ disk: DiskOnNode, asPrimary: z.boolean() }),
  result: device,
});

/** Deactivates the disk on this node; not active: fine. */
export const blockdevShutdown = nodeCall({
  name: 'blockdev_shutdown',
  deadline: 900,
  effect: 'change',
  argument: oneDisk,
  result: Done,
});

/** Makes the disks writable here (DRBD: promote). `exclusive` false keeps the other side writable too. */
export const blockdevOpen = nodeCall({
  name: 'blockdev_open',
  deadline: 900,
  effect: 'change',
  argument: z.object({ disks: z.array(DiskOnNode), exclusive: z.boolean() }),
  result: Done,
});

/** Takes write access back (DRBD: demote). */
export const blockdevClose = nodeCall({
  name: 'blockdev_close',
  deadline: 900,
  effect: 'change',
  argument: disks,
  result: Done,
});

/** Cuts the network side of mirrored disks. */
export const drbdDisconnectNet = nodeCall({
  name: 'drbd_disconnect_net',
  deadline: 900,
  effect: 'change',
  argument: disks,
  result: Done,
});

/** Connects the network side again; `multiMaster` allows two primaries (live migration only). */
export const drbdAttachNet = nodeCall({
  name: 'drbd_attach_net',
  deadline: 900,
  effect: 'change',
  argument: z.object({ disks: z.array(DiskOnNode), multiMaster: z.boolean() }),
  result: Done,
});

/** Looks at the sync state: done when connected and not synchronising; percent is the least of all. */
export const drbdWaitSync = nodeCall({
  name: 'drbd_wait_sync',
  deadline: 3600,
  effect: 'read',
  argument: disks,
  result: z.object({ done: z.boolean(), syncPercent: z.number().nullable() }),
});

/** The status of each disk, null where it isn't active. */
export const blockdevStatus = nodeCall({
  name: 'blockdev_getmirrorstatus',
  deadline: 60,
  effect: 'read',
  argument: disks,
  result: z.array(DiskStatus.nullable()),
});

/** The status of one disk without activating it; null when it can't be found. */
export const blockdevFind = nodeCall({
  name: 'blockdev_find',
  deadline: 60,
  effect: 'read',
  argument: oneDisk,
  result: DiskStatus.nullable(),
});

/** Real sizes in bytes and spindles; null where the device can't be read. */
export const blockdevGetDimensions = nodeCall({
  name: 'blockdev_getdimensions',
  deadline: 900,
  effect: 'read',
  argument: disks,
  result: z.array(z.object({ bytes: z.number(), spindles: z.number().nullable() }).nullable()),
});

/** Grows the disk on this node by MiB: the backing storage and the device in two calls (bdev Grow). */
export const blockdevGrow = nodeCall({
  name: 'blockdev_grow',
  deadline: 900,
  effect: 'change',
  argument: z.object({ disk: DiskOnNode, amount: z.int(), dryRun: z.boolean(), backingStore: z.boolean() }),
  result: Done,
});

/** Pauses or resumes the synchronisation of mirrored disks, one answer for each. */
export const blockdevPauseResumeSync = nodeCall({
  name: 'blockdev_pause_resume_sync',
  deadline: 60,
  effect: 'change',
  argument: z.object({ disks: z.array(DiskOnNode), pause: z.boolean() }),
  result: Done,
});

/** Writes zeros over `size` MiB from `offset` MiB. */
export const blockdevWipe = nodeCall({
  name: 'blockdev_wipe',
  deadline: 3600,
  effect: 'change',
  argument: z.object({ disk: DiskOnNode, offset: z.int(), size: z.int() }),
  result: Done,
});

/** Writes an image, a file of the node or of a web server, to the beginning of the disk. */
export const blockdevImage = nodeCall({
  name: 'blockdev_image',
  deadline: 14_400,
  effect: 'change',
  argument: z.object({ disk: DiskOnNode, image: z.string() }),
  result: Done,
});

/** How large an image is, in bytes, before there is a disk to write it to. */
export const imageSize = nodeCall({
  name: 'image_size',
  deadline: 60,
  effect: 'read',
  argument: z.object({ image: z.string() }),
  result: z.object({ bytes: z.int() }),
});

/** Sets the text that the storage keeps beside the volume (LV tags). */
export const blockdevSetInfo = nodeCall({
  name: 'blockdev_setinfo',
  deadline: 900,
  effect: 'change',
  argument: z.object({ disk: DiskOnNode, info: z.string() }),
  result: Done,
});

/** Renames volumes: the disk as it is, and the logical id it gets. Renamed already: fine. */
export const blockdevRename = nodeCall({
  name: 'blockdev_rename',
  deadline: 900,
  effect: 'change',
  argument: z.object({
    renames: z.array(
      z.object({ disk: DiskOnNode, logicalId: z.array(z.union([z.string(), z.number(), z.null()])) }),
    ),
  }),
  result: Done,
});

/** Takes a snapshot named `snapshotName`; gives its logical id. */
export const blockdevSnapshot = nodeCall({
  name: 'blockdev_snapshot',
  deadline: 900,
  effect: 'change',
  argument: z.object({ disk: DiskOnNode, snapshotName: z.string(), snapshotSize: z.int().nullable() }),
  result: z.array(z.union([z.string(), z.number(), z.null()])),
});

/** Attaches lower devices to a mirrored disk (replace-disks). */
export const blockdevAddChildren = nodeCall({
  name: 'blockdev_addchildren',
  deadline: 900,
  effect: 'change',
  argument: z.object({ disk: DiskOnNode, children: z.array(DiskOnNode) }),
  result: Done,
});

/** Detaches lower devices from a mirrored disk (replace-disks). */
export const blockdevRemoveChildren = nodeCall({
  name: 'blockdev_removechildren',
  deadline: 900,
  effect: 'change',
  argument: z.object({ disk: DiskOnNode, children: z.array(DiskOnNode) }),
  result: Done,
});
