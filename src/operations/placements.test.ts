import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NewInstance } from '../allocator/wish.ts';
import { sampleConfiguration } from '../config/sample.ts';
import type { Configuration } from '../model/configuration.ts';
import { disksOf } from '../model/lookup.ts';
import { type Placement, Placements, type Prospect } from './placements.ts';

const going = new AbortController().signal;
const made: NewInstance = {
  name: 'new.example.com',
  template: 'plain',
  tags: [],
  os: 'noop',
  vcpus: 2,
  memory: 512,
  spindleUse: 1,
  disks: [{ size: 1024, mode: 'rw', vg: 'xenvg' }],
  nics: [],
  hypervisor: 'kvm',
  nodeCount: 1,
  group: null,
};

function setUp() {
  let current: Configuration = sampleConfiguration();
  const [first, second] = current.nodes.values().map((node) => node.uuid) as [string, string];
  const placements = new Placements(() => current);
  const look = (gather: () => Promise<void> = async () => {}) =>
    placements.search(going, gather, async (_facts, prospect) => prospect);
  const set = (configuration: Configuration) => {
    current = configuration;
  };
  return { placements, first, second, look, set, get: () => current };
}

const comingTo = ({ coming }: Prospect, node: string) => (coming.get(node) ?? []).map((disk) => disk.size);

test('what one search places, the next one sees, until the job ends', async () => {
  const { placements, first, look } = setUp();
  const placement: Placement = { name: made.name, nodes: [first], made };
  await placements.search(
    going,
    async () => {},
    async () => placements.note('1', placement),
  );
  const seen = await look();
  const instance = seen.configuration.instances.byName(made.name)!;
  assert.equal(instance.primary_node, first);
  assert.equal(instance.admin_state, 'up');
  assert.deepEqual(instance.beparams, { maxmem: 512, minmem: 512, vcpus: 2, spindle_use: 1 });
  assert.deepEqual(comingTo(seen, first), [1024]);
  placements.release('2');
  assert.deepEqual(comingTo(await look(), first), [1024]);
  placements.release('1');
  const after = await look();
  assert.equal(after.configuration.instances.byName(made.name), undefined);
  assert.deepEqual(comingTo(after, first), []);
  assert.equal(placements.size, 0);
});

test('a search that asked the nodes before the job ended still counts its disks', async () => {
  const { placements, first, look } = setUp();
  placements.note('1', { name: made.name, nodes: [first], made });
  const seen = await look(async () => placements.release('1'));
  assert.deepEqual(comingTo(seen, first), [1024]);
  assert.equal(placements.size, 0);
});

test('an instance that was there when the nodes were asked has its disks counted by them', async () => {
  const { placements, second, look, get, set } = setUp();
  const instance = get()
    .instances.values()
    .find((each) => disksOf(get(), each).length > 0)!;
  const [disk] = disksOf(get(), instance) as [ReturnType<typeof disksOf>[number]];
  const down = { ...instance, admin_state: 'down' as const };
  set({ ...get(), instances: get().instances.with(down) });
  placements.note('1', { name: instance.name, nodes: disk.nodes, made });
  const seen = await look();
  assert.equal(seen.configuration.instances.byName(instance.name)?.admin_state, 'up');
  assert.equal(seen.coming.size, 0);
  const before = get();
  set({ ...before, disks: before.disks.without(disk.uuid) });
  const late = await look(async () => set(before));
  assert.deepEqual(
    disk.nodes.map((node) => comingTo(late, node)),
    disk.nodes.map(() => [disk.size]),
  );
  placements.release('1');
  placements.note('2', { name: instance.name, nodes: [second] });
  const moved = await look();
  assert.equal(moved.configuration.instances.byName(instance.name)?.primary_node, second);
  assert.equal(moved.configuration.instances.byName(instance.name)?.admin_state, 'down');
});

test('searches ask at the same time and decide one after the other', async () => {
  const { placements, first } = setUp();
  const order: string[] = [];
  const bothAsk = Promise.withResolvers<void>();
  let asking = 0;
  const gather = async () => {
    asking += 1;
    if (asking === 2) bothAsk.resolve();
    await bothAsk.promise;
  };
  const decide =
    (name: string) =>
    async (_facts: unknown, { configuration }: Prospect) => {
      order.push(`${name} begins`);
      await new Promise((done) => setImmediate(done));
      const others = ['a', 'b'].filter((other) => configuration.instances.byName(other) !== undefined);
      placements.note(name, { name, nodes: [first], made: { ...made, name } });
      order.push(`${name} saw ${others.join()}`);
    };
  const searches = ['a', 'b'].map((name) => placements.search(going, gather, decide(name)));
  await Promise.all(searches);
  assert.deepEqual(order, ['a begins', 'a saw ', 'b begins', 'b saw a']);
});

test('a search that fails or is called off keeps nobody waiting', async () => {
  const { placements, look } = setUp();
  const fail = async () => {
    throw new Error('no nodes');
  };
  await assert.rejects(
    placements.search(going, async () => {}, fail),
    /no nodes/,
  );
  await assert.rejects(
    placements.search(going, fail, async () => {}),
    /no nodes/,
  );
  const stopping = AbortSignal.abort(new Error('called off'));
  await assert.rejects(
    placements.search(
      stopping,
      async () => {},
      async () => {},
    ),
    /called off/,
  );
  assert.equal((await look()).coming.size, 0);
});
