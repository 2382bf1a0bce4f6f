/** Client and server of LUXI against each other, and the server against raw bytes. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { ErrorCode, type Failure, prerequisiteFailure } from '../kit/failure.ts';
import { silentLog } from '../kit/log.ts';
import { pathsFor } from '../kit/paths.ts';
import { luxiAddress } from './address.ts';
import { connectLuxi, noMasterSentence } from './client.ts';
import { decodeRequest } from './methods.ts';
import { type LuxiServer, type LuxiServerOptions, serveLuxi } from './server.ts';

let folder = '';
let path = '';
let server: LuxiServer | undefined;
const sockets: Socket[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luxi-'));
  path = join(folder, 'ganeti-query');
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server?.close(100);
  server = undefined;
  await rm(folder, { recursive: true });
});

async function serve(handle: LuxiServerOptions['handle'], more: Partial<LuxiServerOptions> = {}) {
  server = await serveLuxi({ path, handle, log: silentLog, ...more });
}

/** Sends raw bytes, ends its half as socat does, and gives everything that came back. */
function exchange(bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true });
    sockets.push(socket);
    const received: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    socket.on('end', () => resolve(Buffer.concat(received).toString()));
    socket.on('error', reject);
    socket.end(bytes);
  });
}

test('a request gets its answer without a version, as an older client wants it', async () => {
  await serve(async (method, args) => ({ method, args }));
  assert.equal(
    await exchange('{"method":"QueryTags","args":["cluster",""],"version":3000000}\u0003'),
    '{"success":true,"result":{"method":"QueryTags","args":["cluster",""]}}\u0003',
  );
});

test('an error travels as class and arguments', async () => {
  await serve(async () => {
    throw prerequisiteFailure("Node 'x' not known", ErrorCode.unknown);
  });
  const client = await connectLuxi(path);
  await assert.rejects(client.call('QueryNodes', [[], [], false]), (error: Failure) => {
    assert.equal(error.errorClass, 'OpPrereqError');
    assert.deepEqual(error.args, ["Node 'x' not known", 'unknown_entity']);
    return true;
  });
  client.close();
});

test('an unknown method is answered in the words of Ganeti and arrives as a protocol error', async () => {
  await serve(async (method, args) => decodeRequest(method, args).method);
  assert.equal(
    await exchange('{"method":"Bogus","args":[],"version":3000000}\u0003'),
    '{"success":false,"result":"Failed to parse request: Unable to parse LUXI request method: Invalid string value for type LuxiReq: \\"Bogus\\""}\u0003',
  );
  const client = await connectLuxi(path);
  await assert.rejects(client.call('Bogus', []), {
    name: 'ProtocolError',
    message: /^Failed to parse request/,
  });
  client.close();
});

