/** Who wishes the daemon ill: slow clients, idle ones by the hundred, tricks with headers and paths, rubbish. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { makeSelfSignedCertificate } from '../noderpc/certificates.ts';
import { methods } from './route.ts';
import { routes } from './routes/table.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const credentials = `Authorization: Basic ${Buffer.from('admin:pw').toString('base64')}\r\n`;
const get = (path: string, more = '') =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${more}\r\n`;
const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d+) /.exec(text)?.[1] ?? 0);

describe('slow and idle clients', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer({
      headersMs: 300,
      requestMs: 600,
      idleMs: 300,
      takingMs: 100,
      checkMs: 50,
    });
  });
  after(() => server.close());

  /** Sends the beginning, then a byte now and again, until the connection is closed. */
  async function dribble(beginning: string): Promise<string> {
    const socket = server.connect();
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.write(beginning);
    const timer = setInterval(() => socket.write('x'), 20);
    await once(socket, 'close');
    clearInterval(timer);
    return text;
  }

  test('a header that never ends, and a body that never ends, end the connection', async () => {
    assert.equal(statusOf(await dribble('GET /version HTTP/1.1\r\nX: ')), 408);
    const begun = `PUT /2/modify HTTP/1.1\r\nHost: a\r\n${credentials}Content-Type: application/json\r\n`;
    const text = await dribble(`${begun}Content-Length: 100000\r\n\r\n{"`);
    assert.ok([408, 400].includes(statusOf(text)), text);
    assert.deepEqual(server.submitted, []);
  });

  test('hundreds that say nothing keep nobody else waiting, and are shown out', async () => {
    const idle: Socket[] = [];
    const ends: Promise<unknown>[] = [];
    for (let count = 0; count < 300; count += 1) {
      const socket = server.connect();
      socket.on('error', () => {});
      socket.resume();
      idle.push(socket);
      ends.push(once(socket, 'close'));
      // Some have asked something before.
      if (count % 3 === 0) socket.write('GET /version HTTP/1.1\r\nHost: a\r\n\r\n');
    }
    await Promise.all(idle.map(async (socket) => socket.connecting && (await once(socket, 'connect'))));
    assert.equal(statusOf(await server.exchange(get('/version'))), 200);
    await Promise.all(ends);
  });
});

describe('clients that take nothing of their answers', () => {
  const forever = 900_000;
  const ask = 'GET /3/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n';
  /** Sends, reads nothing, and waits until what is sent comes back, since the connection is no more. */
  async function isShownOut(server: TestServer, text: string): Promise<void> {
    const socket = server.dial();
    socket.pause();
    socket.write(text);
    const timer = setInterval(() => socket.write(ask), 500);
    const [error] = (await once(socket, 'error').finally(() => clearInterval(timer))) as [
      NodeJS.ErrnoException,
    ];
    assert.ok(['ECONNRESET', 'EPIPE'].includes(error.code ?? ''), String(error));
  }

  test('are shown out after a while', { timeout: 20_000 }, async () => {
    const patience = { headersMs: forever, requestMs: forever, idleMs: forever, takingMs: 100 };
    const server = await startTestServer(patience);
    await isShownOut(server, ask.repeat(40));
    await server.close();
  });

  for (const kind of ['plain', 'TLS'] as const) {
    test(`${kind}: at once, when they ask for more than the daemon may hold`, {
      timeout: 20_000,
    }, async () => {
      const pair = await makeSelfSignedCertificate({ commonName: 'a' });
      const certificate = kind === 'TLS' ? { key: pair, cert: pair } : null;
      const patience = { headersMs: forever, requestMs: forever, idleMs: forever, takingMs: forever };
      const server = await startTestServer(patience, {
        certificate,
        allowance: { mostHeld: 4 * 1024 * 1024 },
      });
      await isShownOut(server, ask.repeat(400));
      const reader = server.dial();
      reader.write(get('/3/openapi.json'));
      let text = '';
      reader.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      await once(reader, 'close');
      assert.equal(typeof JSON.parse(text.slice(text.indexOf('\r\n\r\n'))), 'object');
      await server.close();
    });
  }
});

