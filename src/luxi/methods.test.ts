/** Decoding of positional arguments, and that every method of Ganeti is there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRequest, luxiMethods } from './methods.ts';

test('the 25 methods of Luxi.hs, one that tells events, and one that counts', () => {
  const ours = ['WaitForEvents', 'QueryStatistics'];
  assert.equal(luxiMethods.filter((method) => !ours.includes(method)).length, 25);
  assert.equal(luxiMethods.length, 27);
});

test('arguments get their names', () => {
  assert.deepEqual(decodeRequest('Query', ['node', ['name'], null]), {
    method: 'Query',
    what: 'node',
    fields: ['name'],
    qfilter: null,
  });
  assert.deepEqual(decodeRequest('WaitForJobChange', ['12', ['status'], null, 3, 60]), {
    method: 'WaitForJobChange',
    job: 12,
    fields: ['status'],
    prev_job: null,
    prev_log: 3,
    tmout: 60,
  });
  assert.deepEqual(decodeRequest('QueryClusterInfo', []), { method: 'QueryClusterInfo' });
});

test('what older clients leave out is filled in', () => {
  assert.deepEqual(decodeRequest('CancelJob', [5]), { method: 'CancelJob', job: 5, kill: false });
  assert.deepEqual(decodeRequest('QueryJobs', [null, ['id']]), {
    method: 'QueryJobs',
    ids: [],
    fields: ['id'],
  });
  assert.deepEqual(decodeRequest('QueryFields', ['instance', null]), {
    method: 'QueryFields',
    what: 'instance',
    fields: [],
  });
  assert.deepEqual(decodeRequest('SetWatcherPause', []), { method: 'SetWatcherPause', duration: null });
  assert.deepEqual(decodeRequest('ReplaceFilter', [null, 0, [], 'ACCEPT', []]), {
    method: 'ReplaceFilter',
    uuid: null,
    priority: 0,
    predicates: [],
    action: 'ACCEPT',
    reason: [],
  });
});

test('wrong shapes are refused with the name of the argument', () => {
  for (const [method, args, message] of [
    ['SetDrainFlag', ['yes'], /'flag' must be a boolean/],
    ['QueryJobs', [['x'], []], /'ids' must be a list of job ids/],
    ['QueryJobs', [[-1], []], /'ids'/],
    ['SubmitJob', [[1]], /'job' must be a list of opcodes/],
    ['SubmitManyJobs', [[{}]], /'ops'/],
    ['CancelJob', [1, true, 3], /takes 2 argument/],
    ['DeleteFilter', [], /'uuid' must be a string/],
    ['DeleteFilter', 'x', /arguments must be a list/],
    ['constructor', [], /Unable to parse LUXI request method/],
    [7, [], /Unable to parse LUXI request method/],
  ] as const) {
    assert.throws(() => decodeRequest(method, args), { name: 'ProtocolError', message });
  }
});
