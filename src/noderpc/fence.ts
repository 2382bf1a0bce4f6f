/**
 * Two masters at once are told apart on every node: each master carries its epoch, a number higher than
 * that of every master before it, with every call. A node remembers the highest that it has heard of, across
 * restarts, and refuses calls of an older master, whatever they ask for. Candidates keep the same word for
 * their copy of the journal (journal-replica.ts).
 */
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../kit/atomic-file.ts';
import { Failure } from '../kit/failure.ts';
import type { Paths } from '../kit/paths.ts';

/** Carries the epoch of the master that calls. */
export const epochHeader = 'x-master-epoch';

/** Second argument of the failure with which an older master is refused. */
export const staleCode = 'stale_epoch';

export interface Fence {
  /** The newest epoch that this node has heard of; 0: none. */
  readonly epoch: number;
  /**
   * Remembers a newer epoch, durably, before it resolves.
   * @throws Failure ConfigurationError [sentence, "stale_epoch"] for an older one
   */
  admit(epoch: number): Promise<void>;
  /** Like `admit`, for the first who names the epoch: @throws as well when it is known already. */
  promise(epoch: number): Promise<void>;
}

/** What an older master is told. */
export function staleMaster(epoch: number, newest: number): Failure {
  return new Failure('ConfigurationError', [
    `The master of epoch ${epoch} is no longer master: this node follows epoch ${newest}`,
    staleCode,
  ]);
}

export function isStaleMaster(error: unknown): error is Failure {
  return error instanceof Failure && error.args[1] === staleCode;
}

const fileOf = ({ dataDir }: Pick<Paths, 'dataDir'>) => join(dataDir, 'master-epoch');

/** A machine that is in no cluster follows no master: what an earlier cluster left goes. */
export async function forgetMasters(paths: Pick<Paths, 'dataDir' | 'journalDir'>): Promise<void> {
  await rm(fileOf(paths), { force: true });
  await rm(paths.journalDir, { recursive: true, force: true });
}

function read(path: string): number {
  try {
    const epoch = Number(readFileSync(path, 'utf8').trim());
    return Number.isSafeInteger(epoch) && epoch > 0 ? epoch : 0;
  } catch {
    return 0;
  }
}

/** @param raised called after a newer master was heard of */
export function openFence(
  paths: Pick<Paths, 'dataDir'>,
  raised: (epoch: number) => Promise<void> = async () => {},
): Fence {
  const path = fileOf(paths);
  let known = read(path);
  let turn: Promise<unknown> = Promise.resolve();
  /** @returns whether it was news */
  const raise = (epoch: number) => {
    const work = turn.then(async () => {
      if (epoch <= known) return false;
      await writeFileAtomic(path, `${epoch}\n`, { mode: 0o640 });
      known = epoch;
      await raised(epoch);
      return true;
    });
    turn = work.catch(() => {});
    return work;
  };
  return {
    get epoch() {
      return known;
    },
    async admit(epoch) {
      if (epoch > known) await raise(epoch);
      if (epoch < known) throw staleMaster(epoch, known);
    },
    async promise(epoch) {
      if (!(await raise(epoch))) throw staleMaster(epoch, known);
    },
  };
}
