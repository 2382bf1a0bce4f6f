import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Reads } from './reads.ts';
import type { Reading } from './route.ts';

const request = { names: {}, query: new Map(), body: null };

/** A master whose answer is what `say` says; counts how often answers were parsed. */
function world(mostBytes: number) {
  const state = { answer: {} as unknown, asked: 0, parsed: 0, shaped: 0 };
  const master = {
    reply: async () => {
      state.asked += 1;
      const text = JSON.stringify(state.answer);
      return {
        text,
        result() {
          state.parsed += 1;
          return JSON.parse(text) as unknown;
        },
      };
    },
  };
  const answer: Reading = {
    kind: 'read',
    contract: {},
    ask: () => ({ method: 'Query', args: [] }),
    shape(found) {
      state.shaped += 1;
      return found;
    },
  };
  const reads = new Reads(master, mostBytes);
  const read = async (url: string, said: unknown = state.answer) => {
    state.answer = said;
    return (await reads.read(answer, '/2/x', url, request)).toString();
  };
  return { state, read };
}

describe('reads', () => {
  test('ask the master every time, and write only what is new', async () => {
    const { state, read } = world(1 << 20);
    assert.equal(await read('/a', { n: 1 }), '{"n": 1}\n');
    assert.equal(await read('/a', { n: 1 }), '{"n": 1}\n');
    assert.deepEqual([state.asked, state.parsed, state.shaped], [2, 1, 1]);
    assert.equal(await read('/a', { n: 2 }), '{"n": 2}\n');
    assert.equal(await read('/b', { n: 2 }), '{"n": 2}\n');
    assert.equal(await read('/a', { n: 1 }), '{"n": 1}\n');
    assert.deepEqual([state.asked, state.parsed], [5, 4]);
  });

  test('remember no more than they may, what was asked for last first', async () => {
    const { state, read } = world(1500);
    const long = 'x'.repeat(200);
    await read('/a', long);
    await read('/b', long);
    const { parsed } = state;
    assert.equal(parsed, 2);
    await read('/b', long);
    assert.equal(state.parsed, parsed, 'the newest is remembered');
    for (let number = 0; number < 20; number += 1) await read(`/${number}`, long);
    await read('/b', long);
    assert.equal(state.parsed, parsed + 21, 'older ones are forgotten');
    await read('/large', 'x'.repeat(2000));
    await read('/b', long);
    assert.equal(state.parsed, parsed + 22, 'one that is too large pushes nobody out');
  });
});
