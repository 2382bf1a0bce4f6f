/** A journal without a disk, for tests of whatever stands on one. It can be told to fail and to wait. */
import { Failure } from '../../kit/failure.ts';
import type { JournalEngine, JournalEntry } from './engine.ts';
import { GroupCommit } from './group-commit.ts';

export interface MemoryEngine extends JournalEngine {
  /** Everything durable, oldest first. */
  readonly entries: readonly JournalEntry[];
  /** How many writes there were: entries that shared one count once. */
  readonly writes: number;
  /** The next write fails with this text. */
  failNext(text: string): void;
  /** Writes wait until the returned function is called. */
  hold(): () => void;
}

export function createMemoryEngine(
  start: { readonly epoch?: number; readonly base?: number } = {},
): MemoryEngine {
  const epoch = start.epoch ?? 1;
  const entries: JournalEntry[] = [];
  let base = start.base ?? 0;
  let failure: string | undefined;
  let gate: Promise<void> = Promise.resolve();
  let writes = 0;
  const commits = new GroupCommit({
    epoch,
    last: base,
    async write(batch) {
      await gate;
      const text = failure;
      failure = undefined;
      if (text !== undefined) throw new Failure('ConfigurationError', [text]);
      writes += 1;
      entries.push(...batch);
    },
  });
  return {
    epoch,
    entries,
    get writes() {
      return writes;
    },
    get last() {
      return commits.last;
    },
    get first() {
      return base + 1;
    },
    broken: undefined,
    get bulk() {
      return 1;
    },
    append: (kind, json) => commits.append(kind, json),
    async *read(from) {
      yield* entries.filter((entry) => entry.number >= from);
    },
    async dropBefore(number) {
      const gone = entries.findIndex((entry) => entry.number >= number);
      const dropped = entries.splice(0, gone === -1 ? entries.length : gone);
      base = dropped.at(-1)?.number ?? base;
    },
    onDurable: (listener) => commits.onDurable(listener),
    onLoss: (listener) => commits.onLoss(listener),
    close: () => commits.close(),
    failNext(text) {
      failure = text;
    },
    hold() {
      let open = () => {};
      gate = new Promise((resolve) => {
        open = resolve;
      });
      return open;
    },
  };
}
