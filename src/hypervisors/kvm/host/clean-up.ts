/** Takes away what a guest that is gone has left: process, sockets, taps, user, folder of confinement. */
import { mkdir, mkdtemp, rename, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../kit/failure.ts';
import type { Guest } from '../../contract.ts';
import { type KvmRuntime, nicOfRuntime } from '../hardware/runtime.ts';
import { guestProcess, signal, waitForEnd } from '../qemu/process.ts';
import type { GuestFiles } from './layout.ts';
import { filesOf, type KvmNode } from './node.ts';
import { findRuntime, removeRuntime } from './runtime-file.ts';

const killTimeoutMs = 20_000;

/** Ends the process whatever it says. @throws Failure HypervisorError when even that doesn't help */
export async function killGuest(files: GuestFiles): Promise<void> {
  const found = await guestProcess(files);
  if (found === null) return;
  signal(found.pid, 'SIGTERM');
  if (await waitForEnd(found.pid, 2000)) return;
  signal(found.pid, 'SIGKILL');
  if (!(await waitForEnd(found.pid, killTimeoutMs))) {
    throw new Failure('HypervisorError', [`Process ${found.pid} of ${files.name} doesn't end, even killed`]);
  }
}

/** The folder must be empty; one that isn't may tell of an intrusion and is kept aside. */
async function removeChroot(node: KvmNode, files: GuestFiles): Promise<void> {
  try {
    await rmdir(files.chroot);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    if (code !== 'ENOTEMPTY') throw error;
    await mkdir(node.folders.quarantine, { recursive: true, mode: 0o700 });
    const kept = await mkdtemp(join(node.folders.quarantine, `${files.name}-`));
    await rename(files.chroot, kept);
    node.log.warning(
      `The chroot directory of instance ${files.name} is not empty. It was moved to ${kept}; please investigate its contents and clean up manually`,
    );
  }
}

/**
 * Takes everything of the guest away but its disks. A guest that still runs is left alone, unless `force`
 * is set or it was only about to be received.
 * @throws Failure HypervisorError when the guest runs
 */
export async function cleanUpFiles(
  node: KvmNode,
  guest: Pick<Guest, 'name' | 'tags'>,
  known: KvmRuntime | null,
  options: { readonly force: boolean },
): Promise<void> {
  const files = filesOf(node, guest);
  const written = await findRuntime(files).catch(() => null);
  if (written !== null && !options.force && (await guestProcess(files)) !== null) {
    throw new Failure('HypervisorError', ['Cannot cleanup a live instance']);
  }
  await killGuest(files);
  const nics = (written ?? known)?.nics.map(nicOfRuntime) ?? [];
  await node.taps.removeAll(guest, files, nics);
  const sockets = [files.monitor, files.serial, files.qmp, files.events, files.guestAgent];
  for (const path of [files.pid, ...sockets.map((socket) => socket.file), files.shutdown]) {
    await unlink(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
  await node.users.release(files);
  await removeChroot(node, files);
  await removeRuntime(files);
}
