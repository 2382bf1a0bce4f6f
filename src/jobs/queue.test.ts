import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Failure } from '../kit/failure.ts';
import { rule } from './filter-rule.fixture.ts';
import { type Job, parseJob, statusOf } from './job.ts';
import { bench, ended, op } from './queue.fixture.ts';

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
