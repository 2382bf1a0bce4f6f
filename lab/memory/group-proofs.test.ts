/** Node groups: every change leaves nothing behind, and the rules and words are Ganeti's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterVerifyDisks } from '../../src/operations/cluster/verify-disks.ts';
import { groupAdd } from '../../src/operations/group/add.ts';
import { groupAssignNodes } from '../../src/operations/group/assign-nodes.ts';
import { groupRemove } from '../../src/operations/group/remove.ts';
import { groupRename } from '../../src/operations/group/rename.ts';
import { groupSetParams } from '../../src/operations/group/set-params.ts';
import { groupVerifyDisks } from '../../src/operations/group/verify-disks.ts';
import { provesUndo } from '../../src/operations/proves-undo.ts';
import {
  createMemoryCluster,
  groupUuid,
  memoryInstance,
  memoryWorld,
  nodeName,
  nodeUuid,
} from './cluster.ts';
import { preparedWorld, runOperation, runSeen } from './run.ts';

const rack2 = { group_name: 'rack2' };
const withRack2 = preparedWorld({}, [[groupAdd, rack2]]);
const bounds = (memory: unknown) => ({
  'memory-size': memory,
  'cpu-count': 1,
  'disk-count': 0,
  'disk-size': 4,
  'nic-count': 0,
  'spindle-use': 0,
});

test('a group is added with its settings and taken back', async () => {
  const request = {
    ...rack2,
    alloc_policy: 'last_resort',
    ndparams: { ssh_port: 2222, spindle_count: 'default' },
    diskparams: { drbd: { metavg: 'fast' } },
    hv_state: { kvm: { mem_node: 512 } },
    disk_state: { plain: { xenvg: { disk_reserved: 10 } } },
    ipolicy: { 'vcpu-ratio': '8' },
  };
  await provesUndo(groupAdd, request, memoryWorld());
  const cluster = createMemoryCluster();
  const { hooks } = await runSeen(cluster, groupAdd, request);
  assert.deepEqual(
    hooks.map(({ phase, plan }) => [phase, plan.path, plan.objectType, plan.env, plan.preNodes]),
    ['pre', 'post'].map((phase) => [phase, 'group-add', 'GROUP', { GROUP_NAME: 'rack2' }, [nodeUuid(1)]]),
  );
  const group = cluster.world.config.current.nodegroups.byName('rack2')!;
  assert.deepEqual(
    [group.alloc_policy, group.ndparams, group.diskparams, group.ipolicy],
    ['last_resort', { ssh_port: 2222 }, { drbd: { metavg: 'fast' } }, { 'vcpu-ratio': 8 }],
  );
  assert.deepEqual(group.disk_state_static, { plain: { xenvg: { disk_reserved: 10 } } });
});

test('settings of a group change and come back', async () => {
  const request = {
    ...rack2,
    alloc_policy: 'unallocable',
    ndparams: { spindle_count: 3 },
    hv_state: { kvm: { mem_node: 512 } },
  };
  await provesUndo(groupSetParams, request, withRack2);
});

test('a group is renamed, removed, and given nodes, each taken back whole', async () => {
  await provesUndo(groupRename, { ...rack2, new_name: 'rack3' }, withRack2);
  await provesUndo(groupRemove, rack2, withRack2);
  await provesUndo(groupAssignNodes, { ...rack2, nodes: [nodeName(2), nodeName(3)] }, withRack2);
});

test('a change of a group is told in the words that commands print', async () => {
  const cluster = createMemoryCluster();
  await runOperation(cluster, groupAdd, rack2);
  const set = (request: Record<string, unknown>) =>
    runOperation(cluster, groupSetParams, { ...rack2, ...request });
  assert.deepEqual(await set({ diskparams: { drbd: { metavg: 'x' } } }), [
    ['diskparams', "{'drbd': {'metavg': 'x'}}"],
  ]);
  assert.deepEqual(await set({ ipolicy: { minmax: [{ min: bounds('1'), max: bounds(4096) }] } }), []);
  const group = () => cluster.world.config.current.nodegroups.byName('rack2')!;
  assert.equal(group().ipolicy.minmax?.[0]?.min['memory-size'], 4);
  await set({ ipolicy: { minmax: ['default'] } });
  assert.equal(group().ipolicy.minmax, undefined);
  assert.deepEqual(await set({ diskparams: { drbd: { metavg: 'default' } } }), [
    ['diskparams', "{'drbd': {}}"],
  ]);
});

test('instances that a new policy leaves outside are named', async () => {
  const cluster = createMemoryCluster({ instances: [memoryInstance('web1.memory.example')] });
  const { said } = await runSeen(cluster, groupSetParams, {
    group_name: 'default',
    ipolicy: { minmax: [{ min: bounds(1024), max: bounds(4096) }] },
  });
  assert.ok(
    said.some((line) => line.endsWith('instances violate them: web1.memory.example')),
    said.join(),
  );
});

const refusals: readonly [
  string,
  typeof groupAdd | typeof groupSetParams,
  Record<string, unknown>,
  RegExp,
][] = [
  ['a name twice', groupAdd, { group_name: 'default' }, /'default' already exists as a node group \(UUID: 0/],
  [
    'an unknown parameter',
    groupAdd,
    { ...rack2, ndparams: { bogus: 1 } },
    /^TypeEnforcementError: Unknown parameter 'bogus'$/,
  ],
  [
    'a foreign disk parameter',
    groupAdd,
    { ...rack2, diskparams: { plain: { metavg: 'x' } } },
    /not supported: plain\/metavg$/,
  ],
  [
    'a standard',
    groupAdd,
    { ...rack2, ipolicy: { std: bounds(1) } },
    /std cannot appear in group instance specs$/,
  ],
  ['a key of no policy', groupAdd, { ...rack2, ipolicy: { x: 1 } }, /Invalid key in new ipolicy: x$/],
  [
    'an unknown hypervisor',
    groupAdd,
    { ...rack2, hv_state: { x: {} } },
    /Invalid hypervisor\(s\) in hypervisor state: x$/,
  ],
  ['nothing to change', groupSetParams, { group_name: 'default' }, /Please pass at least one modification$/],
  [
    'an unknown group',
    groupSetParams,
    { group_name: 'no', alloc_policy: 'preferred' },
    /Node group 'no' not found$/,
  ],
];
for (const [what, operation, request, words] of refusals) {
  test(`a group refuses ${what}`, async () => {
    await assert.rejects(runOperation(createMemoryCluster(), operation, request), words);
  });
}

test('a group with nodes is not removed', async () => {
  const cluster = createMemoryCluster({ nodes: 1 });
  const remove = () => runOperation(cluster, groupRemove, { group_name: 'default' });
  await assert.rejects(remove(), new RegExp(`'default' not empty, has the following nodes: ${nodeUuid(1)}$`));
});

test('a mirrored instance is torn apart only by force', async () => {
  const cluster = createMemoryCluster({ instances: [memoryInstance('web1.memory.example')] });
  await runOperation(cluster, groupAdd, rack2);
  const assign = { ...rack2, nodes: [nodeName(2)] };
  await assert.rejects(
    runOperation(cluster, groupAssignNodes, assign),
    /instances get split by this change and --force was not given: web1\.memory\.example$/,
  );
  const { said } = await runSeen(cluster, groupAssignNodes, { ...assign, force: true });
  assert.match(said.join(), /will split the following instances: web1\.memory\.example/);
  const groups = () => cluster.world.config.current.nodes.values().map(({ group }) => group === groupUuid);
  assert.deepEqual(groups().sort(), [false, true, true]);
  await runOperation(cluster, groupAssignNodes, { ...rack2, nodes: [nodeName(1)] });
  assert.deepEqual(groups().sort(), [false, false, true], 'the two halves are together again');
});

test('inactive and missing disks of a group are found', async () => {
  const cluster = createMemoryCluster({
    instances: [
      memoryInstance('whole.memory.example'),
      memoryInstance('rebooted.memory.example', { nodes: [2, 3] }),
      memoryInstance('lost.memory.example', { nodes: [3], mirrored: false }),
      memoryInstance('down.memory.example', { nodes: [3, 1], state: 'down' }),
    ],
  });
  const verify = () => runOperation(cluster, groupVerifyDisks, { group_name: 'default' });
  assert.deepEqual(await verify(), [{}, [], {}]);
  const secondary = cluster.nodes.machine(nodeUuid(3));
  secondary.active.clear();
  secondary.open.clear();
  secondary.volumes.delete(JSON.stringify(['xenvg', 'lost.memory.example.disk0']));
  assert.deepEqual(await verify(), [
    {},
    ['rebooted.memory.example'],
    { 'lost.memory.example': [[nodeName(3), 'xenvg/lost.memory.example.disk0']] },
  ]);
  secondary.reachable = false;
  const [errors] = (await verify()) as [Record<string, string>];
  assert.deepEqual(Object.keys(errors), [nodeName(3)]);
});

test('each group has a job of its own to verify its disks', async () => {
  const cluster = createMemoryCluster();
  await runOperation(cluster, groupAdd, rack2);
  const { submitted } = await runSeen(cluster, clusterVerifyDisks, { is_strict: false });
  assert.deepEqual(
    (submitted as { group_name: string; is_strict: boolean }[][]).map(([op]) => [
      op?.group_name,
      op?.is_strict,
    ]),
    [
      ['default', false],
      ['rack2', false],
    ],
  );
});
