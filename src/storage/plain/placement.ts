/** On which physical volumes a new volume goes, and whether it fits. */
import type { DiskRequest } from '../contract.ts';
import { deviceFailure, type StorageHost } from '../host.ts';
import { emptyVolumes, listPhysicalVolumes, type PhysicalVolumeState, standardVolumeSize } from '../lvm.ts';

export interface Placement {
  readonly stripes: number;
  readonly devices: readonly string[];
}

/** Under exclusive storage a volume has whole physical volumes: as many as it has spindles. Pure. */
export function exclusivePlacement(
  volumes: readonly PhysicalVolumeState[],
  size: number,
  spindles: number | null,
): Placement {
  if (spindles === null) {
    throw deviceFailure(
      'Unspecified number of spindles: this is required when exclusive storage is enabled, try running gnt-cluster repair-disk-sizes',
    );
  }
  const needed = Math.ceil(size / standardVolumeSize(volumes));
  if (spindles < needed) {
    throw deviceFailure(
      `Requested number of spindles (${spindles}) is not enough for a disk of ${size} MB (at least ${needed} spindles needed)`,
    );
  }
  const empty = emptyVolumes(volumes).slice(0, spindles);
  if (empty.length < spindles) {
    throw deviceFailure(
      `Not enough empty PVs (spindles) to create a disk of ${size} MB: ${empty.length} available, ${spindles} needed`,
    );
  }
  return { stripes: empty.length, devices: empty.map((volume) => volume.name) };
}

/** Shared storage: the volume may go anywhere, over as many stripes as there are physical volumes. Pure. */
export function sharedPlacement(
  volumes: readonly PhysicalVolumeState[],
  size: number,
  stripes: number,
): Placement {
  const free = volumes.reduce((sum, volume) => sum + volume.free, 0);
  if (free < size) throw deviceFailure(`Not enough free space: required ${size}, available ${free}`);
  return { stripes: Math.min(volumes.length, stripes), devices: volumes.map((volume) => volume.name) };
}

/** @throws Failure BlockDeviceError when it doesn't fit */
export async function chooseVolumes(host: StorageHost, vg: string, request: DiskRequest): Promise<Placement> {
  const { disk, params, exclusiveStorage } = request;
  const volumes = (await listPhysicalVolumes(host, [vg])).toSorted((a, b) => b.free - a.free);
  if (volumes.length === 0) {
    throw deviceFailure(exclusiveStorage ? 'No (empty) PVs found' : `Can't compute PV info for vg ${vg}`);
  }
  if (volumes.some((volume) => volume.name.includes(':'))) {
    throw deviceFailure(
      "Some of your PVs have the invalid character ':' in their name, this is not supported - please filter them out in lvm.conf using either 'filter' or 'preferred_names'",
    );
  }
  if (exclusiveStorage) return exclusivePlacement(volumes, disk.size, disk.spindles ?? null);
  const wanted = Math.max(1, Number(params.stripes ?? 1));
  const placement = sharedPlacement(volumes, disk.size, wanted);
  if (placement.stripes < wanted) {
    host.log.warning(
      `Could not use ${wanted} stripes for VG ${vg}, as only ${volumes.length} PVs are available.`,
    );
  }
  return placement;
}

/** MiB that a volume can grow by on the physical volumes it has, under exclusive storage. */
export async function growthRoom(host: StorageHost, vg: string, devices: readonly string[]): Promise<number> {
  const volumes = await listPhysicalVolumes(host, [vg]);
  if (volumes.length === 0) throw deviceFailure(`Cannot get information about PVs for ${vg}`);
  const standard = standardVolumeSize(volumes);
  return volumes
    .filter((volume) => devices.includes(volume.name))
    .reduce((sum, volume) => sum + volume.free - (volume.size - standard), 0);
}
