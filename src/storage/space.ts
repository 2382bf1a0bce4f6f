/** How much room a node has left in each kind of storage, for node_info and the allocator. MiB. */
import { statfs } from 'node:fs/promises';
import { localPath, type StorageHost } from './host.ts';
import { emptyVolumes, listPhysicalVolumes, listVolumeGroups, standardVolumeSize } from './lvm.ts';

export interface Space {
  readonly free: number | null;
  readonly size: number | null;
}

const unknown: Space = { free: null, size: null };

async function volumeGroupSpace(host: StorageHost, vg: string, exclusive: boolean): Promise<Space> {
  const group = (await listVolumeGroups(host)).find((candidate) => candidate.name === vg);
  if (group === undefined) return unknown;
  if (!exclusive) return { free: Math.round(group.free), size: Math.round(group.size) };
  const volumes = await listPhysicalVolumes(host, [vg]);
  const free = volumes.length === 0 ? 0 : standardVolumeSize(volumes) * emptyVolumes(volumes).length;
  return { free: Math.round(free), size: Math.round(group.size) };
}

/** Spindles, counted only under exclusive storage. */
async function spindles(host: StorageHost, vg: string, exclusive: boolean): Promise<Space> {
  if (!exclusive) return { free: 0, size: 0 };
  const volumes = await listPhysicalVolumes(host, [vg]);
  return { free: emptyVolumes(volumes).length, size: volumes.length };
}

async function fileSystemSpace(host: StorageHost, path: string): Promise<Space> {
  try {
    const found = await statfs(localPath(host.paths, path));
    const mebibytes = (blocks: number) => Math.floor((blocks * found.bsize) / 1024 / 1024);
    return { free: mebibytes(found.bavail), size: mebibytes(found.blocks) };
  } catch {
    return unknown;
  }
}

/** Space of one storage unit; unknown for kinds that have no notion of it on a single node. */
export async function storageSpace(
  host: StorageHost,
  unit: { readonly type: string; readonly key: string; readonly exclusive: boolean },
): Promise<Space> {
  switch (unit.type) {
    case 'lvm-vg':
      return await volumeGroupSpace(host, unit.key, unit.exclusive);
    case 'lvm-pv':
      return await spindles(host, unit.key, unit.exclusive);
    case 'file':
    case 'sharedfile':
      return await fileSystemSpace(host, unit.key);
    default:
      return unknown;
  }
}
