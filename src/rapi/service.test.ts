import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { ErrorCode, Failure } from '../kit/failure.ts';
import { silentLog } from '../kit/log.ts';
import { createEventHub } from './event-hub.ts';
import type { Master } from './master.ts';
import { routes } from './routes/table.ts';
import { createService, type HttpRequest, largestAnonymousBody, largestBody } from './service.ts';
import { parseUsers } from './users.ts';

const ha1 = createHash('md5').update('hashed:Ganeti Remote API:pw3').digest('hex');
const users = parseUsers(
  `# who\nadmin secret write\nreader {cleartext}readpw read\nhashed {HA1}${ha1} write, other\n`,
);

interface World {
  /** LUXI results by method; a function makes one of the arguments, a Failure is thrown. */
  readonly answers?: Readonly<Record<string, unknown>>;
  readonly requireAuthentication?: boolean;
}

interface Asked {
  readonly user?: string;
  readonly body?: unknown;
  readonly rawBody?: string;
  readonly contentType?: string;
}

/** A service whose master is a table; what it was asked stands in `calls`. */
function world({ answers = {}, requireAuthentication = false }: World = {}) {
  const calls: [method: string, args: readonly unknown[]][] = [];
  const call = async (method: string, args: readonly unknown[]): Promise<unknown> => {
    calls.push([method, args]);
    const answer = answers[method];
    if (answer instanceof Error) throw answer;
    return typeof answer === 'function' ? (answer as (given: readonly unknown[]) => unknown)(args) : answer;
  };
  const reply: Master['reply'] = async (method, args) => {
    const result = await call(method, args).catch((error: Error) => error);
    return {
      text: JSON.stringify(result) ?? 'null',
      result() {
        if (result instanceof Error) throw result;
        return result;
      },
    };
  };
  const master: Master = { call, reply, submit: async (ops) => (await call('SubmitJob', [ops])) ?? 7 };
  const service = createService({
    routes,
    master,
    users: { user: (name) => users.get(name) },
    requireAuthentication,
    events: createEventHub(async () => assert.fail('nobody listens'), silentLog),
    log: silentLog,
    now: () => 1000,
  });
  const limits: number[] = [];
  const ask = async (method: string, url: string, asked: Asked = {}) => {
    const text = asked.rawBody ?? (asked.body === undefined ? '' : JSON.stringify(asked.body));
    const request: HttpRequest = {
      method,
      url,
      authorization:
        asked.user === undefined ? undefined : `Basic ${Buffer.from(asked.user).toString('base64')}`,
      contentType: asked.contentType ?? 'application/json',
      accept: undefined,
      lastEventId: undefined,
      readBody: async (most) => {
        limits.push(most);
        return Buffer.from(text);
      },
      gone: new AbortController().signal,
    };
    const answer = await service(request);
    const shown = answer.body.toString();
    return { ...answer, body: shown, value: JSON.parse(shown) as Record<string, unknown> };
  };
  /** The opcodes that were submitted last. */
  const submitted = () =>
    calls.findLast(([method]) => method === 'SubmitJob')?.[1][0] as Record<string, unknown>[];
  return { ask, calls, submitted, limits };
}

const admin = 'admin:secret';
const instance = '/2/instances/web1.example.com';
const trail = (handler: string) => [[`gnt:library:rlib2:${handler}`, '', 1e9]];

