/**
 * The journal of a busy queue is cut after every line; whatever a restart makes of each cut must be
 * true: no job lost, none run twice, and nothing left of what was half done.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as z from 'zod';
import { executionFailure } from '../kit/failure.ts';
import { silentLog } from '../kit/log.ts';
import { opcode, required } from '../opcodes/opcode.ts';
import * as t from '../opcodes/types.ts';
import { type JobEntry, MemoryJournal } from './durable.ts';
import type { ExecuteOpcode } from './execution.ts';
import { JobFiles } from './files.ts';
import { isFinal, type Job, statusOf } from './job.ts';
import { StepLedger } from './ledger.ts';
import { JobQueue } from './queue.ts';
import { foldJobs, isJobEntry, recoverQueue } from './recover.ts';
import { type AnyStep, stepsFor } from './steps.ts';
import { StepRun, unwindFromJournal } from './unwind.ts';

type Shelf = Set<string>;
const step = stepsFor<Shelf>();
const put = step({
  name: 'put',
  input: z.string(),
  run: (shelf, name) => {
    shelf.add(name);
    return Promise.resolve();
  },
  undo: (shelf, name) => {
    shelf.delete(name);
    return Promise.resolve();
  },
});
const findStep = (_opcode: string, name: string): AnyStep<Shelf> | undefined =>
  name === 'put' ? put : undefined;

const Fill = opcode({
  id: 'OP_FILL',
  doc: 'Puts three things on the shelf',
  params: { name: required(t.string, 'Prefix of their names') },
});

/** Runs OP_FILL; "bad" ones fail at their end. */
function filler(shelf: Shelf, ledger: StepLedger): ExecuteOpcode {
  return async ({ job, index, input, signal, started, feedback }) => {
    await started();
    const name = input.name as string;
    const steps = new StepRun({
      world: shelf,
      journal: ledger,
      log: silentLog,
      job,
      op: index,
      signal,
      feedback,
    });
    try {
      for (const part of ['1', '2', '3']) await steps.do(put, `${name}${part}`);
      if (name.startsWith('bad')) throw executionFailure('bad');
      await steps.finish({ result: name });
    } catch (error) {
      await steps.unwind();
      throw error;
    }
    return name;
  };
}

async function temporaryFiles(): Promise<{ files: JobFiles; directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'jobs-'));
  const files = new JobFiles({ queueDir: directory, archiveDir: join(directory, 'archive') }, silentLog);
  return { files, directory };
}

/** Three jobs, one after the other; gives the journal and how the shelf looked after each of its lines. */
async function history(): Promise<{ entries: readonly JobEntry[]; shelves: string[][]; directory: string }> {
  const { files, directory } = await temporaryFiles();
  await files.load();
  const shelf: Shelf = new Set();
  const shelves: string[][] = [];
  class Recording extends MemoryJournal {
    override append(kind: string, data: unknown): Promise<void> {
      shelves.push([...shelf]);
      return super.append(kind, data);
    }
  }
  const journal = new Recording();
  const ledger = new StepLedger(journal);
  const queue = new JobQueue({
    findOpcode: () => Fill,
    secrets: new Set(),
    execute: filler(shelf, ledger),
    durable: journal,
    ledger,
    files,
    rules: () => [],
    evaluate: () => false,
    runningLimit: () => 1,
    now: () => 1000,
    log: silentLog,
  });
  const fill = (name: string) => ({ OP_ID: Fill.id, name });
  await queue.submitMany([[fill('a'), fill('b')], [fill('c'), fill('bad')], [fill('d')]]);
  queue.unpause();
  const unfinished = () => [...queue.jobs.values()].some((job) => !isFinal(statusOf(job)));
  while (unfinished()) await new Promise((resolve) => setImmediate(resolve));
  await queue.idle();
  shelves.push([...shelf]);
  await files.flush(false);
  return { entries: journal.entries, shelves, directory };
}

