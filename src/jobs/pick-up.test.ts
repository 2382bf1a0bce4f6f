import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Job, parseJob, statusOf } from './job.ts';
import { pickedUp } from './submission.ts';

function written(status: string): Job {
  return parseJob({
    id: 7,
    ops: [{ input: { OP_ID: 'OP_TEST_DELAY', duration: 1 }, status, result: null, log: [], priority: 0 }],
  });
}

test('a job that somebody else has written is taken in as one that has just come', () => {
  const { job, inputs } = pickedUp(7, written('queued'), 1000.5);
  assert.equal(statusOf(job), 'queued');
  assert.deepEqual(job.received_timestamp, [1000, 500000]);
  assert.deepEqual(inputs[0]!.reason, [
    ['gnt:daemon:masterd:pickup:test_delay', 'job=7;index=0', 1000500000000],
  ]);
});

test('none is taken that is not there, or has begun', () => {
  assert.throws(() => pickedUp(8, undefined, 0), { errorClass: 'JobLost', message: "Can't load job file" });
  for (const status of ['waiting', 'running', 'success', 'error'])
    assert.throws(() => pickedUp(7, written(status), 0), {
      message: `Job 7 can't be picked up: it is ${status}`,
    });
});
