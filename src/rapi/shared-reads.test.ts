import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedReads } from './shared-reads.ts';

/** Reads that end when they are told to. */
function pending() {
  const ends: ((value: string) => void)[] = [];
  const fails: ((error: Error) => void)[] = [];
  const run = () =>
    new Promise<string>((resolve, reject) => {
      ends.push(resolve);
      fails.push(reject);
    });
  return { ends, fails, run };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('whoever comes while a read is under way gets the next one, together', async () => {
  const reads = new SharedReads<string>();
  const { ends, run } = pending();
  const first = reads.read('a', run);
  const others = [reads.read('a', run), reads.read('a', run)];
  const different = reads.read('b', run);
  assert.equal(ends.length, 2);
  ends[0]!('old');
  ends[1]!('other');
  assert.equal(await first, 'old');
  assert.equal(await different, 'other');
  await settled();
  assert.equal(ends.length, 3);
  const late = reads.read('a', run);
  ends[2]!('new');
  assert.deepEqual(await Promise.all(others), ['new', 'new']);
  await settled();
  ends[3]!('newest');
  assert.equal(await late, 'newest');
});

test('a failed read fails those who waited for it and nobody else', async () => {
  const reads = new SharedReads<string>();
  const { ends, fails, run } = pending();
  const first = reads.read('a', run);
  const second = reads.read('a', run);
  fails[0]!(new Error('away'));
  await assert.rejects(first, /away/);
  await settled();
  ends[1]!('back');
  assert.equal(await second, 'back');
});
