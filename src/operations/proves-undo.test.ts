import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { executionFailure } from '../kit/failure.ts';
import { opcode, required } from '../opcodes/opcode.ts';
import * as t from '../opcodes/types.ts';
import { type AnyOperation, operation, step, type World } from './operation.ts';
import { type ProofWorld, provesUndo } from './proves-undo.ts';
import { listThings, putThing, ToyWorld, takeThing } from './runner-toy.ts';

const Build = opcode({
  id: 'OP_TOY_BUILD',
  summary: 'name',
  doc: 'Puts a thing on two nodes and a tag into the configuration',
  params: { name: required(t.string, 'Name') },
});

const Place = z.object({ node: z.string(), name: z.string() });

async function takeBoth(world: World, { node, name }: z.infer<typeof Place>): Promise<void> {
  await world.nodes.call(node, takeThing, { name });
  await world.nodes.call(node, takeThing, { name: `${name}.part` });
}

const put = step({
  name: 'put',
  input: Place,
  run: async (world, { node, name }) => {
    await world.nodes.call(node, putThing, { name: `${name}.part` });
    await world.nodes.call(node, putThing, { name });
  },
  undo: takeBoth,
});

const carelessPut = step({
  ...put,
  undo: async (world, { node, name }) => {
    await world.nodes.call(node, takeThing, { name });
  },
});

/** Right once, wrong when repeated: what it takes away might be another's by then. */
const countingPut = step({
  ...put,
  undo: async (world, { node, name }) => {
    const things = await world.nodes.call(node, listThings, null);
    if (!things.includes(name) && !things.includes(`${name}.part`))
      throw executionFailure('nothing is there');
    await takeBoth(world, { node, name });
  },
});

const tag = step({
  name: 'tag',
  input: z.object({ tag: z.string() }),
  run: (world, input) =>
    world.config.change('toy', (draft) => draft.changeCluster({ tags: [...draft.cluster.tags, input.tag] })),
  undo: (world, input) =>
    world.config.change('toy', (draft) =>
      draft.changeCluster({ tags: draft.cluster.tags.filter((each) => each !== input.tag) }),
    ),
});

const announce = step({
  name: 'announce',
  input: Place,
  run: async (world, { node, name }) => {
    await world.nodes.callAll([node, 'n2'], putThing, { name: `${name}.news` });
  },
  undo: 'none',
});

const toy: ProofWorld = {
  fresh: () => {
    const world = new ToyWorld();
    return Promise.resolve({ world: world.world, snapshot: () => world.snapshot() });
  },
};

function build(
  puts: typeof put,
  more: { readonly keeps?: boolean; readonly leaks?: boolean } = {},
): AnyOperation {
  return operation({
    opcode: Build,
    steps: [puts, tag, announce],
    locks: () => [],
    plan: (op, { reservations, owner }) => {
      reservations.reserveVolume(owner, op.name);
      return Promise.resolve(op.name);
    },
    run: async (name, job) => {
      await Promise.all(['n1', 'n2'].map((node) => job.do(puts, { node, name })));
      if (more.leaks === true) await job.world.nodes.call('n1', putThing, { name: 'leak' });
      await job.do(tag, { tag: name });
      if (more.keeps !== true) return null;
      await job.keep();
      await job.do(announce, { node: 'n1', name });
      await job.do(tag, { tag: `${name}-again` });
      return null;
    },
  });
}

test('an operation whose steps undo everything passes, and every effect and line was tried', async () => {
  assert.deepEqual(await provesUndo(build(put), { name: 'a' }, toy), {
    effects: 5,
    journalLines: 7,
    runs: 5 * 4 + 7,
  });
});

test('what was kept stays', async () => {
  const { effects } = await provesUndo(build(put, { keeps: true }), { name: 'a' }, toy);
  assert.equal(effects, 8);
});

test('an undo that forgets a half is found', async () => {
  await assert.rejects(provesUndo(build(carelessPut), { name: 'a' }, toy), {
    code: 'ERR_ASSERTION',
    message: /effect 1 \(toy_put on n1\) failed before it took hold/,
  });
});

test('an undo that can not be repeated is found', async () => {
  await assert.rejects(provesUndo(build(countingPut), { name: 'a' }, toy), { code: 'ERR_ASSERTION' });
});

test('an effect outside of any step is found', async () => {
  await assert.rejects(provesUndo(build(put, { leaks: true }), { name: 'a' }, toy), {
    code: 'ERR_ASSERTION',
    message: /leak/,
  });
});

test('a step missing from the list of steps is found', async () => {
  const unlisted: AnyOperation = { ...build(put), steps: [put, announce] };
  await assert.rejects(provesUndo(unlisted, { name: 'a' }, toy), { message: /step tag is missing/ });
});

test('an operation without effects proves nothing', async () => {
  const idle = operation({
    opcode: Build,
    steps: [],
    locks: () => [],
    plan: () => Promise.resolve(null),
    run: () => Promise.resolve(null),
  });
  await assert.rejects(provesUndo(idle, { name: 'a' }, toy), { message: /has no effect/ });
});

test('an operation that fails without a fault is not proved', async () => {
  const broken: AnyOperation = {
    ...build(put),
    plan: () => Promise.reject<never>(executionFailure('broken plan')),
  };
  await assert.rejects(provesUndo(broken, { name: 'a' }, toy), { message: 'broken plan' });
});
