/** Long calls end when their node gives no sign of life, and only then. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep } from '../kit/clock.ts';
import { whileAlive } from './heartbeat.ts';

const quick = { everyMs: 5, patienceMs: 5, silences: 3 };
const forever = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });

test('a call to a node that is silent ends', async () => {
  await assert.rejects(whileAlive({ ...quick, ask: forever }, forever), /stopped answering/);
});

test('a call to a node that lives may take its time', async () => {
  let asked = 0;
  const result = await whileAlive(
    {
      ...quick,
      ask: async () => {
        asked += 1;
      },
    },
    async () => {
      await sleep(60);
      return 'done';
    },
  );
  assert.equal(result, 'done');
  assert.ok(asked > 0);
});

test('one silence is forgiven', async () => {
  let asked = 0;
  const ask = async (signal: AbortSignal) => {
    asked += 1;
    if (asked === 1) await forever(signal);
  };
  const result = await whileAlive({ ...quick, ask }, async (alive) => {
    await sleep(80, alive);
    return asked;
  });
  assert.ok(result > 1);
});

test('how many silences are forgiven is the call’s choice', async () => {
  const silentTimes = async (silences: number) => {
    let asked = 0;
    const ask = async (signal: AbortSignal) => {
      asked += 1;
      await forever(signal);
    };
    await assert.rejects(whileAlive({ ...quick, silences, ask }, forever), /stopped answering/);
    return asked;
  };
  assert.deepEqual([await silentTimes(1), await silentTimes(2), await silentTimes(3)], [1, 2, 3]);
});
