/** Walks every operation of the remote API's document: what it says fits is taken, what it says doesn't is refused. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { silentLog } from '../../src/kit/log.ts';
import { createEventHub } from '../../src/rapi/event-hub.ts';
import { documentOf } from '../../src/rapi/routes/additions.ts';
import { routes } from '../../src/rapi/routes/table.ts';
import { createService } from '../../src/rapi/service.ts';
import { parseUsers } from '../../src/rapi/users.ts';
import { type Document, faultOf, type Operation, operationsOf, sampleOf } from './openapi.ts';

const document = JSON.parse(JSON.stringify(await documentOf(routes))) as Document;
const operations = operationsOf(document).filter(({ result }) => result !== undefined);
const hints = { network: '10.1.0.0/24', fields: ['name'], name: 'a1' };

/** What LUXI answers, in its simplest form, by method. */
const luxi: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
  SubmitJob: () => 7,
  QueryClusterInfo: () => sampleOf(operations.find(({ path }) => path === '/2/info')!.result!),
  QueryTags: () => ['one'],
  Query: () => ({ fields: [{ name: 'a', title: 'A', kind: 'text', doc: 'a' }], data: [[[0, 'x']]] }),
  QueryFields: () => ({ fields: [] }),
  WaitForJobChange: () => [['success'], null],
  QueryJobs: ([, fields]) =>
    (fields as string[]).length === 2 ? [['success', [[['noop', []]]]]] : [rowOf(fields as string[])],
  CancelJob: () => [true, 'canceled'],
  ReplaceFilter: () => 'uuid',
  DeleteFilter: () => null,
};

function rowOf(fields: readonly string[]): unknown[] {
  const known: Readonly<Record<string, unknown>> = {
    id: 5,
    name: 'a1',
    uuid: 'u1',
    role: 'M',
    beparams: { maxmem: 1 },
    console: { instance: 'a1', kind: 'msg' },
    oper_state: true,
  };
  return fields.map((field) => known[field] ?? null);
}

const answered = async (method: string, args: readonly unknown[]) =>
  method in luxi ? luxi[method]!(args) : [rowOf(args[1] as string[])];

const service = createService({
  routes,
  master: {
    call: answered,
    reply: async (method, args) => {
      const result = await answered(method, args);
      return { text: JSON.stringify(result), result: () => result };
    },
    submit: async () => 7,
  },
  users: { user: (name) => parseUsers('admin pw write').get(name) },
  requireAuthentication: false,
  events: createEventHub(async () => assert.fail('nobody listens'), silentLog),
  log: silentLog,
  now: () => 0,
});

async function ask(operation: Operation, body: unknown, user: string | null = 'admin:pw') {
  const variables = operation.parameters.filter((parameter) => parameter.in === 'path');
  const path = variables.reduce(
    (at, { name }) => at.replace(`{${name}}`, /_id$|_index$/.test(name) ? '3' : 'a1'),
    operation.path,
  );
  const query = operation.parameters
    .filter(({ in: place, required, name }) => place === 'query' && (required || name === 'fields'))
    .map(({ name, schema }) => `${name}=${String(sampleOf(schema))}`);
  const answer = await service({
    method: operation.method,
    url: query.length === 0 ? path : `${path}?${query.join('&')}`,
    authorization: user === null ? undefined : `Basic ${Buffer.from(user).toString('base64')}`,
    contentType: 'application/json',
    accept: undefined,
    lastEventId: undefined,
    readBody: async () => Buffer.from(body === undefined ? '' : JSON.stringify(body)),
    gone: new AbortController().signal,
  });
  return { status: answer.status, value: JSON.parse(answer.body.toString()) as unknown };
}

describe('every operation of the document', () => {
  test('is there', () => {
    assert.equal(operations.length, routes.filter(({ answer }) => answer.kind !== 'stream').length);
  });

  for (const operation of operations) {
    const { method, path, body, isBodyNeeded, needsUser, opcode, result } = operation;
    test(`${method} ${path}`, async () => {
      const sample = body === undefined ? undefined : sampleOf(body, hints);
      if (body !== undefined) assert.equal(faultOf(document, body, sample), undefined);
      const { status, value } = await ask(operation, sample);
      assert.equal(status, 200, JSON.stringify(value));
      assert.equal(faultOf(document, result!, value), undefined, JSON.stringify(value));
      assert.equal((await ask(operation, sample, null)).status === 401, needsUser);
      if (body?.additionalProperties === false) {
        const strange = { ...(sample as object), strange: 1 };
        assert.notEqual(faultOf(document, body, strange), undefined);
        assert.equal((await ask(operation, strange)).status, 400);
      }
      if (opcode !== undefined && isBodyNeeded) assert.equal((await ask(operation, undefined)).status, 400);
    });
  }
});

test('errors are what the document says', async () => {
  const { error } = document.components.schemas;
  const operation = operations.find(({ path }) => path === '/2/modify')!;
  for (const answer of [
    await ask(operation, {}, 'x:y'),
    await ask(operation, [1]),
    await ask(operation, { odd: 1 }),
  ])
    assert.equal(faultOf(document, error!, answer.value), undefined, JSON.stringify(answer));
});