/** What must be on the shelf: the things of every opcode that succeeded, or was kept before it was cut off. */
function expected(jobs: Iterable<Job>, cut: readonly JobEntry[]): string[] {
  const names: string[] = [];
  for (const job of jobs) {
    for (const [index, op] of job.ops.entries()) {
      const isKept = cut.some(
        ({ kind, data }) =>
          kind === 'step' && data.kind === 'kept' && data.job === job.id && data.op === index,
      );
      const name = op.input.name as string;
      if (isKept) names.push(...['1', '2', '3'].map((part) => `${name}${part}`));
      assert.equal(op.status === 'success', isKept, 'what was kept has succeeded, and nothing else');
      if (isKept) assert.equal(op.result, name);
    }
  }
  return names.sort();
}

test('whenever the master dies, a restart finds every job and leaves nothing half done', async () => {
  const { entries, shelves, directory } = await history();
  assert.ok(entries.length > 30);
  assert.equal(entries.filter((entry) => isJobEntry(entry)).length, entries.length);
  for (let length = 0; length <= entries.length; length += 1) {
    const cut = structuredClone(entries.slice(0, length));
    // The effects of what the last line began may have happened, or not.
    for (const shelfNow of [shelves[length - 1] ?? [], shelves[length]!]) {
      const { files, directory: other } = await temporaryFiles();
      const shelf = new Set(shelfNow);
      const journal = new MemoryJournal();
      const ledger = new StepLedger(journal);
      const found = foldJobs(await files.load(), cut, ledger);
      const parts = {
        world: shelf,
        ledger,
        findStep,
        durable: journal,
        files,
        now: () => 2000,
        log: silentLog,
      };
      const state = await recoverQueue(found, parts);
      const jobs = [...state.jobs];
      const submitted = cut.filter((entry) => entry.kind === 'job').length;
      assert.equal(jobs.length, submitted, `cut after ${length} lines: a job is lost`);
      for (const job of jobs) {
        const status = statusOf(job);
        assert.ok(['queued', 'success', 'error'].includes(status), `cut after ${length} lines: ${status}`);
        // What is queued again has not begun: its next opcode has no lines of its own.
        const next = job.ops.findIndex((op) => op.status === 'queued');
        const hasLines = cut.some(
          ({ kind, data }) => kind === 'step' && data.job === job.id && data.op === next,
        );
        if (status === 'queued') assert.ok(!hasLines, `cut after ${length} lines: would run twice`);
      }
      assert.deepEqual([...shelf].sort(), expected(jobs, cut), `cut after ${length} lines`);
      // The master dies again right after: the same once more.
      const again = new StepLedger(new MemoryJournal());
      const second = foldJobs({ jobs: [], serial: 0, drained: false }, [...cut, ...journal.entries], again);
      assert.deepEqual(
        [...second.jobs.values()].map((job) => job.ops.map((op) => op.status)),
        jobs.map((job) => job.ops.map((op) => op.status)),
      );
      assert.deepEqual(again.openPages(), []);
      await files.flush(false);
      await rm(other, { recursive: true });
    }
  }
  await rm(directory, { recursive: true });
});

test('a restart tells what it has undone, and what it could not undo stays known', async () => {
  const shelf: Shelf = new Set(['x', 'y']);
  const journal = new MemoryJournal();
  const ledger = new StepLedger(journal);
  const glue = step({
    ...put,
    name: 'glue',
    undo: () => Promise.reject(executionFailure('it is glued')),
  });
  const find = (_opcode: string, name: string) => [put, glue].find((each) => each.name === name);
  const parts = { world: shelf, ledger, findStep: find, log: silentLog };
  ledger.fold({ kind: 'begun', job: 4, op: 0, number: 1, step: 'glue', input: 'x' });
  ledger.fold({ kind: 'begun', job: 4, op: 0, number: 2, step: 'put', input: 'y' });
  ledger.fold({ kind: 'begun', job: 4, op: 0, number: 3, step: 'forgotten', input: 'z' });
  ledger.fold({ kind: 'begun', job: 4, op: 0, number: 4, step: 'put', input: 17 });
  const unwound = await unwindFromJournal(parts, 'OP_FILL', 4, 0);
  assert.deepEqual(unwound.undone, ['put']);
  assert.deepEqual(
    unwound.stranded.map(({ step: name }) => name),
    ['put', 'forgotten', 'glue'],
  );
  assert.deepEqual([...shelf], ['x']);
  const lines = ledger.checkpoint();
  const later = new StepLedger(new MemoryJournal());
  for (const line of lines) later.fold(line);
  assert.deepEqual(later.stranded(), ledger.stranded());
  assert.deepEqual(later.openPages(), []);
});

