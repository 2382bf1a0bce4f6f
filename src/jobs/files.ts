/**
 * The queue's folder, as Ganeti has it: `job-<id>`, `serial` (the highest id given out), `version`,
 * `drain` (there or not), `archive/<id div 10000>/job-<id>`. Other tools watch these files, so each is
 * renamed into place whole.
 *
 * The journal is what makes a job durable; files follow in the background, several changes of a job in
 * one write. `flush(true)` makes them durable too, which a journal asks for before it forgets.
 */
import { mkdir, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { syncDirectory, writeFileAtomic } from '../kit/atomic-file.ts';
import { Failure, messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import { archivePath, idOfJobFile, jobFileName } from './archive.ts';
import { type Job, parseJob } from './job.ts';

/** Permission bits (constants.JOB_QUEUE_FILES_PERMS). */
const fileMode = 0o640;
const queueVersion = '1\n';
/** How long a change may wait for others of the same job, in milliseconds. */
const gatherMs = 30;
/** What stands in the queue's folder beside jobs. */
const ownNames: readonly string[] = ['serial', 'version', 'drain'];
const parallel = 8;
/** So many changed files are known by name for master candidates that are behind. */
const remembered = 50_000;

export interface LoadedQueue {
  readonly jobs: readonly Job[];
  readonly serial: number;
  readonly drained: boolean;
}

const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT';

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const next = items[Symbol.iterator]();
  const worker = async () => {
    for (const item of next) await work(item);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}

export class JobFiles {
  readonly #queueDir: string;
  readonly #archiveDir: string;
  readonly #log: Log;
  readonly #dirty = new Map<number, Job>();
  readonly #unsynced = new Set<string>();
  /** Path below the queue's folder to the position of the journal at its last change. */
  readonly #changed = new Map<string, number>();
  /** Changes before this position aren't remembered one by one. */
  #forgotten = 0;
  #serial = 0;
  #writtenSerial = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(paths: { readonly queueDir: string; readonly archiveDir: string }, log: Log) {
    this.#queueDir = paths.queueDir;
    this.#archiveDir = paths.archiveDir;
    this.#log = log;
  }

  /** Where the journal stands; told by whoever owns it, for `changedSince`. */
  position: () => number = () => 0;

  /** The content of files below the queue's folder that changed at or after a position, null for those that went. */
  async changedSince(position: number): Promise<Record<string, string | null>> {
    if (position < this.#forgotten) return await this.all();
    const names = [...this.#changed].filter(([, at]) => at >= position).map(([name]) => name);
    return await this.#contents(names);
  }

  /** The content of every file below the queue's folder but the archive's. */
  async all(): Promise<Record<string, string | null>> {
    const names = await readdir(this.#queueDir);
    return await this.#contents(
      names.filter((name) => ownNames.includes(name) || idOfJobFile(name) !== undefined),
    );
  }

  async #contents(names: readonly string[]): Promise<Record<string, string | null>> {
    const result: Record<string, string | null> = {};
    await inParallel(names, async (name) => {
      result[name] = (await this.#readText(name)) ?? null;
    });
    return result;
  }

  #mark(path: string): void {
    const name = relative(this.#queueDir, path);
    this.#changed.delete(name);
    this.#changed.set(name, this.position());
    if (this.#changed.size <= remembered) return;
    const [oldest, at] = this.#changed.entries().next().value!;
    this.#changed.delete(oldest);
    this.#forgotten = at + 1;
  }

  /** Reads the whole queue; makes the folder when there is none. A file that is no job goes to the archive. */
  async load(): Promise<LoadedQueue> {
    await mkdir(this.#archiveDir, { recursive: true, mode: 0o750 });
    const version = await this.#readText('version');
    if (version !== undefined && version.trim() !== queueVersion.trim()) {
      throw new Failure('GenericError', [`Job queue version ${version.trim()} is not supported`]);
    }
    if (version === undefined) await writeFileAtomic(this.#path('version'), queueVersion, { mode: fileMode });
    const ids = (await readdir(this.#queueDir)).flatMap((name) => idOfJobFile(name) ?? []);
    const jobs: Job[] = [];
    await inParallel(ids, async (id) => {
      const job = await this.#readJob(this.#path(jobFileName(id)), id);
      if (job !== undefined) jobs.push(job);
    });
    const serial = Number.parseInt((await this.#readText('serial')) ?? '0', 10) || 0;
    this.#serial = Math.max(serial, ...ids, 0);
    this.#writtenSerial = serial;
    const drained = (await this.#readText('drain')) !== undefined;
    return { jobs: jobs.sort((a, b) => a.id - b.id), serial: this.#serial, drained };
  }

  /** The file will show the job as it is when it gets written, which is soon. */
  write(job: Job): void {
    this.#dirty.set(job.id, job);
    this.#soon();
  }

  /** The job's file is right, but may not be on the disk yet: the next durable flush sees to it. */
  doubt(id: number): void {
    this.#unsynced.add(this.#path(jobFileName(id)));
  }

  /** The highest id given out. */
  writeSerial(serial: number): void {
    this.#serial = Math.max(this.#serial, serial);
    this.#soon();
  }

  async setDrained(isDrained: boolean): Promise<void> {
    this.#mark(this.#path('drain'));
    if (isDrained) {
      await writeFileAtomic(this.#path('drain'), '', { mode: fileMode });
      return;
    }
    await unlink(this.#path('drain')).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
    await syncDirectory(this.#queueDir);
  }

  /** Moves the job's file into the archive, whole and up to date. */
  async archive(job: Job): Promise<void> {
    if (this.#dirty.has(job.id)) await this.flush(false);
    const target = archivePath(this.#archiveDir, job.id);
    await mkdir(dirname(target), { recursive: true, mode: 0o750 });
    try {
      await rename(this.#path(jobFileName(job.id)), target);
    } catch (error) {
      if (!isMissing(error)) throw error;
      const text = JSON.stringify(job);
      // At a restart most of them are there already.
      if ((await readFile(target, 'utf8').catch(() => undefined)) !== text)
        await writeFileAtomic(target, text, { mode: fileMode, durable: false });
    }
    this.#unsynced.delete(this.#path(jobFileName(job.id)));
    this.#unsynced.add(target);
    this.#mark(this.#path(jobFileName(job.id)));
    this.#mark(target);
  }

  /** A job's file in the queue's folder itself. */
  async readQueued(id: number): Promise<Job | undefined> {
    return await this.#readJob(this.#path(jobFileName(id)), id);
  }

  async readArchived(id: number): Promise<Job | undefined> {
    return await this.#readJob(archivePath(this.#archiveDir, id), id);
  }

  async archivedIds(): Promise<number[]> {
    const folders = await readdir(this.#archiveDir).catch(() => []);
    const names = await Promise.all(
      folders.map((folder) => readdir(join(this.#archiveDir, folder)).catch(() => [])),
    );
    return names
      .flat()
      .flatMap((name) => idOfJobFile(name) ?? [])
      .sort((a, b) => a - b);
  }

  /** Every change so far is in the files when this resolves; with `durable` it also survives a power cut. */
  async flush(durable: boolean): Promise<void> {
    await this.#writing;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writeAll();
    await this.#writing;
    if (!durable) return;
    const paths = [...this.#unsynced];
    this.#unsynced.clear();
    await inParallel(paths, async (path) => {
      const handle = await open(path, 'r').catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw error;
      });
      try {
        await handle?.sync();
      } finally {
        await handle?.close();
      }
    });
    await Promise.all(
      [...new Set([this.#queueDir, ...paths.map((path) => dirname(path))])].map(syncDirectory),
    );
  }

  #soon(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#writing.then(() => this.#writeAll());
    }, gatherMs);
  }

  /** Never rejects: a job whose file can't be written is tried again with its next change and at a flush. */
  async #writeAll(): Promise<void> {
    const jobs = [...this.#dirty.values()];
    this.#dirty.clear();
    await inParallel(jobs, async (job) => {
      const path = this.#path(jobFileName(job.id));
      try {
        await writeFileAtomic(path, JSON.stringify(job), { mode: fileMode, durable: false });
        this.#unsynced.add(path);
        this.#mark(path);
      } catch (error) {
        if (!this.#dirty.has(job.id)) this.#dirty.set(job.id, job);
        this.#log.error(`can't write the file of job ${job.id}: ${messageOf(error)}`);
      }
    });
    const serial = this.#serial;
    if (serial === this.#writtenSerial) return;
    try {
      await writeFileAtomic(this.#path('serial'), `${serial}\n`, { mode: fileMode, durable: false });
      this.#unsynced.add(this.#path('serial'));
      this.#mark(this.#path('serial'));
      this.#writtenSerial = serial;
    } catch (error) {
      this.#log.error(`can't write the serial file of the job queue: ${messageOf(error)}`);
    }
  }

  async #readJob(path: string, id: number): Promise<Job | undefined> {
    try {
      return parseJob(JSON.parse(await readFile(path, 'utf8')));
    } catch (error) {
      if (isMissing(error)) return undefined;
      this.#log.warning(`${path} is not a readable job, it goes to the archive: ${messageOf(error)}`);
    }
    const target = archivePath(this.#archiveDir, id);
    if (target !== path && (await stat(target).catch(() => undefined)) === undefined) {
      await mkdir(dirname(target), { recursive: true, mode: 0o750 });
      await rename(path, target);
    }
    return undefined;
  }

  async #readText(name: string): Promise<string | undefined> {
    try {
      return await readFile(this.#path(name), 'utf8');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  #path(name: string): string {
    return join(this.#queueDir, name);
  }
}
