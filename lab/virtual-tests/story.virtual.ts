/** The story of ./demo --virtual, as whoever is not root sees it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { runProcess } from '../../src/kit/process.ts';

const demo = resolve(import.meta.dirname, '../../demo');

test('the main job on the virtual cluster', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-story-'));
  const env = {
    GANTRY_VIRTUAL_DIR: join(folder, 'cluster'),
    GANTRY_VIRTUAL_NET: String(150 + (process.pid % 100)),
  };
  try {
    const told = await runProcess([demo, '--virtual'], { env, timeoutMs: 180_000 });
    assert.equal(told.code, 0, `${told.stdout}\n${told.stderr}`);
    assert.match(told.stdout, /memory transfer complete/);
    assert.match(told.stdout, /starting the instance on the target node node3/);
  } finally {
    await runProcess([demo, '--down'], { env, timeoutMs: 60_000 });
    await rm(folder, { recursive: true, force: true });
  }
});
