/** The paths of the monitoring daemon, their answers as Ganeti's daemon gave them, limits, and what is due when. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { silentLog } from '../kit/log.ts';
import { type Answer, createApi } from './api.ts';
import { reportOf } from './collectors/collector.ts';
import { dueNow } from './schedule.ts';
import { createMonitoringServer, type MonitoringServer } from './server.ts';
import { settingsIn } from './settings.ts';

const active = { active: true, interval: 5_000_000 };
const settings = settingsIn({
  'cpu-avg-load': active,
  'xen-cpu-avg-load': { active: true, interval: 60_000_000 },
  drbd: active,
  lv: { active: false, interval: 5_000_000 },
});
const asked: string[] = [];
const api = createApi({
  settings: () => settings,
  report: async (name) => {
    asked.push(name);
    return reportOf(name, 1000, { of: name });
  },
  metrics: async (accept) => ({ status: 200, type: accept ?? 'none', body: 'figures' }),
});
const get = (url: string) => api({ method: 'GET', url });
const value = async (url: string) => {
  const { status, body } = await get(url);
  assert.equal(status, 200, url);
  return JSON.parse(body) as unknown;
};

describe('paths', () => {
  test('versions, roots and the list', async () => {
    assert.deepEqual(await value('/'), [1]);
    assert.equal(await value('/1'), null);
    assert.equal(await value('/1/'), null);
    assert.deepEqual(await value('/1/list/collectors'), [
      ['cpu-avg-load', 'default', 0],
      ['xen-cpu-avg-load', 'default', 0],
      ['drbd', 'storage', 1],
    ]);
  });

  test('reports: all, one, with a query', async () => {
    const all = (await value('/1/report/all')) as { name: string }[];
    assert.deepEqual(
      all.map(({ name }) => name),
      ['cpu-avg-load', 'xen-cpu-avg-load', 'drbd'],
    );
    assert.deepEqual(await value('/1/report/storage/drbd?verbose=1'), {
      ...{
        name: 'drbd',
        version: 'B',
        format_version: 1,
        timestamp: 1_000_000_000,
        category: 'storage',
        kind: 1,
      },
      data: { of: 'drbd' },
    });
  });

  test('reports that are asked for at once are made once', async () => {
    asked.length = 0;
    await Promise.all([get('/1/report/storage/drbd'), get('/1/report/storage/drbd'), get('/1/report/all')]);
    assert.equal(asked.filter((name) => name === 'drbd').length, 1);
  });

  test('what is not there', async () => {
    for (const url of ['/2', '/x', '/1/list', '/1/list/x', '/1/x', '/metrics/x', '/1/list/collectors/x']) {
      const { status, body } = await get(url);
      assert.deepEqual([status, body], [404, 'Resource not found'], url);
    }
    const noReport = 'Unable to produce a report for the requested resource';
    for (const url of [
      '/1/report',
      '/1/report/default/drbd',
      '/1/report/nope/x',
      '/1/report/storage/lv',
      '/1/report/storage/drbd/x',
      '/1/report/storage/__proto__',
    ]) {
      const { status, body } = await get(url);
      assert.deepEqual([status, body], [404, noReport], url);
    }
    assert.equal((await api({ method: 'POST', url: '/' })).status, 404);
  });

  test('figures are made for who asks', async () => {
    assert.equal((await api({ method: 'GET', url: '/metrics', accept: 'a/b' })).type, 'a/b');
  });
});

describe('settings and schedule', () => {
  test('what is not said is not active; intervals are milliseconds', () => {
    assert.deepEqual(settings.get('xen-cpu-avg-load'), { active: true, intervalMs: 60_000 });
    assert.deepEqual(settings.get('lv'), { active: false, intervalMs: 5000 });
    assert.equal(settings.get('diskstats')?.active, false);
    for (const strange of [
      undefined,
      null,
      5,
      'x',
      [],
      { drbd: 7 },
      { drbd: { active: 'yes', interval: 'often' } },
    ])
      assert.equal([...settingsIn(strange).values()].filter((setting) => setting.active).length, 0);
  });

  test('each collector looks in its own interval; nobody sleeps longer than five seconds', () => {
    const start = dueNow(settings, new Map(), 0);
    assert.deepEqual(start.names, ['cpu-avg-load', 'xen-cpu-avg-load']);
    assert.equal(start.pauseMs, 5000);
    assert.deepEqual(dueNow(settings, start.next, 4000).names, []);
    const later = dueNow(settings, start.next, 5000);
    assert.deepEqual([later.names, later.next.get('xen-cpu-avg-load')], [['cpu-avg-load'], 60_000]);
    const none = dueNow(settingsIn({}), start.next, 5000);
    assert.deepEqual([none.names, none.next.size], [[], 0]);
  });
});

describe('the server', () => {
  let server: MonitoringServer;
  let port: number;
  let held: (() => void)[] = [];
  const answer = async ({ url }: { url: string }): Promise<Answer> => {
    if (url === '/fail') throw new Error('a fault');
    if (url === '/hold') await new Promise<void>((resolve) => held.push(resolve));
    return { status: 200, type: 'text/plain', body: 'fine' };
  };
  const ask = (path: string, method = 'GET'): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path, method, agent: false }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      });
      sent.on('error', reject);
      sent.end();
    });
  before(async () => {
    server = createMonitoringServer({ answer, log: silentLog, port: 0, addresses: ['127.0.0.1'] });
    port = await server.listen();
  });
  after(() => server.close());

  test('answers, and survives a handler that fails', async () => {
    assert.deepEqual(await ask('/'), { status: 200, body: 'fine' });
    assert.deepEqual(await ask('/', 'HEAD'), { status: 200, body: '' });
    assert.deepEqual(await ask('/fail'), { status: 500, body: 'A handler failed' });
  });

  test('what is no HTTP is refused', async () => {
    const text = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('\x00\x01nonsense\r\n\r\n'));
      let said = '';
      socket.on('data', (chunk) => {
        said += chunk.toString();
      });
      socket.on('close', () => resolve(said));
    });
    assert.match(text, /^HTTP\/1\.1 400 /);
  });

  test('more answers at once than it can make are refused', async () => {
    const waiting = Array.from({ length: 64 }, () => ask('/hold'));
    while (held.length < 64) await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await ask('/')).status, 503);
    for (const go of held) go();
    held = [];
    assert.ok((await Promise.all(waiting)).every(({ status }) => status === 200));
    assert.equal((await ask('/')).status, 200);
  });
});
