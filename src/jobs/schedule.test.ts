import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FilterRule } from '../model/objects/filter-rule.ts';
import { rule } from './filter-rule.fixture.ts';
import { matchesRule, withWatermark } from './filters.ts';
import type { Job } from './job.ts';
import { ReadyList } from './ready.ts';
import { adHocLimit, chooseJobs, FilterChain } from './schedule.ts';

function job(id: number, priority = 0, input: Record<string, unknown> = {}): Job {
  return {
    id,
    ops: [
      {
        input: { OP_ID: 'OP_X', ...input },
        status: 'queued',
        result: null,
        log: [],
        start_timestamp: null,
        exec_timestamp: null,
        end_timestamp: null,
        priority,
      },
    ],
    start_timestamp: null,
    end_timestamp: null,
    received_timestamp: null,
    livelock: null,
    process_id: null,
  };
}

/** As much of the query language as these tests write. */
function evaluate(filter: unknown, fieldOf: (field: string) => unknown): boolean {
  const [operator, left, right] = filter as [string, unknown, unknown];
  switch (operator) {
    case '|':
      return evaluate(left, fieldOf) || evaluate(right, fieldOf);
    case '!':
      return !evaluate(left, fieldOf);
    case '>':
      return Number(fieldOf(left as string)) > Number(right);
    case '=':
      return fieldOf(left as string) === right;
    default:
      throw new Error(`unknown operator ${operator}`);
  }
}

const chainOf = (...rules: FilterRule[]) => new FilterChain(rules, evaluate);
const idsOf = (jobs: Iterable<Job>) => [...jobs].map(({ id }) => id);

test('the watermark is put in where values stand, and there alone', () => {
  assert.deepEqual(withWatermark(['|', ['>', 'id', 'watermark'], ['!', ['=', 'watermark', 'x']]], 12), [
    '|',
    ['>', 'id', 12],
    ['!', ['=', 'watermark', 'x']],
  ]);
});

test('each kind of predicate looks at its own fields, and all predicates must hold', () => {
  const one = job(5, 0, { name: 'web', reason: [['gnt:user', 'move', 3]] });
  const matches = (...predicates: unknown[][]) =>
    matchesRule(rule({ predicates, watermark: 4 }), one, evaluate);
  assert.equal(matches(), true);
  assert.equal(matches(['jobid', ['>', 'id', 'watermark']]), true);
  assert.equal(matches(['jobid', ['>', 'id', 5]]), false);
  assert.equal(matches(['opcode', ['=', 'OP_ID', 'OP_X']], ['opcode', ['=', 'name', 'web']]), true);
  assert.equal(matches(['reason', ['=', 'reason', 'move']], ['reason', ['=', 'timestamp', 3]]), true);
  assert.equal(matches(['reason', ['=', 'source', 'gnt:user']], ['jobid', ['=', 'id', 1]]), false);
  assert.equal(matches(['opcode', ['?', 'OP_ID']]), false);
  assert.equal(matches(['weather', ['=', 'rain', true]]), false);
});

test('the first matching rule that is no CONTINUE decides', () => {
  const chain = chainOf(
    rule({ uuid: 'late', priority: 9, action: 'REJECT' }),
    rule({ uuid: 'skip', priority: 0, action: 'CONTINUE' }),
    rule({ uuid: 'b', priority: 5, watermark: 2, action: 'PAUSE' }),
    rule({ uuid: 'a', priority: 5, watermark: 2, action: 'ACCEPT' }),
    rule({ uuid: 'other', priority: 1, action: 'PAUSE', predicates: [['jobid', ['=', 'id', 7]]] }),
  );
  assert.equal(chain.judge(job(1)).rule?.uuid, 'a');
  assert.equal(chain.judge(job(7)).rule?.uuid, 'other');
  assert.equal(chain.rejects(job(1)), undefined);
  assert.equal(chainOf(rule({ action: 'REJECT' })).rejects(job(1))?.uuid, 'r');
});

test('a rate limit counts running and chosen jobs, in both spellings', () => {
  for (const action of [['RATE_LIMIT', 2], 'RATE_LIMIT 2']) {
    const limited = rule({
      action: action as FilterRule['action'],
      predicates: [['jobid', ['>', 'id', 10]]],
    });
    const chain = chainOf(limited);
    assert.deepEqual(idsOf(chooseJobs([job(11), job(12), job(3), job(13)], [job(20)], 9, chain)), [11, 3]);
  }
});

test('an entry of the reason trail limits jobs that carry the very same', () => {
  const limited = (id: number, text: string) => job(id, 0, { reason: [['gnt:user', text, 1]] });
  const queued = [
    limited(1, 'rate-limit:1:rack'),
    limited(2, 'rate-limit:1:rack'),
    limited(3, 'rate-limit:1:other'),
    limited(4, 'rate-limit:x:rack'),
  ];
  assert.deepEqual(idsOf(chooseJobs(queued, [limited(9, 'rate-limit:1:other')], 9, chainOf())), [1, 4]);
  assert.equal(adHocLimit('rate-limit:0:x'), undefined);
  assert.equal(adHocLimit('a rate-limit:3:x'), undefined);
});

test('never more than are free, never one that is held, and none is passed over without reason', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 30 }), fc.integer({ min: 0, max: 10 }), (held, free) => {
      const jobs = held.map((isHeld, index) => job(index + 1, 0, { held: isHeld }));
      const chain = chainOf(rule({ action: 'PAUSE', predicates: [['opcode', ['=', 'held', true]]] }));
      const expected = held.flatMap((isHeld, index) => (isHeld ? [] : [index + 1])).slice(0, free);
      assert.deepEqual(idsOf(chooseJobs(jobs, [], free, chain)), expected);
    }),
  );
});

test('the ready list is always in order of priority and id, whatever comes, goes or changes', () => {
  const action = fc.record({
    kind: fc.constantFrom('add', 'remove', 'change'),
    id: fc.integer({ min: 1, max: 12 }),
    priority: fc.integer({ min: -20, max: 19 }),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const list = new ReadyList();
      const model = new Map<number, Job>();
      for (const { kind, id, priority } of actions) {
        const known = model.get(id);
        if (kind === 'add' && known === undefined) {
          const fresh = job(id, priority);
          model.set(id, fresh);
          list.add(fresh, () => false);
        } else if (kind === 'remove' && known !== undefined) {
          assert.equal(list.remove(known), true);
          assert.equal(list.remove(known), false);
          model.delete(id);
        } else if (kind === 'change' && known !== undefined) {
          known.ops[0]!.priority = priority;
          list.replace(known);
        }
        const expected = [...model.values()].sort(
          (a, b) => a.ops[0]!.priority - b.ops[0]!.priority || a.id - b.id,
        );
        assert.deepEqual(idsOf(list), idsOf(expected));
      }
    }),
  );
});

test('a job stands aside until everything that it depends on has ended', () => {
  const list = new ReadyList();
  const unfinished = new Set([1, 2]);
  const waiting = job(5, 0, {
    depends: [
      [1, []],
      [2, ['success']],
      [3, []],
    ],
  });
  list.add(waiting, (id) => unfinished.has(id));
  list.add(job(6), (id) => unfinished.has(id));
  assert.deepEqual(idsOf(list), [6]);
  list.ended(1);
  assert.deepEqual(idsOf(list), [6]);
  list.ended(2);
  assert.deepEqual(idsOf(list), [5, 6]);
});
