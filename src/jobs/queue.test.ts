import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Failure } from '../kit/failure.ts';
import { silentLog } from '../kit/log.ts';
import type { FilterRule } from '../model/objects/filter-rule.ts';
import { type AnyOpcode, opcode, optional, required } from '../opcodes/opcode.ts';
import * as t from '../opcodes/types.ts';
import { MemoryJournal } from './durable.ts';
import type { ExecuteOpcode, OpcodeExecution } from './execution.ts';
import { JobFiles } from './files.ts';
import { type Job, parseJob, statusOf } from './job.ts';
import { createKeeper } from './keeper.ts';
import { StepLedger } from './ledger.ts';
import { JobQueue, type QueueParts, type QueueState } from './queue.ts';
import { foldJobs, recoverQueue } from './recover.ts';
import { secretNamesOf } from './redaction.ts';

const Work = opcode({
  id: 'OP_WORK',
  summary: 'name',
  doc: 'Work that a test controls',
  params: {
    name: required(t.string, 'Which'),
    password: optional(t.maybe(t.secret(t.string)), null, 'A secret'),
  },
});
const secrets = secretNamesOf([Work]);

/** Work that goes on until the test says how it ends. */
class Workshop {
  readonly running = new Map<string, OpcodeExecution>();
  readonly order: string[] = [];
  readonly #ends = new Map<string, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>();
  readonly #arrivals = new Set<() => void>();

  readonly execute: ExecuteOpcode = async (execution) => {
    const name = execution.input.name as string;
    if (name.startsWith('lock')) {
      await new Promise((_, reject) => {
        execution.signal.addEventListener('abort', () => reject(execution.signal.reason as Error));
        this.running.set(name, execution);
        this.#arrived();
      });
    }
    await execution.started();
    this.order.push(name);
    if (name === 'quick') return name;
    return await new Promise((resolve, reject) => {
      this.#ends.set(name, { resolve, reject });
      this.running.set(name, execution);
      execution.signal.addEventListener('abort', () => reject(execution.signal.reason as Error));
      this.#arrived();
    });
  };

