/**
 * A node is cut off while a job works on it: what the job could not take back goes by itself when the node answers
 * again, and what has become somebody's meanwhile stays.
 */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { MemoryJournal } from '../../src/jobs/durable.ts';
import { StepLedger } from '../../src/jobs/ledger.ts';
import { StrandedSteps } from '../../src/jobs/stranded.ts';
import { silentLog } from '../../src/kit/log.ts';
import { LockManager } from '../../src/locks/manager.ts';
import { reachOf } from '../../src/masterd/reach.ts';
import { operations } from '../../src/operations/catalog.ts';
import { instanceCreate } from '../../src/operations/instance/create.ts';
import { instanceRemove } from '../../src/operations/instance/remove.ts';
import { instanceShutdown } from '../../src/operations/instance/shutdown.ts';
import { instanceStartup } from '../../src/operations/instance/startup.ts';
import type { AnyOperation, World } from '../../src/operations/operation.ts';
import { createRunner } from '../../src/operations/runner.ts';
import { strandedRules } from '../../src/operations/stranded/rules.ts';
import { createMemoryCluster, type MemoryCluster, memoryInstance, nodeName, nodeUuid } from './cluster.ts';

/** Their effects are in the configuration alone: no node that comes back makes their undo possible. */
const configurationOnly = [
  'add-instance',
  'add-object',
  'assign-to-groups',
  'change-connection',
  'change-objects',
  'change-tags',
  'drop-node',
  'drop-object',
  'free-reservations',
  'put-node',
  'set-cluster-fields',
  'set-fields',
  'set-run-state',
];
/** Their undo asks many nodes and bears with those that are silent. */
const tolerant = ['prepare-ssh-keys', 'stage-certificates'];

test('every step that can be undone has a rule, or none that a node could help with', () => {
  const steps = [...operations.values()].flatMap(({ steps: list }) => list);
  const undoable = new Set(steps.filter(({ undo }) => undo !== 'none').map(({ name }) => name));
  const ruled = [...strandedRules.keys(), ...configurationOnly, ...tolerant];
  assert.deepEqual([...undoable].filter((name) => !ruled.includes(name)).sort(), []);
  assert.deepEqual(
    [...strandedRules.keys()].filter((name) => !undoable.has(name)),
    [],
  );
});

