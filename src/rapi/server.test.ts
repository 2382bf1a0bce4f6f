import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer } from './test-server.ts';

/** Bytes to a server of their own, and what comes back. */
async function exchange(bytes: string, isOver?: (text: string) => boolean): Promise<string> {
  const server = await startTestServer();
  try {
    return await server.exchange(bytes, isOver);
  } finally {
    await server.close();
  }
}

test('answers many requests on one connection, and closes it when asked to', async () => {
  const text = await exchange(
    'GET /version HTTP/1.1\r\nHost: a\r\n\r\nGET /2/nodes HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  );
  assert.equal(text.match(/HTTP\/1\.1 200 OK/g)?.length, 2);
  assert.match(text, /\r\n\r\n2\nHTTP.*\r\n\r\n\[\]\n$/s);
});

test('what is no request, and a body too large for somebody unknown, end the connection', async () => {
  assert.match(await exchange('nonsense\r\n\r\n'), /^HTTP\/1\.1 400 Bad Request\r\n.*"code": 400/s);
  const large = 'GET /version HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n{';
  const text = await exchange(large);
  assert.match(text, /^HTTP\/1\.1 413 .*Connection: close.*"message": "Request body too large"/s);
  const endless = `GET /version HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n${'x'.repeat(0x20000)}`;
  assert.match(await exchange(endless), /^HTTP\/1\.1 413 /);
  const long = `GET /version HTTP/1.1\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`;
  assert.match(await exchange(long), /^HTTP\/1\.1 431 /);
});

test('events come as they happen, to those who may and who take them', async () => {
  const request = (headers: string) =>
    `GET /3/events HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${headers}\r\n`;
  const user = `Authorization: Basic ${Buffer.from('admin:pw').toString('base64')}\r\n`;
  const text = await exchange(request(user), (soFar) => soFar.includes('"id":7'));
  assert.match(text, /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/event-stream\r\n/);
  assert.match(text, /id: S:3\nevent: hello\ndata: \{\}\n\n/);
  assert.match(text, /id: S:4\nevent: job\ndata: \{"id":7\}\n\n/);
  assert.match(await exchange(request('')), /^HTTP\/1\.1 401 /);
  assert.match(await exchange(request(`${user}Accept: application/json\r\n`)), /^HTTP\/1\.1 406 /);
});