test('garbage is answered and the connection stays usable', async () => {
  await serve(async () => 1);
  const answers = (
    await exchange('not json\u0003[]\u0003{}\u0003{"method":1,"args":{}}\u0003{"method":"X","args":[]}\u0003')
  ).split('\u0003');
  assert.equal(answers.length, 6);
  for (const text of answers.slice(0, 4)) {
    assert.match(text, /^\{"success":false,"result":"Failed to parse request: /);
  }
  assert.equal(answers[4], '{"success":true,"result":1}');
});

test('a request that is too large is refused and cut off; others are served on', async () => {
  await serve(async () => 1, { largestRequest: 1000 });
  assert.match(await exchange(Buffer.alloc(5000, 'x')), /larger than 1000 bytes/);
  const client = await connectLuxi(path);
  assert.equal(await client.call('QueryClusterInfo', []), 1);
  client.close();
});

test('requests of one connection are handled one after the other, in order', async () => {
  let inHand = 0;
  const seen: unknown[] = [];
  await serve(async (_method, args) => {
    inHand += 1;
    assert.equal(inHand, 1);
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(args[0]);
    inHand -= 1;
    return args[0];
  });
  const requests = Array.from({ length: 50 }, (_, i) => `{"method":"PickupJob","args":[${i}]}\u0003`).join(
    '',
  );
  const answers = (await exchange(requests)).split('\u0003').slice(0, -1);
  assert.deepEqual(
    answers.map((text) => JSON.parse(text).result),
    Array.from({ length: 50 }, (_, i) => i),
  );
  assert.equal(seen.length, 50);
});

test('a message in many pieces, with characters cut in the middle, arrives whole', async () => {
  await serve(async (_method, args) => args[0]);
  const client = await connectLuxi(path);
  const text = 'käse €\u0003 😀 '.repeat(20_000);
  assert.equal(await client.call('QueryTags', [text]), text);
  client.close();
});

test('a reader that takes nothing is cut off', async () => {
  const cut = new Promise<void>((resolve) => {
    void serve(
      async (_method, _args, peer) => {
        peer.gone.addEventListener('abort', () => resolve());
        return 'x'.repeat(20 * 1024 * 1024);
      },
      { patienceMs: 50 },
    ).then(() => {
      const socket = connect({ path });
      sockets.push(socket);
      socket.on('error', () => {});
      socket.pause();
      socket.write('{"method":"QueryClusterInfo","args":[]}\u0003');
    });
  });
  await cut;
});

test('many connections at once', async () => {
  await serve(async (_method, args) => args[0]);
  const clients = await Promise.all(Array.from({ length: 100 }, () => connectLuxi(path)));
  const answers = await Promise.all(clients.map((client, i) => client.call('PickupJob', [i])));
  assert.deepEqual(
    answers,
    clients.map((_, i) => i),
  );
  for (const client of clients) client.close();
});

test('calls on one client wait their turn', async () => {
  await serve(async (_method, args) => args[0]);
  const client = await connectLuxi(path);
  assert.deepEqual(await Promise.all([1, 2, 3].map((n) => client.call('PickupJob', [n]))), [1, 2, 3]);
  client.close();
});

test('nobody there: NoMasterError with the path, and a sentence', async () => {
  await assert.rejects(connectLuxi(path), { name: 'NoMasterError', args: [path] });
  assert.match(noMasterSentence(path, path), /^Cannot communicate with the master daemon\.\nIs the process/);
  assert.match(noMasterSentence(path, '/other'), /socket '.*ganeti-query'/);
});

test('a read survives a restart of the daemon, a change does not repeat', async () => {
  await serve(async () => 'before');
  const client = await connectLuxi(path, { retryMs: [1, 5, 20, 50, 100, 200] });
  await client.call('QueryClusterInfo', []);
  await server!.close(0);
  const restarted = client.call('QueryClusterInfo', []);
  await serve(async () => 'after');
  assert.equal(await restarted, 'after');
  let times = 0;
  await server!.close(0);
  await serve(async () => {
    times += 1;
    await server!.close(0);
    return 1;
  });
  const changing = await connectLuxi(path);
  await assert.rejects(changing.call('SubmitJob', [[]]), { name: 'ProtocolError' });
  assert.equal(times, 1);
  client.close();
  changing.close();
});

test('the socket is for owner and group only, and goes with the server', async () => {
  await serve(async () => 1);
  assert.equal((await stat(path)).mode & 0o777, 0o660);
  await assert.rejects(serveLuxi({ path, handle: async () => 2, log: silentLog }), { name: 'LuxiError' });
  await server!.close();
  server = undefined;
  await assert.rejects(stat(path), { code: 'ENOENT' });
});

test('closing waits for the request in hand', async () => {
  let release = () => {};
  const reached = new Promise<void>((reach) => {
    void serve(async () => {
      reach();
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return 'done';
    });
  });
  while (server === undefined) await new Promise((resolve) => setImmediate(resolve));
  const client = await connectLuxi(path);
  const result = client.call('SubmitJob', [[]]);
  await reached;
  const closing = server.close(10_000);
  release();
  assert.equal(await result, 'done');
  await closing;
  server = undefined;
  client.close();
});

test('FORCE_LUXI_SOCKET names another socket', () => {
  const paths = pathsFor({ GANETI_ROOTDIR: '/v/node1' });
  assert.equal(luxiAddress(paths, {}), '/v/node1/var/run/ganeti/socket/ganeti-query');
  assert.equal(luxiAddress(paths, { FORCE_LUXI_SOCKET: 'query' }), paths.querySocket);
  assert.equal(luxiAddress(paths, { FORCE_LUXI_SOCKET: '/tmp/other' }), '/tmp/other');
});
