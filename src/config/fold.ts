/**
 * Folding: the journal's commits are brought into config.data in the background, some time after they
 * were made, so that many commits share one writing of the file; then what the journal no longer needs
 * goes. Copies of config.data are kept, with the journal since the newest of them, so that a damaged file
 * loses nothing.
 */
import { link, readFile, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import type { Configuration } from '../model/configuration.ts';
import { type Backup, type Position, sha256, writePosition } from '../noderpc/journal/position.ts';
import { writeConfigFile } from './config-file.ts';
import type { JournalEngine, JournalKeeper } from './journal/engine.ts';

/** A published configuration and the newest entry that it contains. */
export interface At {
  readonly configuration: Configuration;
  readonly number: number;
}

/** config.data as it is on the disk. */
export interface Snapshot {
  readonly bytes: Buffer;
  /** Of the bytes. */
  readonly sha256: string;
  /** The last entry that is in it. */
  readonly folded: number;
  /** The oldest entry that is still needed beside it. */
  readonly keep: number;
}

export interface FoldOptions {
  readonly paths: Pick<Paths, 'configFile' | 'journalDir'>;
  readonly engine: JournalEngine;
  readonly position: Position;
  readonly current: () => At;
  /** Entries from this number on are wanted by somebody else. */
  readonly wanted: () => number;
  readonly log: Log;
  /** Milliseconds between the first commit and its folding, at least. */
  readonly delayMs?: number;
}

/** What others wrote is in no hurry to be folded. */
const othersDelayMs = 60_000;

/** So many entries may be read at a start before the old ones are let go. */
const staleEntries = 10_000;

const backupEveryMs = 3_600_000;
const backupBulk = 8;
const backupCount = 3;
/** Folding takes at most this share of the time. */
const share = 1 / 20;

function backupName(configFile: string, time: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = `${two(time.getHours())}_${two(time.getMinutes())}_${two(time.getSeconds())}`;
  return `${basename(configFile)}.backup-${day}_${clock}.${Math.random().toString(36).slice(2, 10)}`;
}

export class Folder {
  readonly #options: FoldOptions;
  #position: Position;
  #keeper: JournalKeeper | undefined;
  #keep: number;
  #folded: Configuration | undefined;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;
  #lastMs = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #cleaning: Promise<void> | undefined;
  /** Files of the journal that the last cleaning has left. */
  #bulk = 1;
  #backupNow = false;
  #stopped = false;
  readonly #listeners: (() => void)[] = [];

  constructor(options: FoldOptions) {
    this.#options = options;
    this.#position = options.position;
    this.#keep = options.position.keep ?? options.engine.first;
  }

  /** Entries of others go once their keeper has them elsewhere; before there is one, none goes. */
  set keeper(keeper: JournalKeeper) {
    this.#keeper = keeper;
    if (this.#isStale) this.touch('others');
  }

  get #isStale(): boolean {
    const { last, bulk } = this.#options.engine;
    return last - this.#keep >= staleEntries || bulk > this.#bulk;
  }

  onFolded(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** The file as it is now is kept as a copy at the next folding. */
  keepCopy(): void {
    this.#backupNow = true;
  }

  /** Something was written, by the store or by others: fold after a while. */
  touch(by: 'store' | 'others'): void {
    const wait =
      by === 'others' && !this.#isStale
        ? othersDelayMs
        : Math.max(this.#options.delayMs ?? 1000, this.#lastMs / share);
    const due = performance.now() + wait;
    if (due >= this.#due || this.#stopped) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => {
      this.flush().catch((error: unknown) => {
        this.#options.log.error(`Can't write ${this.#options.paths.configFile}: ${messageOf(error)}`);
        this.touch('store');
      });
    }, wait);
    this.#timer.unref();
  }

  /** Resolves when config.data has everything that was published when this was called. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#due = Number.POSITIVE_INFINITY;
    await this.#inTurn(() => this.#fold());
    if (this.#isStale && !this.#stopped) this.#cleanLater();
  }

  /** config.data with the number that goes with it. */
  snapshot(): Promise<Snapshot> {
    return this.#inTurn(async () => {
      if (this.#position.folded === null) await this.#fold();
      return {
        bytes: await readFile(this.#options.paths.configFile),
        sha256: this.#position.folded!.sha256,
        folded: this.#position.folded!.number,
        keep: this.#keep,
      };
    });
  }

  /** Nothing is folded any more by itself, and nothing of the journal goes. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#cleaning;
    await this.#turn;
  }

  async #fold(): Promise<void> {
    const begun = performance.now();
    const { configuration, number } = this.#options.current();
    if (configuration !== this.#folded) await this.#write(configuration, number);
    else if (number !== this.#position.folded?.number) await this.#advance(number);
    this.#lastMs = performance.now() - begun;
    for (const listener of this.#listeners) listener();
  }

  async #write(configuration: Configuration, number: number): Promise<void> {
    const { paths, log } = this.#options;
    const file = await writeConfigFile(paths.configFile, configuration);
    try {
      await this.#set({ next: { number, sha256: file.sha256 } });
      await this.#backup();
      await file.install();
    } catch (error) {
      await file.discard();
      throw error;
    }
    await this.#set({ folded: { number, sha256: file.sha256 }, next: null });
    this.#folded = configuration;
    log.debug(`config.data has every commit up to entry ${number}`);
  }

  /** Nothing of the configuration has changed since; only the number goes on. */
  async #advance(number: number): Promise<void> {
    const { folded } = this.#position;
    if (folded !== null) await this.#set({ folded: { ...folded, number } });
  }

  /** Keeps the file that is about to be replaced, when the newest copy is old. */
  async #backup(): Promise<void> {
    const { folded, backups } = this.#position;
    const newest = backups[0];
    const due =
      this.#backupNow ||
      newest === undefined ||
      Date.now() - newest.time > backupEveryMs ||
      this.#options.engine.bulk > backupBulk;
    if (folded === null || !due || newest?.number === folded.number) return;
    const { configFile } = this.#options.paths;
    if (sha256(await readFile(configFile).catch(() => '')) !== folded.sha256) return;
    const time = new Date();
    const copy: Backup = { ...folded, file: backupName(configFile, time), time: time.getTime() };
    await link(configFile, join(dirname(configFile), copy.file));
    const kept = [copy, ...backups];
    await this.#set({ backups: kept.slice(0, backupCount) });
    for (const old of kept.slice(backupCount))
      await unlink(join(dirname(configFile), old.file)).catch(() => {});
    this.#backupNow = false;
  }

  /**
   * Lets the journal's old files go. Not in turn with folding: whoever else keeps entries may write new
   * ones first, and those may wait for a candidate that waits for a snapshot.
   */
  #cleanLater(): void {
    this.#cleaning ??= this.#clean()
      .catch((error: unknown) => {
        this.#options.log.warning(`Old files of the journal stay: ${messageOf(error)}`);
      })
      .finally(() => {
        this.#cleaning = undefined;
      });
  }

  async #clean(): Promise<void> {
    const { engine } = this.#options;
    const number = this.#position.folded?.number ?? 0;
    if (this.#keeper !== undefined) {
      this.#keep = await this.#keeper.fold(number);
      await this.#inTurn(() => this.#set({ keep: this.#keep }));
    }
    const sinceBackup = (this.#position.backups[0]?.number ?? number) + 1;
    await engine.dropBefore(Math.min(this.#keep, sinceBackup, number + 1, this.#options.wanted()));
    this.#bulk = Math.max(1, engine.bulk);
  }

  async #set(change: Partial<Position>): Promise<void> {
    const position = { ...this.#position, ...change };
    await writePosition(this.#options.paths.journalDir, position);
    this.#position = position;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}
