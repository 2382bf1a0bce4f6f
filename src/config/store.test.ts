/** The store over a journal in memory: commits, rules, pools, reservations, and what a failing journal does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { silentLog } from '../kit/log.ts';
import { type Configuration, serialiseConfiguration } from '../model/configuration.ts';
import type { Instance } from '../model/objects/instance.ts';
import { applyCommit, type CommitEntry } from './commit.ts';
import type { Draft } from './contract.ts';
import { createMemoryStore } from './open.ts';
import { verifyConfiguration } from './rules.ts';
import { disklessInstance as diskless, sampleConfiguration, sampleUuid } from './sample.ts';

const start = sampleConfiguration();
const inst = (number: number) => sampleUuid('inst', number);
const node = (number: number) => sampleUuid('node', number);

function storeOf(configuration: Configuration = start) {
  let time = 2_000_000_000;
  return createMemoryStore(configuration, {
    log: silentLog,
    now: () => {
      time += 1;
      return time;
    },
  });
}

function get(configuration: Configuration, number: number): Instance {
  return configuration.instances.get(inst(number))!;
}

test('the sample keeps every rule', () => {
  assert.deepEqual(verifyConfiguration(start), []);
});

test('a commit counts serial numbers and times as Ganeti does', async () => {
  const store = storeOf();
  const result = await store.change('job 1', (draft) => {
    draft.put('instances', { ...get(draft, 0), admin_state: 'down' });
    draft.put('instances', { ...get(draft, 0), tags: ['twice'] });
    draft.put('instances', diskless(20, { serial_no: 77, ctime: 5 }));
    return 'done';
  });
  assert.equal(result, 'done');
  const changed = get(store.current, 0);
  assert.deepEqual(
    [changed.serial_no, changed.ctime, changed.mtime, changed.admin_state, changed.tags],
    [2, get(start, 0).ctime, 2_000_000_001, 'down', ['twice']],
  );
  const made = get(store.current, 20);
  assert.deepEqual([made.serial_no, made.ctime, made.mtime], [1, 2_000_000_001, 2_000_000_001]);
  assert.deepEqual([store.current.serial_no, store.current.mtime], [2, 2_000_000_001]);
  await store.change('job 2', (draft) => draft.changeCluster({ tags: ['x'] }));
  assert.deepEqual([store.current.cluster.serial_no, store.current.serial_no], [2, 3]);
});

test('an edit sees what it put, and nothing of an edit that throws remains', async () => {
  const store = storeOf();
  await assert.rejects(
    store.change('job', (draft) => {
      draft.remove('instances', inst(3));
      assert.equal(draft.instances.has(inst(3)), false);
      assert.equal(draft.instances.size, 3);
      throw new Error('no');
    }),
    /no/,
  );
  assert.equal(store.current, start);
  assert.equal(store.engine.entries.length, 0);
});

test('nothing changed: nothing is journalled and the serial number stays', async () => {
  const store = storeOf();
  assert.equal(await store.change('job', (draft) => draft.instances.size), 4);
  assert.equal(store.current, start);
  assert.equal(store.engine.entries.length, 0);
});

test('readers see a commit only when it is durable; later edits see it at once', async () => {
  const store = storeOf();
  const release = store.engine.hold();
  const first = store.change('a', (draft) => draft.put('instances', { ...get(draft, 0), tags: ['one'] }));
  const second = store.change('b', (draft) => {
    assert.deepEqual(get(draft, 0).tags, ['one']);
    draft.put('instances', { ...get(draft, 0), tags: ['two'] });
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(store.current, start);
  release();
  await first;
  await second;
  assert.deepEqual(get(store.current, 0).tags, ['two']);
  assert.equal(get(store.current, 0).serial_no, 3);
});

test('commits that come together share one write', async () => {
  const store = storeOf();
  await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      store.change('job', (draft) => draft.changeCluster({ tags: [`t${i}`] })),
    ),
  );
  assert.equal(store.engine.writes, 1);
  assert.equal(store.current.serial_no, 101);
});

test('a journal that fails takes back everything that was not durable, and the store goes on', async () => {
  const store = storeOf();
  await store.change('kept', (draft) => draft.changeCluster({ tags: ['kept'] }));
  const mac = get(start, 0).nics[0]!.mac;
  const release = store.engine.hold();
  store.engine.failNext('No space left on device');
  const lost = store.change('lost', (draft) => draft.remove('instances', inst(0)));
  const after = store.change('after', (draft) =>
    draft.put('instances', diskless(20, { nics: [{ uuid: sampleUuid('nic', 20), mac, nicparams: {} }] })),
  );
  release();
  await assert.rejects(lost, /No space left/);
  await assert.rejects(after, /No space left/);
  assert.deepEqual(store.current.cluster.tags, ['kept']);
  assert.equal(store.current.instances.size, 4);
  // The MAC of the instance that was to go is taken again.
  await assert.rejects(
    store.change('again', (draft) =>
      draft.put('instances', diskless(20, { nics: [{ uuid: sampleUuid('nic', 20), mac, nicparams: {} }] })),
    ),
    /mac aa:00:00:00:00:00 duplicate/,
  );
  await store.change('next', (draft) => draft.changeCluster({ tags: ['next'] }));
  assert.equal(store.current.serial_no, 3);
});

test('the pool of ports follows what objects use', async () => {
  const plain = sampleConfiguration({ mirrored: 0 });
  const store = storeOf(plain);
  const ports = [1, 2, 3].map(() => store.reservations.allocatePort('job 1'));
  assert.deepEqual(ports, [11000, 11001, 11002]);
  await store.change('job', (draft) => draft.put('instances', diskless(20, { network_port: 11002 })));
  assert.equal(store.current.cluster.highest_used_port, 11002);
  assert.deepEqual(store.current.cluster.tcpudp_port_pool, [11000, 11001]);
  assert.equal(store.current.cluster.serial_no, plain.cluster.serial_no);
  await store.change('job', (draft) => draft.put('instances', diskless(21, { network_port: 11000 })));
  store.reservations.release('job 1');
  assert.equal(store.reservations.allocatePort('job 2'), 11001);
  await store.change('job', (draft) => draft.remove('instances', inst(20)));
  assert.deepEqual(store.current.cluster.tcpudp_port_pool, [11002, 11001]);
  assert.deepEqual(verifyConfiguration(store.current), []);
});

test('the addresses of a network follow what NICs use', async () => {
  const store = storeOf();
  const network = sampleUuid('net', 0);
  const { reservations } = store;
  const address = reservations.generateIp('job', network);
  assert.equal(address, '192.0.2.2');
  assert.equal(reservations.generateIp('job', 'net1'), '192.0.2.3');
  assert.throws(() => reservations.reserveIp('job', network, '192.0.2.1'), /externally reserved/);
  assert.throws(() => reservations.reserveIp('job', network, '10.0.0.1'), /not in the network/);
  assert.throws(() => reservations.reserveIp('other', network, '192.0.2.2'), /Duplicate reservation/);
  const nic = { uuid: 'n', mac: 'aa:00:00:12:12:12', ip: address, network, nicparams: {} };
  await store.change('job', (draft) => draft.put('instances', diskless(20, { nics: [nic] })));
  const bits = () => store.current.networks.get(network)!.reservations;
  assert.equal(bits(), '0010000000000000');
  reservations.release('job');
  assert.throws(() => reservations.reserveIp('job', network, '192.0.2.2'), /already in use/);
  await store.change('job', (draft) =>
    draft.put('instances', { ...get(draft, 20), nics: [{ ...nic, ip: '192.0.2.9' }] }),
  );
  assert.equal(bits(), '0000000001000000');
  await store.change('job', (draft) => draft.remove('instances', inst(20)));
  assert.equal(bits(), '0000000000000000');
  assert.equal(store.current.networks.get(network)!.serial_no, 1);
});

test('reservations: nobody gets twice what a job has, and it goes with the job', async () => {
  const store = storeOf();
  const { reservations } = store;
  assert.deepEqual(reservations.allocateMinors('a', [node(0), node(0), node(1)]), [1, 2, 2]);
  assert.deepEqual(reservations.allocateMinors('b', [node(0)]), [3]);
  reservations.release('a');
  assert.deepEqual(reservations.allocateMinors('b', [node(0)]), [1]);
  reservations.reserveVolume('a', 'xenvg/new');
  assert.throws(() => reservations.reserveVolume('b', 'xenvg/new'), { name: 'ReservationError' });
  assert.throws(
    () => reservations.reserveVolume('b', `xenvg/${sampleUuid('disk', 3)}.disk0`),
    /already in use/,
  );
  assert.throws(() => reservations.reserveMac('b', get(start, 0).nics[0]!.mac), /MAC already in use/);
  reservations.reserveMac('b', 'AA:00:00:77:77:77');
  assert.throws(() => reservations.reserveMac('c', 'aa:00:00:77:77:77'), { name: 'ReservationError' });
  const macs = new Set(Array.from({ length: 500 }, () => reservations.generateMac('m')));
  assert.equal(macs.size, 500);
  assert.match(reservations.generateMac('m', 'aa:bb:cc'), /^aa:bb:cc:[0-9a-f]{2}:[0-9a-f]{2}:[0-9a-f]{2}$/);
  assert.match(reservations.generateDrbdSecret('m'), /^[0-9a-f]{40}$/);
});

test("when every port is taken the words are Ganeti's", () => {
  const plain = sampleConfiguration({ mirrored: 0 });
  const full = { ...plain, cluster: { ...plain.cluster, highest_used_port: 14999 } };
  assert.throws(
    () => storeOf(full).reservations.allocatePort('job'),
    /highest used port is greater than 14999/,
  );
});

const edits = fc.array(
  fc.record({
    kind: fc.constantFrom('put', 'remove', 'cluster', 'down', 'move'),
    number: fc.nat({ max: 12 }),
    port: fc.option(fc.integer({ min: 11000, max: 11010 }), { nil: undefined }),
  }),
  { maxLength: 40 },
);
type Edit = { kind: string; number: number; port: number | undefined };

function perform(draft: Draft, { kind, number, port }: Edit): void {
  const found = draft.instances.get(inst(number));
  if (kind === 'put')
    draft.put('instances', diskless(number + 20, port === undefined ? {} : { network_port: port }));
  else if (kind === 'remove') draft.remove('instances', inst(number + 20));
  else if (kind === 'cluster') draft.changeCluster({ tags: [`t${number}`], default_iallocator: null });
  else if (kind === 'down' && found !== undefined) draft.put('instances', { ...found, admin_state: 'down' });
  else if (kind === 'move' && found !== undefined)
    draft.put('instances', { ...found, primary_node: node(number % 3) });
}

test('replaying the journal gives the configuration that was published, from any entry on', async () => {
  await fc.assert(
    fc.asyncProperty(edits, fc.nat(), async (list, from) => {
      const store = storeOf();
      const states: Configuration[] = [start];
      for (const edit of list) {
        await store
          .change('job', (draft) => perform(draft, edit))
          .catch((error: Error) => {
            assert.equal(error.name, 'ConfigurationError');
          });
        if (store.current !== states.at(-1)) states.push(store.current);
      }
      const plain = (configuration: Configuration) =>
        JSON.parse(JSON.stringify(serialiseConfiguration(configuration))) as unknown;
      const entries = store.engine.entries;
      assert.equal(entries.length, states.length - 1);
      const first = from % states.length;
      let replayed = states[first]!;
      for (const entry of entries.slice(first)) replayed = applyCommit(replayed, entry.json);
      assert.deepEqual(plain(replayed), plain(store.current));
      // Entries that the snapshot has already do no harm.
      let again = store.current;
      for (const entry of entries.slice(first)) again = applyCommit(again, entry.json);
      assert.deepEqual(plain(again), plain(store.current));
      assert.deepEqual(verifyConfiguration(store.current), []);
    }),
    { numRuns: 60 },
  );
});

test('an entry of the journal names who asked', async () => {
  const store = storeOf();
  await store.change('job 17', (draft) => draft.remove('filters', 'x'));
  await store.change('job 17', (draft) => draft.remove('instances', inst(0)));
  const entry = JSON.parse(store.engine.entries[0]!.json) as CommitEntry;
  assert.equal(entry.cause, 'job 17');
  assert.deepEqual(entry.remove, { instances: [inst(0)] });
});
