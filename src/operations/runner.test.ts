import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { MemoryJournal } from '../jobs/durable.ts';
import type { OpcodeExecution } from '../jobs/execution.ts';
import { StepLedger } from '../jobs/ledger.ts';
import { redacted, secretNamesOf } from '../jobs/redaction.ts';
import { cancelFailure } from '../jobs/unwind.ts';
import { ErrorCode, executionFailure, Failure, prerequisiteFailure } from '../kit/failure.ts';
import type { LockRequest } from '../locks/contract.ts';
import { LockManager } from '../locks/manager.ts';
import { type AnyOpcode, opcode, optional, required } from '../opcodes/opcode.ts';
import * as t from '../opcodes/types.ts';
import { type AnyOperation, operation, step } from './operation.ts';
import { createRunner, type HookRun } from './runner.ts';
import { putThing, ToyWorld, takeThing } from './runner-toy.ts';

const Build = opcode({
  id: 'OP_TOY_BUILD',
  doc: 'Puts a thing on a node',
  params: {
    name: required(t.string, 'Name'),
    key: optional(t.maybe(t.secret(t.string)), null, 'A secret'),
  },
});

const Place = z.object({ node: z.string(), name: z.string() });
const put = step({
  name: 'put',
  input: Place,
  run: async (world, { node, name }) => {
    await world.nodes.call(node, putThing, { name });
  },
  undo: async (world, { node, name }) => {
    await world.nodes.call(node, takeThing, { name });
  },
});
const stubborn = step({
  ...put,
  name: 'stubborn',
  undo: () => Promise.reject(executionFailure('it is glued')),
});

const node = (name: string, more: Partial<LockRequest> = {}): LockRequest => ({
  level: 'node',
  name,
  mode: 'exclusive',
  ...more,
});

class Bench {
  readonly toy = new ToyWorld();
  readonly locks = new LockManager();
  readonly journal = new MemoryJournal();
  readonly said: unknown[] = [];
  readonly events: string[] = [];
  readonly submitted: unknown[] = [];
  readonly hookRuns: HookRun[] = [];
  readonly abort = new AbortController();
  hook: (run: HookRun) => Promise<readonly string[]> = () => Promise.resolve([]);

  run(
    made: AnyOperation,
    input: Record<string, unknown> = {},
    more: Partial<OpcodeExecution> = {},
  ): Promise<unknown> {
    const opcode: AnyOpcode = { OP_ID: 'OP_TOY_BUILD', name: 'a', ...input };
    const execute = createRunner({
      operations: new Map([[Build.id, made]]),
      world: this.toy.world,
      locks: this.locks,
      journal: new StepLedger(this.journal),
      secrets: secretNamesOf([Build]),
      hooks: {
        runPhase: async (run) => {
          this.events.push(`${run.phase} hooks`);
          this.hookRuns.push(run);
          return await this.hook(run);
        },
        configurationChanged: () => {
          this.events.push('configuration changed');
          return Promise.resolve();
        },
      },
      submit: (jobs) => {
        this.events.push('submit');
        this.submitted.push(...jobs);
        return Promise.resolve([
          [true, 8],
          [false, 'no room'],
        ]);
      },
    });
    return execute({
      job: 7,
      index: 0,
      input: opcode,
      signal: this.abort.signal,
      priority: () => 0,
      onPriority: () => {},
      started: () => {
        this.events.push('started');
        return Promise.resolve();
      },
      feedback: (message) => this.said.push(message),
      ...more,
    });
  }

  get things(): string[] {
    return [...this.toy.things.get('n1')!];
  }

  isClean(): boolean {
    return this.locks.describe().length === 0 && this.toy.reserved.size === 0;
  }
}

type Parts = Partial<{
  -readonly [K in 'locks' | 'plan' | 'run' | 'hooks' | 'dryRunResult']: AnyOperation[K];
}>;

function toy(bench: Bench, parts: Parts = {}): AnyOperation {
  return operation({
    opcode: Build,
    steps: [put, stubborn],
    locks: () => [node('n1')],
    plan: (op, context) => {
      bench.events.push('plan');
      context.reservations.reserveVolume(context.owner, op.name);
      return Promise.resolve(op.name);
    },
    run: async (name: string, job) => {
      bench.events.push('run');
      await job.do(put, { node: 'n1', name });
      return `${name} is there`;
    },
    ...(parts as object),
  });
}

const hookPlan = {
  path: 'toy-build',
  objectType: 'NODE' as const,
  env: { OP_TARGET: 'a' },
  preNodes: ['n1'],
  postNodes: ['n1', 'n2'],
};

