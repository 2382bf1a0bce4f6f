/** The journal on this machine's disk: the engine of clusters that need nothing else. */
import type { Log } from '../../kit/log.ts';
import { SegmentLog } from '../../noderpc/journal/segments.ts';
import type { JournalEngine } from './engine.ts';
import { GroupCommit } from './group-commit.ts';

export interface FileEngineOptions {
  readonly directory: string;
  readonly epoch: number;
  /** Number after which a journal without entries goes on. */
  readonly base: number;
  readonly log: Log;
  /** Bytes of one file. */
  readonly segmentBytes?: number;
}

/**
 * Opens the journal; a torn last write is cut off and told to the log.
 * @throws Failure ConfigurationError when a file is damaged, naming it and the byte
 */
export async function openFileEngine(options: FileEngineOptions): Promise<JournalEngine> {
  const { directory, epoch, base, log } = options;
  const segments = await SegmentLog.open(directory, base, log, options.segmentBytes);
  const commits = new GroupCommit({
    epoch,
    last: segments.last,
    write: (entries) => inTurn(() => segments.append(entries)),
  });
  // Files are rotated and removed between writes, never under one.
  let turn: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work);
    turn = result.catch(() => {});
    return result;
  }
  return {
    epoch,
    get last() {
      return commits.last;
    },
    get first() {
      return segments.first;
    },
    get bulk() {
      return segments.files;
    },
    get broken() {
      return segments.broken;
    },
    append: (kind, json) => commits.append(kind, json),
    read: (from) => segments.read(from),
    dropBefore: (number) =>
      inTurn(async () => {
        if (number > segments.last) await segments.rotate();
        await segments.dropBefore(number);
      }),
    onDurable: (listener) => commits.onDurable(listener),
    onLoss: (listener) => commits.onLoss(listener),
    async close() {
      await commits.close();
      await inTurn(() => segments.close());
    },
  };
}
