/** move-instance: its command line, and what each side does when the other fails. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../kit/failure.ts';
import { type Move, moveInstance, nicsOf } from './mover.ts';
import { readCommandLine } from './options.ts';
import { type JobWatcher, type RapiClient, RapiError } from './rapi-client.ts';

const needed = ['--src-ca-file=ca.pem'];

test('options stand anywhere, and what is moved is told', () => {
  const line = readCommandLine(['a', '--parallel', '3', ...needed, 'b', 'web1', '-v', 'web2']);
  assert.ok(line !== 'help');
  assert.deepEqual([line.source, line.target, line.instances], ['a', 'b', ['web1', 'web2']]);
  assert.deepEqual([line.values.parallel, line.values.verbose, line.values.compress], [3, true, 'none']);
  assert.equal(readCommandLine(['a', '--help']), 'help');
});

const faults: readonly (readonly [string[], RegExp])[] = [
  [['a', 'b'], /^Not enough arguments$/],
  [['a', 'b', 'web1'], /^Missing source cluster CA file$/],
  [[...needed, '-p', '0', 'a', 'b', 'web1'], /^Number of simultaneous moves must be >= 1$/],
  [[...needed, '-I', 'hail', '--dest-primary-node=n', 'a', 'b', 'web1'], /exclude each other$/],
  [[...needed, '--opportunistic-tries=2', 'a', 'b', 'web1'], /can only be used with an iallocator$/],
  [[...needed, '--opportunistic-delay=2', 'a', 'b', 'web1'], /when opportunistic tries are used$/],
  [
    [...needed, '-B', 'vcpus=2', 'a', 'b', 'web1', 'web2'],
    /can only be used when moving exactly one instance$/,
  ],
];
for (const [words, fault] of faults) {
  test(`the command line ${words.join(' ')} is refused`, () => {
    assert.throws(() => readCommandLine(words), { message: fault });
  });
}

const nic = ['eth0', 'uuid', '10.0.0.1', 'aa:00:00:00:00:01', 'bridged', 'br0', '', null, null];

test('interfaces come along; with a network they bring no mode of their own', () => {
  assert.deepEqual(nicsOf({ nics: [nic] }, [{ link: 'br9' }]), [
    {
      ...{ name: 'eth0', ip: '10.0.0.1', mac: 'aa:00:00:00:00:01', mode: 'bridged', link: 'br9', vlan: '' },
      network: null,
    },
  ]);
  const inNetwork = [...nic.slice(0, 7), 'net1', null];
  assert.deepEqual(Object.keys(nicsOf({ nics: [inNetwork] }, [])[0]!), ['name', 'ip', 'mac', 'network']);
  assert.throws(() => nicsOf({ nics: [] }, [{}]), /Can not create new NICs/);
});

const info = {
  ...{ name: 'web1', os: 'noop', config_state: 'up', hypervisor: 'fake', disk_template: 'plain' },
  ...{ disks: [{ size: 128, mode: 'rw', name: null }], nics: [nic] },
  ...{ be_instance: { vcpus: 1 }, hv_instance: {}, os_instance: {} },
};

const move: Move = {
  ...{
    instance: 'web1',
    newName: 'web2',
    primary: 'node1',
    secondary: null,
    iallocator: null,
    template: null,
  },
  ...{
    compress: 'none',
    hvparams: {},
    beparams: { vcpus: 3 },
    osparams: {},
    nics: [],
    tries: 0,
    delay: null,
  },
  keepsSource: false,
};

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

/** A cluster that answers submissions with jobs, and jobs with what `results` says for their path. */
class FakeCluster {
  readonly requests: Request[] = [];
  readonly #results: Readonly<Record<string, (watcher: JobWatcher) => Promise<unknown[]>>>;

  constructor(results: Readonly<Record<string, (watcher: JobWatcher) => Promise<unknown[]>>>) {
    this.#results = results;
  }

  async call(method: string, path: string): Promise<unknown> {
    if (path === '/2/instances/gone') throw new RapiError(404, '404 Not found');
    return { method };
  }

  async submit(method: string, path: string, body?: unknown): Promise<number> {
    return this.requests.push({ method, path, body });
  }

  async follow(job: number, watcher: JobWatcher): Promise<unknown[]> {
    watcher.check();
    return await this.#results[this.requests[job - 1]!.path]!(watcher);
  }
}