test('an opcode runs under its locks and the shared big lock, and leaves neither lock nor reservation', async () => {
  const bench = new Bench();
  const made = toy(bench, {
    run: async (_plan: string, job) => {
      await Promise.resolve();
      job.say('* building');
      job.info('well');
      job.warn('careful', 'look out');
      return bench.locks.describe().map((row) => [row.name, row.mode, row.owner]);
    },
  });
  assert.deepEqual(await bench.run(made), [
    ['cluster/BGL', 'shared', ['7']],
    ['cluster/[lockset]', null, null],
    ['node/[lockset]', null, null],
    ['node/n1', 'exclusive', ['7']],
  ]);
  assert.deepEqual(bench.said, [
    '* building',
    ' - INFO: well',
    ' - WARNING: careful',
    '      Hint: look out',
  ]);
  assert.deepEqual(bench.events, ['started', 'plan']);
  assert.ok(bench.isClean());
});

test('an operation that asks for the big lock alone gets it alone', async () => {
  const bench = new Bench();
  await bench.locks.acquire('1', [{ level: 'cluster', name: 'BGL', mode: 'shared' }]);
  const alone = toy(bench, { locks: () => [{ level: 'cluster', name: 'BGL', mode: 'exclusive' }] });
  const done = bench.run(alone);
  assert.deepEqual(bench.locks.describe()[0]!.pending, [['exclusive', ['7']]]);
  bench.locks.release('1');
  assert.equal(await done, 'a is there');
});

test('when the locks that are needed change while they are waited for, the runner goes round', async () => {
  const bench = new Bench();
  await bench.locks.acquire('1', [node('n1')]);
  const made = toy(bench, {
    locks: () => [node(bench.toy.tags.includes('moved') ? 'n2' : 'n1')],
    run: () => Promise.resolve(bench.locks.heldBy('7')),
  });
  const done = bench.run(made);
  bench.toy.tags = ['moved'];
  bench.locks.release('1');
  assert.deepEqual(await done, [{ level: 'cluster', name: 'BGL', mode: 'shared' }, node('n2')]);
});

test('a failure undoes the steps and gives its own error', async () => {
  const bench = new Bench();
  const made = toy(bench, {
    run: async (name: string, job) => {
      await job.do(put, { node: 'n1', name });
      await job.do(put, { node: 'n1', name: 'b' });
      throw executionFailure('no luck');
    },
  });
  await assert.rejects(bench.run(made), { name: 'OpExecError', message: 'no luck' });
  assert.deepEqual(bench.things, []);
  const lines = bench.journal.entries.map(
    (entry) => `${(entry.data as { kind: string }).kind} ${(entry.data as { number: number }).number}`,
  );
  assert.deepEqual(lines, ['begun 1', 'done 1', 'begun 2', 'done 2', 'undone 2', 'undone 1']);
  assert.ok(bench.isClean());
});

test('a step that can not be undone is told, the others are undone all the same', async () => {
  const bench = new Bench();
  const made = toy(bench, {
    run: async (name: string, job) => {
      await job.do(put, { node: 'n1', name });
      await job.do(stubborn, { node: 'n1', name: 'b' });
      throw executionFailure('no luck');
    },
  });
  await assert.rejects(bench.run(made), { message: 'no luck' });
  assert.deepEqual(bench.things, ['b']);
  assert.deepEqual(bench.said, [
    ' - WARNING: undone: put; could not be undone and may have left something behind: stubborn (it is glued)',
  ]);
});

test('what was kept stays, and a step after the end is refused', async () => {
  const bench = new Bench();
  let late: (() => Promise<unknown>) | undefined;
  const made = toy(bench, {
    run: async (name: string, job) => {
      await job.do(put, { node: 'n1', name });
      await job.keep();
      late = () => job.do(put, { node: 'n1', name: 'late' });
      throw executionFailure('no luck');
    },
  });
  await assert.rejects(bench.run(made));
  assert.deepEqual(bench.things, ['a']);
  await assert.rejects(late!(), { name: 'ProgrammerError' });
  assert.deepEqual(bench.things, ['a']);
});

test('a cancel stops at the next step and undoes what was done', async () => {
  const bench = new Bench();
  const made = toy(bench, {
    run: async (name: string, job) => {
      await job.do(put, { node: 'n1', name });
      bench.abort.abort(cancelFailure());
      await job.do(put, { node: 'n1', name: 'b' });
    },
  });
  await assert.rejects(bench.run(made), { name: 'JobCanceled' });
  assert.deepEqual(bench.things, []);
  assert.ok(bench.isClean());
});

test('parallel steps have all ended before the unwind begins', async () => {
  const bench = new Bench();
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const slow = step({
    ...put,
    name: 'slow',
    run: async (world, input) => {
      await gate;
      await put.run(world, input);
    },
  });
  const made = toy(bench, {
    run: async (name: string, job) => {
      await Promise.all([
        job.do(slow, { node: 'n1', name }),
        Promise.reject(executionFailure('meanwhile')).finally(() => setImmediate(open)),
      ]);
    },
  });
  await assert.rejects(bench.run(made), { message: 'meanwhile' });
  assert.deepEqual(bench.things, []);
});

