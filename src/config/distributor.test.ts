/**
 * A master and its candidates, each candidate a real copy of the journal in a folder of its own, the
 * network between them a fake that can be told to fail, to be slow and to answer rubbish.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Failure } from '../kit/failure.ts';
import { silentLog } from '../kit/log.ts';
import { serialiseConfiguration } from '../model/configuration.ts';
import type { NodeCall, NodeCaller } from '../noderpc/call.ts';
import { journalAppend, journalPosition, journalSnapshot } from '../noderpc/calls/journal.ts';
import { writeSsconfFiles } from '../noderpc/calls/node.ts';
import { type JournalReplica, openReplica } from '../noderpc/journal-replica.ts';
import { type Distributor, startDistributor } from './distributor.ts';
import { type JournalKeeper, noKeeper } from './journal/engine.ts';
import { createConfigFile, type OpenStore, openStore } from './open.ts';
import { sampleConfiguration, sampleUuid } from './sample.ts';
import { ssconfValues } from './ssconf.ts';

const [master, first, second] = [0, 1, 2].map((number) => sampleUuid('node', number)) as [
  string,
  string,
  string,
];

interface FakeNode {
  readonly paths: { configFile: string; journalDir: string; queueDir: string };
  readonly replica: JournalReplica;
  ssconf: Record<string, string>;
  /** Calls fail as if the node was down. */
  down: boolean;
  /** Calls wait for this first. */
  hold: Promise<void> | undefined;
  /** What journal_append answers instead of the truth. */
  rubbish: { last: number } | undefined;
  readonly calls: string[];
}

let folder = '';
let world: Map<string, FakeNode>;
let stores: OpenStore[];
let distributors: Distributor[];

function fakeNode(uuid: string): FakeNode {
  const paths = {
    configFile: join(folder, uuid, 'config.data'),
    journalDir: join(folder, uuid, 'journal'),
    queueDir: join(folder, uuid, 'queue'),
  };
  return {
    paths,
    replica: openReplica({ paths, log: silentLog }),
    ssconf: {},
    down: false,
    hold: undefined,
    rubbish: undefined,
    calls: [],
  };
}

async function answer(node: FakeNode, name: string, argument: never): Promise<unknown> {
  switch (name) {
    case journalAppend.name:
      return node.rubbish ?? (await node.replica.append(argument));
    case journalSnapshot.name:
      return await node.replica.snapshot(argument);
    case journalPosition.name:
      return await node.replica.position();
    case writeSsconfFiles.name:
      Object.assign(node.ssconf, (argument as { values: object }).values);
      return null;
    default:
      throw new Failure('ProgrammerError', [name]);
  }
}

const caller: NodeCaller = {
  async call<A, R>(uuid: string, call: NodeCall<A, R>, argument: A): Promise<R> {
    const node = world.get(uuid)!;
    node.calls.push(call.name);
    if (node.down) throw new Failure('RpcError', [`node ${uuid} is down`]);
    await node.hold;
    return (await answer(node, call.name, argument as never)) as R;
  },
  callAll: () => Promise.reject(new Error('not used')),
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nodes-'));
  world = new Map([master, first, second].map((uuid) => [uuid, fakeNode(uuid)]));
  for (const { paths } of world.values()) await mkdir(paths.queueDir, { recursive: true });
  stores = [];
  distributors = [];
});
afterEach(async () => {
  for (const distributor of distributors) await distributor.close();
  for (const store of stores) await store.close().catch(() => {});
  for (const { replica } of world.values()) await replica.close();
  await rm(folder, { recursive: true });
});

