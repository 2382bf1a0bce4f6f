import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLog } from '../kit/log.ts';
import { MemoryJournal } from './durable.ts';
import { JobFiles } from './files.ts';
import { statusOf } from './job.ts';
import { createKeeper } from './keeper.ts';
import { StepLedger } from './ledger.ts';
import { bench, ended, op } from './queue.fixture.ts';
import { foldJobs, recoverQueue } from './recover.ts';

test('archived jobs leave the queue and can still be found', async (context) => {
  const { queue, work, directory, settings } = await bench(context);
  const first = await queue.submit([op('quick')]);
  const second = await queue.submit([op('busy')]);
  await work.started('busy');
  await ended(queue, first);
  assert.equal(await queue.archive(second), false);
  assert.equal(await queue.archive(first), true);
  assert.equal(await queue.archive(first), false);
  assert.deepEqual(await readdir(join(directory, 'archive', '0')), ['job-1']);
  assert.deepEqual(await queue.archivedIds(), [1]);
  const found = (await queue.find(first))!;
  assert.equal(found.archived, true);
  assert.equal(statusOf(found.job), 'success');
  work.finish('busy');
  await ended(queue, second);
  await queue.idle();
  assert.deepEqual(await queue.autoArchive(10, 60), [0, 0]);
  settings.now += 11;
  assert.deepEqual(await queue.autoArchive(10, 60), [1, 0]);
  assert.equal(queue.jobs.size, 0);
});

test('secrets reach neither file nor journal, and the opcode gets them', async (context) => {
  const { queue, work, journal, files, directory } = await bench(context);
  await queue.submit([op('a', { password: 'swordfish' })]);
  await work.started('a');
  assert.equal(work.running.get('a')!.input.password, 'swordfish');
  work.finish('a');
  await ended(queue, 1);
  await files.flush(false);
  assert.ok(!JSON.stringify(journal.entries).includes('swordfish'));
  const text = await readFile(join(directory, 'job-1'), 'utf8');
  assert.ok(!text.includes('swordfish') && text.includes('"password":"<redacted>"'));
});

test('after a restart no job is lost, none runs twice, and what ran is an error', async (context) => {
  const before = await bench(context);
  await before.queue.submit([op('quick')]);
  await ended(before.queue, 1);
  await before.queue.submit([op('quick'), op('busy')]);
  await before.work.started('busy');
  await before.queue.submit([op('lock')]);
  await before.work.started('lock');
  before.settings.limit = 0;
  await before.queue.submit([op('idle')]);
  await before.queue.submit([op('gone')]);
  await before.queue.cancel(5);
  await before.queue.archive(1);
  const entries = [...before.journal.entries];

  const ledger = new StepLedger(new MemoryJournal());
  const files = new JobFiles(
    { queueDir: before.directory, archiveDir: join(before.directory, 'archive') },
    silentLog,
  );
  const found = foldJobs(await files.load(), entries, ledger);
  const state = await recoverQueue(found, {
    world: undefined,
    ledger,
    findStep: () => undefined,
    durable: new MemoryJournal(),
    files,
    now: () => 2000,
    log: silentLog,
  });
  const jobs = new Map([...state.jobs].map((job) => [job.id, job]));
  assert.equal(state.serial, 5);
  assert.deepEqual(
    [...jobs].map(([id, job]) => [id, statusOf(job), job.ops.map((each) => each.status)]),
    [
      [2, 'error', ['success', 'error']],
      [3, 'queued', ['queued']],
      [4, 'queued', ['queued']],
      [5, 'canceled', ['canceled']],
    ],
  );
  assert.deepEqual(jobs.get(2)!.ops[1]!.result, [
    'OpExecError',
    ['Job was interrupted by a restart of the master daemon; nothing was left half done'],
  ]);
  assert.deepEqual((jobs.get(3)!.ops[0]!.input.reason as unknown[]).at(-1), [
    'gnt:daemon:masterd:pickup:work',
    'job=3;index=0',
    2000000000000,
  ]);
  await files.flush(false);
  await before.queue.cancel(2);
  await before.queue.cancel(3);
  await before.queue.idle();
});

test('when the journal has been folded, the files and what came later stand for all of it', async (context) => {
  const { queue, work, journal, files, ledger } = await bench(context);
  await queue.submit([op('quick')]);
  await ended(queue, 1);
  await queue.submit([op('busy')]);
  await work.started('busy');
  await ledger.append({ kind: 'begun', job: 2, op: 0, number: 1, step: 's', input: 5 });
  files.position = () => journal.entries.length;
  const upTo = journal.entries.length;
  const keeper = createKeeper({ queue, files, ledger, durable: journal });
  assert.equal(await keeper.fold(upTo), upTo + 1);
  const fold = async (from: number) => {
    const steps = new StepLedger(new MemoryJournal());
    const { jobs } = foldJobs(await files.load(), journal.entries.slice(from), steps);
    return { jobs, open: steps.open(2, 0) };
  };
  assert.deepEqual(await fold(upTo), await fold(0));
  assert.deepEqual(
    (await fold(upTo)).open.map((entry) => entry.step),
    ['s'],
  );
  assert.deepEqual(Object.keys(await keeper.files(null)).sort(), ['job-1', 'job-2', 'serial', 'version']);
  assert.deepEqual(await keeper.files(upTo + 1), {});
  await queue.archive(1);
  await files.flush(false);
  assert.deepEqual(Object.keys(await keeper.files(upTo + 1)).sort(), ['archive/0/job-1', 'job-1']);
  assert.equal((await keeper.files(upTo + 1))['job-1'], null);
  work.finish('busy');
  await queue.idle();
});