test('hooks run around the work, with what was before and what is after', async () => {
  const bench = new Bench();
  const made = toy(bench, {
    hooks: (_op, _plan, configuration) => ({
      ...hookPlan,
      env: { TAGS: configuration.cluster.tags.join(' ') },
    }),
    run: async (_plan: string, job) => {
      bench.events.push('run');
      await job.world.config.change('test', (draft) => draft.changeCluster({ tags: ['new'] }));
      return {
        jobs: [[{ OP_ID: 'OP_TOY_BUILD', name: 'x' }], [{ OP_ID: 'OP_NEXT', priority: 10 }]],
        other: { k: 1 },
      };
    },
  });
  bench.hook = ({ phase }) =>
    Promise.resolve(phase === 'post' ? ['On n1 script x failed, output: no way'] : []);
  const result = await bench.run(made, {
    priority: -10,
    reason: [['gnt:user', 'why', 1]],
    debug_level: 2,
  });
  assert.deepEqual(result, {
    k: 1,
    jobs: [
      [true, 8],
      [false, 'no room'],
    ],
  });
  assert.deepEqual(bench.events, [
    'started',
    'plan',
    'pre hooks',
    'run',
    'submit',
    'post hooks',
    'configuration changed',
  ]);
  assert.deepEqual(bench.hookRuns.at(-1), {
    phase: 'post',
    opcode: 'OP_TOY_BUILD',
    plan: { ...hookPlan, env: { TAGS: '' } },
    after: { ...hookPlan, env: { TAGS: 'new' } },
  });
  assert.deepEqual(bench.said, [' - WARNING: On n1 script x failed, output: no way']);
  const inherited = {
    debug_level: 2,
    comment: 'Submitted by OP_TOY_BUILD',
    reason: [['gnt:user', 'why', 1]],
  };
  assert.deepEqual(bench.submitted, [
    [{ OP_ID: 'OP_TOY_BUILD', name: 'x', priority: -10, ...inherited }],
    [{ OP_ID: 'OP_NEXT', priority: 10, ...inherited }],
  ]);
});

test('a failing hook before the work stops it', async () => {
  const bench = new Bench();
  bench.hook = () => Promise.reject(new Failure('HooksAbort', [[['n1', 'x', 'no way']]]));
  await assert.rejects(bench.run(toy(bench, { hooks: () => hookPlan })), { name: 'HooksAbort' });
  assert.deepEqual(bench.things, []);
  assert.ok(bench.isClean());
});

test('hooks after the work can not fail it', async () => {
  const bench = new Bench();
  bench.hook = ({ phase }) =>
    phase === 'pre' ? Promise.resolve([]) : Promise.reject(executionFailure('gone'));
  assert.equal(await bench.run(toy(bench, { hooks: () => hookPlan })), 'a is there');
  assert.deepEqual(bench.things, ['a']);
});

test('a dry run plans and stops', async () => {
  const bench = new Bench();
  const made = toy(bench, { dryRunResult: (plan: string) => `would make ${plan}` });
  assert.equal(await bench.run(made, { dry_run: true }), 'would make a');
  assert.deepEqual(bench.said, [' - INFO: dry-run mode requested, not actually executing the operation']);
  assert.deepEqual(bench.things, []);
  assert.ok(bench.isClean());
});

test('want of resources under opportunistic locks is tried once more with all of them', async () => {
  const bench = new Bench();
  await bench.locks.acquire('1', [node('n2')]);
  const made = toy(bench, {
    locks: () => [node('n1', { opportunistic: true }), node('n2', { opportunistic: true })],
    plan: (_op: unknown, { held }: { readonly held: readonly LockRequest[] }) => {
      if (held.some(({ name }) => name === 'n2')) return Promise.resolve(held.length);
      setImmediate(() => bench.locks.release('1'));
      return Promise.reject(prerequisiteFailure('too small', ErrorCode.temporaryResources));
    },
    run: (count: number) => Promise.resolve(count),
  } as Parts);
  assert.equal(await bench.run(made), 3);
  const never = toy(bench, {
    plan: () => Promise.reject<never>(prerequisiteFailure('too small', ErrorCode.temporaryResources)),
  });
  await assert.rejects(bench.run(never), { message: 'too small' });
});

test('an opcode whose secrets were lost with a restart says so', async () => {
  const bench = new Bench();
  await assert.rejects(bench.run(toy(bench), { key: redacted }), {
    message: 'Please re-submit secret parameters to job.',
  });
});

test('an opcode without an operation is not supported yet', async () => {
  const bench = new Bench();
  await assert.rejects(bench.run(toy(bench), { OP_ID: 'OP_OTHER' }), {
    message: 'OP_OTHER is not supported yet',
  });
});
