/**
 * kill -9 in the middle of commits: the writer is this file in a process of its own. Every commit that it
 * was told is done must be there afterwards, and the configuration must keep its rules.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLog } from '../kit/log.ts';
import type { FilterRule } from '../model/objects/filter-rule.ts';
import { noKeeper } from './journal/engine.ts';
import { createConfigFile, openStore } from './open.ts';
import { verifyConfiguration } from './rules.ts';
import { sampleConfiguration, sampleUuid } from './sample.ts';

const slots = 20;
const pathsIn = (folder: string) => ({
  configFile: join(folder, 'config.data'),
  journalDir: join(folder, 'journal'),
});

function rule(number: number): FilterRule {
  return {
    uuid: sampleUuid('rule', number % slots),
    serial_no: 1,
    ctime: 0,
    mtime: 0,
    tags: [],
    watermark: number,
    priority: 1,
    predicates: [],
    action: 'ACCEPT',
    reason_trail: [],
  };
}

/** Commits for ever, and says each commit's number once it is done. */
async function write(folder: string, first: number): Promise<void> {
  const store = await openStore({ paths: pathsIn(folder), log: silentLog, foldDelayMs: 2 });
  store.keepFor(noKeeper);
  let number = first;
  const worker = async () => {
    for (;;) {
      number += 1;
      const mine = number;
      await store.change('writer', (draft) => draft.put('filters', rule(mine)));
      writeSync(1, `${mine}\n`);
      await store.journal.append('job', { mine });
    }
  };
  await Promise.all([worker(), worker(), worker()]);
}

/** Lets the writer work until it has said `count` numbers, kills it, and gives them. */
function killAfter(count: number, folder: string, first: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [import.meta.filename], {
      env: { ...process.env, CONFIG_WRITER: `${first} ${folder}`, NODE_TEST_CONTEXT: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.split('\n').length > count) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('close', () => resolve(said.split('\n').slice(0, -1).map(Number)));
  });
}

const [first, folderOfWriter] = (process.env.CONFIG_WRITER ?? '').split(' ');
if (folderOfWriter !== undefined) await write(folderOfWriter, Number(first));
else {
  test('every commit that was promised survives kill -9', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'crash-'));
    const paths = pathsIn(folder);
    await createConfigFile(paths, sampleConfiguration({ instances: 50 }));
    let from = 0;
    for (const count of [1, 60, 200]) {
      const promised = await killAfter(count, folder, from);
      assert.ok(promised.length >= count);
      const store = await openStore({ paths, log: silentLog, foldDelayMs: 3_600_000 });
      for (const number of promised) {
        const found = store.current.filters.get(sampleUuid('rule', number % slots));
        assert.ok(found !== undefined && found.watermark >= number, `commit ${number} is lost`);
      }
      assert.deepEqual(verifyConfiguration(store.current), []);
      from = Math.max(...promised) + 10;
      await store.close();
    }
    const left = [...(await readdir(folder)), ...(await readdir(paths.journalDir))];
    assert.deepEqual(
      left.filter((name) => name.endsWith('.new')),
      [],
    );
    await rm(folder, { recursive: true });
  });
}
