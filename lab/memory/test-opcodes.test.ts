/** Opcodes that tests of clients submit. */
import assert from 'node:assert/strict';
import { createConnection } from 'node:net';
import { test } from 'node:test';
import { testDummy } from '../../src/operations/test/dummy.ts';
import { testJqueue } from '../../src/operations/test/jqueue.ts';
import { testOsParams } from '../../src/operations/test/os-params.ts';
import { createMemoryCluster } from './cluster.ts';
import { runSeen } from './run.ts';

/** What a client does that is told of a socket. */
function comeAndGo(_type: string, entry: unknown): void {
  const [path] = entry as [string];
  const socket = createConnection(path, () => socket.end());
}

test('a test of the queue is told where its job stands, and waited for', async () => {
  const request = { notify_waitlock: true, notify_exec: true, log_messages: ['Hello World', ''] };
  const { said, told, result } = await runSeen(createMemoryCluster(), testJqueue, request, comeAndGo);
  assert.equal(result, true);
  assert.deepEqual(said, [
    ' - INFO: Expanding names',
    ' - INFO: Executing',
    ' - INFO: Sending log message 1',
    'TESTMSG=Hello World',
    ' - INFO: Sending log message 2',
    'TESTMSG=',
  ]);
  assert.deepEqual(
    told.map(([type, entry]) => [type, ...(entry as unknown[]).slice(1)]),
    [
      ['jqueue-test', 'expandnames', null],
      ['jqueue-test', 'exec', null],
      ['jqueue-test', 'startmsg', 2],
      ['jqueue-test', 'logmsg', 1],
      ['jqueue-test', 'logmsg', 2],
    ],
  );
  const failing = runSeen(createMemoryCluster(), testJqueue, { fail: true });
  await assert.rejects(failing, /^OpExecError: Opcode failure was requested$/);
});

test('a dummy does what it is told', async () => {
  const cluster = createMemoryCluster();
  const messages = ['one', ['two'], ['delay-test', [7]]];
  const seen = await runSeen(cluster, testDummy, { result: { a: 1 }, messages });
  assert.deepEqual([seen.result, seen.said, seen.told], [{ a: 1 }, ['one', 'two'], [['delay-test', [7]]]]);
  await assert.rejects(runSeen(cluster, testDummy, { fail: 'as asked' }), /^OpExecError: as asked$/);
  const jobs = [[{ OP_ID: 'OP_TEST_DELAY', duration: 1 }]];
  const { submitted, result } = await runSeen(cluster, testDummy, { submit_jobs: jobs });
  assert.equal(submitted.length, 1);
  assert.deepEqual(result, { jobs: [[true, 1]] });
});

test('secret parameters arrive and are not shown', async () => {
  const secret = { osparams_secret: { password: 'Xyzzy123' } };
  const { said } = await runSeen(createMemoryCluster(), testOsParams, secret);
  assert.deepEqual(said, ["Secret OS parameters: {'password': '<redacted>'}"]);
  await assert.rejects(runSeen(createMemoryCluster(), testOsParams, {}), /Opcode needs secret parameters$/);
});
