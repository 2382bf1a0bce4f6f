import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../kit/failure.ts';
import type { Reply } from './call.ts';
import { reasonOf, requireAnswer } from './reply.ts';

function failureOf(reply: Reply<unknown>): Failure {
  try {
    requireAnswer(reply, 'node2.example.com', 'instance_shutdown');
  } catch (error) {
    assert.ok(error instanceof Failure);
    return error;
  }
  assert.fail('it was answered');
}

test('a failure names the node once: in itself, or in the sentence that takes its reason', () => {
  const full = failureOf({
    kind: 'refused',
    message: 'no space left',
    error: ['BlockDeviceError', ['no space left', 7]],
  });
  assert.deepEqual(
    [full.errorClass, full.args, reasonOf(full)],
    ['BlockDeviceError', ['Node node2.example.com: no space left', 7], 'no space left'],
  );
  const call = "RPC call 'instance_shutdown' to node node2.example.com failed";
  const offline = failureOf({ kind: 'offline' });
  assert.deepEqual([offline.errorClass, offline.message], ['RpcError', `${call}: Node is marked offline`]);
  assert.equal(reasonOf(offline), 'Node is marked offline');
  const silent = failureOf({ kind: 'unreachable', message: 'connect ECONNREFUSED 192.0.2.2:1811' });
  assert.deepEqual([silent.errorClass, silent.message], ['RpcError', `${call}: ${reasonOf(silent)}`]);
  assert.equal(reasonOf(silent), 'connect ECONNREFUSED 192.0.2.2:1811');
  assert.equal(requireAnswer({ kind: 'answered', value: 5 }, 'node2.example.com', 'version'), 5);
  assert.equal(reasonOf(new Error('plain')), 'plain');
});