test('what a kill had left to undo is undone by a restart', async () => {
  const { files, directory } = await temporaryFiles();
  const loaded = await files.load();
  const { entries, directory: other } = await history();
  const begun = entries.findIndex((entry) => entry.kind === 'step');
  const cut = structuredClone(entries.slice(0, begun + 1));
  const whole = structuredClone(cut[0]!.data) as Job;
  for (const op of whole.ops) op.status = 'error';
  const shelf: Shelf = new Set(['a1']);
  const journal = new MemoryJournal();
  const ledger = new StepLedger(journal);
  const found = foldJobs(loaded, [...cut, { kind: 'job', data: whole }], ledger);
  await recoverQueue(found, {
    world: shelf,
    ledger,
    findStep,
    durable: journal,
    files,
    now: () => 2000,
    log: silentLog,
  });
  assert.deepEqual([...shelf], []);
  await files.flush(false);
  await Promise.all([directory, other].map((path) => rm(path, { recursive: true })));
});

test('what only the journal knew of ended jobs is in files before the journal forgets it', async () => {
  const { entries, directory } = await history();
  await rm(join(directory, 'job-1'));
  await writeFile(
    join(directory, 'job-2'),
    (await readFile(join(directory, 'job-2'), 'utf8')).replaceAll('error', 'running'),
  );
  const before = await readFile(join(directory, 'job-3'), 'utf8');
  const files = new JobFiles({ queueDir: directory, archiveDir: join(directory, 'archive') }, silentLog);
  const journal = new MemoryJournal();
  const ledger = new StepLedger(journal);
  const archived: JobEntry = { kind: 'job-archived', data: { ids: [4] } };
  const fourth = { ...(JSON.parse(before) as Job), id: 4 };
  const found = foldJobs(await files.load(), [...entries, { kind: 'job', data: fourth }, archived], ledger);
  const world: Shelf = new Set();
  await recoverQueue(found, {
    world,
    ledger,
    findStep,
    durable: journal,
    files,
    now: () => 2000,
    log: silentLog,
  });
  await files.flush(true);
  const forgotten = new StepLedger(new MemoryJournal());
  const again = foldJobs(await files.load(), [], forgotten);
  assert.deepEqual([...again.jobs.values()].map(statusOf), ['success', 'error', 'success']);
  assert.deepEqual(again.jobs, found.jobs);
  assert.equal(await readFile(join(directory, 'job-3'), 'utf8'), before);
  assert.deepEqual(await files.readArchived(4), fourth);
  await rm(directory, { recursive: true });
});

test('a file that is no job goes to the archive, and others are read all the same', async () => {
  const { files, directory } = await temporaryFiles();
  await writeFile(join(directory, 'job-3'), '{"id": 3, "ops"');
  await writeFile(join(directory, 'job-x'), '');
  await writeFile(join(directory, 'serial'), '41\n');
  await writeFile(join(directory, 'drain'), '');
  assert.deepEqual(await files.load(), { jobs: [], serial: 41, drained: true });
  assert.deepEqual(await readdir(join(directory, 'archive', '0')), ['job-3']);
  await writeFile(join(directory, 'version'), '2\n');
  await assert.rejects(files.load(), { message: 'Job queue version 2 is not supported' });
  await rm(directory, { recursive: true });
});
