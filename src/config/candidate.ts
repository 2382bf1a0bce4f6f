/**
 * One master candidate: keeps its copy of the journal in step with this master's.
 *
 *     unknown ──position──► following ──append…──► in step
 *        ▲  └─not ours, or too old: snapshot─┘        │
 *        └──────────── any failure, after a pause ────┘
 *
 * A commit waits for candidates in step only. One that fails, or answers too late, falls out of step and
 * comes back by itself.
 */
import { type Failure, messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { NodeCaller } from '../noderpc/call.ts';
import { journalAppend, journalPosition, journalSnapshot } from '../noderpc/calls/journal.ts';
import { encodeLine } from '../noderpc/journal/lines.ts';
import { packConfiguration } from '../noderpc/journal-replica.ts';
import type { Snapshot } from './fold.ts';
import type { JournalEngine, JournalEntry } from './journal/engine.ts';

export interface CandidateOptions {
  readonly node: string;
  readonly nodes: NodeCaller;
  readonly engine: JournalEngine;
  /** Entries from a number on that are still in memory; undefined when they have to be read. */
  readonly recent: (from: number) => readonly JournalEntry[] | undefined;
  readonly snapshot: () => Promise<Snapshot>;
  readonly files: (since: number | null) => Promise<Readonly<Record<string, string | null>>>;
  readonly log: Log;
  /** Its place or its state has changed. */
  readonly progress: () => void;
  /** It follows a newer master. */
  readonly superseded: (reason: Failure) => void;
  /** Milliseconds of the first and the longest pause after a failure. */
  readonly pauseMs: readonly [number, number];
  /** Commits wait for its first alignment: a master that has just started must not run ahead of it. */
  readonly awaited: boolean;
}

const messageBytes = 1024 * 1024;

export class Candidate {
  readonly #options: CandidateOptions;
  #acknowledged = -1;
  #following = false;
  #inStep = false;
  #joining: boolean;
  #fault: string | undefined;
  #pause = 0;
  #pinned = Number.POSITIVE_INFINITY;
  #filesAt: number | null = null;
  /** config.data and the beginning of the journal that it was given last. */
  #given = '';
  #refresh: Promise<void> = Promise.resolve();
  #nextRefresh: Promise<void> | undefined;
  #wakeIdle: () => void = () => {};
  #wakePause: () => void = () => {};
  #closed = false;
  readonly #stopping = new AbortController();
  readonly #loop: Promise<void>;

  constructor(options: CandidateOptions) {
    this.#options = options;
    this.#joining = options.awaited;
    this.#loop = this.#run();
  }

  /** The newest entry that it is known to have; -1: unknown. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  get inStep(): boolean {
    return this.#inStep;
  }

  /** Do commits wait for it? */
  get awaited(): boolean {
    return this.#inStep || this.#joining;
  }

  /** Why it is not in step, when it failed. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** The oldest entry that it will be sent. */
  get pinned(): number {
    return this.#pinned;
  }

  /** There are new entries. */
  wake(): void {
    this.#wakeIdle();
  }

  /** There is a reason to try again at once after a failure. */
  retry(): void {
    this.#wakePause();
  }

  /** Commits no longer wait for it until it has caught up. */
  fallBehind(reason: string): void {
    if (!this.awaited) return;
    this.#inStep = false;
    this.#joining = false;
    this.#fault = reason;
    this.#options.log.warning(`Master candidate ${this.#options.node} is behind: ${reason}`);
    this.#options.progress();
  }

  /** Brings its config.data up to what was folded here; calls that come before it begins share it. */
  refresh(): Promise<void> {
    this.#nextRefresh ??= this.#refresh.then(async () => {
      this.#nextRefresh = undefined;
      await this.#sendFolded().catch((error: unknown) => {
        this.#options.log.debug(`config.data of ${this.#options.node}: ${messageOf(error)}`);
      });
    });
    this.#refresh = this.#nextRefresh;
    return this.#nextRefresh;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopping.abort();
    this.#wakeIdle();
    this.#wakePause();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        if (!this.#following) await this.#align();
        await this.#follow();
      } catch (error) {
        this.#fail(error);
        await this.#rest();
      }
    }
  }

  #fail(error: unknown): void {
    this.#following = false;
    this.#pinned = Number.POSITIVE_INFINITY;
    if (this.#closed) return;
    if ((error as Failure).args?.[1] === 'stale_epoch') {
      this.#closed = true;
      this.#options.superseded(error as Failure);
      return;
    }
    const [first, longest] = this.#options.pauseMs;
    this.#pause = Math.min(longest, Math.max(first, this.#pause * 2));
    const text = messageOf(error);
    if (this.awaited) this.fallBehind(text);
    else if (this.#fault === undefined)
      this.#options.log.warning(`Master candidate ${this.#options.node} can't be brought in step: ${text}`);
    this.#fault = text;
  }

  async #align(): Promise<void> {
    const { engine, node, nodes } = this.#options;
    const position = await nodes.call(node, journalPosition, {}, { signal: this.#stopping.signal });
    const ours = position.epoch === engine.epoch && position.last <= engine.last;
    if (ours && position.last + 1 >= engine.first && position.last >= 0) this.#acknowledged = position.last;
    else await this.#sendWhole();
    this.#following = true;
  }

  async #sendWhole(): Promise<void> {
    const { node, files, log } = this.#options;
    const snapshot = await this.#options.snapshot();
    this.#pinned = snapshot.keep;
    const jobs = await files(null);
    await this.#give(snapshot, jobs, true);
    this.#acknowledged = snapshot.keep - 1;
    this.#filesAt = snapshot.folded;
    log.info(`Master candidate ${node} was given the whole configuration, up to entry ${snapshot.folded}`);
  }

  async #sendFolded(): Promise<void> {
    const { files } = this.#options;
    const snapshot = await this.#options.snapshot();
    if (this.#closed || !this.#inStep || this.#acknowledged < snapshot.folded) return;
    const jobs = await files(this.#filesAt);
    const state = `${snapshot.sha256} ${snapshot.keep}`;
    if (state === this.#given && Object.keys(jobs).length === 0) return;
    await this.#give(snapshot, jobs, false);
    this.#filesAt = snapshot.folded;
  }

  async #give(
    snapshot: Snapshot,
    jobs: Readonly<Record<string, string | null>>,
    whole: boolean,
  ): Promise<void> {
    const { engine, node, nodes } = this.#options;
    const request = {
      epoch: engine.epoch,
      folded: snapshot.folded,
      last: snapshot.keep - 1,
      configuration: await packConfiguration(snapshot.bytes),
      jobs,
      whole,
    };
    this.#given = '';
    await nodes.call(node, journalSnapshot, request, { signal: this.#stopping.signal });
    this.#given = `${snapshot.sha256} ${snapshot.keep}`;
  }

  async #follow(): Promise<void> {
    const { engine } = this.#options;
    while (!this.#closed && this.#following) {
      this.#pinned = this.#acknowledged + 1;
      if (this.#acknowledged >= engine.last) {
        this.#catchUp();
        await this.#idle();
      } else await this.#send();
    }
  }

  #catchUp(): void {
    this.#pause = 0;
    this.#joining = false;
    if (this.#inStep) return;
    this.#inStep = true;
    this.#fault = undefined;
    this.#options.log.info(
      `Master candidate ${this.#options.node} is in step at entry ${this.#acknowledged}`,
    );
    this.#options.progress();
    void this.refresh();
  }

  async #send(): Promise<void> {
    const { engine, node, nodes } = this.#options;
    const first = this.#acknowledged + 1;
    const entries = await this.#lines(first);
    const request = { epoch: engine.epoch, first, entries };
    const { last } = await nodes.call(node, journalAppend, request, { signal: this.#stopping.signal });
    // Anything but all of it means that the copy is not what it was believed to be.
    if (last < first + entries.length - 1) {
      this.#following = false;
      return;
    }
    this.#acknowledged = first + entries.length - 1;
    this.#options.progress();
  }

  async #lines(first: number): Promise<string[]> {
    const lines: string[] = [];
    let bytes = 0;
    const take = (entry: JournalEntry) => {
      const line = encodeLine(entry, first).slice(0, -1);
      lines.push(line);
      bytes += line.length;
      return bytes < messageBytes;
    };
    const recent = this.#options.recent(first);
    if (recent === undefined) {
      for await (const entry of this.#options.engine.read(first)) if (!take(entry)) break;
    } else for (const entry of recent) if (!take(entry)) break;
    return lines;
  }

  #idle(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wakeIdle = resolve;
    });
  }

  #rest(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#pause);
      timer.unref();
      this.#wakePause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
