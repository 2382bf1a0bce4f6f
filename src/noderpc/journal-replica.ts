/**
 * A master candidate's copy of the journal, in the same folder and form as a master's own, so that a
 * candidate becomes master by opening it. The node daemon answers journal_append, journal_snapshot and
 * journal_position with this.
 *
 * Two masters at once are told apart by the epoch: once a newer one was heard of, entries of the older
 * are refused. A copy follows an epoch only after a whole snapshot of it, since its own end may be
 * something that the older master wrote and nobody else has.
 */
import { mkdir, readdir, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { writeFileAtomic } from '../kit/atomic-file.ts';
import { Failure } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import { staleMaster } from './fence.ts';
import { decodeLine, encodeLine, type LineEntry } from './journal/lines.ts';
import { journalOwner } from './journal/owner.ts';
import { firstPosition, type Position, readPosition, sha256, writePosition } from './journal/position.ts';
import { SegmentLog } from './journal/segments.ts';

/** Which master wrote a copy, and its newest entry. */
export interface HeldCopy {
  readonly epoch: number;
  readonly last: number;
}

export interface ReplicaOptions {
  readonly paths: Pick<Paths, 'journalDir' | 'configFile' | 'queueDir'>;
  readonly log: Log;
}

export interface Snapshot {
  readonly epoch: number;
  /** The last entry that is in the configuration. */
  readonly folded: number;
  /** The journal goes on after this entry; no larger than `folded`. */
  readonly last: number;
  /** What `packConfiguration` gave. */
  readonly configuration: string;
  /** Files of the job queue by name; null: gone. */
  readonly jobs: Readonly<Record<string, string | null>>;
  /** Nothing of before stays: journal, and job files that are not named. */
  readonly whole: boolean;
}

export interface JournalReplica {
  /**
   * Keeps the lines durably. `last` says where the copy ends afterwards: before `first` when there was a
   * gap, -1 when it needs a snapshot first; nothing was kept then.
   * @throws Failure ConfigurationError [sentence, "stale_epoch"] for an older master
   */
  append(request: {
    readonly epoch: number;
    readonly first: number;
    readonly entries: readonly string[];
  }): Promise<{ readonly last: number }>;
  /** @throws Failure ConfigurationError [sentence, "stale_epoch"] for an older master */
  snapshot(request: Snapshot): Promise<void>;
  /** The newest epoch that was heard of; `last` is -1 when a snapshot is needed. */
  position(): Promise<{ readonly epoch: number; readonly last: number }>;
  /** What the copy has, whomever the node follows; null when it is not whole. */
  held(): Promise<HeldCopy | null>;
  /**
   * Follows nobody older than the epoch from now on; a node without a copy has nothing to refuse.
   * @throws Failure ConfigurationError [sentence, "stale_epoch"] when this or a newer one was promised already
   */
  promise(epoch: number): Promise<HeldCopy | null>;
  /** Lines of the copy from entry `from` on, at most about a megabyte. */
  read(from: number): Promise<string[]>;
  /** Brings the copy up to date with lines that another copy of the same master has; by a node that takes over. */
  extend(lines: readonly string[]): Promise<void>;
  /** Removes the copy: this node is no candidate any more. */
  forget(): Promise<void>;
  close(): Promise<void>;
}

const jobFilePattern = /^(?:archive\/\d{1,9}\/)?(?:job-\d{1,15}|serial|version|drain)$/;
const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** config.data as it travels: small, and without quotes that JSON would have to escape. */
export async function packConfiguration(bytes: Uint8Array): Promise<string> {
  return (await compress(bytes, { level: 1 })).toString('base64');
}

export async function unpackConfiguration(text: string): Promise<Buffer> {
  return await decompress(Buffer.from(text, 'base64'));
}

function decodeLines(texts: readonly string[], first: number): LineEntry[] {
  return texts.map((text, index) => {
    const entry = decodeLine(Buffer.from(text));
    if (entry === undefined || entry.number !== first + index) {
      throw new Failure('ProtocolError', [`journal line ${first + index} is not whole`]);
    }
    return entry;
  });
}

/** Bytes of one answer to a reader. */
const readBytes = 1024 * 1024;

interface Opened {
  position: Position;
  readonly segments: SegmentLog;
}

function heldBy({ position, segments }: Opened): HeldCopy | null {
  return position.epoch === 0 ? null : { epoch: position.epoch, last: segments.last };
}

class Replica implements JournalReplica {
  readonly #options: ReplicaOptions;
  readonly #directory: string;
  #opened: Opened | undefined;
  #seen = '';
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#directory = options.paths.journalDir;
  }

  append(request: Parameters<JournalReplica['append']>[0]): Promise<{ last: number }> {
    return this.#inTurn(async () => {
      const opened = await this.#open();
      await this.#promise(opened, request.epoch);
      if (opened.position.epoch !== request.epoch) return { last: -1 };
      const have = opened.segments.last;
      if (request.first > have + 1) return { last: have };
      const entries = decodeLines(request.entries, request.first);
      await opened.segments.append(entries.filter((entry) => entry.number > have));
      return { last: opened.segments.last };
    });
  }

  snapshot(request: Snapshot): Promise<void> {
    return this.#inTurn(async () => {
      const opened = await this.#open();
      await this.#promise(opened, request.epoch);
      const bytes = await unpackConfiguration(request.configuration);
      const follows = opened.position.epoch === request.epoch;
      if (request.whole) await this.#replace(opened, request, bytes);
      else if (follows && request.folded <= opened.segments.last) await this.#refresh(opened, request, bytes);
      else throw new Failure('ConfigurationError', ['This copy needs a whole snapshot first', 'behind']);
    });
  }

  position(): Promise<{ epoch: number; last: number }> {
    return this.#inTurn(async () => {
      const { position, segments } = await this.#open();
      const follows = position.epoch !== 0 && position.epoch === position.promised;
      return { epoch: position.promised, last: follows ? segments.last : -1 };
    });
  }

  held(): Promise<HeldCopy | null> {
    return this.#inTurn(async () => heldBy(await this.#open()));
  }

  promise(epoch: number): Promise<HeldCopy | null> {
    return this.#inTurn(async () => {
      if ((await readPosition(this.#directory)) === undefined) return null;
      const opened = await this.#open();
      if (epoch <= opened.position.promised) throw staleMaster(epoch, opened.position.promised);
      await this.#promise(opened, epoch);
      return heldBy(opened);
    });
  }

  read(from: number): Promise<string[]> {
    return this.#inTurn(async () => {
      const lines: string[] = [];
      let bytes = 0;
      for await (const entry of (await this.#open()).segments.read(from)) {
        lines.push(encodeLine(entry, entry.batch).slice(0, -1));
        bytes += entry.json.length;
        if (bytes > readBytes) break;
      }
      return lines;
    });
  }

  extend(lines: readonly string[]): Promise<void> {
    return this.#inTurn(async () => {
      const { position, segments } = await this.#open();
      const entries = decodeLines(lines, segments.last + 1);
      const strange = entries.find((entry) => entry.epoch > position.epoch);
      if (strange !== undefined)
        throw new Failure('ConfigurationError', [
          `Journal entry ${strange.number} is of epoch ${strange.epoch}, this copy is of ${position.epoch}`,
        ]);
      await segments.append(entries);
    });
  }

  forget(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#refuseWhenOwned();
      await this.#drop();
      await rm(this.#directory, { recursive: true, force: true });
    });
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#drop());
  }

  /** A snapshot that replaces everything; whoever finds it half done finds epoch 0 and trusts nothing. */
  async #replace(opened: Opened, request: Snapshot, bytes: Buffer): Promise<void> {
    await this.#write(opened, { ...opened.position, epoch: 0, folded: null, next: null, backups: [] });
    await opened.segments.reset(request.last);
    await this.#writeJobs(request.jobs);
    await this.#removeJobsBut(request.jobs);
    await writeFileAtomic(this.#options.paths.configFile, bytes, { mode: 0o640 });
    const folded = { number: request.folded, sha256: sha256(bytes) };
    const keep = request.last + 1;
    await this.#write(opened, { ...opened.position, epoch: request.epoch, base: request.last, folded, keep });
    this.#options.log.info(
      `Configuration and journal taken whole from the master of epoch ${request.epoch}, up to entry ${request.folded}`,
    );
  }

  async #refresh(opened: Opened, request: Snapshot, bytes: Buffer): Promise<void> {
    const folded = { number: request.folded, sha256: sha256(bytes) };
    await this.#writeJobs(request.jobs);
    await this.#write(opened, { ...opened.position, next: folded });
    await writeFileAtomic(this.#options.paths.configFile, bytes, { mode: 0o640 });
    await this.#write(opened, { ...opened.position, folded, next: null, keep: request.last + 1 });
    await opened.segments.dropBefore(request.last + 1);
  }

  async #writeJobs(jobs: Snapshot['jobs']): Promise<void> {
    for (const name of Object.keys(jobs)) {
      if (!jobFilePattern.test(name))
        throw new Failure('ProtocolError', [`'${name}' is no file of the job queue`]);
    }
    for (const [name, content] of Object.entries(jobs)) {
      const path = join(this.#options.paths.queueDir, name);
      if (content === null) {
        await unlink(path).catch(() => {});
        continue;
      }
      await mkdir(dirname(path), { recursive: true, mode: 0o750 });
      await writeFileAtomic(path, content, { mode: 0o640 });
    }
  }

  async #removeJobsBut(jobs: Snapshot['jobs']): Promise<void> {
    const names = await readdir(this.#options.paths.queueDir).catch(() => [] as string[]);
    for (const name of names) {
      if (/^(?:job-\d+|drain)$/.test(name) && jobs[name] === undefined) {
        await unlink(join(this.#options.paths.queueDir, name)).catch(() => {});
      }
    }
  }

  /** Keeps the word never to take entries of an older master than this. */
  async #promise(opened: Opened, epoch: number): Promise<void> {
    if (epoch < opened.position.promised) throw staleMaster(epoch, opened.position.promised);
    if (epoch > opened.position.promised) await this.#write(opened, { ...opened.position, promised: epoch });
  }

  async #write(opened: Opened, position: Position): Promise<void> {
    await writePosition(this.#directory, position);
    opened.position = position;
    this.#seen = await this.#signature();
  }

  async #signature(): Promise<string> {
    const found = await stat(join(this.#directory, 'position.json'), { bigint: true }).catch(() => undefined);
    return found === undefined ? '' : `${found.ino}:${found.mtimeNs}`;
  }

  async #refuseWhenOwned(): Promise<void> {
    const owner = await journalOwner(this.#directory);
    if (owner === undefined) return;
    await this.#drop();
    throw new Failure('ConfigurationError', [
      `The master daemon runs on this node as process ${owner}; it must stop before the node can follow another`,
      'master_running',
    ]);
  }

  /** What is there now: a master daemon may have had the folder since the last request. */
  async #open(): Promise<Opened> {
    await this.#refuseWhenOwned();
    if (this.#opened !== undefined && this.#seen === (await this.#signature())) return this.#opened;
    await this.#drop();
    const position = (await readPosition(this.#directory)) ?? { ...firstPosition, epoch: 0, promised: 0 };
    const segments = await SegmentLog.open(this.#directory, position.base, this.#options.log);
    this.#seen = await this.#signature();
    this.#opened = { position, segments };
    return this.#opened;
  }

  async #drop(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.segments.close();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

/** The node's copy; nothing is read before the first request. */
export function openReplica(options: ReplicaOptions): JournalReplica {
  return new Replica(options);
}
