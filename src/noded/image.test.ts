/** Images of files and of a web server are written whole, or refused with the reason. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { imageSize, writeImage } from './image.ts';

const mebibyte = 1024 * 1024;
const contents = Buffer.alloc(mebibyte + 7, 'what the guest boots from ');
let root: string;
let device: string;
let server: Server;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'image-'));
  device = join(root, 'device');
  await writeFile(join(root, 'image.raw'), contents, { mode: 0o644 });
  server = createServer((request, response) => {
    if (request.url === '/long') response.writeHead(200, { 'transfer-encoding': 'chunked' }).end();
    else if (request.url !== '/image.raw') response.writeHead(404).end();
    else response.writeHead(200, { 'content-length': contents.length }).end(contents);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
beforeEach(() => writeFile(device, Buffer.alloc(2 * mebibyte, 'old')));
after(async () => {
  server.close();
  await rm(root, { recursive: true });
});

const write = (image: string, sizeMiB = 2) =>
  writeImage({ root }, { image, device, sizeMiB }, new AbortController().signal);
const address = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

for (const [what, image] of [
  ['a file', () => '/image.raw'],
  ['what a web server sends', () => address('/image.raw')],
] as const) {
  test(`${what} is written, and what lies behind it stays`, async () => {
    await write(image());
    const found = await readFile(device);
    assert.ok(found.subarray(0, contents.length).equals(contents));
    assert.equal(found.length, 2 * mebibyte);
    assert.match(found.subarray(-9).toString(), /^[old]{9}$/);
  });

  test(`${what} that is too large is refused`, async () => {
    await assert.rejects(write(image(), 1), /Image '.*image.raw' is bigger than the device, which has 1 MiB/);
  });
}

test('how large an image is can be known before there is a disk', async () => {
  const size = (image: string) => imageSize({ root }, image, new AbortController().signal);
  assert.deepEqual(await size('/image.raw'), { bytes: contents.length });
  assert.deepEqual(await size(address('/image.raw')), { bytes: contents.length });
  await assert.rejects(size('/nothing'), /Image '\/nothing' not found/);
  await assert.rejects(
    size(address('/nothing')),
    /Could not retrieve image from given url 'http:.*\/nothing'/,
  );
  await assert.rejects(size(address('/long')), /Could not determine image size from given url/);
});

test('what is not there, no file, or not for everybody is refused', async () => {
  await assert.rejects(write('/nothing'), /Image '\/nothing' not found/);
  await assert.rejects(write(root), /is no file/);
  await assert.rejects(write(address('/nothing')), /can't be fetched: 404 Not Found/);
  await assert.rejects(write('http://127.0.0.1:1/x'), /can't be fetched/);
  await chmod(join(root, 'image.raw'), 0o640);
  await assert.rejects(write('/image.raw'), /not readable by everybody/);
});
