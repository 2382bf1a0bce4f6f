import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { defaultAlgorithmOptions } from '../../htools/core/terms/algorithm-options.ts';
import { answerRequest } from '../../htools/load/allocator.ts';
import { SampleCluster } from '../../htools/load/sample-cluster.ts';
import { pollUntil } from '../../kit/clock.ts';
import { AllocatorThread } from './thread.ts';

const options = { now: 0, staticKvmNodeMemory: 0 };
const text = new SampleCluster({ nodes: 6, instances: 20, even: true }).allocationRequest();
const call = { text, options, algorithm: defaultAlgorithmOptions };
const thread = new AllocatorThread();
after(() => thread.close());

test('the thread answers what the function answers, also many at once', async () => {
  const expected = answerRequest(text, options);
  assert.match(expected, /"success":true/);
  assert.deepEqual(await Promise.all([thread.answer(call), thread.answer(call)]), [expected, expected]);
  const restricted = { ...call, algorithm: { ...defaultAlgorithmOptions, restrictToNodes: ['nowhere'] } };
  assert.match(await thread.answer(restricted), /Not enough online nodes/);
});

test('a request that is none fails with the complaint, and the thread goes on', async () => {
  await assert.rejects(thread.answer({ ...call, text: '{}' }), /key 'request' not found/);
  assert.match(await thread.answer(call), /"success":true/);
});

test('who gives up stops waiting, the others get their answers', async () => {
  const giving = new AbortController();
  const given = assert.rejects(thread.answer({ ...call, signal: giving.signal }), /no longer wanted/);
  const kept = thread.answer(call);
  giving.abort(new Error('no longer wanted'));
  await given;
  assert.match(await kept, /"success":true/);
  await assert.rejects(thread.answer({ ...call, signal: giving.signal }), /no longer wanted/);
});

test('a thread without requests ends, and comes back when it is asked', async () => {
  const brief = new AllocatorThread(1);
  await brief.answer(call);
  const ended = await pollUntil(async () => (brief.isRunning ? undefined : true), {
    everyMs: 5,
    timeoutMs: 30_000,
  });
  assert.equal(ended, true);
  assert.match(await brief.answer(call), /"success":true/);
  const waiting = assert.rejects(brief.answer(call), /stopping/);
  await brief.close();
  await waiting;
  assert.equal(brief.isRunning, false);
});