describe('more connections than may wait for their clients', () => {
  const mostWaiting = 20;
  const open = (server: TestServer, count: number) =>
    Array.from({ length: count }, () => {
      const socket = server.connect();
      socket.on('error', () => {});
      socket.resume();
      return { socket, ended: once(socket, 'close') };
    });

  for (const kind of ['plain', 'TLS'] as const) {
    test(`${kind}: the one that has waited longest goes, and nobody who is served`, async () => {
      const pair = await makeSelfSignedCertificate({ commonName: 'a' });
      const certificate = kind === 'TLS' ? { key: pair, cert: pair } : null;
      const server = await startTestServer({}, { allowance: { mostWaiting }, certificate });
      try {
        const listener = server.dial();
        let heard = '';
        listener.on('data', (chunk: Buffer) => {
          heard += chunk.toString('latin1');
        });
        listener.write(`GET /3/events HTTP/1.1\r\nHost: a\r\n${credentials}\r\n`);
        while (!heard.includes('event: job')) await once(listener, 'data');
        const asked = server.dial();
        asked.write('GET /version HTTP/1.1\r\nHost: a\r\n\r\n');
        await once(asked, 'data');
        const askedEnd = once(asked.resume(), 'close');
        const first = open(server, mostWaiting);
        await askedEnd;
        const next = open(server, mostWaiting);
        await Promise.all(first.map(({ ended }) => ended));
        const last = server.dial();
        last.write(get('/version'));
        const [answer] = (await once(last, 'data')) as [Buffer];
        assert.equal(statusOf(answer.toString()), 200);
        assert.ok(next.slice(2).every(({ socket }) => !socket.destroyed));
        assert.ok(!listener.destroyed);
        for (const socket of [listener, last, ...next.map((one) => one.socket)]) socket.destroy();
      } finally {
        await server.close();
      }
    });
  }
});

describe('tricks', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer({ idleMs: 500, checkMs: 50 });
  });
  after(() => server.close());

  test('with paths find nothing', async () => {
    for (const path of [
      ...[
        '/2/../2/info',
        '/2/./info',
        '//2/info',
        '/2//info',
        '/2/info/',
        '/2/info/..',
        '/2/%69nfo',
        '/2/info%00',
      ],
      ...[
        '/2/instances/..',
        '/2/instances/%2e%2e',
        '/2/instances/a%2fb',
        '/2/instances/a%00',
        '/2/instances/a;b',
      ],
      ...[
        '/2/nodes/..%2f..%2f..%2fetc%2fpasswd',
        '/etc/passwd',
        '/2/instances/a\\b',
        '/2/jobs/1e3',
        '/2/jobs/-1',
      ],
      ...['/2/jobs/99999999999999999999', '/2/instances/a/disk/0x1/grow', 'http://elsewhere/2/info', '*'],
      ...['/2/__proto__', '/2/constructor', '/2/instances/%', '/2/groups/%C0%AF', '/2/info#', '/2/info#x?y'],
    ]) {
      assert.equal(statusOf(await server.exchange(get(path, credentials))), 404, path);
    }
    const long = await server.exchange(get(`/2/instances/${'a'.repeat(50_000)}`));
    assert.equal(statusOf(long), 431, long.slice(0, 100));
  });

  test('with names of objects stay names', async () => {
    for (const name of ['..', '...', '__proto__', 'constructor', '-', '-rf', 'a'.repeat(8000)]) {
      const text = await server.exchange(get(`/2/instances/${name}`));
      assert.equal(statusOf(text), 404, name.slice(0, 20));
    }
  });

  test('with headers that say two things, or nothing that is HTTP, end the connection', async () => {
    const next = 'GET /2/features HTTP/1.1\r\nHost: a\r\n\r\n';
    const put = `PUT /2/instances/a/startup HTTP/1.1\r\nHost: a\r\n`;
    for (const bytes of [
      `${put}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd${next}`,
      `${put}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${next}`,
      `${put}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${next}`,
      `${put}Transfer-Encoding: \tchunked\u000b\r\n\r\n0\r\n\r\n${next}`,
      `${put}Content-Length: -1\r\n\r\n${next}`,
      `${put}Content-Length: 0x10\r\n\r\n${next}`,
      `${put}Content-Length: 1e3\r\n\r\n${next}`,
      `${put}Content-Length : 0\r\n\r\n${next}`,
      `${put}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx\r\n${next}`,
      `${put}Transfer-Encoding: chunked\r\n\r\n-1\r\n${next}`,
      `GET /version HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n${next}`,
      `GET /version HTTP/1.1\nHost: a\n\n${next}`,
      `GET /version HTTP/1.1\r\nHost: a\r\nX: a\u0000b\r\n\r\n${next}`,
      `GET /version HTTP/1.1\r\nHost: a\r\nX\r\n\r\n${next}`,
      `GET /version HTTP/1.1\r\n\r\n${next}`,
      `GET /version HTTP/9.9\r\nHost: a\r\n\r\n${next}`,
      `GET /ver sion HTTP/1.1\r\nHost: a\r\n\r\n${next}`,
      `G\u0000T /version HTTP/1.1\r\nHost: a\r\n\r\n${next}`,
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc',
      `${'\r\n'.repeat(20)}\u0000`,
    ]) {
      const text = await server.exchange(Buffer.from(bytes, 'latin1'));
      assert.ok([400, 401, 501].includes(statusOf(text)), `${JSON.stringify(bytes)} ${text}`);
      assert.doesNotMatch(text, /instance-create-reqv1/, JSON.stringify(bytes));
    }
    assert.deepEqual(server.submitted, []);
  });

  test('with many headers, or one that is long, are refused', async () => {
    const many = Array.from({ length: 1500 }, (_, index) => `X-${index}: y\r\n`).join('');
    for (const more of [
      many,
      `Cookie: ${'c'.repeat(20_000)}\r\n`,
      `Authorization: Basic ${'A'.repeat(20_000)}\r\n`,
    ]) {
      const status = statusOf(await server.exchange(get('/version', more)));
      assert.ok(status === 431 || status === 200, String(status));
    }
    for (const word of [
      'Basic',
      'Basic =',
      'Basic ::::',
      'Bearer x',
      'Digest',
      'Basic \u0001',
      `Basic ${'%'.repeat(99)}`,
    ]) {
      const status = statusOf(await server.exchange(get('/2/query/node', `Authorization: ${word}\r\n`)));
      assert.ok(status === 401 || status === 400, `${word} ${status}`);
    }
  });

  test('with methods and promises that this server has none for', async () => {
    for (const method of ['TRACE', 'CONNECT', 'OPTIONS', 'PATCH', 'PROPFIND', 'LINK']) {
      const text = await server.exchange(
        `${method} /2/info HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      );
      assert.ok([0, 501].includes(statusOf(text)), `${method} ${text}`);
    }
    const upgrade = await server.exchange(
      get('/version', 'Upgrade: websocket\r\n').replace('close', 'upgrade, close'),
    );
    assert.equal(statusOf(upgrade), 200, upgrade);
    const expecting = `PUT /2/modify HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n`;
    assert.match(await server.exchange(expecting), /HTTP\/1\.1 401 /);
    assert.equal(statusOf(await server.exchange(get('/version', 'Expect: miracles\r\n'))), 417);
  });
});

test('nobody without a name gets at what needs a right, whatever they send', async () => {
  const server = await startTestServer();
  try {
    for (const { method, path, access } of routes) {
      const url = path.replace(/\{(job_id|disk_index)\}/g, '12').replace(/\{\w+\}/g, 'web1');
      const bytes = `${method} ${url}?force=1&bulk=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
      const status = statusOf(await server.exchange(bytes));
      assert.equal(status === 401, access.length > 0, `${method} ${path} ${status}`);
      if (method !== 'GET') assert.ok(access.length > 0, `${method} ${path} changes things`);
    }
    // Two reads ask nodes, and so are jobs.
    const reads = ['OP_OS_DIAGNOSE', 'OP_INSTANCE_QUERY_DATA'];
    assert.deepEqual(
      server.submitted.map((op) => (op as { OP_ID: string }).OP_ID),
      reads,
    );
  } finally {
    await server.close();
  }
});

