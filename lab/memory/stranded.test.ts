/**
 * A node is cut off while a job works on it: what the job could not take back goes by itself when the node answers
 * again, and what has become somebody's meanwhile stays.
 */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { backupExport } from '../../src/operations/backup/export.ts';
import { operations } from '../../src/operations/catalog.ts';
import { instanceCreate } from '../../src/operations/instance/create.ts';
import { instanceRemove } from '../../src/operations/instance/remove.ts';
import { instanceShutdown } from '../../src/operations/instance/shutdown.ts';
import { instanceStartup } from '../../src/operations/instance/startup.ts';
import { strandedRules } from '../../src/operations/stranded/rules.ts';
import { createMemoryCluster, memoryInstance, nodeName, nodeUuid } from './cluster.ts';
import { CutOff } from './cut-off.ts';

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
  let cut: CutOff;
  const create = {
    instance_name: 'new1.memory.example',
    mode: 'create',
    os_type: 'noop',
    disks: [{ size: 1024 }],
    nics: [],
  };

  const strand = (template: string, request: object) =>
    cut.strand(instanceCreate, { ...create, ...request, disk_template: template }, cut.atCommit(2));

  beforeEach(() => {
    cut = new CutOff(createMemoryCluster());
  });

  for (const template of ['plain', 'file']) {
    test(`keeps a ${template} disk, which goes when it answers`, async () => {
      const before = await strand(template, { pnode: nodeName(2) });
      assert.ok(
        cut.steps
          .list()
          .some(
            ({ step, nodes, retried }) => step === 'create-volume' && retried && nodes[0] === nodeUuid(2),
          ),
      );
      await cut.comeBack();
      assert.deepEqual(cut.cluster.snapshot(), before);
    });
  }

  test('keeps a helper in the place of the guest: it goes with its disk, and the watcher starts the guest', async () => {
    const web1 = memoryInstance('web1.memory.example', { nodes: [2, 1], mirrored: false });
    const cluster = { zeroing_image: '/images/busy.raw' };
    cut = new CutOff(createMemoryCluster({ instances: [web1], cluster }));
    const machine = cut.machine(2);
    const volumes = [...machine.volumes.keys()];
    const request = { instance_name: web1.instance.name, target_node: nodeName(3), zero_free_space: true };
    await cut.strand(backupExport, request, cut.atCall(machine, 'instance_start'));
    assert.deepEqual([machine.guests.size, machine.volumes.size], [1, 2]);
    await cut.comeBack();
    assert.deepEqual([machine.guests.size, [...machine.volumes.keys()]], [0, volumes]);
    assert.equal(cut.cluster.world.config.current.instances.byName(web1.instance.name)!.admin_state, 'up');
  });

  test('keeps its half of a mirror, whose minor nobody else gets meanwhile', async () => {
    const before = await strand('drbd', { pnode: nodeName(2), snode: nodeName(1) });
    const { reservations } = cut.cluster.world.config;
    assert.deepEqual(reservations.allocateMinors('8', [nodeUuid(2)]), [1]);
    reservations.release('8');
    cut.machine(2).reachable = true;
    await cut.round();
    assert.deepEqual(cut.steps.list(), []);
    assert.deepEqual(cut.cluster.snapshot(), before);
    assert.deepEqual(reservations.allocateMinors('8', [nodeUuid(2)]), [0]);
  });

  test('keeps a disk that an instance has by then: it stays', async () => {
    await strand('plain', { pnode: nodeName(2) });
    const entry = cut.ledger.stranded().find(({ step }) => step === 'create-volume')!;
    const { disk } = (entry.input as { disk: { disk: { uuid: string } } }).disk;
    const taker = memoryInstance('taker1.memory.example', { nodes: [2], mirrored: false, state: 'down' });
    await cut.cluster.world.config.change('taken', (draft) => {
      draft.put('disks', { ...taker.disks[0]!, ...disk, uuid: taker.disks[0]!.uuid });
      draft.put('instances', taker.instance);
    });
    cut.machine(2).reachable = true;
    const volumes = [...cut.machine(2).volumes.keys()];
    await cut.round();
    assert.deepEqual(cut.steps.list(), []);
    assert.deepEqual([...cut.machine(2).volumes.keys()], volumes);
  });

  test('is no longer waited for when it has left the cluster', async () => {
    await strand('plain', { pnode: nodeName(2) });
    await cut.cluster.world.config.change('left', (draft) => draft.remove('nodes', nodeUuid(2)));
    await cut.round();
    assert.deepEqual(cut.steps.list(), []);
  });

  test('whose disks were to go down: those of a guest that runs by then stay up', async () => {
    const web1 = memoryInstance('web1.memory.example', { state: 'down', nodes: [2, 1] });
    cut = new CutOff(createMemoryCluster({ instances: [web1] }));
    const name = { instance_name: 'web1.memory.example' };
    await cut.run(instanceStartup, name);
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
    cut.ledger.fold({
      kind: 'begun',
      job: 6,
      op: 0,
      number: 1,
      step: 'activate-disks',
      input: { node: nodeUuid(2), disks, asPrimary: true, before: 'inactive' },
    });
    cut.ledger.fold({ kind: 'stranded', job: 6, op: 0, number: 1, error: 'cut off' });
    await cut.round();
    assert.deepEqual(cut.steps.list(), []);
    assert.equal(cut.machine(2).active.size, 1, 'the disks of a running guest stay active');
    await cut.run(instanceShutdown, name);
    await cut.run(instanceRemove, name);
  });
});
