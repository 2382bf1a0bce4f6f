/**
 * The taps of guests. A tap's name is noted in the guest's `nic` folder before the tap is made; so
 * whatever happens, cleaning up finds it. There are two notes: one by the NIC's index, which Ganeti reads,
 * and one by its uuid, which stays right when NICs come and go. All of a node's taps are handed out by one
 * owner.
 */
import { mkdir, readdir, readFile, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../../kit/atomic-file.ts';
import { connectNic, disconnectNic } from '../../../networks/connect.ts';
import type { NetworkContext, NicOnHost } from '../../../networks/contract.ts';
import { communicationNicPrefix, communicationPrefix, type NicWish } from '../../../networks/script.ts';
import {
  createTap,
  freeTapName,
  interfaceNames,
  removeTap,
  type TapFeatures,
} from '../../../networks/tap.ts';
import type { GuestFiles, KvmFolders } from './layout.ts';

/** Whose interface it is, for scripts. */
export interface TapOwner {
  readonly name: string;
  readonly tags: readonly string[];
}

/** Notes of a guest: name of the file to name of the tap. */
export type TapNotes = ReadonlyMap<string, string>;

export function tapOf(notes: TapNotes, index: number, nic: { readonly uuid: string }): string | undefined {
  return notes.get(nic.uuid) ?? notes.get(String(index));
}

async function readNotes(folder: string): Promise<Map<string, string>> {
  const notes = new Map<string, string>();
  for (const file of await readdir(folder).catch(() => [])) {
    const name = (await readFile(join(folder, file), 'utf8').catch(() => '')).trim();
    if (name !== '') notes.set(file, name);
  }
  return notes;
}

export class Taps {
  readonly #context: NetworkContext;
  readonly #folders: KvmFolders;
  #busy: Promise<unknown> = Promise.resolve();

  constructor(context: NetworkContext, folders: KvmFolders) {
    this.#context = context;
    this.#folders = folders;
  }

  notes(files: GuestFiles): Promise<TapNotes> {
    return readNotes(files.nics);
  }

  /** Names that any guest has noted, whether the taps exist yet or not. */
  async #noted(): Promise<string[]> {
    const guests = await readdir(this.#folders.nic).catch(() => []);
    const notes = await Promise.all(guests.map((guest) => readNotes(join(this.#folders.nic, guest))));
    return notes.flatMap((of) => [...of.values()]);
  }

  /** Makes a tap for the NIC at `index`. */
  async make(files: GuestFiles, index: number, nic: NicOnHost, features: TapFeatures): Promise<string> {
    const turn = this.#busy.then(async () => {
      const taken = new Set([...(await interfaceNames()), ...(await this.#noted())]);
      const name = freeTapName(
        nic.name?.startsWith(communicationNicPrefix) ? communicationPrefix : 'tap',
        taken,
      );
      await mkdir(files.nics, { recursive: true, mode: 0o775 });
      for (const note of [nic.uuid, String(index)]) {
        await writeFileAtomic(join(files.nics, note), name, { mode: 0o644, durable: false });
      }
      await createTap(name, features);
      return name;
    });
    this.#busy = turn.catch(() => {});
    return turn;
  }

  #wish(owner: TapOwner, index: number, nic: NicOnHost, device: string, phase?: 'pre' | 'post'): NicWish {
    const wish = { instance: owner.name, instanceTags: owner.tags, index, nic, device };
    return phase === undefined ? wish : { ...wish, phase };
  }

  /** @throws Failure HypervisorError when it can't be connected */
  connect(
    owner: TapOwner,
    index: number,
    nic: NicOnHost,
    tap: string,
    phase?: 'pre' | 'post',
  ): Promise<void> {
    return connectNic(this.#context, this.#wish(owner, index, nic, tap, phase));
  }

  disconnect(owner: TapOwner, index: number, nic: NicOnHost, tap: string): Promise<void> {
    return disconnectNic(this.#context, this.#wish(owner, index, nic, tap));
  }

  /** Takes one tap away with its notes; not there: fine. */
  async remove(files: GuestFiles, tap: string): Promise<void> {
    await removeTap(tap);
    for (const [file, name] of await readNotes(files.nics)) {
      if (name === tap) await unlink(join(files.nics, file)).catch(() => {});
    }
  }

  /** Takes all taps of a guest away; `nics` are those it was started with. */
  async removeAll(owner: TapOwner, files: GuestFiles, nics: readonly NicOnHost[]): Promise<void> {
    const notes = await readNotes(files.nics);
    for (const [index, nic] of nics.entries()) {
      const tap = tapOf(notes, index, nic);
      if (tap !== undefined) await this.disconnect(owner, index, nic, tap);
    }
    for (const tap of new Set(notes.values())) await removeTap(tap);
    await rm(files.nics, { recursive: true, force: true });
  }
}