describe('a node that is cut off mid-job', () => {
  let cluster: MemoryCluster;
  let ledger: StepLedger;
  let locks: LockManager;
  let steps: StrandedSteps<World>;
  let clock = 0;
  const create = {
    instance_name: 'new1.memory.example',
    mode: 'create',
    os_type: 'noop',
    disks: [{ size: 1024 }],
    nics: [],
  };

  const set = (world: MemoryCluster) => {
    cluster = world;
    ledger = new StepLedger(new MemoryJournal());
    locks = new LockManager();
    clock = 0;
    const { config, nodes } = cluster.world;
    steps = new StrandedSteps<World>({
      world: cluster.world,
      ledger,
      rules: strandedRules,
      locks,
      log: silentLog,
      reach: (node) => reachOf(node, nodes, config.current),
      release: (owner) => config.reservations.release(owner),
      now: () => clock,
    });
  };
  const round = async () => {
    clock += 1000;
    await steps.round();
  };
  const machine = (number: number) => cluster.nodes.machine(nodeUuid(number));
  const run = async (
    operation: AnyOperation,
    request: Readonly<Record<string, unknown>>,
    world = cluster.world,
  ) => {
    const execute = createRunner({
      operations: new Map([[operation.opcode.id, operation]]),
      world,
      locks,
      journal: ledger,
      hooks: { runPhase: () => Promise.resolve([]) },
      secrets: new Set(),
      submit: () => Promise.resolve([]),
    });
    return await execute({
      job: 7,
      index: 0,
      input: { ...request, OP_ID: operation.opcode.id },
      signal: new AbortController().signal,
      priority: () => 0,
      onPriority: () => {},
      started: () => Promise.resolve(),
      feedback: () => {},
    });
  };
  /** The world in which a node is cut off as soon as the configuration has changed. */
  const cutting = (number: number): World => {
    const { config } = cluster.world;
    const cut = {
      get current() {
        return config.current;
      },
      reservations: config.reservations,
      flush: () => config.flush(),
      change: async <T>(cause: string, edit: Parameters<typeof config.change<T>>[1]) => {
        const result = await config.change(cause, edit);
        machine(number).reachable = false;
        return result;
      },
    };
    return { ...cluster.world, config: cut };
  };
  const strand = async (template: string, request: object) => {
    const before = cluster.snapshot();
    const job = run(instanceCreate, { ...create, ...request, disk_template: template }, cutting(2));
    await assert.rejects(job);
    return before;
  };

  beforeEach(() => set(createMemoryCluster()));

  for (const template of ['plain', 'file']) {
    test(`keeps a ${template} disk, which goes when it answers`, async () => {
      const before = await strand(template, { pnode: nodeName(2) });
      assert.ok(
        steps
          .list()
          .some(
            ({ step, nodes, retried }) => step === 'create-volume' && retried && nodes[0] === nodeUuid(2),
          ),
      );
      await round();
      assert.ok(steps.list().length > 0, 'the node is silent still');
      machine(2).reachable = true;
      await round();
      assert.deepEqual(steps.list(), []);
      assert.deepEqual(cluster.snapshot(), before);
      assert.deepEqual(locks.describe(), []);
    });
  }

  test('keeps its half of a mirror, whose minor nobody else gets meanwhile', async () => {
    const before = await strand('drbd', { pnode: nodeName(2), snode: nodeName(1) });
    const { reservations } = cluster.world.config;
    assert.deepEqual(reservations.allocateMinors('8', [nodeUuid(2)]), [1]);
    reservations.release('8');
    machine(2).reachable = true;
    await round();
    assert.deepEqual(steps.list(), []);
    assert.deepEqual(cluster.snapshot(), before);
    assert.deepEqual(reservations.allocateMinors('8', [nodeUuid(2)]), [0]);
  });

  test('keeps a disk that an instance has by then: it stays', async () => {
    await strand('plain', { pnode: nodeName(2) });
    const entry = ledger.stranded().find(({ step }) => step === 'create-volume')!;
    const { disk } = (entry.input as { disk: { disk: { uuid: string } } }).disk;
    const taker = memoryInstance('taker1.memory.example', { nodes: [2], mirrored: false, state: 'down' });
    await cluster.world.config.change('taken', (draft) => {
      draft.put('disks', { ...taker.disks[0]!, ...disk, uuid: taker.disks[0]!.uuid });
      draft.put('instances', taker.instance);
    });
    machine(2).reachable = true;
    const volumes = [...machine(2).volumes.keys()];
    await round();
    assert.deepEqual(steps.list(), []);
    assert.deepEqual([...machine(2).volumes.keys()], volumes);
  });

  test('is no longer waited for when it has left the cluster', async () => {
    await strand('plain', { pnode: nodeName(2) });
    await cluster.world.config.change('left', (draft) => draft.remove('nodes', nodeUuid(2)));
    await round();
    assert.deepEqual(steps.list(), []);
  });

  test('whose disks were to go down: those of a guest that runs by then stay up', async () => {
    const web1 = memoryInstance('web1.memory.example', { state: 'down', nodes: [2, 1] });
    set(createMemoryCluster({ instances: [web1] }));
    const name = { instance_name: 'web1.memory.example' };
    await run(instanceStartup, name);
    const disks = [
      {
        disk: web1.disks[0],
        params: {},
        owner: name.instance_name,
        ownerUuid: web1.instance.uuid,
        index: 0,
        self: nodeUuid(2),
        addresses: {},
      },
    ];
    ledger.fold({
      kind: 'begun',
      job: 6,
      op: 0,
      number: 1,
      step: 'activate-disks',
      input: { node: nodeUuid(2), disks, asPrimary: true, before: 'inactive' },
    });
    ledger.fold({ kind: 'stranded', job: 6, op: 0, number: 1, error: 'cut off' });
    await round();
    assert.deepEqual(steps.list(), []);
    assert.equal(machine(2).active.size, 1, 'the disks of a running guest stay active');
    await run(instanceShutdown, name);
    await run(instanceRemove, name);
  });
});