describe('routing', () => {
  test('every route is found by a path that fits it, and by no other', async () => {
    const { ask } = world({ requireAuthentication: true });
    for (const { method, path, answer } of routes) {
      if (answer.kind === 'stream') continue;
      const url = path.replace(/\{(job_id|disk_index)\}/g, '12').replace(/\{\w+\}/g, 'web-1.x_y');
      assert.notEqual((await ask(method, url, { user: admin })).status, 404, `${method} ${url}`);
      assert.equal((await ask(method, `${url}/more/words/than/any`, { user: admin })).status, 404, url);
    }
    const names = routes.map(({ method, path }) => `${method} ${path}`);
    assert.equal(names.filter((route) => !route.includes(' /3/')).length, 84);
    assert.equal(new Set(names).size, names.length);
  });

  test('unknown paths and methods are told as Ganeti tells them', async () => {
    const { ask } = world();
    for (const url of [
      '/2/nosuch',
      '/3',
      '/2/nodes/',
      '/2/groups/bad%20name',
      '/2/jobs/x',
      '/2/../version',
    ]) {
      const { status, body } = await ask('GET', url);
      assert.equal(status, 404, url);
      assert.equal(
        body,
        '{"code": 404, "message": "Not Found", "explain": "Nothing matches the given URI"}\n',
      );
    }
    assert.deepEqual((await ask('PATCH', '/2/info?a=1')).value, {
      code: 501,
      message: 'Method PATCH is unsupported for path /2/info?a=1',
      explain: 'Server does not support this operation',
    });
    assert.equal((await ask('DELETE', '/2/nodes', { user: admin })).status, 501);
    const refused = await ask('DELETE', '/3/events', { user: admin });
    assert.deepEqual([refused.status, refused.headers.Allow], [405, 'GET']);
  });
});

describe('users', () => {
  test('reading needs no name unless the daemon says so; changing needs the right to write', async () => {
    const open = world({ answers: { QueryNodes: [['n1']] } });
    assert.equal((await open.ask('GET', '/2/nodes')).status, 200);
    const refused = await open.ask('PUT', `${instance}/startup`);
    assert.deepEqual(
      [refused.status, refused.headers['WWW-Authenticate']],
      [401, 'Basic realm="Ganeti Remote API"'],
    );
    assert.deepEqual(refused.value.explain, 'No permission -- see authorization schemes');
    assert.equal((await open.ask('PUT', `${instance}/startup`, { user: 'reader:readpw' })).status, 403);
    assert.equal((await open.ask('PUT', `${instance}/startup`, { user: admin })).status, 200);
    assert.equal((await open.ask('PUT', `${instance}/startup`, { user: 'hashed:pw3' })).status, 200);
    const closed = world({ requireAuthentication: true });
    assert.equal((await closed.ask('GET', '/version')).status, 401);
    assert.equal((await closed.ask('GET', '/nosuch')).status, 401);
    assert.equal((await closed.ask('GET', '/version', { user: 'reader:readpw' })).status, 200);
  });

  test('a wrong name or password is refused even where none is needed', async () => {
    const { ask, calls } = world();
    for (const user of [
      'admin:wrong',
      'admin:',
      'nobody:secret',
      `hashed:${ha1}`,
      'reader:{cleartext}readpw',
    ]) {
      assert.equal((await ask('GET', '/2/nodes', { user })).status, 401, user);
    }
    assert.deepEqual(calls, []);
  });

  test('no body is read of somebody without the right; a short one of anybody', async () => {
    const { ask, limits } = world();
    await ask('PUT', '/2/modify', { body: {} });
    assert.deepEqual(limits, []);
    await ask('GET', '/version');
    await ask('PUT', '/2/modify', { body: {}, user: admin });
    assert.deepEqual(limits, [largestAnonymousBody, largestBody]);
  });
});