async function startMaster(
  uuid = master,
  more: {
    promote?: { seenEpoch: number };
    deadlineMs?: number;
    gatherMs?: number;
    keeper?: JournalKeeper;
  } = {},
) {
  const { promote, deadlineMs = 5000, gatherMs = 1 } = more;
  const { paths } = world.get(uuid)!;
  if (promote === undefined) await createConfigFile(paths, sampleConfiguration()).catch(() => {});
  const store = await openStore({
    paths,
    log: silentLog,
    foldDelayMs: 3_600_000,
    ...(promote === undefined ? {} : { promote }),
  });
  stores.push(store);
  const { entries } = store;
  store.keepFor(more.keeper ?? noKeeper);
  const superseded = Promise.withResolvers<Failure>();
  const distributor = startDistributor({
    store,
    nodes: caller,
    log: silentLog,
    superseded: (reason) => superseded.resolve(reason),
    deadlineMs,
    pauseMs: [1, 5],
    gatherMs,
  });
  distributors.push(distributor);
  return { store, entries, distributor, superseded: superseded.promise };
}

const tag = (store: OpenStore, text: string) =>
  store.change('test', (draft) => draft.changeCluster({ tags: [text] }));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** What the candidate would be master with. */
async function takeOver(uuid: string) {
  await world.get(uuid)!.replica.close();
  return await startMaster(uuid, {
    promote: { seenEpoch: (await world.get(first)!.replica.position()).epoch },
  });
}

const plain = (store: OpenStore) =>
  JSON.parse(JSON.stringify({ ...serialiseConfiguration(store.current), serial_no: 0 })) as unknown;
const inStep = (distributor: Distributor) => distributor.candidates().every((candidate) => candidate.inStep);

test('a candidate that takes over has every commit and every entry of others', async () => {
  const { store, distributor } = await startMaster();
  await tag(store, 'one');
  await store.journal.append('job', { id: 7 });
  await tag(store, 'two');
  const wanted = plain(store);
  await distributor.close();
  const successor = await takeOver(second);
  assert.deepEqual(plain(successor.store), wanted);
  assert.deepEqual(
    successor.entries.map(({ kind, json }) => [kind, json]),
    [['job', '{"id":7}']],
  );
  assert.equal(successor.store.engine.epoch, 2);
});

test('a commit has reached the candidates in step when it is done', async () => {
  const { store, distributor } = await startMaster();
  await until(() => inStep(distributor));
  for (const text of ['a', 'b', 'c']) {
    await tag(store, text);
    for (const uuid of [first, second])
      assert.equal((await world.get(uuid)!.replica.position()).last, store.engine.last);
  }
});

test('a candidate that is down holds nobody up, and has everything soon after it is back', async () => {
  world.get(first)!.down = true;
  const { store, distributor } = await startMaster();
  for (let i = 0; i < 30; i += 1) await tag(store, `t${i}`);
  const state = distributor.candidates().find(({ node }) => node === first)!;
  assert.equal(state.inStep, false);
  assert.match(state.fault!, /is down/);
  world.get(first)!.down = false;
  await until(() => inStep(distributor));
  assert.equal((await world.get(first)!.replica.position()).last, 30);
});

test('a candidate that hangs is waited for until the deadline, once', async () => {
  const { store, distributor } = await startMaster(master, { deadlineMs: 20 });
  await until(() => inStep(distributor));
  const stuck = Promise.withResolvers<void>();
  world.get(first)!.hold = stuck.promise;
  await tag(store, 'slow');
  assert.match(distributor.candidates().find(({ node }) => node === first)!.fault!, /no answer within/);
  await tag(store, 'quick');
  world.get(first)!.hold = undefined;
  stuck.resolve();
  await until(() => inStep(distributor));
  assert.equal((await world.get(first)!.replica.position()).last, store.engine.last);
});

