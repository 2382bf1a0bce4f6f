/**
 * Entries that arrive while a write runs share the next one, so that the cost of making them durable is
 * divided by as many as came meanwhile. What one write loses, everything queued behind it loses too: a
 * journal has no gaps.
 */
import { Failure, messageOf } from '../../kit/failure.ts';
import type { Appended, JournalEntry } from './engine.ts';

interface Waiting {
  readonly entry: JournalEntry;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export interface GroupCommitOptions {
  readonly epoch: number;
  /** Number of the newest durable entry at the start. */
  readonly last: number;
  /** Makes the entries durable, all or none. */
  readonly write: (entries: readonly JournalEntry[]) => Promise<void>;
  /** Most entries of one write. */
  readonly most?: number;
}

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #durable: ((entries: readonly JournalEntry[]) => void)[] = [];
  readonly #lost: ((error: Error) => void)[] = [];
  #queue: Waiting[] = [];
  #running: Promise<void> | undefined;
  #last: number;
  #next: number;
  #closed = false;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#last = options.last;
    this.#next = options.last + 1;
  }

  get last(): number {
    return this.#last;
  }

  onDurable(listener: (entries: readonly JournalEntry[]) => void): void {
    this.#durable.push(listener);
  }

  onLoss(listener: (error: Error) => void): void {
    this.#lost.push(listener);
  }

  append(kind: string, json: string): Appended {
    if (this.#closed) throw new Failure('ConfigurationError', ['The journal is closed']);
    const entry: JournalEntry = { number: this.#next, epoch: this.#options.epoch, kind, json };
    this.#next += 1;
    const durable = new Promise<void>((resolve, reject) => {
      this.#queue.push({ entry, resolve, reject });
    });
    this.#running ??= this.#run();
    return { number: entry.number, durable };
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, this.#options.most ?? 4096);
      const entries = batch.map((waiting) => waiting.entry);
      try {
        await this.#options.write(entries);
      } catch (error) {
        this.#lose(batch, error instanceof Error ? error : new Error(messageOf(error)));
        continue;
      }
      this.#last = entries.at(-1)!.number;
      for (const listener of this.#durable) listener(entries);
      for (const waiting of batch) waiting.resolve();
    }
    this.#running = undefined;
  }

  #lose(batch: readonly Waiting[], error: Error): void {
    const lost = [...batch, ...this.#queue];
    this.#queue = [];
    this.#next = this.#last + 1;
    for (const listener of this.#lost) listener(error);
    for (const waiting of lost) waiting.reject(error);
  }

  /** Resolves when everything that was taken is written or lost. Nothing is taken afterwards. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }
}
