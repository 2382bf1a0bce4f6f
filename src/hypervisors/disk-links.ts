/**
 * The stable names of a guest's disks: `instance-disks/<instance>:<index>` points at the device of the
 * moment, so that a guest's command line is the same on every node (backend._SymlinkBlockDev).
 */
import { mkdir, readdir, readlink, rename, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Paths } from '../kit/paths.ts';
import { checkedGuestName } from './guest-name.ts';

export function diskLink(paths: Paths, instance: string, index: number): string {
  return join(paths.instanceDisksDir, `${checkedGuestName(instance)}:${index}`);
}

/** Makes the link or points it elsewhere; gives its path. */
export async function linkDisk(
  paths: Paths,
  instance: string,
  index: number,
  device: string,
): Promise<string> {
  const link = diskLink(paths, instance, index);
  if ((await readlink(link).catch(() => null)) === device) return link;
  await mkdir(paths.instanceDisksDir, { recursive: true, mode: 0o755 });
  const fresh = `${link}.new`;
  await unlink(fresh).catch(() => {});
  await symlink(device, fresh);
  await rename(fresh, link);
  return link;
}

/** Removes every link of the instance, whatever number of disks it had. */
export async function unlinkDisks(paths: Paths, instance: string): Promise<void> {
  const prefix = `${checkedGuestName(instance)}:`;
  const names = await readdir(paths.instanceDisksDir).catch(() => []);
  for (const name of names) {
    if (name.startsWith(prefix)) await unlink(join(paths.instanceDisksDir, name)).catch(() => {});
  }
}
