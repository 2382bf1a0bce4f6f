/** Names of volumes and their tags, checked before they get into a command or a path. */
import type { Disk } from '../../model/objects/disk.ts';
import { deviceFailure } from '../host.ts';

export interface VolumeName {
  readonly vg: string;
  readonly name: string;
}

const validName = /^[a-zA-Z0-9+_.][a-zA-Z0-9+_.-]*$/;
const reserved = new Set(['.', '..', 'snapshot', 'pvmove']);
const reservedParts = ['_mlog', '_mimage'];

/** lvm(8): one rule for volumes and groups. @throws Failure BlockDeviceError */
function checkName(name: unknown): asserts name is string {
  if (
    typeof name !== 'string' ||
    !validName.test(name) ||
    reserved.has(name) ||
    reservedParts.some((part) => name.includes(part))
  ) {
    throw deviceFailure(`Invalid LVM name '${String(name)}'`);
  }
}

/** @throws Failure BlockDeviceError for a logical id that isn't [volume group, volume] */
export function volumeIn(logicalId: Disk['logical_id']): VolumeName {
  if (logicalId?.length !== 2) {
    throw deviceFailure(`a logical volume can't have the logical id ${JSON.stringify(logicalId)}`);
  }
  const [vg, name] = logicalId;
  checkName(vg);
  checkName(name);
  return { vg, name };
}

export function devicePath({ vg, name }: VolumeName): string {
  return `/dev/${vg}/${name}`;
}

/** Text as a tag: other characters become underscores, 128 at most (bdev.SetInfo). */
export function volumeTag(text: string): string {
  return text
    .replace(/^[^A-Za-z0-9_+.]/, '_')
    .replace(/[^-A-Za-z0-9_+.]/g, '_')
    .slice(0, 128);
}
