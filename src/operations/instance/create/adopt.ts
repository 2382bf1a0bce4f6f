/** Volumes and devices that exist already and become an instance's disks. */
import { posix } from 'node:path';
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import type { Disk } from '../../../model/objects/disk.ts';
import type { Node } from '../../../model/objects/node.ts';
import { blockdevGetDimensions } from '../../../noderpc/calls/disk.ts';
import { lvList, vgList } from '../../../noderpc/calls/node.ts';
import type { StorageAbout } from '../../../storage/contract.ts';
import { diskOnNode } from '../../on-node.ts';
import type { PlanContext } from '../../operation.ts';
import type { WantedDisk } from '../plan-disks.ts';

/** Devices elsewhere belong to the machine (constants.ADOPTABLE_BLOCKDEV_ROOT). */
const deviceRoot = '/dev/disk/';
const mebibyte = 1024 * 1024;

async function adoptVolumes(
  context: PlanContext,
  node: Node,
  wanted: readonly WantedDisk[],
): Promise<WantedDisk[]> {
  const { nodes, reservations, owner } = context;
  const names = wanted.map((disk) => `${disk.vg}/${disk.adopt}`);
  if (new Set(names).size !== names.length)
    throw prerequisiteFailure('Duplicate volume names given for adoption', ErrorCode.invalid);
  for (const name of names) {
    try {
      reservations.reserveVolume(owner, name);
    } catch (error) {
      throw prerequisiteFailure(`LV named ${name} used by another instance`, ErrorCode.notUnique, error);
    }
  }
  const groups = Object.keys(await nodes.call(node.uuid, vgList, {}));
  const volumes = await nodes.call(node.uuid, lvList, { vgs: groups });
  const found = new Map(volumes.map((volume) => [`${volume.vg}/${volume.name}`, volume]));
  const missing = names.filter((name) => !found.has(name));
  if (missing.length > 0)
    throw prerequisiteFailure(`Missing logical volume(s): ${missing.join(', ')}`, ErrorCode.invalid);
  const online = names.filter((name) => found.get(name)!.online);
  if (online.length > 0) {
    throw prerequisiteFailure(
      `Online logical volumes found, cannot adopt: ${online.join(', ')}`,
      ErrorCode.state,
    );
  }
  return wanted.map((disk, index) => ({ ...disk, size: Math.floor(found.get(names[index]!)!.size) }));
}

async function adoptDevices(
  context: PlanContext,
  node: Node,
  about: StorageAbout,
  wanted: readonly WantedDisk[],
): Promise<WantedDisk[]> {
  const paths = wanted.map((disk) => posix.normalize(String(disk.adopt)));
  if (new Set(paths).size !== paths.length)
    throw prerequisiteFailure('Duplicate disk names given for adoption', ErrorCode.invalid);
  const outside = paths.filter((path) => !path.startsWith(deviceRoot));
  if (outside.length > 0) {
    throw prerequisiteFailure(
      `Device node(s) ${outside.join(', ')} lie outside ${deviceRoot} and cannot be adopted`,
      ErrorCode.invalid,
    );
  }
  const nobody = { name: '', uuid: '' };
  const disks = paths.map((path, index): Disk => {
    const logical_id = ['manual', path];
    const identity = { uuid: '', serial_no: 1, ctime: 0, mtime: 0, nodes: [node.uuid] };
    return { ...identity, dev_type: about.name, logical_id, iv_name: `disk/${index}`, size: 0, mode: 'rw' };
  });
  const found = await context.nodes.call(node.uuid, blockdevGetDimensions, {
    disks: disks.map((disk, index) => diskOnNode(context.configuration, nobody, disk, index, node.uuid)),
  });
  const missing = paths.filter((_, index) => !found[index]);
  if (missing.length > 0)
    throw prerequisiteFailure(`Missing block device(s): ${missing.join(', ')}`, ErrorCode.invalid);
  return wanted.map((disk, index) => ({
    ...disk,
    adopt: paths[index]!,
    size: Math.floor(found[index]!.bytes / mebibyte),
  }));
}

/**
 * The wanted disks with the sizes of what is adopted.
 * @throws Failure OpPrereqError for what isn't there, is in use or belongs to another instance
 */
export async function adopt(
  context: PlanContext,
  node: Node,
  about: StorageAbout,
  wanted: readonly WantedDisk[],
): Promise<WantedDisk[]> {
  return about.volumeGroup
    ? await adoptVolumes(context, node, wanted)
    : await adoptDevices(context, node, about, wanted);
}