test('rubbish is answered, with words and never as a fault of the server', async () => {
  const server = await startTestServer();
  const paths = routes.map(({ path }) => path);
  const word = fc.oneof(
    fc.constantFrom('web1', '12', '', '..', '%00', '0'),
    fc.string({ maxLength: 8 }).map(encodeURIComponent),
  );
  const url = fc
    .tuple(
      fc.constantFrom(...paths),
      word,
      fc.dictionary(
        fc.constantFrom('bulk', 'force', 'dry-run', 'tag', 'fields', 'mode', 'os', 'x'),
        fc.string(),
      ),
    )
    .map(
      ([path, name, query]) => `${path.replace(/\{\w+\}/g, name)}?${new URLSearchParams(query).toString()}`,
    )
    .filter((text) => !text.startsWith('/3/events'));
  const body = fc.oneof(
    fc.constantFrom('', '{', '[]', 'null', '"x"', '{"a": ', '\u00ff', '9'.repeat(400), '['.repeat(5000)),
    fc.json({ maxDepth: 3 }),
    fc
      .dictionary(
        fc.constantFrom(
          '__version__',
          'mode',
          'instance_name',
          'disks',
          'nics',
          'force',
          'depends',
          'tags',
          'fields',
        ),
        fc.jsonValue(),
      )
      .map((value) => JSON.stringify(value)),
  );
  const asked = fc.record({
    method: fc.constantFrom(...methods, 'HEAD', 'PATCH'),
    url,
    body,
    isKnown: fc.boolean(),
    type: fc.constantFrom('application/json', 'text/plain', 'application/json; charset=utf-8', ''),
  });
  try {
    await fc.assert(
      fc.asyncProperty(asked, async (request) => {
        const bytes = Buffer.from(request.body);
        const head =
          `${request.method} ${request.url} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${request.isKnown ? credentials : ''}` +
          `Content-Type: ${request.type}\r\nContent-Length: ${bytes.length}\r\n\r\n`;
        const text = await server.exchange(Buffer.concat([Buffer.from(head), bytes]));
        const status = statusOf(text);
        assert.ok([200, 400, 401, 403, 404, 405, 413, 415, 501].includes(status), `${status} ${text}`);
        const end = text.indexOf('\r\n\r\n') + 4;
        if (request.method !== 'HEAD') JSON.parse(text.slice(end));
      }),
      { numRuns: 600, seed: 7 },
    );
  } finally {
    await server.close();
  }
});