describe('reading', () => {
  test('a list is names with addresses, in order; in bulk, objects', async () => {
    const { ask } = world({
      answers: {
        QueryNodes: ([, fields]: readonly [unknown, string[]]) =>
          ['node2', 'node1'].map((name) => fields.map((field) => (field === 'name' ? name : null))),
        QueryJobs: [[10], [9]],
      },
    });
    assert.equal(
      (await ask('GET', '/2/nodes')).body,
      '[{"id": "node1", "uri": "/2/nodes/node1"}, {"id": "node2", "uri": "/2/nodes/node2"}]\n',
    );
    const bulk = (await ask('GET', '/2/nodes?bulk=1')).value as unknown as Record<string, unknown>[];
    assert.deepEqual(
      bulk.map(({ name }) => name),
      ['node2', 'node1'],
    );
    assert.equal(Object.keys(bulk[0]!).join(' ').startsWith('name offline master_candidate'), true);
    assert.deepEqual((await ask('GET', '/2/jobs')).value, [
      { id: 9, uri: '/2/jobs/9' },
      { id: 10, uri: '/2/jobs/10' },
    ] as never);
    assert.equal(
      (await ask('GET', '/2/nodes?bulk=yes')).value.message,
      'Invalid value for the &#x27;bulk&#x27; parameter',
    );
  });

  test('an object that is not there is 404, other failures have their status', async () => {
    const missing = new Failure('OpPrereqError', ["Node 'x' not known", ErrorCode.unknown]);
    const statusOf = async (failure: Failure, path = '/2/nodes/x') =>
      (await world({ answers: { QueryNodes: failure, QueryTags: failure } }).ask('GET', path)).value;
    assert.equal((await statusOf(missing)).code, 404);
    assert.deepEqual(
      (await statusOf(missing, '/2/nodes/x/tags')).message,
      '(&quot;Node &#x27;x&#x27; not known&quot;, &#x27;unknown_entity&#x27;)',
    );
    assert.equal((await statusOf(new Failure('TimeoutError', ['slow']))).code, 504);
    const away = await statusOf(new Failure('NoMasterError', ['/run/socket']));
    assert.deepEqual(
      [away.code, away.message],
      [502, 'Can&#x27;t connect to master daemon: /run/socket'.replace("'", '&#x27;')],
    );
    assert.equal((await statusOf(new Failure('ProtocolError', ['odd']))).code, 502);
  });

  test('instances show memory under its old name too', async () => {
    const { ask } = world({
      answers: {
        QueryInstances: ([, fields]: readonly [unknown, string[]]) => [
          fields.map((field) => (field === 'beparams' ? { maxmem: 512 } : field)),
        ],
      },
    });
    const { value } = await ask('GET', instance);
    assert.deepEqual(value.beparams, { maxmem: 512, memory: 512 });
  });
});

