import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../kit/failure.ts';
import { openMaster } from './master.ts';

test('asks over no more connections than it may, and keeps them', async () => {
  let opened = 0;
  let busy = 0;
  let most = 0;
  const master = openMaster(async () => {
    opened += 1;
    return {
      async reply(method: string) {
        busy += 1;
        most = Math.max(most, busy);
        await new Promise((resolve) => setImmediate(resolve));
        busy -= 1;
        return { text: method, result: () => method };
      },
      close() {},
    };
  }, 3);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => master.call(`m${index}`, [])));
  assert.deepEqual([answers[0], answers[19], opened, most], ['m0', 'm19', 3, 3]);
  await master.call('again', []);
  assert.equal(opened, 3);
});

test('those who wait for a job take no turn of the others', async () => {
  let happened = () => {};
  const event = new Promise<void>((resolve) => {
    happened = resolve;
  });
  const master = openMaster(
    async () => ({
      async reply(method: string) {
        if (method === 'WaitForJobChange') await event;
        return { text: method, result: () => method };
      },
      close() {},
    }),
    2,
  );
  const waiting = Array.from({ length: 5 }, () => master.call('WaitForJobChange', []));
  assert.equal(await master.call('QueryTags', []), 'QueryTags');
  happened();
  assert.equal((await Promise.all(waiting)).length, 5);
});

test('one that can not be reached leaves the turn to others, and says so in its words', async () => {
  const master = openMaster(() => Promise.reject(new Failure('NoMasterError', ['/run/query'])), 1);
  await assert.rejects(master.call('QueryTags', []), { name: 'NoMasterError' });
  await assert.rejects(master.submit([]), {
    status: 502,
    message: 'Master seems to be unreachable: /run/query',
  });
  const full = openMaster(() => Promise.reject(new Failure('JobQueueFull', [])), 1);
  await assert.rejects(full.submit([]), { status: 503, message: 'Job queue is full, needs archiving' });
});