const expinfo = { handshake: [0, 'h', 's'], x509_key_name: ['k', 'h', 's'], x509_ca: 'ca' };
const prepared = {
  '/2/instances/web1/info?static=1': async () => [{ web1: info }],
  '/2/instances/web1/prepare-export?mode=remote': async () => [expinfo],
};
const awaited = { disks: [['host', 1, 'magic', 'h', 's']], x509_ca: 'their ca' };

function run(source: FakeCluster, target: FakeCluster, change: Partial<Move> = {}, slept: number[] = []) {
  return moveInstance(
    { ...move, ...change },
    {
      source: source as unknown as RapiClient,
      target: target as unknown as RapiClient,
      log: { debug() {}, info() {}, warning() {} },
      sleep: async (seconds) => void slept.push(seconds),
      random: () => 0.5,
      now: () => 0,
    },
  );
}

test('an instance is made where it goes, with what was changed, and then sent', async () => {
  const source = new FakeCluster({ ...prepared, '/2/instances/web1/export': async () => [[true, [true]]] });
  const target = new FakeCluster({
    '/2/instances': async ({ log }) => {
      log({ type: 'remote-import', message: awaited });
      return [['node1']];
    },
  });
  assert.equal(await run(source, target), undefined);
  const made = target.requests[0]!.body as Record<string, unknown>;
  assert.deepEqual(
    [made.instance_name, made.mode, made.pnode, made.start, made.beparams, made.source_instance_name],
    ['web2', 'remote-import', 'node1', true, { vcpus: 3 }, 'web1'],
  );
  const sent = source.requests.at(-1)!.body as Record<string, unknown>;
  assert.deepEqual(
    [sent.destination, sent.destination_x509_ca, sent.remove_instance, sent.x509_key_name],
    [awaited.disks, 'their ca', true, expinfo.x509_key_name],
  );
  await run(source, target, { keepsSource: true });
  const kept = source.requests.at(-1)!.body as Record<string, unknown>;
  assert.deepEqual([kept.remove_instance, kept.long_sleep], [false, true]);
});

test('when one side fails the other gives up, and both are told', async () => {
  const full = new Failure('OpPrereqError', ['no room', 'insufficient_resources']);
  const target = new FakeCluster({ '/2/instances': async () => Promise.reject(full) });
  assert.equal(
    await run(new FakeCluster(prepared), target),
    'Source error: Aborted, destination error: no room',
  );
  assert.equal(
    await run(new FakeCluster(prepared), target, { instance: 'gone' }),
    'Source error: Instance gone not found (404 Not found), destination error: Aborted',
  );
});

test('opportunistic attempts are made again after a while, the last one waits for all nodes', async () => {
  const short = new Failure('OpPrereqError', ['busy', 'temp_insufficient_resources']);
  let tried = 0;
  const target = new FakeCluster({
    '/2/instances': async ({ log }) => {
      tried += 1;
      if (tried < 3) throw short;
      log({ type: 'remote-import', message: awaited });
      return [['node1']];
    },
  });
  const source = new FakeCluster({ ...prepared, '/2/instances/web1/export': async () => [[true, [true]]] });
  const slept: number[] = [];
  assert.equal(await run(source, target, { iallocator: 'hail', tries: 2, delay: 7 }, slept), undefined);
  assert.deepEqual(slept, [7, 7]);
  assert.deepEqual(
    target.requests.map(({ body }) => (body as Record<string, unknown>).opportunistic_locking),
    [true, true, false],
  );
});

test('a job that is under way when the other side fails may say what it has met', async () => {
  let broken!: () => void;
  const breaking = new Promise<void>((resolve) => {
    broken = resolve;
  });
  const source = new FakeCluster({
    ...prepared,
    '/2/instances/web1/export': async (watcher) => {
      broken();
      await new Promise((resolve) => setImmediate(resolve));
      watcher.check();
      throw new Failure('OpExecError', ['no way out']);
    },
  });
  const target = new FakeCluster({
    '/2/instances': async (watcher) => {
      watcher.log({ type: 'remote-import', message: awaited });
      await breaking;
      throw new Failure('OpExecError', ['the connection ended']);
    },
  });
  assert.equal(
    await run(source, target),
    'Source error: no way out, destination error: the connection ended',
  );
});
