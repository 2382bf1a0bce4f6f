/**
 * Whose rights a guest's QEMU has: root's, those of one user, or those of a user of the cluster's pool
 * that no other guest of this node has (security_model). A pool user's id stands in the guest's uid file
 * for as long as the guest is there.
 */
import { mkdir, readdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../kit/failure.ts';
import { runProcess } from '../../../kit/process.ts';
import type { Guest } from '../../contract.ts';
import type { GuestFiles, KvmFolders } from './layout.ts';

/** A user by name, with its numbers. */
export interface RunUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Reads one line of getent passwd. Pure. */
export function parsePasswdLine(line: string): RunUser | null {
  const [name, , uid, gid] = line.trim().split(':');
  if (!name || !/^\d+$/.test(uid ?? '') || !/^\d+$/.test(gid ?? '')) return null;
  return { name, uid: Number(uid), gid: Number(gid) };
}

/** By name or number; null when there is no such user. */
export async function findUser(key: string): Promise<RunUser | null> {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*\$?$/.test(key)) return null;
  const result = await runProcess(['getent', 'passwd', key]);
  return result.code === 0 ? parsePasswdLine(result.stdout) : null;
}

/** The first id of the ranges that is in nobody's hands, or null. Pure. */
export function freeUid(pool: readonly (readonly number[])[], taken: ReadonlySet<number>): number | null {
  for (const [first, last = first] of pool) {
    for (let uid = first ?? 0; uid <= (last ?? 0); uid += 1) if (!taken.has(uid)) return uid;
  }
  return null;
}

async function readUid(file: string): Promise<number | null> {
  const uid = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10);
  return Number.isInteger(uid) ? uid : null;
}

/** Ids that guests of this node have. */
async function takenUids(folders: KvmFolders): Promise<Set<number>> {
  const names = await readdir(folders.uid).catch(() => []);
  const uids = await Promise.all(names.map((name) => readUid(join(folders.uid, name))));
  return new Set(uids.filter((uid) => uid !== null));
}

/** Gives out users of pools one after the other, so that no two guests get the same. */
export class GuestUsers {
  readonly #folders: KvmFolders;
  #busy: Promise<unknown> = Promise.resolve();

  constructor(folders: KvmFolders) {
    this.#folders = folders;
  }

  /**
   * The user for a guest that starts, null for root.
   * @throws Failure HypervisorError when there is no such user or the pool is used up
   */
  async take(guest: Guest, files: GuestFiles): Promise<RunUser | null> {
    const { security_model: model, security_domain: domain } = guest.hvparams;
    if (model === 'user') {
      const user = await findUser(String(domain));
      if (user === null)
        throw new Failure('HypervisorError', [`Unknown security domain user ${String(domain)}`]);
      return user;
    }
    if (model !== 'pool') return null;
    const turn = this.#busy.then(() => this.#takeOfPool(guest, files));
    this.#busy = turn.catch(() => {});
    return turn;
  }

  async #takeOfPool(guest: Guest, files: GuestFiles): Promise<RunUser> {
    const uid = freeUid(guest.uidPool, await takenUids(this.#folders));
    if (uid === null) throw new Failure('HypervisorError', ['Pool of user ids is used up on this node']);
    const user = (await findUser(String(uid))) ?? { name: `${uid}:${uid}`, uid, gid: uid };
    await mkdir(this.#folders.uid, { recursive: true, mode: 0o775 });
    await writeFile(files.uid, `${uid}`, { mode: 0o644 });
    return user;
  }

  /** The user that a running guest has, null for root. */
  async of(guest: Guest, files: GuestFiles): Promise<RunUser | null> {
    const uid = await readUid(files.uid);
    if (uid !== null) return (await findUser(String(uid))) ?? { name: `${uid}:${uid}`, uid, gid: uid };
    return guest.hvparams.security_model === 'user' ? findUser(String(guest.hvparams.security_domain)) : null;
  }

  async release(files: GuestFiles): Promise<void> {
    await unlink(files.uid).catch(() => {});
  }
}
