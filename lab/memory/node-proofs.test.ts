/** Nodes: settings, storage, power and programs of the site. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultsOf } from '../../src/model/params/family.ts';
import { nodeParameters } from '../../src/model/params/node.ts';
import { clusterPostInit } from '../../src/operations/cluster/lifecycle.ts';
import { clusterSetParams } from '../../src/operations/cluster/set-params.ts';
import { nodeAdd } from '../../src/operations/node/add.ts';
import { nodeEvacuate } from '../../src/operations/node/evacuate.ts';
import { joiningKey } from '../../src/operations/node/joining.ts';
import { nodeMigrate } from '../../src/operations/node/migrate.ts';
import { nodeModifyStorage } from '../../src/operations/node/modify-storage.ts';
import { oobCommand } from '../../src/operations/node/oob-command.ts';
import { nodePowercycle } from '../../src/operations/node/powercycle.ts';
import { nodeQueryStorage } from '../../src/operations/node/query-storage.ts';
import { nodeQueryVolumes } from '../../src/operations/node/query-volumes.ts';
import { nodeRemove } from '../../src/operations/node/remove.ts';
import { repairNodeStorage } from '../../src/operations/node/repair-storage.ts';
import { restrictedCommand } from '../../src/operations/node/restricted-command.ts';
import { nodeSetParams } from '../../src/operations/node/set-params.ts';
import { provesUndo } from '../../src/operations/proves-undo.ts';
import { createMemoryCluster, memoryInstance, memoryWorld, nodeName, nodeUuid } from './cluster.ts';
import { preparedWorld, runOperation, runSeen } from './run.ts';

const node2 = { node_name: nodeName(2) };
const web1 = memoryInstance('web1.memory.example');
const stopped = memoryInstance('web1.memory.example', { state: 'down' });
const withPower = [[clusterSetParams, { ndparams: { oob_program: '/usr/bin/power' } }]] as const;
const smallPool = [
  [clusterSetParams, { candidate_pool_size: 2 }],
  [nodeSetParams, { node_name: nodeName(3), master_candidate: false }],
] as const;

test('settings of a node change and come back', async () => {
  const request = {
    ...node2,
    ndparams: { spindle_count: 4 },
    hv_state: { kvm: { mem_node: 512 } },
    disk_state: { plain: { xenvg: { disk_reserved: 10 } } },
    vm_capable: true,
    secondary_ip: '192.0.3.77',
  };
  await provesUndo(nodeSetParams, request, memoryWorld({ instances: [stopped] }));
  const cluster = createMemoryCluster({ instances: [stopped] });
  assert.deepEqual(await runOperation(cluster, nodeSetParams, request), [['secondary_ip', '192.0.3.77']]);
  const node = cluster.world.config.current.nodes.byName(nodeName(2))!;
  assert.deepEqual(node.hv_state_static, { kvm: { mem_node: 512 } });
  assert.deepEqual(node.ndparams, { spindle_count: 4 });
});

test('a candidate that goes is replaced by the next node, with its certificate', async () => {
  const offline = { ...node2, offline: true };
  await provesUndo(nodeSetParams, offline, preparedWorld({}, smallPool));
  await provesUndo(nodeRemove, node2, preparedWorld({}, smallPool));
  const cluster = createMemoryCluster();
  for (const [operation, request] of smallPool) await runOperation(cluster, operation, request);
  await runOperation(cluster, nodeSetParams, offline);
  const { candidate_certs } = cluster.world.config.current.cluster;
  assert.deepEqual(Object.keys(candidate_certs), [nodeUuid(1), nodeUuid(3)]);
});

test('a node that was offline comes back by itself when it answers', async () => {
  const cluster = createMemoryCluster();
  await runOperation(cluster, nodeSetParams, { ...node2, offline: true });
  const { said, result } = await runSeen(cluster, nodeSetParams, { ...node2, offline: false });
  assert.deepEqual(result, [
    ['master_candidate', 'True'],
    ['offline', 'False'],
  ]);
  assert.match(said.join(), /Auto-promoting node to master candidate/);
  cluster.nodes.machine(nodeUuid(2)).reachable = false;
  await runOperation(cluster, nodeSetParams, { ...node2, offline: true });
  await assert.rejects(
    runOperation(cluster, nodeSetParams, { ...node2, offline: false }),
    /is being de-offlined but fails to report its version/,
  );
});

const refusedSettings: readonly [string, Record<string, unknown>, RegExp][] = [
  ['nothing at all', {}, /Please pass at least one modification$/],
  [
    'two roles',
    { offline: true, drained: true },
    /Can't set the node into more than one state at the same time$/,
  ],
  [
    'a parameter of groups',
    { ndparams: { exclusive_storage: true } },
    /are global and cannot be customized at node level.*: exclusive_storage$/,
  ],
  ['an unknown parameter', { ndparams: { bogus: 4 } }, /^TypeEnforcementError: Unknown parameter 'bogus'$/],
  ['a power state without a program', { powered: false }, /does not support out-of-band handling$/],
  [
    'one address for both',
    { secondary_ip: '192.0.2.2' },
    /Cannot set the secondary IP to be the same as the primary IP/,
  ],
  ['an address of no kind', { secondary_ip: 'x' }, /Secondary IP \(x\) needs to be a valid IPv4 address$/],
  [
    'an address under a running instance',
    { secondary_ip: '192.0.3.77' },
    /Instance 'web1\.memory\.example' is marked to be up, cannot change secondary ip$/,
  ],
];
for (const [what, request, words] of refusedSettings) {
  test(`a node refuses ${what}`, async () => {
    const cluster = createMemoryCluster({ instances: [web1] });
    await assert.rejects(runOperation(cluster, nodeSetParams, { ...node2, ...request }), words);
  });
}

test('every volume group of a node is listed, and volumes with their owners', async () => {
  const cluster = createMemoryCluster({ nodes: 2, instances: [web1] });
  const output_fields = ['node', 'type', 'name', 'size', 'used', 'free', 'allocatable'];
  assert.deepEqual(await runOperation(cluster, nodeQueryStorage, { output_fields, nodes: [nodeName(1)] }), [
    [nodeName(1), 'lvm-vg', 'fast', 200_000, 100_000, 100_000, true],
    [nodeName(1), 'lvm-vg', 'xenvg', 200_000, 100_000, 100_000, true],
  ]);
  const file = { output_fields: ['node', 'name'], storage_type: 'file' };
  assert.deepEqual(await runOperation(cluster, nodeQueryStorage, file), [
    [nodeName(1), '/srv/ganeti/file-storage'],
    [nodeName(2), '/srv/ganeti/file-storage'],
  ]);
  cluster.nodes.machine(nodeUuid(1)).volumes.set('["xenvg","orphan"]', 16);
  const fields = ['node', 'phys', 'vg', 'name', 'size', 'instance'];
  assert.deepEqual(
    await runOperation(cluster, nodeQueryVolumes, { output_fields: fields, nodes: [nodeName(1)] }),
    [
      [nodeName(1), '/dev/sda5', 'xenvg', 'web1.memory.example.disk0_data', '1024', 'web1.memory.example'],
      [nodeName(1), '/dev/sda5', 'xenvg', 'web1.memory.example.disk0_meta', '128', 'web1.memory.example'],
      [nodeName(1), '/dev/sda5', 'xenvg', 'orphan', '16', '-'],
    ],
  );
});

test('storage that the cluster has not is told in words', async () => {
  const cluster = createMemoryCluster();
  const fields = { output_fields: ['name'] };
  await assert.rejects(
    runOperation(cluster, nodeQueryStorage, { ...fields, storage_type: 'rados' }),
    /No disk template of storage type 'rados' is enabled in this cluster\. Enabled disk templates are: drbd,plain,file,sharedfile,diskless$/,
  );
  await assert.rejects(
    runOperation(cluster, nodeQueryStorage, { output_fields: ['colour'] }),
    /Unknown output fields selected: colour$/,
  );
});

test('allocation on a physical volume is stopped, and taken back whole', async () => {
  const request = { ...node2, storage_type: 'lvm-pv', name: '/dev/sda5', changes: { allocatable: false } };
  await provesUndo(nodeModifyStorage, request, memoryWorld());
  const cluster = createMemoryCluster();
  await runOperation(cluster, nodeModifyStorage, request);
  assert.equal(cluster.nodes.machine(nodeUuid(2)).allocatable.size, 0);
  await assert.rejects(
    runOperation(cluster, nodeModifyStorage, { ...request, storage_type: 'file' }),
    /Storage units of type 'file' can not be modified$/,
  );
});

test('a volume group is not repaired while the other copies are not whole', async () => {
  const cluster = createMemoryCluster({ instances: [web1] });
  const repair = { ...node2, storage_type: 'lvm-vg', name: 'xenvg' };
  await provesUndo(repairNodeStorage, repair, memoryWorld({ instances: [web1] }));
  await runOperation(cluster, repairNodeStorage, repair);
  cluster.nodes.machine(nodeUuid(1)).active.clear();
  await assert.rejects(
    runOperation(cluster, repairNodeStorage, repair),
    /Instance 'web1\.memory\.example' has faulty disks on node 'node1\.memory\.example'$/,
  );
  const forced = await runSeen(cluster, repairNodeStorage, { ...repair, ignore_consistency: true });
  assert.match(
    forced.said.join(),
    /has faulty disks.*Repairing storage unit 'xenvg' on node2\.memory\.example \.\.\./,
  );
});

test('the power of nodes is controlled by the program of the site', async () => {
  const off = { command: 'power-off', node_names: [nodeName(3)], ignore_status: true };
  await provesUndo(oobCommand, off, preparedWorld({}, withPower));
  const cluster = createMemoryCluster();
  const status = { command: 'power-status', node_names: [nodeName(3)] };
  assert.deepEqual(await runOperation(cluster, oobCommand, status), [
    [
      [0, nodeName(3)],
      [3, null],
    ],
  ]);
  for (const [operation, request] of withPower) await runOperation(cluster, operation, request);
  assert.deepEqual(await runOperation(cluster, oobCommand, status), [
    [
      [0, nodeName(3)],
      [0, { powered: true }],
    ],
  ]);
  await runOperation(cluster, oobCommand, off);
  assert.equal(cluster.world.config.current.nodes.byName(nodeName(3))!.powered, false);
  const health = await runSeen(cluster, oobCommand, { command: 'health', node_names: [nodeName(2)] });
  assert.match(health.said.join(), /Item 'Fan' on node 'node2\.memory\.example' has status 'CRITICAL'/);
  const on = (await runOperation(cluster, oobCommand, { command: 'power-on', power_delay: 0 })) as unknown[];
  assert.equal(on.length, 3);
  assert.equal(cluster.world.config.current.nodes.byName(nodeName(3))!.powered, true);
});

test('power is not taken from the master, nor from a node that is online', async () => {
  const cluster = createMemoryCluster();
  const off = (node: number) =>
    runOperation(cluster, oobCommand, { command: 'power-off', node_names: [nodeName(node)] });
  await assert.rejects(
    off(1),
    /Operating on the master node node1\.memory\.example is not allowed for power-off; it does not support/,
  );
  await assert.rejects(
    off(2),
    /Cannot power off node node2\.memory\.example because it is not marked offline$/,
  );
  await assert.rejects(
    runOperation(cluster, nodePowercycle, { node_name: nodeName(1) }),
    /The node is the master and the force parameter was not set$/,
  );
  await provesUndo(nodePowercycle, node2, memoryWorld());
  assert.equal(await runOperation(cluster, nodePowercycle, node2), 'Reboot scheduled in 5 seconds');
  assert.deepEqual(cluster.nodes.machine(nodeUuid(2)).events, ['restarted']);
});

test('commands of the site answer by node', async () => {
  const cluster = createMemoryCluster({ nodes: 2 });
  const nodes = [nodeName(2), nodeName(1)];
  await provesUndo(restrictedCommand, { nodes, command: 'uptime' }, memoryWorld({ nodes: 2 }));
  assert.deepEqual(await runOperation(cluster, restrictedCommand, { nodes, command: 'uptime' }), [
    [true, 'up 3 days\n'],
    [true, 'up 3 days\n'],
  ]);
  assert.deepEqual(await runOperation(cluster, restrictedCommand, { nodes: [nodeName(1)], command: 'rm' }), [
    [false, "Command 'rm' on node 'node1.memory.example' failed: Executing command 'rm' failed"],
  ]);
});

test('a node is emptied by one job an instance', async () => {
  const cluster = createMemoryCluster({
    instances: [web1, memoryInstance('api1.memory.example', { nodes: [3, 2] })],
  });
  const migrate = await runSeen(cluster, nodeMigrate, { node_name: nodeName(1) });
  assert.deepEqual(
    (migrate.submitted as { OP_ID: string; instance_name: string }[][]).map(([op]) => [
      op?.OP_ID,
      op?.instance_name,
    ]),
    [['OP_INSTANCE_MIGRATE', 'web1.memory.example']],
  );
  const evacuate = { ...node2, mode: 'secondary-only', remote_node: nodeName(3) };
  await assert.rejects(
    runOperation(cluster, nodeEvacuate, evacuate),
    /Node node3\.memory\.example is the primary node of instance api1\.memory\.example, cannot use it as secondary$/,
  );
  await runOperation(cluster, nodeSetParams, { ...node2, drained: true });
  const other = createMemoryCluster({ instances: [web1] });
  const { said, submitted } = await runSeen(other, nodeEvacuate, evacuate);
  assert.match(said.join(), /Evacuating instances from node 'node2\.memory\.example': web1\.memory\.example/);
  assert.deepEqual(
    (submitted as Record<string, unknown>[][]).map(([op]) => [op?.OP_ID, op?.remote_node, op?.mode]),
    [['OP_INSTANCE_REPLACE_DISKS', nodeName(3), 'replace_new_secondary']],
  );
});

test("a joining node's switch is set up, and goes when the node doesn't join after all", async () => {
  const joining = { name: 'localhost', ip: '127.0.0.1' };
  const request = {
    node_name: 'localhost',
    secondary_ip: '192.0.3.9',
    ndparams: { ovs: true, ovs_link: 'eth1' },
  };
  await provesUndo(nodeAdd, request, memoryWorld({ joining }));
  const cluster = createMemoryCluster({ joining });
  const machine = cluster.nodes.machine(joiningKey(joining.name, joining.ip));
  machine.switches.set('switch1', new Set(['tap0']));
  await runOperation(cluster, nodeAdd, request);
  assert.deepEqual([...machine.switches.get('switch1')!], ['tap0', 'eth1']);
});

test("the first node's switch is set up with the cluster", async () => {
  const options = { cluster: { ndparams: { ...defaultsOf(nodeParameters), ovs: true } } };
  await provesUndo(clusterPostInit, {}, memoryWorld(options));
  const cluster = createMemoryCluster(options);
  const { said } = await runSeen(cluster, clusterPostInit, {});
  assert.deepEqual(cluster.nodes.machine(nodeUuid(1)).switches, new Map([['switch1', new Set()]]));
  assert.match(said.join(), /will not have an outside connection/);
});

test('every node learns the address of one that comes, and forgets that of one that goes', async () => {
  const hosts = '/etc/hosts';
  const joining = { name: 'localhost', ip: '127.0.0.1' };
  const cluster = createMemoryCluster({ joining });
  await runOperation(cluster, nodeAdd, { node_name: 'localhost', secondary_ip: '192.0.3.9' });
  for (const number of [2, 3]) assert.ok(cluster.nodes.machine(nodeUuid(number)).files.has(hosts));
  cluster.nodes.machine(nodeUuid(3)).files.delete(hosts);
  await runOperation(cluster, nodeRemove, node2);
  assert.ok(cluster.nodes.machine(nodeUuid(3)).files.has(hosts));
});

test('a node brings its own settings, and keeps them when it comes again at another address', async () => {
  const joining = { name: 'localhost', ip: '127.0.0.1' };
  const request = {
    node_name: 'localhost',
    secondary_ip: '192.0.3.9',
    ndparams: { spindle_count: 4 },
    hv_state: { kvm: { mem_node: 512 } },
    disk_state: { plain: { xenvg: { disk_reserved: 10 } } },
  };
  const cluster = createMemoryCluster({ joining });
  await runOperation(cluster, nodeAdd, request);
  const { config } = cluster.world;
  const added = () => config.current.nodes.byName('localhost')!;
  const settings = () => [added().ndparams, added().hv_state_static, added().disk_state_static];
  const wanted = [{ spindle_count: 4 }, request.hv_state, request.disk_state];
  assert.deepEqual(settings(), wanted);
  await config.change('it had another address', (draft) =>
    draft.put('nodes', { ...added(), primary_ip: '192.0.2.9', offline: true, master_candidate: false }),
  );
  await runOperation(cluster, nodeAdd, { node_name: 'localhost', readd: true });
  assert.deepEqual([added().primary_ip, added().offline], ['127.0.0.1', false]);
  assert.deepEqual(settings(), wanted);
  await assert.rejects(
    runOperation(cluster, nodeAdd, { node_name: 'localhost', readd: true, secondary_ip: '192.0.3.8' }),
    /Readded node doesn't have the same IP address configuration as before$/,
  );
  await assert.rejects(
    runOperation(createMemoryCluster({ joining }), nodeAdd, { ...request, ndparams: { ssh_port: 'x' } }),
    /ssh_port/,
  );
});

test('the keys of the nodes are told to each other when SSH was set up on the new one', async () => {
  const joining = { name: 'localhost', ip: '127.0.0.1' };
  const told = async (request: object) => {
    const cluster = createMemoryCluster({ joining });
    await runOperation(cluster, nodeAdd, { node_name: 'localhost', secondary_ip: '192.0.3.9', ...request });
    return Object.keys(cluster.nodes.machine(nodeUuid(2)).ssh.known ?? {});
  };
  assert.deepEqual(await told({}), []);
  assert.deepEqual(await told({ node_setup: true }), [1, 2, 3].map(nodeUuid));
});

test('a node that comes again keeps nothing of a candidate, nor guests that it may not have', async () => {
  const localhost = { name: 'localhost', primary_ip: '127.0.0.1' };
  const cluster = createMemoryCluster({
    instances: [memoryInstance('web1.memory.example', { state: 'down', nodes: [2, 3] })],
    joining: { name: 'localhost', ip: '127.0.0.1' },
  });
  const { config } = cluster.world;
  await config.change('it has another name', (draft) =>
    draft.put('nodes', { ...config.current.nodes.get(nodeUuid(3))!, ...localhost }),
  );
  const again = { node_name: 'localhost', readd: true };
  await assert.rejects(
    runOperation(cluster, nodeAdd, { ...again, vm_capable: false }),
    /^OpPrereqError: Node localhost being re-added with vm_capable flag set to false, but it already holds instances$/,
  );
  const { events } = cluster.nodes.machine(nodeUuid(3));
  await runOperation(cluster, nodeAdd, again);
  assert.deepEqual(events, []);
  await runOperation(cluster, nodeAdd, { ...again, master_capable: false });
  assert.deepEqual(events, ['demoted']);
});
