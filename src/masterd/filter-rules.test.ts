import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryStore } from '../config/open.ts';
import { sampleConfiguration } from '../config/sample.ts';
import { silentLog } from '../kit/log.ts';
import { replaceRule, ruleFault } from './filter-rules.ts';

const rule = (predicates: readonly unknown[], action: unknown = 'PAUSE', priority = 5) => ({
  priority,
  predicates,
  action,
});

test('rules that say something are taken', () => {
  const opcode = ['opcode', ['|', ['=', 'OP_ID', 'OP_TEST_DELAY'], ['=~', 'instance_name', '^web']]];
  const jobs = ['jobid', ['<=', 'id', 'watermark']];
  const reason = ['reason', ['=~', 'reason', '^evacuation']];
  for (const action of ['ACCEPT', 'CONTINUE', 'PAUSE', 'REJECT', ['RATE_LIMIT', 3]])
    assert.equal(ruleFault(rule([opcode, jobs, reason], action)), undefined);
  assert.equal(ruleFault(rule([], 'REJECT', 0)), undefined);
});

test("rules that don't are refused in the words of Ganeti's daemon", () => {
  const faults: readonly (readonly [Parameters<typeof ruleFault>[0], RegExp])[] = [
    [rule([['bogus', ['=', 'a', 'b']]]), /bad parameter list for 'bogus' predicate: \[\["=","a","b"\]\]$/],
    [rule([['opcode']]), /^malformed FilterPredicate: bad parameter list for 'opcode' predicate: \[\]$/],
    [rule(['opcode']), /^malformed FilterPredicate/],
    [rule([['opcode', ['foo', 'a', 'b']]]), /^Unknown filter operator 'foo'$/],
    [rule([['opcode', ['=~', 'OP_ID', '(']]]), /./],
    [rule([], 'FOO'), /^malformed FilterAction JSON: "FOO"$/],
    [rule([], ['RATE_LIMIT', 0]), /^RATE_LIMIT argument must be a positive integer$/],
    [rule([], ['RATE_LIMIT', 1.5]), /^RATE_LIMIT argument must be a positive integer$/],
    [rule([], ['RATE_LIMIT']), /^malformed FilterAction JSON: \["RATE_LIMIT"\]$/],
    [rule([], 'PAUSE', -5), /^Invalid value for non-negative type '-5'$/],
  ];
  for (const [given, fault] of faults) assert.match(ruleFault(given) ?? '', fault);
});

test('a rule is made, with a uuid of the client too, and written anew', async () => {
  let time = 1000;
  const store = createMemoryStore(sampleConfiguration(), { log: silentLog, now: () => time });
  const uuid = 'b47fcd29-4bd5-4a1b-b4b4-3d5c5f2dd9cd';
  const request = { method: 'ReplaceFilter', uuid, ...rule([]), reason: [['gnt:user', 'hold', 1]] } as const;
  assert.equal(await replaceRule(store, request, 17, 1000), uuid);
  const made = store.current.filters.get(uuid)!;
  assert.deepEqual([made.watermark, made.ctime, made.serial_no], [17, 1000, 1]);
  assert.deepEqual(made.reason_trail, [
    ['gnt:user', 'hold', 1],
    ['luxid', '', 1000e9],
  ]);
  time = 2000;
  await replaceRule(store, { ...request, action: 'REJECT' }, 20, time);
  const again = store.current.filters.get(uuid)!;
  assert.deepEqual([again.watermark, again.ctime, again.serial_no, again.action], [20, 1000, 2, 'REJECT']);
  assert.notEqual(await replaceRule(store, { ...request, uuid: null }, 20, 2000), uuid);
  const refused = replaceRule(store, { ...request, uuid: 'mine' }, 20, 2000);
  await assert.rejects(refused, { name: 'GenericError', message: 'Unable to parse UUID' });
  const wrong = replaceRule(store, { ...request, action: 'FOO' }, 20, 2000);
  await assert.rejects(wrong, { name: 'ProtocolError', message: /^Cannot convert value '\["b47f/ });
});