describe('bodies', () => {
  const message = async (method: string, url: string, asked: Asked) => {
    const { status, value } = await world().ask(method, url, { user: admin, ...asked });
    assert.equal(status, 400, String(value.message));
    return (value.message as string).replaceAll('&#x27;', "'").replaceAll('&quot;', '"');
  };

  test('are told to be wrong in Ganeti’s words', async () => {
    const { ask } = world();
    const modify = `${instance}/modify`;
    assert.equal(await message('PUT', modify, { rawBody: 'not json' }), 'Unable to parse JSON data');
    assert.equal(
      await message('PUT', modify, { body: { bogus: 1 } }),
      "Invalid body parameters: Object OpInstanceSetParams doesn't support the parameter 'bogus'",
    );
    assert.equal(
      await message('PUT', modify, { body: { OP_ID: 'OP_CLUSTER_DESTROY' } }),
      "Invalid body parameters: Object OpInstanceSetParams doesn't support the parameter 'OP_ID'",
    );
    assert.equal(
      await message('POST', '/2/instances', { body: { __version__: 1, mode: 'create' } }),
      `Invalid body parameters: ("Parameter 'OP_INSTANCE_CREATE.instance_name' fails validation", 'wrong_input')`,
    );
    assert.equal(
      await message('POST', '/2/instances', { body: { mode: 'create' } }),
      'Instance creation request version 0 is no longer supported',
    );
    assert.equal(
      await message('POST', '/2/instances', { body: [1] }),
      "Body contents: Type is 'list', but 'dict' is expected",
    );
    assert.equal(
      await message('POST', '/2/nodes/n1/evacuate', { body: { mode: 'all', dry_run: true } }),
      "Can't overwrite static parameters {'dry_run'}",
    );
    assert.equal(
      await message('POST', '/2/groups', { body: { name: 'a', group_name: 'b' } }),
      "Parameter 'name' was renamed to 'group_name', but both are specified",
    );
    assert.equal(await message('PUT', '/2/nodes/n1/role', { body: 'bogus' }), "Can't set 'bogus' role");
    assert.equal(
      await message('POST', '/2/instances-multi-alloc', { body: { instances: [{ __version__: 1 }] } }),
      "Invalid body parameters: Object OpInstanceCreate doesn't support the parameter '__version__'",
    );
    const plain = await ask('PUT', modify, { user: admin, body: {}, contentType: 'text/plain' });
    assert.equal(plain.status, 415);
    const forbidden = await ask('PUT', '/2/modify', { user: admin, body: { compression_tools: [] } });
    assert.equal(forbidden.status, 403);
  });

  test('keys that mean something to JavaScript are only unknown parameters', async () => {
    for (const key of ['__proto__', 'constructor', 'toString']) {
      const rawBody = `{"${key}": {"force": true}}`;
      assert.match(await message('PUT', `${instance}/modify`, { rawBody }), /doesn't support the parameter/);
    }
  });

  test('a dependency on a job that is counted back from this one is refused', async () => {
    const body = { depends: [[-1, ['success']]] };
    for (const [method, path] of [
      ['PUT', `${instance}/startup`],
      ['GET', `${instance}/info`],
    ] as const) {
      assert.match(await message(method, path, { body }), /Parameter .*\.depends.* fails validation/);
    }
  });

  test('fill the opcode, with what path and query fix', async () => {
    const { ask, submitted } = world();
    const { value } = await ask('PUT', `${instance}/startup?dry-run=1&force=0&reason=why%20not`, {
      user: admin,
      body: { depends: [[3, ['success']]] },
    });
    assert.equal(value, 7);
    assert.deepEqual(submitted(), [
      {
        OP_ID: 'OP_INSTANCE_STARTUP',
        instance_name: 'web1.example.com',
        force: false,
        dry_run: true,
        no_remember: false,
        depends: [[3, ['success']]],
        reason: [['gnt:user', 'why not', 1e9], ...trail('instances_name_startup')],
      },
    ]);
    await ask('PUT', `${instance}/tags?tag=a&tag=b&tag=`, { user: admin });
    assert.deepEqual(submitted()[0]!.tags, ['a', 'b']);
    await ask('POST', `${instance}/disk/3/grow`, { user: admin, body: { amount: 512 } });
    assert.deepEqual([submitted()[0]!.disk, submitted()[0]!.amount], [3, 512]);
    await ask('PUT', '/2/nodes/n1/role?force=1', { user: admin, body: 'drained' });
    assert.deepEqual(submitted()[0], {
      OP_ID: 'OP_NODE_SET_PARAMS',
      node_name: 'n1',
      master_candidate: null,
      offline: null,
      drained: true,
      force: true,
      auto_promote: false,
      reason: trail('nodes_name_role'),
    });
  });

  test('older ways of asking by the query still work', async () => {
    const { ask, submitted } = world();
    await ask('POST', `${instance}/replace-disks?mode=replace_auto&disks=0,%201`, { user: admin });
    assert.deepEqual([submitted()[0]!.mode, submitted()[0]!.disks], ['replace_auto', [0, 1]]);
    await ask('POST', '/2/nodes/n1/migrate?live=0', { user: admin });
    assert.equal(submitted()[0]!.mode, 'non-live');
    await ask('POST', `${instance}/reinstall?os=noop&nostartup=1`, { user: admin });
    assert.deepEqual(
      submitted().map(({ OP_ID }) => OP_ID),
      ['OP_INSTANCE_SHUTDOWN', 'OP_INSTANCE_REINSTALL'],
    );
    await ask('POST', `${instance}/reinstall`, { user: admin, body: { os: 'noop' } });
    assert.equal(submitted().length, 3);
  });
});
