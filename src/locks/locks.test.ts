import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Allocation, conflicting, merged } from './allocation.ts';
import { type LockLevel, type LockMode, type LockRequest, lockLevels } from './contract.ts';
import { LockManager } from './manager.ts';
import { patience, Waiting } from './waiting.ts';

const lock = (name: string, mode: LockMode = 'exclusive', level: LockLevel = 'node'): LockRequest => ({
  level,
  name,
  mode,
});

/** Whether a promise has been settled, asked without waiting for time to pass. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  promise.then(settle, settle);
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  return settled;
}

test('shared holders agree, an exclusive one is alone', async () => {
  const locks = new LockManager();
  await locks.acquire('1', [lock('a', 'shared')]);
  await locks.acquire('2', [lock('a', 'shared')]);
  const third = locks.acquire('3', [lock('a')]);
  assert.equal(await isSettled(third), false);
  locks.release('1');
  assert.equal(await isSettled(third), false);
  locks.release('2');
  assert.deepEqual(await third, [lock('a')]);
});

test('a whole level conflicts with each of its names', async () => {
  const locks = new LockManager();
  await locks.acquire('1', [lock('a', 'shared')]);
  await locks.acquire('2', [lock('all', 'shared')]);
  const third = locks.acquire('3', [lock('b')]);
  assert.equal(await isSettled(third), false);
  locks.release('2');
  await third;
  const fourth = locks.acquire('4', [lock('all')]);
  locks.release('1');
  assert.equal(await isSettled(fourth), false);
  locks.release('3');
  await fourth;
});

test('later ones do not pass an earlier waiter of their priority, better ones do', async () => {
  const locks = new LockManager();
  await locks.acquire('1', [lock('a', 'shared')]);
  const writer = locks.acquire('2', [lock('a')]);
  const reader = locks.acquire('3', [lock('a', 'shared')]);
  const urgent = locks.acquire('4', [lock('a', 'shared')], { priority: -10 });
  assert.deepEqual(
    [await isSettled(writer), await isSettled(reader), await isSettled(urgent)],
    [false, false, true],
  );
  locks.setPriority('3', -1);
  assert.equal(await isSettled(reader), true);
});

test('opportunistic locks are taken when free and left out when not', async () => {
  const locks = new LockManager();
  await locks.acquire('1', [lock('a')]);
  const wish = (name: string): LockRequest => ({ ...lock(name), opportunistic: true });
  assert.deepEqual(await locks.acquire('2', [lock('c'), wish('a'), wish('b')]), [lock('c'), wish('b')]);
  assert.deepEqual(await locks.acquire('3', [wish('a'), wish('b')]), []);
});

test('who gives up waiting holds nothing and stands in nobody’s way', async () => {
  const locks = new LockManager();
  await locks.acquire('1', [lock('a')]);
  const abort = new AbortController();
  const second = locks.acquire('2', [lock('x', 'exclusive', 'instance'), lock('a')], {
    signal: abort.signal,
  });
  const third = locks.acquire('3', [lock('x', 'shared', 'instance')]);
  assert.equal(await isSettled(third), false);
  abort.abort(new Error('enough'));
  await assert.rejects(second, { message: 'enough' });
  await third;
  assert.equal(locks.isWaiting('2'), false);
  await assert.rejects(locks.acquire('4', [], { signal: abort.signal }), { message: 'enough' });
});

test('an owner asks once, for everything', async () => {
  const locks = new LockManager();
  await locks.acquire('1', [lock('a')]);
  await assert.rejects(locks.acquire('1', [lock('b')]), { name: 'LockError' });
  locks.release('1');
  await locks.acquire('1', [lock('b')]);
});

test('locks are described as gnt-debug locks shows them', async () => {
  const locks = new LockManager();
  const bgl = lock('BGL', 'shared', 'cluster');
  await locks.acquire('477', [bgl]);
  await locks.acquire('476', [bgl, lock('1f29')]);
  void locks.acquire('478', [bgl, lock('1f29')]);
  void locks.acquire('479', [lock('all', 'shared')]);
  assert.deepEqual(locks.describe(), [
    { name: 'cluster/BGL', mode: 'shared', owner: ['476', '477', '478'], pending: null },
    { name: 'cluster/[lockset]', mode: null, owner: null, pending: null },
    { name: 'node/1f29', mode: 'exclusive', owner: ['476'], pending: [['exclusive', ['478']]] },
    { name: 'node/[lockset]', mode: null, owner: null, pending: [['shared', ['479']]] },
  ]);
});

test('requests for one lock are merged into the stronger one', () => {
  const wish: LockRequest = { ...lock('a', 'exclusive'), opportunistic: true };
  assert.deepEqual(merged([lock('a', 'shared'), wish, lock('b')]), [lock('a'), lock('b')]);
});

const anyRequests = fc.array(
  fc.record({
    level: fc.constantFrom<LockLevel>('instance', 'node', 'node-res'),
    name: fc.constantFrom('a', 'b', 'c', 'all'),
    mode: fc.constantFrom<LockMode>('shared', 'exclusive'),
    opportunistic: fc.boolean(),
  }),
  { maxLength: 6 },
);
const anyAction = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('acquire' as const),
      requests: anyRequests,
      priority: fc.integer({ min: -20, max: 19 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('abort' as const), which: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('priority' as const),
      which: fc.nat(),
      to: fc.integer({ min: -20, max: 19 }),
    }),
  },
);

interface Client {
  readonly abort: AbortController;
  readonly requests: readonly LockRequest[];
  held: readonly LockRequest[] | undefined;
}

function mustBeExclusive(locks: LockManager, owners: readonly string[]): void {
  for (const [index, owner] of owners.entries()) {
    for (const other of owners.slice(index + 1)) {
      for (const left of locks.heldBy(owner)) {
        assert.ok(!locks.heldBy(other).some((right) => conflicting(left, right)));
      }
    }
  }
}

test('no two owners ever hold what conflicts, and once holders let go everyone is served', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyAction, { maxLength: 40 }), async (actions) => {
      const locks = new LockManager();
      const clients = new Map<string, Client>();
      const pick = (which: number) => [...clients.keys()][which % clients.size];
      let next = 0;
      for (const action of actions) {
        if (action.kind === 'acquire') next += 1;
        const owner = action.kind === 'acquire' ? String(next) : pick(action.which);
        if (owner === undefined) continue;
        if (action.kind === 'acquire') {
          const client: Client = { abort: new AbortController(), requests: action.requests, held: undefined };
          clients.set(owner, client);
          const { signal } = client.abort;
          locks.acquire(owner, action.requests, { priority: action.priority, signal }).then(
            (held) => {
              client.held = held;
            },
            () => {},
          );
        } else if (action.kind === 'priority') {
          locks.setPriority(owner, action.to);
        } else {
          if (action.kind === 'abort') clients.get(owner)!.abort.abort(new Error('enough'));
          locks.release(owner);
          clients.delete(owner);
        }
        mustBeExclusive(locks, [...clients.keys()]);
      }
      // Every holder lets go in turn: whoever waits must get everything that was not opportunistic.
      while (clients.size > 0) {
        for (let turn = 0; turn < 3; turn += 1) await Promise.resolve();
        const holder = [...clients].find(([, client]) => client.held !== undefined);
        assert.ok(holder !== undefined, 'everybody waits: a deadlock');
        const [owner, { held, requests }] = holder;
        for (const request of merged(requests)) {
          if (request.opportunistic !== true) assert.ok(held!.some((one) => one.name === request.name));
        }
        locks.release(owner);
        clients.delete(owner);
        mustBeExclusive(locks, [...clients.keys()]);
      }
      assert.deepEqual(locks.describe(), []);
    }),
    { numRuns: 300 },
  );
});

test('levels are taken in their order', () => {
  const locks = new LockManager();
  void locks.acquire('0', [lock('a', 'exclusive', 'node')]);
  void locks.acquire(
    '1',
    [...lockLevels].reverse().map((level) => lock('a', 'exclusive', level)),
  );
  assert.deepEqual(
    locks.heldBy('1').map((request) => request.level),
    ['cluster', 'instance', 'nodegroup'],
  );
});

test('nobody starves: a stream of better ones is let through a bounded number of times', () => {
  fc.assert(
    fc.property(fc.integer({ min: -20, max: 19 }), fc.integer({ min: -20, max: 19 }), (own, others) => {
      const allocation = new Allocation();
      const waiting = new Waiting();
      allocation.take('h0', lock('a', 'shared'));
      waiting.add('poor', 'node', [lock('a')], own);
      let passed = 0;
      for (let round = 1; ; round += 1) {
        // A new reader comes before the last one has gone: without ageing the writer would wait for ever.
        waiting.add(`h${round}`, 'node', [lock('a', 'shared')], others);
        let grants = waiting.serve(allocation);
        if (grants.some((grant) => grant.owner === `h${round}`)) passed += 1;
        allocation.drop(`h${round - 1}`);
        grants = [...grants, ...waiting.serve(allocation)];
        if (grants.some((grant) => grant.owner === 'poor')) break;
        assert.ok(round < 1000, 'starved');
      }
      assert.ok(passed <= patience * (Math.max(0, own - others) + 1));
    }),
  );
});
