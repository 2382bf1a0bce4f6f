/**
 * The journal's files: `entries-<number of the first entry>.log`, each continuing the one before. Only
 * the newest is written to. A write that fails is taken back, so that the file ends with a whole line.
 */
import { type FileHandle, mkdir, open, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../../kit/atomic-file.ts';
import { Failure, messageOf } from '../../kit/failure.ts';
import type { Log } from '../../kit/log.ts';
import { encodeLine, type JournalEntry, type LineEntry, scanLines } from './lines.ts';

interface Segment {
  readonly first: number;
  readonly path: string;
  /** Durable bytes; known for the newest only. */
  bytes: number;
}

/** Second argument of the failure of a write that may go well another time: the disk was full. */
export const temporaryFault = 'temporary';

const namePattern = /^entries-(\d{15})\.log$/;

function segmentPath(directory: string, first: number): string {
  return join(directory, `entries-${String(first).padStart(15, '0')}.log`);
}

export class SegmentLog {
  readonly #directory: string;
  readonly #log: Log;
  readonly #largest: number;
  #segments: Segment[] = [];
  #handle: FileHandle | undefined;
  #last: number;
  #broken: string | undefined;

  private constructor(directory: string, base: number, log: Log, largest: number) {
    this.#directory = directory;
    this.#log = log;
    this.#largest = largest;
    this.#last = base;
  }

  /**
   * Opens the folder's journal, cutting a torn last write off.
   * @param base number after which an empty journal goes on
   * @param largest bytes after which a new file is begun
   * @throws Failure ConfigurationError when a file is damaged, naming it and the byte
   */
  static async open(directory: string, base: number, log: Log, largest = 8 * 1024 * 1024) {
    await mkdir(directory, { recursive: true, mode: 0o750 });
    const segments = new SegmentLog(directory, base, log, largest);
    const firsts = (await readdir(directory))
      .flatMap((name) => namePattern.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
    segments.#segments = firsts.map((first) => ({ first, path: segmentPath(directory, first), bytes: 0 }));
    await segments.#repair();
    return segments;
  }

  /** Number of the newest durable entry. */
  get last(): number {
    return this.#last;
  }

  /** Number of the oldest entry that is still here; `last + 1` when there is none. */
  get first(): number {
    return this.#segments[0]?.first ?? this.#last + 1;
  }

  /** Why nothing can be written any more until the journal is opened anew; undefined as long as it can. */
  get broken(): string | undefined {
    return this.#broken;
  }

  async #repair(): Promise<void> {
    const newest = this.#segments.at(-1);
    if (newest === undefined) return;
    const data = await readFile(newest.path);
    const scan = scanLines(data, newest.first);
    if (scan.damaged) throw damage(newest.path, scan.wholeBytes);
    newest.bytes = scan.wholeBytes;
    this.#last = newest.first + scan.entries.length - 1;
    if (!scan.torn) return;
    this.#log.warning(
      `Journal ${newest.path}: the last write was torn; cut ${data.length - scan.wholeBytes} bytes after entry ${this.#last}`,
    );
    const handle = await open(newest.path, 'r+');
    try {
      await handle.truncate(scan.wholeBytes);
      await handle.datasync();
    } finally {
      await handle.close();
    }
  }

  async #writable(): Promise<{ segment: Segment; handle: FileHandle }> {
    const newest = this.#segments.at(-1);
    if (newest !== undefined && newest.bytes < this.#largest) {
      this.#handle ??= await open(newest.path, 'r+');
      return { segment: newest, handle: this.#handle };
    }
    await this.#handle?.close();
    this.#handle = undefined;
    const first = this.#last + 1;
    const path = segmentPath(this.#directory, first);
    const handle = await open(path, 'w', 0o640);
    await syncDirectory(this.#directory);
    const segment = { first, path, bytes: 0 };
    this.#segments.push(segment);
    this.#handle = handle;
    return { segment, handle };
  }

  /**
   * Writes the entries, whose numbers continue the journal, and waits until they are on the disk. When
   * that fails nothing was written, or no further write is possible (`broken`).
   * @throws Failure ConfigurationError; [sentence, "temporary"] when it may go well another time
   */
  async append(entries: readonly JournalEntry[]): Promise<void> {
    if (entries.length === 0) return;
    if (this.#broken !== undefined) throw new Failure('ConfigurationError', [this.#broken]);
    const batch = this.#last + 1;
    if (entries[0]!.number !== batch) {
      throw new Failure('ProgrammerError', [
        `journal entry ${entries[0]!.number} does not follow ${this.#last}`,
      ]);
    }
    const data = Buffer.from(entries.map((entry) => encodeLine(entry, batch)).join(''));
    try {
      const { segment, handle } = await this.#writable();
      await this.#write(handle, data, segment);
    } catch (error) {
      if (error instanceof Failure) throw error;
      const text = `Can't write the journal: ${messageOf(error)}`;
      throw new Failure('ConfigurationError', this.#broken === undefined ? [text, temporaryFault] : [text], {
        cause: error,
      });
    }
    this.#last += entries.length;
  }

  async #write(handle: FileHandle, data: Buffer, segment: Segment): Promise<void> {
    try {
      for (let done = 0; done < data.length; ) {
        done += (await handle.write(data, done, data.length - done, segment.bytes + done)).bytesWritten;
      }
    } catch (error) {
      await this.#takeBack(handle, segment);
      throw error;
    }
    try {
      await handle.datasync();
    } catch (error) {
      // After a failed fsync nobody knows what is on the disk, and asking again would lie.
      this.#broken = `The journal's disk failed: ${messageOf(error)}; the master daemon must be restarted`;
      throw new Failure('ConfigurationError', [this.#broken], { cause: error });
    }
    segment.bytes += data.length;
  }

  async #takeBack(handle: FileHandle, segment: Segment): Promise<void> {
    try {
      await handle.truncate(segment.bytes);
      await handle.datasync();
    } catch (error) {
      this.#broken = `The journal can't be brought back to its last whole entry: ${messageOf(error)}`;
    }
  }

  /**
   * Entries from number `from` on, oldest first, as far as they are durable now.
   * @throws Failure ConfigurationError when a file is damaged or `from` is no longer here
   */
  async *read(from: number): AsyncGenerator<LineEntry> {
    const end = this.#last;
    if (from > end) return;
    if (from < this.first) {
      throw new Failure('ConfigurationError', [
        `Journal entry ${from} is no longer there; the oldest is ${this.first}`,
      ]);
    }
    const segments = [...this.#segments];
    for (const [index, segment] of segments.entries()) {
      const next = segments[index + 1]?.first ?? end + 1;
      if (next <= from) continue;
      const scan = scanLines(await readFile(segment.path), segment.first);
      if (segment.first + scan.entries.length < Math.min(next, end + 1))
        throw damage(segment.path, scan.wholeBytes);
      for (const entry of scan.entries) {
        if (entry.number >= from && entry.number <= end) yield entry;
      }
    }
  }

  /** Begins a new file with the next entry, so that what is before can go. */
  async rotate(): Promise<void> {
    const newest = this.#segments.at(-1);
    if (newest === undefined || newest.bytes === 0) return;
    await this.#handle?.close();
    this.#handle = undefined;
    const first = this.#last + 1;
    const path = segmentPath(this.#directory, first);
    this.#handle = await open(path, 'w', 0o640);
    await syncDirectory(this.#directory);
    this.#segments.push({ first, path, bytes: 0 });
  }

  /** Removes files that hold nothing but entries before `number`. */
  async dropBefore(number: number): Promise<void> {
    while (this.#segments.length > 1 && this.#segments[1]!.first <= number) {
      const [oldest] = this.#segments.splice(0, 1);
      await unlink(oldest!.path);
    }
  }

  /** Forgets everything; the next entry follows `base`. */
  async reset(base: number): Promise<void> {
    await this.close();
    for (const segment of this.#segments.splice(0)) await unlink(segment.path);
    await syncDirectory(this.#directory);
    this.#last = base;
  }

  /** Bytes of all files together, as far as this process has written or opened them. */
  get files(): number {
    return this.#segments.length;
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}

function damage(path: string, offset: number): Failure {
  return new Failure('ConfigurationError', [
    `Journal ${path} is damaged at byte ${offset}, before entries that were durable. Restore the file from a` +
      ' master candidate, or move the journal folder away to go on with config.data as it is',
  ]);
}
