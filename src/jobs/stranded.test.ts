/** Stranded steps come again by their rules, under locks, when their nodes answer; what they held stays held until then. */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import * as z from 'zod';
import { executionFailure } from '../kit/failure.ts';
import { silentLog } from '../kit/log.ts';
import { LockManager } from '../locks/manager.ts';
import { MemoryJournal } from './durable.ts';
import { StepLedger } from './ledger.ts';
import { stepsFor } from './steps.ts';
import { type LateUndo, type Reach, StrandedSteps, type Verdict } from './stranded.ts';

type Shelf = Set<string>;
const put = stepsFor<Shelf>()({
  name: 'put',
  input: z.string(),
  run: () => Promise.resolve(),
  undo: async (shelf, name) => {
    if (glued) throw executionFailure('it is glued');
    await Promise.resolve(shelf.delete(name));
    order.push(name);
  },
});
let glued = false;
let order: string[] = [];

describe('stranded steps', () => {
  let shelf: Shelf;
  let ledger: StepLedger;
  let journal: MemoryJournal;
  let locks: LockManager;
  let held: Map<string, string>;
  let reach: Reach;
  let verdict: Verdict;
  let clock: number;
  let steps: StrandedSteps<Shelf>;

  const rule: LateUndo<Shelf> = {
    step: put,
    nodes: () => ['node1'],
    locks: (_shelf, name) => [{ level: 'instance', name: name as string, mode: 'exclusive' }],
    judge: () => verdict,
    hold: (_shelf, name, owner) => held.set(owner, name as string),
  };
  const begin = () =>
    new StrandedSteps({
      world: shelf,
      ledger,
      rules: new Map([['put', rule]]),
      locks,
      log: silentLog,
      reach: () => Promise.resolve(reach),
      release: (owner) => held.delete(owner),
      now: () => clock,
    });
  const strand = (number: number, input: unknown, step = 'put') => {
    ledger.fold({ kind: 'begun', job: 4, op: 0, number, step, input });
    ledger.fold({ kind: 'stranded', job: 4, op: 0, number, error: 'node1 is silent' });
  };

  beforeEach(() => {
    shelf = new Set(['x', 'y']);
    journal = new MemoryJournal();
    ledger = new StepLedger(journal);
    locks = new LockManager();
    held = new Map();
    reach = 'answers';
    verdict = { kind: 'undo' };
    clock = 1000;
    glued = false;
    order = [];
    steps = begin();
  });

  test('are undone in the reverse order, and that is in the journal', async () => {
    strand(1, 'x');
    strand(2, 'y');
    assert.equal(held.size, 1, 'steps of one opcode hold together');
    await steps.round();
    assert.deepEqual(order, ['y', 'x']);
    assert.equal(shelf.size, 0);
    assert.deepEqual(steps.list(), []);
    assert.equal(held.size, 0);
    const after = new StepLedger(new MemoryJournal());
    for (const { data } of journal.entries) after.fold(data as never);
    assert.deepEqual(after.stranded(), []);
  });

  test('of a node that is silent wait, and what they hold stays held over a restart', async () => {
    strand(1, 'x');
    reach = 'silent';
    await steps.round();
    assert.ok(shelf.has('x'));
    held.clear();
    steps = begin();
    assert.deepEqual([...held.values()], ['x']);
    reach = 'answers';
    await steps.round();
    assert.ok(!shelf.has('x'));
  });

  test('that fail again come later, each time after a longer pause', async () => {
    strand(1, 'x');
    glued = true;
    await steps.round();
    assert.equal(steps.list().length, 1);
    glued = false;
    await steps.round();
    assert.ok(shelf.has('x'), 'too early');
    clock += 5;
    await steps.round();
    assert.ok(!shelf.has('x'));
  });

  test('wait for the locks of a job that is at work on the same, and judge by what it has left', async () => {
    strand(1, 'x');
    await locks.acquire('9', [{ level: 'instance', name: 'x', mode: 'exclusive' }]);
    const round = steps.round();
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(shelf.has('x'));
    verdict = { kind: 'settled', reason: 'job 9 has it now' };
    locks.release('9');
    await round;
    assert.ok(shelf.has('x'));
    assert.deepEqual(steps.list(), []);
    assert.deepEqual(locks.describe(), []);
  });

  test('that can not be judged yet stay', async () => {
    strand(1, 'x');
    verdict = { kind: 'later', reason: 'reserved' };
    await steps.round();
    assert.equal(steps.list().length, 1);
    assert.deepEqual(locks.describe(), []);
  });

  test('without a rule, or with an input that no longer fits, are listed for people and can be forgotten', async () => {
    strand(1, 'z', 'unknown');
    strand(2, 17);
    await steps.round();
    assert.deepEqual(
      steps.list().map(({ step, retried }) => [step, retried]),
      [
        ['unknown', false],
        ['put', false],
      ],
    );
    await steps.forget({ job: 4, op: 0, number: 1 });
    await steps.forget({ job: 4, op: 0, number: 9 });
    assert.equal(steps.list().length, 1);
  });

  test('begin by themselves when one is stranded, and end with the daemon', async () => {
    steps.start();
    strand(1, 'x');
    while (steps.list().length > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(!shelf.has('x'));
    await steps.close();
  });
});
