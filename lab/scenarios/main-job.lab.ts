/** The story of ./demo, which checks itself as it goes: real nodes, DRBD, a guest that moves, dies and comes back. */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { after, test } from 'node:test';
import { runProcess } from '../../src/kit/process.ts';

const demo = resolve(import.meta.dirname, '../../demo');
const limitMs = 900_000;

after(async () => {
  await runProcess([demo, '--down'], { timeoutMs: 120_000 });
});

test('the main job on real nodes', { timeout: limitMs }, async () => {
  await runProcess([demo, '--down'], { timeoutMs: 120_000 });
  const told = await runProcess([demo], { timeoutMs: limitMs });
  assert.equal(told.code, 0, `${told.stdout}\n${told.stderr}`);
  assert.match(told.stdout, /\b0 ticks are missing/);
  assert.match(told.stdout, /The guest stood still for \d+ ms/);
  const written = Number(/has written (\d+) to its disk/.exec(told.stdout)?.[1]);
  const found = Number(/its disk says (\d+)/.exec(told.stdout)?.[1]);
  assert.ok(written > 0 && found >= written, `written ${written}, found ${found}`);
  assert.match(told.stdout, /Job was interrupted by a restart of the master daemon; undone:/);
});
