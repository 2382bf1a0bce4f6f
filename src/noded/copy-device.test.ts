/** What is copied is the same afterwards, and nothing beyond it is touched. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { copyDevice } from './copy-device.ts';

const mebibyte = 1024 * 1024;
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'copy-device-'));
});
after(() => rm(folder, { recursive: true }));

const signal = new AbortController().signal;

test('a device is copied to its size and not beyond', async () => {
  const source = join(folder, 'source');
  const target = join(folder, 'target');
  const data = Buffer.alloc(3 * mebibyte, 'abc');
  data.fill(0, mebibyte, 2 * mebibyte);
  await writeFile(source, data);
  await writeFile(target, Buffer.alloc(4 * mebibyte, 'z'));
  await copyDevice(source, target, { sizeMiB: 3, targetIsEmpty: false, signal });
  const copied = await readFile(target);
  assert.ok(copied.subarray(0, 3 * mebibyte).equals(data));
  assert.ok(copied.subarray(3 * mebibyte).every((byte) => byte === 'z'.charCodeAt(0)));
});

test('zeros take no space in an empty file', async () => {
  const source = join(folder, 'zeros');
  const target = join(folder, 'sparse');
  await writeFile(source, Buffer.alloc(2 * mebibyte));
  await writeFile(target, '');
  const { truncate } = await import('node:fs/promises');
  await truncate(target, 2 * mebibyte);
  await copyDevice(source, target, { sizeMiB: 2, targetIsEmpty: true, signal });
  assert.equal((await stat(target)).blocks, 0);
});

test('a source that is too short is an error', async () => {
  const source = join(folder, 'short');
  await writeFile(source, 'little');
  await assert.rejects(
    copyDevice(source, source, { sizeMiB: 1, targetIsEmpty: false, signal }),
    /short ends after 6 bytes$/,
  );
});
