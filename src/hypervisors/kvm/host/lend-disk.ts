/**
 * Lets a QEMU that has given up root's rights, or sits in a folder of its own, open a disk that is added
 * while it runs: for the moment of opening, the device appears in its folder as a node of its own with its
 * user as owner, or the file belongs to its user. Once it is open nothing of that is needed.
 */
import { chown, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../kit/failure.ts';
import { runChecked } from '../../../kit/process.ts';
import type { DriveSource } from '../hardware/drives.ts';
import type { RunUser } from './users.ts';

/** Major and minor number of a device, from st_rdev as Linux packs it. Pure. */
export function deviceNumbers(rdev: number): { readonly major: number; readonly minor: number } {
  const value = BigInt(rdev);
  const major = ((value >> 8n) & 0xfffn) | ((value >> 32n) & ~0xfffn);
  const minor = (value & 0xffn) | ((value >> 12n) & ~0xffn);
  return { major: Number(major), minor: Number(minor) };
}

async function asNode<T>(
  source: DriveSource,
  folder: string,
  user: RunUser | null,
  shown: (name: string) => string,
  open: (seen: DriveSource) => Promise<T>,
): Promise<T> {
  const device = await stat(source.path!);
  if (!device.isBlockDevice()) {
    throw new Failure('HotplugError', ["Disks in files can't be added to a guest in a chroot while it runs"]);
  }
  const { major, minor } = deviceNumbers(device.rdev);
  const path = join(folder, source.id);
  await unlink(path).catch(() => {});
  await runChecked(['mknod', '-m', '0600', path, 'b', String(major), String(minor)]);
  try {
    if (user !== null) await chown(path, user.uid, user.gid);
    return await open({ ...source, path: shown(source.id) });
  } finally {
    await unlink(path).catch(() => {});
  }
}

async function asOwner<T>(
  source: DriveSource,
  user: RunUser,
  open: (seen: DriveSource) => Promise<T>,
): Promise<T> {
  const before = await stat(source.path!);
  await chown(source.path!, user.uid, before.gid);
  try {
    return await open(source);
  } finally {
    await chown(source.path!, before.uid, before.gid);
  }
}

/** Runs `open` with the source as the guest's QEMU can see it. */
export async function lendDisk<T>(
  source: DriveSource,
  user: RunUser | null,
  chroot: string | null,
  open: (seen: DriveSource) => Promise<T>,
): Promise<T> {
  if (source.uri !== null || source.path === null) return open(source);
  if (chroot !== null) return asNode(source, chroot, user, (name) => `/${name}`, open);
  return user === null ? open(source) : asOwner(source, user, open);
}
