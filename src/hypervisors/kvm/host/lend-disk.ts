/**
 * Lets a QEMU that has given up root's rights, or sits in a folder of its own, open a disk that is added
 * while it runs: for the moment of opening, device or file appears in a folder that QEMU can see (a bind
 * mount) and belongs to QEMU's user. Once it is open nothing of that is needed.
 */
import { chown, realpath, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runChecked } from '../../../kit/process.ts';
import type { DriveSource } from '../hardware/drives.ts';
import type { RunUser } from './users.ts';

async function asOwner<T>(path: string, user: RunUser | null, open: () => Promise<T>): Promise<T> {
  if (user === null) return open();
  const before = await stat(path);
  await chown(path, user.uid, before.gid);
  try {
    return await open();
  } finally {
    await chown(path, before.uid, before.gid);
  }
}

/** Where the guest's QEMU may look: its folder of confinement, or one that everybody may pass. */
export interface LendingPlace {
  readonly user: RunUser | null;
  readonly chroot: string | null;
  readonly folder: string;
}

/** Runs `open` with the source as the guest's QEMU can see it. */
export async function lendDisk<T>(
  source: DriveSource,
  place: LendingPlace,
  open: (seen: DriveSource) => Promise<T>,
): Promise<T> {
  const { user, chroot } = place;
  if (source.path === null || (user === null && chroot === null)) return open(source);
  const real = await realpath(source.path);
  const shown = join(chroot ?? place.folder, source.id);
  await writeFile(shown, '', { mode: 0o600 });
  try {
    await runChecked(['mount', '--bind', real, shown]);
    try {
      const seen = { ...source, path: chroot === null ? shown : `/${source.id}` };
      return await asOwner(real, user, () => open(seen));
    } finally {
      await runChecked(['umount', '--lazy', shown]);
    }
  } finally {
    await unlink(shown);
  }
}
