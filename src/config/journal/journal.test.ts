/** Lines, files and group commit: what was promised durable is there again, whatever was cut or spoilt. */
import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { silentLog } from '../../kit/log.ts';
import { decodeLine, encodeLine, scanLines } from '../../noderpc/journal/lines.ts';
import type { JournalEngine, JournalEntry } from './engine.ts';
import { openFileEngine } from './file.ts';
import { createMemoryEngine } from './memory.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'journal-'));
});
afterEach(() => rm(directory, { recursive: true }));

const open = (more: { segmentBytes?: number; log?: typeof silentLog } = {}): Promise<JournalEngine> =>
  openFileEngine({ directory, epoch: 3, base: 0, log: silentLog, ...more });

async function all(engine: JournalEngine, from = 1): Promise<JournalEntry[]> {
  const entries: JournalEntry[] = [];
  for await (const entry of engine.read(from)) entries.push(entry);
  return entries;
}

async function newestFile(): Promise<string> {
  return join(directory, (await readdir(directory)).sort().at(-1)!);
}

test('a line comes back as it went, and no single changed byte goes unseen', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.nat({ max: 999999 }),
      fc.jsonValue(),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (number, epoch, value, place, change) => {
        const entry = { number, epoch, kind: 'step', json: JSON.stringify(value) };
        const line = Buffer.from(encodeLine(entry, number)).subarray(0, -1);
        assert.deepEqual(decodeLine(line), { ...entry, batch: number });
        const spoilt = Buffer.from(line);
        spoilt[place % line.length]! ^= change;
        assert.equal(decodeLine(spoilt), undefined);
      },
    ),
  );
});

test('whatever length a journal is cut to, its whole lines are there and no other', () => {
  const lines = Array.from({ length: 20 }, (_, i) =>
    encodeLine(
      { number: i + 1, epoch: 1, kind: 'job', json: JSON.stringify({ i, text: 'ä'.repeat(i) }) },
      i + 1,
    ),
  );
  const whole = Buffer.from(lines.join(''));
  fc.assert(
    fc.property(fc.nat({ max: whole.length }), (length) => {
      const scan = scanLines(whole.subarray(0, length), 1);
      let bytes = 0;
      let count = 0;
      for (const line of lines) {
        if (bytes + Buffer.byteLength(line) > length) break;
        bytes += Buffer.byteLength(line);
        count += 1;
      }
      assert.equal(scan.entries.length, count);
      assert.equal(scan.wholeBytes, bytes);
      assert.equal(scan.torn, bytes < length);
      assert.equal(scan.damaged, false);
    }),
  );
});

test('entries are there again after reopening, with numbers that go on', async () => {
  const engine = await open();
  await Promise.all(['a', 'b', 'c'].map((text) => engine.append('job', JSON.stringify(text)).durable));
  await engine.close();
  const again = await open();
  assert.equal(again.last, 3);
  assert.deepEqual(
    (await all(again)).map((entry) => [entry.number, entry.epoch, entry.kind, entry.json]),
    [
      [1, 3, 'job', '"a"'],
      [2, 3, 'job', '"b"'],
      [3, 3, 'job', '"c"'],
    ],
  );
  assert.equal(again.append('job', '"d"').number, 4);
  await again.close();
  const third = await open();
  assert.equal(third.last, 4);
  await third.close();
});

test('entries that come together share one write', async () => {
  const engine = createMemoryEngine();
  const release = engine.hold();
  const first = engine.append('job', '0').durable;
  await new Promise((resolve) => setImmediate(resolve));
  const others = Array.from({ length: 100 }, (_, i) => engine.append('job', String(i)).durable);
  release();
  await Promise.all([first, ...others]);
  assert.equal(engine.writes, 2);
  assert.equal(engine.last, 101);
});

test('a torn last write is cut at the last whole entry and told', async () => {
  const engine = await open();
  await engine.append('job', '"kept"').durable;
  await engine.append('job', '"torn"').durable;
  await engine.close();
  const file = await newestFile();
  await truncate(file, (await readFile(file)).length - 3);
  const warnings: string[] = [];
  const again = await open({ log: { ...silentLog, warning: (text) => warnings.push(text) } });
  assert.equal(again.last, 1);
  assert.match(warnings[0]!, /the last write was torn; cut \d+ bytes after entry 1/);
  await again.append('job', '"next"').durable;
  assert.deepEqual(
    (await all(again)).map((entry) => entry.json),
    ['"kept"', '"next"'],
  );
  await again.close();
});

test('a write of several entries that was torn in its middle is cut there', async () => {
  const engine = await open();
  await engine.append('job', '"kept"').durable;
  await Promise.all(['1', '2', '3'].map((text) => engine.append('job', text).durable));
  await engine.close();
  const file = await newestFile();
  const lines = (await readFile(file, 'utf8')).split('\n');
  await writeFile(file, `${lines[0]}\n${lines[1]}\n${'\0'.repeat(lines[2]!.length)}\n${lines[3]}\n`);
  const again = await open();
  assert.equal(again.last, 2);
  await again.close();
});

test('damage before entries that were durable stops the start and names the byte', async () => {
  const engine = await open();
  for (const text of ['1', '2', '3']) await engine.append('job', text).durable;
  await engine.close();
  const file = await newestFile();
  const data = await readFile(file);
  const offset = data.indexOf(10) + 1;
  data[offset + 12]! ^= 1;
  await writeFile(file, data);
  await assert.rejects(open(), (error: Error) => {
    assert.equal(error.name, 'ConfigurationError');
    assert.ok(error.message.includes(`${file} is damaged at byte ${offset}`));
    return true;
  });
});

test('rubbish behind the last entry is cut off', async () => {
  const engine = await open();
  await engine.append('job', '1').durable;
  await engine.close();
  await appendFile(await newestFile(), Buffer.alloc(5000));
  const again = await open();
  assert.equal(again.last, 1);
  await again.close();
});

test('old files go, entries that are wanted stay', async () => {
  const engine = await open({ segmentBytes: 80 });
  for (let i = 1; i <= 40; i += 1) await engine.append('job', String(i)).durable;
  const before = engine.bulk;
  assert.ok(before > 5);
  await engine.dropBefore(21);
  assert.ok(engine.bulk < before);
  assert.ok(engine.first <= 21 && engine.first > 1);
  assert.deepEqual(
    (await all(engine, 21)).map((entry) => entry.number),
    Array.from({ length: 20 }, (_, i) => i + 21),
  );
  await assert.rejects(all(engine, 1), { name: 'ConfigurationError', message: /entry 1 is no longer there/ });
  await engine.dropBefore(41);
  assert.deepEqual(await all(engine, 41), []);
  assert.equal(engine.append('job', '41').number, 41);
  await engine.close();
  const again = await open();
  assert.equal(again.last, 41);
  assert.equal(again.first, 41);
  await again.close();
});

test('a write that fails loses what was queued behind it, and the next one works', async () => {
  const engine = createMemoryEngine();
  const losses: string[] = [];
  engine.onLoss((error) => losses.push(error.message));
  await engine.append('job', '1').durable;
  const release = engine.hold();
  engine.failNext('No space left on device');
  const first = engine.append('job', '2').durable;
  const second = engine.append('job', '3').durable;
  release();
  await assert.rejects(first, /No space left/);
  await assert.rejects(second, /No space left/);
  assert.deepEqual(losses, ['No space left on device']);
  const next = engine.append('job', '4');
  assert.equal(next.number, 2);
  await next.durable;
  assert.deepEqual(
    engine.entries.map((entry) => entry.json),
    ['1', '4'],
  );
});
