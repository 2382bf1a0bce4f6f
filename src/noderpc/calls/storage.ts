/** Node calls about storage units (volume groups, physical volumes, folders) and volumes on physical ones. */
import * as z from 'zod';
import { nodeCall } from '../call.ts';
import { Done } from './shapes.ts';

/** A logical volume on one of the physical volumes that it lies on. MiB. */
export const VolumeOnDevice = z.object({
  name: z.string(),
  vg: z.string(),
  size: z.number(),
  device: z.string(),
});
export type VolumeOnDevice = z.infer<typeof VolumeOnDevice>;

/** Every logical volume, once for each physical volume that it lies on. */
export const nodeVolumes = nodeCall({
  name: 'node_volumes',
  deadline: 60,
  effect: 'read',
  argument: z.object({}),
  result: z.array(VolumeOnDevice),
});

/** MiB; null where it can't be known. */
export const StorageUnit = z.object({
  name: z.string(),
  size: z.number().nullable(),
  used: z.number().nullable(),
  free: z.number().nullable(),
  allocatable: z.boolean(),
});
export type StorageUnit = z.infer<typeof StorageUnit>;

const unit = {
  type: z.string(),
  /** Folder that a type of file storage stands for. */
  folder: z.string().nullable(),
};

/** Units of a type; of file storage the one folder, or the one named. */
export const storageList = nodeCall({
  name: 'storage_list',
  deadline: 300,
  effect: 'read',
  argument: z.object({
    ...unit,
    name: z.string().nullable(),
    /** Whether `used` is wanted: a folder is walked through for it. */
    withUsed: z.boolean(),
  }),
  result: z.array(StorageUnit),
});

/** Whether new volumes may be put on a physical volume. */
export const storageModify = nodeCall({
  name: 'storage_modify',
  deadline: 60,
  effect: 'change',
  argument: z.object({ ...unit, name: z.string(), allocatable: z.boolean() }),
  result: Done,
});

/** Takes physical volumes that have gone out of a volume group. */
export const storageRepair = nodeCall({
  name: 'storage_execute',
  deadline: 900,
  effect: 'change',
  argument: z.object({ ...unit, name: z.string() }),
  result: Done,
});
