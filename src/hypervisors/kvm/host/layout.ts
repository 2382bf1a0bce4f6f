/**
 * Where the files of KVM guests lie: below kvm-hypervisor in the run directory, with the names that
 * Ganeti gives them, so that a node can change from one to the other with its guests running.
 *
 * The kernel takes at most 107 bytes for the path of a socket. Where the full path would be longer, QEMU
 * is started in the folder of the sockets and gets the bare name, or a digest of a very long one.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Paths } from '../../../kit/paths.ts';
import { checkedGuestName } from '../../guest-name.ts';

/** sizeof(sun_path) less the closing zero. */
export const longestSocketPath = 107;

export interface KvmFolders {
  readonly root: string;
  readonly pid: string;
  readonly uid: string;
  readonly ctrl: string;
  readonly conf: string;
  readonly nic: string;
  readonly chroot: string;
  readonly quarantine: string;
  readonly log: string;
}

export function kvmFolders(paths: Paths): KvmFolders {
  const root = paths.kvmDir;
  return {
    root,
    pid: join(root, 'pid'),
    uid: join(root, 'uid'),
    ctrl: join(root, 'ctrl'),
    conf: join(root, 'conf'),
    nic: join(root, 'nic'),
    chroot: join(root, 'chroot'),
    quarantine: join(root, 'chroot-quarantine'),
    log: join(paths.logDir, 'kvm'),
  };
}

/** A socket: how QEMU is told of it, and which file it is. */
export interface SocketFile {
  /** Path, or name within the folder of sockets. */
  readonly argument: string;
  readonly file: string;
}

function socketFile(folder: string, name: string, kind: string): SocketFile {
  const full = join(folder, `${name}.${kind}`);
  if (Buffer.byteLength(full) <= longestSocketPath) return { argument: full, file: full };
  const bare = `${name}.${kind}`;
  const short =
    Buffer.byteLength(bare) <= longestSocketPath
      ? bare
      : `${createHash('sha256').update(name).digest('hex').slice(0, 40)}.${kind}`;
  return { argument: short, file: join(folder, short) };
}

export interface GuestFiles {
  readonly name: string;
  readonly pid: string;
  readonly uid: string;
  readonly monitor: SocketFile;
  readonly serial: SocketFile;
  /** Our own monitor socket. */
  readonly qmp: SocketFile;
  /** The socket on which shutdowns from inside are noticed. */
  readonly events: SocketFile;
  readonly guestAgent: SocketFile;
  /** There when the guest was shut down from inside. */
  readonly shutdown: string;
  readonly runtime: string;
  /** Folder with one file a NIC that holds the name of its tap. */
  readonly nics: string;
  readonly chroot: string;
  readonly log: string;
}

/** @throws Failure HypervisorError for a name that can't be part of a path */
export function guestFiles(paths: Paths, guestName: string): GuestFiles {
  const name = checkedGuestName(guestName);
  const folders = kvmFolders(paths);
  const socket = (kind: string) => socketFile(folders.ctrl, name, kind);
  return {
    name,
    pid: join(folders.pid, name),
    uid: join(folders.uid, name),
    monitor: socket('monitor'),
    serial: socket('serial'),
    qmp: socket('qmp'),
    events: socket('kvmd'),
    guestAgent: socket('qga'),
    shutdown: join(folders.ctrl, `${name}.shutdown`),
    runtime: join(folders.conf, `${name}.runtime`),
    nics: join(folders.nic, name),
    chroot: join(folders.chroot, name),
    log: join(folders.log, `${name}.log`),
  };
}