test('a candidate that answers rubbish is looked at again and brought in step', async () => {
  const { store, distributor } = await startMaster();
  await until(() => inStep(distributor));
  for (const rubbish of [{ last: -1 }, { last: 0 }, { last: 999 }]) {
    world.get(first)!.rubbish = rubbish;
    const committed = tag(store, `rubbish ${rubbish.last}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
    world.get(first)!.rubbish = undefined;
    await committed;
    await tag(store, 'after');
    await until(() => inStep(distributor));
    const { last } = await world.get(second)!.replica.position();
    assert.equal(last, store.engine.last);
  }
});

test('a candidate whose copy was lost gets it whole again', async () => {
  const { store, distributor } = await startMaster();
  await tag(store, 'one');
  await until(() => inStep(distributor));
  await world.get(first)!.replica.forget();
  await tag(store, 'two');
  await until(() => inStep(distributor));
  assert.equal((await world.get(first)!.replica.position()).last, store.engine.last);
});

test('of two masters the older one is refused, stops, and writes no more', async () => {
  const old = await startMaster();
  await tag(old.store, 'common');
  await until(() => inStep(old.distributor));
  const { paths } = world.get(second)!;
  const own = world.get(second)!;
  await own.replica.close();
  // The candidate is promoted while the old master can't be reached by anybody and goes on alone.
  for (const node of world.values()) node.down = true;
  await tag(old.store, 'alone');
  const promoted = await openStore({
    paths,
    log: silentLog,
    promote: { seenEpoch: 1 },
    foldDelayMs: 3_600_000,
  });
  stores.push(promoted);
  await tag(promoted, 'new master');
  await world.get(first)!.replica.append({ epoch: 2, first: 99, entries: [] });
  for (const node of world.values()) node.down = false;
  const reason = await old.superseded;
  assert.match(reason.message, /master of epoch 1 is no longer master: this node follows epoch 2/);
  await assert.rejects(tag(old.store, 'late'), /no longer master/);
  assert.deepEqual(promoted.current.cluster.tags, ['new master']);
});

test("the copy of a former master is replaced, not continued: its end was nobody else's", async () => {
  const old = await startMaster();
  await tag(old.store, 'common');
  await until(() => inStep(old.distributor));
  await old.distributor.close();
  await tag(old.store, 'only here');
  await old.store.close();
  stores.splice(0);
  const successor = await takeOver(second);
  await successor.store.change('failover', (draft) => draft.changeCluster({ master_node: second }));
  await until(() => successor.distributor.candidates().length === 2 && inStep(successor.distributor));
  await tag(successor.store, 'after');
  const wanted = plain(successor.store);
  await successor.distributor.close();
  const back = await takeOver(master);
  assert.deepEqual(plain(back.store), wanted);
});

test('a node whose master daemon still runs does not follow another', async () => {
  const { store } = await startMaster();
  const own = world.get(master)!;
  await assert.rejects(
    own.replica.append({ epoch: 9, first: 1, entries: [] }),
    /master daemon runs on this node/,
  );
  await tag(store, 'still master');
});

test('config.data and job files of candidates follow when the master folds', async () => {
  const queue: Record<string, string | null> = { 'job-1': '{"one":1}', serial: '1\n' };
  const keeper: JournalKeeper = {
    fold: (upTo) => Promise.resolve(upTo + 1),
    files: () => Promise.resolve(queue),
  };
  const { store, distributor } = await startMaster(master, { keeper });
  await until(() => inStep(distributor));
  await tag(store, 'one');
  queue['job-1'] = null;
  queue['job-2'] = '{"two":2}';
  assert.equal((await distributor.settle()).size, 0);
  const text = await readFile(world.get(master)!.paths.configFile, 'utf8');
  for (const uuid of [first, second]) {
    const { paths } = world.get(uuid)!;
    assert.ok((await readFile(paths.configFile, 'utf8')) === text);
    assert.equal(await readFile(join(paths.queueDir, 'job-2'), 'utf8'), '{"two":2}');
    await assert.rejects(readFile(join(paths.queueDir, 'job-1')), { code: 'ENOENT' });
  }
});

test('a file name that leads out of the queue is refused', async () => {
  const { store, distributor } = await startMaster();
  await until(() => inStep(distributor));
  const snapshot = { epoch: 1, folded: 0, last: 0, configuration: '', whole: false };
  for (const name of ['../config.data', 'archive/../../x', '/etc/passwd', 'job-1/../x']) {
    const { packConfiguration } = await import('../noderpc/journal-replica.ts');
    const configuration = await packConfiguration(Buffer.from('{}'));
    await assert.rejects(
      world.get(first)!.replica.snapshot({ ...snapshot, configuration, jobs: { [name]: 'x' } }),
      /is no file of the job queue/,
    );
  }
  await tag(store, 'fine');
});

test('lines that were changed on the way are not kept', async () => {
  const { store, distributor } = await startMaster();
  await until(() => inStep(distributor));
  await tag(store, 'one');
  const { replica } = world.get(first)!;
  const { last } = await replica.position();
  await assert.rejects(
    replica.append({ epoch: 1, first: last + 1, entries: ['00000000 2 1 2 job {}'] }),
    /is not whole/,
  );
  assert.equal((await replica.position()).last, last);
});

test('every node has every ssconf file, and a changed one soon after the commit', async () => {
  const { store, distributor } = await startMaster();
  await distributor.settle();
  for (const node of world.values()) assert.deepEqual(node.ssconf, ssconfValues(store.current));
  const model = [...store.current.instances][0]!;
  await store.change('test', (draft) =>
    draft.put('instances', { ...model, uuid: 'new', name: 'inst10.example.com', disks: [], nics: [] }),
  );
  await until(() => [...world.values()].every((node) => node.ssconf.instance_list!.includes('inst10')));
  for (const node of world.values()) assert.deepEqual(node.ssconf, ssconfValues(store.current));
  assert.equal(
    world.get(first)!.ssconf.instance_list,
    'inst1.example.com\ninst2.example.com\ninst3.example.com\ninst4.example.com\ninst10.example.com\n',
  );
});

test('a node that was away gets all of its ssconf files; one that is offline is not asked', async () => {
  const away = world.get(second)!;
  away.down = true;
  const { store, distributor } = await startMaster();
  const faults = await distributor.settle();
  assert.match(faults.get(second)!, /is down/);
  assert.equal(faults.has(first), false);
  away.down = false;
  await until(() => away.ssconf.cluster_name !== undefined);
  assert.deepEqual(away.ssconf, ssconfValues(store.current));
  await store.change('test', (draft) =>
    draft.put('nodes', { ...draft.nodes.get(second)!, offline: true, master_candidate: false }),
  );
  away.calls.length = 0;
  await distributor.settle(true);
  assert.deepEqual(away.calls, []);
  assert.deepEqual(
    distributor.candidates().map(({ node }) => node),
    [first],
  );
});

test('which nodes there are is on the master as soon as that is asked; nodes that hang or are down hold nobody up', async () => {
  const { store, distributor } = await startMaster(master, { gatherMs: 3_600_000 });
  const change = (nodes: readonly string[], fields: object) =>
    store.change('test', (draft) => {
      for (const uuid of nodes) draft.put('nodes', { ...draft.nodes.get(uuid)!, ...fields });
    });
  await change([first, second], { master_candidate: false });
  await distributor.settle();
  const here = () => world.get(master)!.ssconf;
  const nameOf = (uuid: string) => store.current.nodes.get(uuid)!.name;
  const stuck = Promise.withResolvers<void>();
  world.get(second)!.hold = stuck.promise;
  await change([first], { offline: true });
  await distributor.nodesNamedHere();
  assert.equal(here().offline_nodes?.trim(), nameOf(first));
  stuck.resolve();
  world.get(master)!.down = true;
  await change([first], { offline: false });
  await distributor.nodesNamedHere();
  assert.equal(here().offline_nodes?.trim(), nameOf(first), 'its node daemon did not take it');
  world.get(master)!.down = false;
  await until(() => here().offline_nodes === '');
});

test('a position file of rubbish is told as such', async () => {
  const { paths, replica } = world.get(first)!;
  await mkdir(paths.journalDir, { recursive: true });
  await writeFile(join(paths.journalDir, 'position.json'), '{}');
  await assert.rejects(replica.position(), /position.json can't be understood/);
});
