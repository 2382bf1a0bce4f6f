/** The daemon's socket and the client, over the loopback: what is signed is answered, nothing else is. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { pollUntil } from '../kit/clock.ts';
import { silentLog } from '../kit/log.ts';
import { pythonText } from '../kit/python-text.ts';
import { answerOf, askConfd, neededReplies } from './client/ask.ts';
import {
  largestDatagram,
  longestSkew,
  pack,
  requestTypes,
  unpackReply,
  unpackRequest,
} from './client/protocol.ts';
import { queryConfig } from './query-program.ts';
import { followConfiguration } from './reader.ts';
import { answerDatagram, type ConfdServer, createConfdServer } from './server.ts';
import { viewOf } from './view.ts';

const key = 'a key of this cluster\n';
const raw = JSON.parse(readFileSync(join(import.meta.dirname, 'testdata', 'config.json'), 'utf8')) as Record<
  string,
  Record<string, unknown>
>;
const now = () => 1_700_000_000;
const parts = { key: () => key, view: () => viewOf(raw), log: silentLog, now };
const ping = { protocol: 1, type: requestTypes.ping, query: null, rsalt: 'r' };

describe('datagrams', () => {
  test('a request of this cluster and of this time is answered under its salt', () => {
    const answer = answerDatagram(parts, pack(key, ping, String(now())));
    assert.equal(unpackReply(key, answer!, 'r')?.status, 0);
    assert.equal(unpackReply(key, answer!, 'other'), undefined);
    assert.equal(unpackReply('another key', answer!, 'r'), undefined);
  });

  test('old, new, forged and strange requests get silence', () => {
    const silent = (text: string) => assert.equal(answerDatagram(parts, text), undefined, text);
    silent(pack(key, ping, String(now() - longestSkew - 1)));
    silent(pack(key, ping, String(now() + longestSkew + 1)));
    silent(pack('another key', ping, String(now())));
    silent(pack(key, ping, 'noon'));
    silent(pack(key, { ...ping, protocol: 2 }, String(now())));
    silent(pack(key, { ...ping, type: 12 }, String(now())));
    silent(pack(key, { ...ping, rsalt: 5 }, String(now())));
    silent(pack(key, [ping], String(now())));
    silent(pack(key, ping, String(now())).replace('plj0', 'plj1'));
    silent('plj0');
    silent('');
    assert.equal(typeof unpackRequest(key, pack(key, ping, String(now() - longestSkew)), now()), 'object');
  });

  test('no text brings it down', () => {
    fc.assert(
      fc.property(fc.string(), fc.json(), fc.integer(), (text, json, type) => {
        answerDatagram(parts, `plj0${text}`);
        answerDatagram(parts, `plj0${json}`);
        const request = {
          protocol: 1,
          type: ((type % 12) + 12) % 12,
          query: JSON.parse(json) as unknown,
          rsalt: text,
        };
        answerDatagram(parts, pack(key, request, String(now())));
      }),
      { numRuns: 300 },
    );
  });

  test('an answer that fits in no datagram says so', () => {
    const cluster = { ...raw.cluster, tags: ['x'.repeat(largestDatagram)] };
    const query = { ...ping, type: requestTypes.configQuery, query: '/cluster/tags' };
    const answer = answerDatagram(
      { ...parts, view: () => viewOf({ ...raw, cluster }) },
      pack(key, query, String(now())),
    );
    assert.match(String(unpackReply(key, answer!, 'r')?.answer), /larger than a datagram/);
  });
});

describe('client and daemon', () => {
  let server: ConfdServer;
  let port: number;
  const asking = (peers: readonly string[]) => ({ key, peers, port, timeoutMs: 5000 });
  before(async () => {
    const wallClock = () => Date.now() / 1000;
    server = createConfdServer({ ...parts, now: wallClock, port: 0, bind: '127.0.0.1' });
    port = await server.listen();
  });
  after(() => server.close());

  test('an answer comes, or the sentence of the refusal', async () => {
    assert.equal(await answerOf(asking(['127.0.0.1']), 'clusterMaster'), 'node1.example.com');
    await assert.rejects(answerOf(asking(['127.0.0.1']), 'nodeDrbd', 'nope'), /Node name nope not found/);
  });

  test('query-config prints a line for each path', async () => {
    const lines: string[] = [];
    const ask = (...words: string[]) =>
      queryConfig(['--hmac', key, ...words], { GANETI_CONFD_PORT: String(port) }, (text) => lines.push(text));
    assert.equal(await ask('/cluster/cluster_name', '/cluster/tags', '-a', '127.0.0.1'), 0);
    const { cluster_name: name, tags = [] } = raw.cluster as { cluster_name: string; tags?: string[] };
    assert.equal(
      lines.join(''),
      `/cluster/cluster_name\t${name}\n/cluster/tags        \t${pythonText(tags)}\n`,
    );
    assert.equal(await ask('/cluster/nothing'), 1);
    assert.equal(await ask(), 2);
  });

  test('nobody there, wrong key: TimeoutError', async () => {
    const wrong = { ...asking(['127.0.0.1']), key: 'wrong', timeoutMs: 30 };
    await assert.rejects(askConfd(wrong, 'ping'), { errorClass: 'TimeoutError' });
    await assert.rejects(askConfd(asking([]), 'ping'), /no configuration daemon to ask/);
  });

  test('the newest configuration is believed', async () => {
    const older = createSocket('udp4');
    await new Promise<void>((resolve) => {
      older.bind(port, '127.0.0.2', () => resolve());
    });
    older.on('message', (message, from) => {
      const request = unpackRequest(key, message.toString(), Date.now() / 1000);
      assert.ok(typeof request === 'object');
      const reply = { protocol: 1, status: 0, answer: 'an-older-master', serial: 1 };
      older.send(pack(key, reply, request.rsalt), from.port, from.address);
    });
    try {
      assert.equal(await answerOf(asking(['127.0.0.2', '127.0.0.1']), 'clusterMaster'), 'node1.example.com');
      assert.equal(await answerOf(asking(['127.0.0.2']), 'clusterMaster'), 'an-older-master');
    } finally {
      older.close();
    }
  });

  test('enough answers are as many as Ganeti asks for', () => {
    assert.deepEqual([1, 2, 3, 4, 5, 6, 7].map(neededReplies), [1, 2, 2, 3, 3, 4, 4]);
  });
});

test('the file is followed as it is replaced, and a damaged one is told', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-confd-'));
  const path = join(folder, 'config.data');
  const replace = async (text: string) => {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  };
  await replace(JSON.stringify(raw));
  const reader = await followConfiguration(path, silentLog);
  const until = async (reached: () => boolean) =>
    assert.ok(await pollUntil(async () => reached() || undefined, { everyMs: 5, timeoutMs: 20_000 }));
  try {
    assert.ok(!(reader.view instanceof Error));
    await replace(JSON.stringify({ ...raw, serial_no: 7628 }));
    await until(() => !(reader.view instanceof Error) && reader.view.configuration.serial_no === 7628);
    await replace('{"cluster": ');
    await until(() => reader.view instanceof Error);
    await replace(JSON.stringify(raw));
    await until(() => !(reader.view instanceof Error));
    await rm(path);
    await until(() => reader.view instanceof Error);
  } finally {
    reader.close();
    await rm(folder, { recursive: true });
  }
});