  async started(...names: string[]): Promise<void> {
    while (!names.every((name) => this.running.has(name))) {
      await new Promise<void>((resolve) => this.#arrivals.add(resolve));
    }
  }

  finish(name: string, value: unknown = null): void {
    this.running.delete(name);
    this.#ends.get(name)!.resolve(value);
  }

  fail(name: string, error: Error): void {
    this.running.delete(name);
    this.#ends.get(name)!.reject(error);
  }

  #arrived(): void {
    for (const resolve of this.#arrivals) resolve();
    this.#arrivals.clear();
  }
}

interface Bench {
  readonly queue: JobQueue;
  readonly work: Workshop;
  readonly journal: MemoryJournal;
  readonly files: JobFiles;
  readonly ledger: StepLedger;
  readonly directory: string;
  readonly settings: { limit: number; rules: FilterRule[]; now: number };
}

async function bench(test: TestContext, state?: QueueState, directory?: string): Promise<Bench> {
  const path = directory ?? (await mkdtemp(join(tmpdir(), 'jobs-')));
  const work = new Workshop();
  const journal = new MemoryJournal();
  const ledger = new StepLedger(journal, secrets);
  const files = new JobFiles({ queueDir: path, archiveDir: join(path, 'archive') }, silentLog);
  await files.load();
  const settings = { limit: 20, rules: [] as FilterRule[], now: 1000.25 };
  const parts: QueueParts = {
    findOpcode: (id) => (id === Work.id ? Work : undefined),
    secrets,
    execute: work.execute,
    durable: journal,
    ledger,
    files,
    rules: () => settings.rules,
    evaluate: (filter, fieldOf) => {
      const [operator, field, value] = filter as [string, string, unknown];
      return operator === '>' ? Number(fieldOf(field)) > Number(value) : fieldOf(field) === value;
    },
    runningLimit: () => settings.limit,
    now: () => settings.now,
    log: silentLog,
  };
  const queue = new JobQueue(parts, state);
  queue.unpause();
  test.after(async () => {
    queue.pause();
    await files.flush(false);
    await rm(path, { recursive: true });
  });
  return { queue, work, journal, files, ledger, directory: path, settings };
}

const op = (name: string, more: Record<string, unknown> = {}): AnyOpcode => ({
  OP_ID: 'OP_WORK',
  name,
  ...more,
});

async function ended(queue: JobQueue, id: number): Promise<Job> {
  for (;;) {
    const { job } = (await queue.find(id))!;
    if (job.end_timestamp !== null) return job;
    await queue.waitForJobChange(id, {
      read: (seen) => [statusOf(seen)],
      previousFields: [statusOf(job)],
      previousSerial: Number.MAX_SAFE_INTEGER,
      timeout: 20,
    });
  }
}

test('a job goes from queued to success, and its file is in the form of a job file', async (context) => {
  const { queue, work, files, directory } = await bench(context);
  const id = await queue.submit([op('a', { reason: [['gnt:client:gnt-test', 'try', 7]] })]);
  await work.started('a');
  assert.equal(statusOf(queue.jobs.get(id)!), 'running');
  work.running.get('a')!.feedback('* hello');
  work.finish('a', [1]);
  const job = await ended(queue, id);
  assert.equal(statusOf(job), 'success');
  assert.deepEqual(job.ops[0]!.result, [1]);
  assert.deepEqual(job.ops[0]!.log, [[1, [1000, 250000], 'message', '* hello']]);
  assert.deepEqual(job.ops[0]!.input.reason, [
    ['gnt:client:gnt-test', 'try', 7],
    ['gnt:opcode:work', 'job=1;index=0', 1000250000000],
  ]);
  await files.flush(true);
  const stored: unknown = JSON.parse(await readFile(join(directory, 'job-1'), 'utf8'));
  assert.deepEqual(parseJob(stored), JSON.parse(JSON.stringify(job)));
  assert.deepEqual(Object.keys(stored as object), [
    'id',
    'ops',
    'start_timestamp',
    'end_timestamp',
    'received_timestamp',
    'livelock',
    'process_id',
  ]);
  assert.equal(await readFile(join(directory, 'serial'), 'utf8'), '1\n');
  assert.equal(await readFile(join(directory, 'version'), 'utf8'), '1\n');
});

test('when an opcode fails the following ones fail with it', async (context) => {
  const { queue, work } = await bench(context);
  const id = await queue.submit([op('quick'), op('b'), op('c')]);
  await work.started('b');
  work.fail('b', new Failure('OpPrereqError', ['no', 'wrong_state']));
  const job = await ended(queue, id);
  assert.deepEqual(
    job.ops.map(({ status, result }) => [status, result]),
    [
      ['success', 'quick'],
      ['error', ['OpPrereqError', ['no', 'wrong_state']]],
      ['error', ['OpExecError', ['Preceding opcode failed']]],
    ],
  );
});

test('jobs start in order of priority, as many as the limit allows at that moment', async (context) => {
  const { queue, work, settings } = await bench(context);
  settings.limit = 0;
  await queue.submit([op('low', { priority: 10 })]);
  await queue.submit([op('first')]);
  await queue.submit([op('second')]);
  const late = await queue.submit([op('raised')]);
  assert.deepEqual(await queue.changePriority(late, -10), [
    true,
    'Priorities of pending opcodes for job 4 have been changed to -10',
  ]);
  settings.limit = 2;
  queue.reschedule();
  await work.started('raised', 'first');
  assert.equal(queue.runningCount, 2);
  settings.limit = 4;
  queue.reschedule();
  await work.started('second', 'low');
  assert.deepEqual(work.order, ['raised', 'first', 'second', 'low']);
  for (const name of ['raised', 'first', 'second', 'low']) work.finish(name);
  await queue.idle();
});

test('jobs submitted together may depend on each other by relative ids', async (context) => {
  const { queue, work } = await bench(context);
  const answers = await queue.submitMany([
    [op('one')],
    [op('two', { depends: [[-1, []]] })],
    [op('three', { depends: [[-2, ['error']]] })],
    [op('four', { depends: [[-9, []]] })],
  ]);
  assert.deepEqual(answers, [
    [true, 1],
    [true, 2],
    [true, 3],
    [false, 'Unable to resolve relative job ID -9'],
  ]);
  await work.started('one');
  assert.equal(statusOf(queue.jobs.get(2)!), 'queued');
  assert.deepEqual(queue.jobs.get(2)!.ops[0]!.input.depends, [[1, []]]);
  work.finish('one');
  await work.started('two');
  const third = await ended(queue, 3);
  assert.deepEqual(third.ops[0]!.result, [
    'OpExecError',
    ["Dependency job 1 finished with status 'success', not one of 'error' as required"],
  ]);
  work.finish('two');
  await queue.idle();
});

test('a job whose dependency was cancelled is cancelled, one that depends on nothing known fails', async (context) => {
  const { queue, settings } = await bench(context);
  settings.limit = 0;
  await queue.submitMany([[op('one')], [op('two', { depends: [[-1, ['success']]] })]]);
  const lost = await queue.submit([op('three', { depends: [[99, []]] })]);
  assert.deepEqual(await queue.cancel(1), [true, 'Dequeued job 1']);
  settings.limit = 5;
  queue.reschedule();
  assert.equal(statusOf(await ended(queue, 2)), 'canceled');
  assert.deepEqual((await ended(queue, lost)).ops[0]!.result, [
    'OpExecError',
    ['Dependency error: Job 99 not found'],
  ]);
});

test('cancelling: queued, waiting, running, ended, unknown', async (context) => {
  const { queue, work, settings } = await bench(context);
  const waiting = await queue.submit([op('lock')]);
  const running = await queue.submit([op('busy')]);
  await work.started('lock', 'busy');
  settings.limit = 2;
  const queued = await queue.submit([op('idle')]);
  assert.deepEqual(await queue.cancel(queued), [true, 'Dequeued job 3']);
  assert.equal(queue.jobs.get(queued)!.ops[0]!.result, 'Job canceled by request');
  assert.deepEqual(await queue.cancel(waiting), [true, 'Job successfully cancelled']);
  assert.deepEqual(await queue.cancel(running), [
    false,
    "Job no longer waiting, can't cancel (informed it anyway)",
  ]);
  assert.equal(statusOf(await ended(queue, running)), 'canceled');
  assert.deepEqual(await queue.cancel(running), [false, 'Job 2 not found in queue']);
  assert.deepEqual(await queue.cancel(77), [false, 'Job 77 not found in queue']);
});

test('a killed job is over at once, whatever it still does', async (context) => {
  const { queue, work } = await bench(context);
  const id = await queue.submit([op('busy'), op('next')]);
  await work.started('busy');
  assert.deepEqual(await queue.cancel(id, true), [true, 'SIGKILL send to the process']);
  const job = queue.jobs.get(id)!;
  assert.equal(statusOf(job), 'error');
  assert.equal(job.ops[0]!.result, 'detected death of job 1');
  assert.deepEqual((job.ops[0]!.input.reason as unknown[]).at(-1), [
    'gnt:daemon:luxid:deathdetection',
    'detected death of job 1',
    1000250000000,
  ]);
  await queue.idle();
  assert.equal(statusOf(job), 'error');
  assert.deepEqual(work.order, ['busy']);
});

test('a drained queue takes only what is meant for a drained queue', async (context) => {
  const { queue, directory } = await bench(context);
  await queue.setDrained(true);
  assert.ok((await readdir(directory)).includes('drain'));
  await assert.rejects(queue.submit([op('quick')]), { message: 'Queue drained' });
  await queue.submit([op('quick')], { evenDrained: true });
  await queue.setDrained(false);
  assert.ok(!(await readdir(directory)).includes('drain'));
  await queue.submit([op('quick')]);
  await queue.idle();
});

test('wrong opcodes are refused and take no id', async (context) => {
  const { queue } = await bench(context);
  await assert.rejects(queue.submit([{ OP_ID: 'OP_NONE' }]), { name: 'OpCodeUnknown' });
  await assert.rejects(queue.submitMany([[op('quick')], [op('x', { priority: 11 })]]), {
    message: "Parameter 'OP_WORK.priority' fails validation",
  });
  await assert.rejects(queue.submit([op('x', { depends: [[1, ['running']]] })]), {
    message: "Parameter 'OP_WORK.depends' fails validation",
  });
  await assert.rejects(queue.submit([]), { message: 'A job needs at least one opcode' });
  assert.equal(queue.serial, 0);
});

const rule = (change: Partial<FilterRule>): FilterRule => ({
  uuid: 'r',
  serial_no: 1,
  ctime: 0,
  mtime: 0,
  tags: [],
  watermark: 0,
  priority: 0,
  predicates: [],
  action: 'CONTINUE',
  reason_trail: [],
  ...change,
});

test('filter rules hold, limit and reject jobs', async (context) => {
  const { queue, work, settings } = await bench(context);
  settings.rules = [
    rule({ uuid: 'a', predicates: [['opcode', ['=', 'name', 'bad']]], action: 'REJECT' }),
    rule({ uuid: 'b', predicates: [['opcode', ['=', 'name', 'later']]], action: 'PAUSE', priority: 1 }),
    rule({ uuid: 'c', predicates: [], action: ['RATE_LIMIT', 1], priority: 2 }),
  ];
  const bad = await queue.submit([op('bad')]);
  const later = await queue.submit([op('later')]);
  await queue.submit([op('x')]);
  await queue.submit([op('y')]);
  assert.equal(statusOf(await ended(queue, bad)), 'canceled');
  await work.started('x');
  assert.equal(queue.runningCount, 1);
  work.finish('x');
  await work.started('y');
  assert.equal(statusOf(queue.jobs.get(later)!), 'queued');
  settings.rules = [];
  queue.reschedule();
  await work.started('later');
  work.finish('y');
  work.finish('later');
  await queue.idle();
});

test('waiting for a change tells what is new, and says so when nothing is', async (context) => {
  const { queue, work } = await bench(context);
  const id = await queue.submit([op('a')]);
  await work.started('a');
  const wish = { read: (job: Job) => [statusOf(job)], previousSerial: null, timeout: 0.01 };
  const first = await queue.waitForJobChange(id, { ...wish, previousFields: null });
  assert.deepEqual(first, { fields: ['running'], log: [] });
  assert.equal(await queue.waitForJobChange(id, { ...wish, previousFields: ['running'] }), 'nochange');
  const news = queue.waitForJobChange(id, { ...wish, previousFields: ['running'], timeout: 20 });
  work.running.get('a')!.feedback([1, 2], 'delay-test');
  assert.deepEqual(await news, {
    fields: ['running'],
    log: [[1, [1000, 250000], 'delay-test', [1, 2]]],
  });
  const end = queue.waitForJobChange(id, {
    ...wish,
    previousFields: ['running'],
    previousSerial: 1,
    timeout: 20,
  });
  work.finish('a');
  assert.deepEqual(await end, { fields: ['success'], log: [] });
  assert.equal(await queue.waitForJobChange(99, { ...wish, previousFields: null }), undefined);
});

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
