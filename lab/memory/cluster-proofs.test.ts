/** The cluster's own settings: every change leaves nothing behind, and the rules and words are Ganeti's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterSetParams } from '../../src/operations/cluster/set-params.ts';
import { networkAdd } from '../../src/operations/network/add.ts';
import { nodeSetParams } from '../../src/operations/node/set-params.ts';
import { provesUndo } from '../../src/operations/proves-undo.ts';
import {
  createMemoryCluster,
  type MemoryCluster,
  memoryInstance,
  memoryWorld,
  nodeName,
  nodeUuid,
} from './cluster.ts';
import { preparedWorld, type Request, runOperation, runSeen } from './run.ts';

const web1 = memoryInstance('web1.memory.example');
const clusterOf = ({ world }: MemoryCluster) => world.config.current.cluster;

async function modified(request: Request): Promise<ReturnType<typeof clusterOf>> {
  const cluster = createMemoryCluster({ instances: [web1] });
  await runOperation(cluster, clusterSetParams, request);
  return clusterOf(cluster);
}

test('settings of every part change in one commit and come back', async () => {
  const request = {
    beparams: { memory: '256' },
    ndparams: { ssh_port: 2222 },
    nicparams: { link: 'br7' },
    hvparams: { fake: { migration_mode: 'non-live' } },
    diskparams: { drbd: { metavg: 'fast' } },
    ipolicy: { 'vcpu-ratio': 16 },
    os_hvp: { noop: { fake: { migration_mode: 'non-live' } } },
    hidden_os: [['add', 'noop']],
    uid_pool: [[5000, 6000]],
    mac_prefix: 'AA:00:01',
    reserved_lvs: ['system/.*'],
    candidate_pool_size: 5,
    enabled_data_collectors: {},
  };
  await provesUndo(clusterSetParams, request, memoryWorld({ instances: [web1] }));
  const cluster = await modified(request);
  assert.deepEqual([cluster.beparams.default?.minmem, cluster.beparams.default?.maxmem], [256, 256]);
  assert.equal(cluster.ndparams.ssh_port, 2222);
  assert.equal(cluster.nicparams.default?.link, 'br7');
  assert.deepEqual(cluster.hvparams.fake, { migration_mode: 'non-live' });
  assert.equal(cluster.diskparams.drbd?.metavg, 'fast');
  assert.equal(cluster.diskparams.drbd?.protocol, 'C', 'the other parameters stay');
  assert.equal(cluster.ipolicy['vcpu-ratio'], 16);
  assert.deepEqual(cluster.os_hvp, { noop: { fake: { migration_mode: 'non-live' } } });
  assert.deepEqual(
    [cluster.hidden_os, cluster.uid_pool, cluster.mac_prefix],
    [['noop'], [[5000, 6000]], 'aa:00:01'],
  );
});

test("the cluster's address moves to another interface, or stays where it was", async () => {
  await provesUndo(clusterSetParams, { master_netdev: 'eth7', master_netmask: 24 }, memoryWorld());
  const cluster = createMemoryCluster();
  const { said } = await runSeen(cluster, clusterSetParams, { master_netdev: 'eth7', master_netmask: 24 });
  assert.equal(cluster.nodes.machine(nodeUuid(1)).masterIp, '192.0.2.100/24 eth7');
  assert.deepEqual(said, [
    'Shutting down master ip on the current netdev (lo)',
    'Changing master IP netmask to 24',
    'Changing master_netdev from lo to eth7',
    'Starting the master ip on the new master netdev (eth7)',
  ]);
});

test('private OS parameters are the last thing that is set, and stand in no journal', async () => {
  const request = { osparams_private_cluster: { noop: { password: 'p' } }, osparams: { noop: { a: '1' } } };
  await provesUndo(clusterSetParams, request, memoryWorld());
  const cluster = await modified(request);
  assert.deepEqual(cluster.osparams_private_cluster, { noop: { password: 'p' } });
  assert.deepEqual(cluster.osparams, { noop: { a: '1' } });
});

test('a bigger candidate pool is filled, with the certificates of the new candidates', async () => {
  const options = { nodes: 3 };
  const small = [
    [clusterSetParams, { candidate_pool_size: 1 }],
    [nodeSetParams, { node_name: nodeName(2), master_candidate: false, auto_promote: false }],
    [nodeSetParams, { node_name: nodeName(3), master_candidate: false, auto_promote: false }],
  ] as const;
  await provesUndo(clusterSetParams, { candidate_pool_size: 3 }, preparedWorld(options, small));
  const cluster = createMemoryCluster(options);
  for (const [operation, request] of small) await runOperation(cluster, operation, request);
  assert.deepEqual(Object.keys(clusterOf(cluster).candidate_certs), [nodeUuid(1)]);
  cluster.nodes.machine(nodeUuid(2)).reachable = false;
  const { said } = await runSeen(cluster, clusterSetParams, { candidate_pool_size: 2 });
  assert.deepEqual(Object.keys(clusterOf(cluster).candidate_certs), [nodeUuid(1), nodeUuid(3)]);
  assert.match(said.join(), new RegExp(`${nodeName(2)} can't become a master candidate`));
});

test('values go back to what is built in by the word default', async () => {
  const cluster = createMemoryCluster();
  await runOperation(cluster, clusterSetParams, {
    beparams: { vcpus: 4 },
    os_hvp: { x: { fake: { migration_mode: 'live' } } },
  });
  await runOperation(cluster, clusterSetParams, {
    beparams: { vcpus: 'default' },
    os_hvp: { x: { fake: null } },
    osparams: { noop: { a: '1' } },
  });
  assert.equal(clusterOf(cluster).beparams.default?.vcpus, 1);
  assert.deepEqual(clusterOf(cluster).os_hvp, {});
  await runOperation(cluster, clusterSetParams, { osparams: { noop: { a: 'default' } } });
  assert.deepEqual(clusterOf(cluster).osparams, {});
});

test('what is already so is told', async () => {
  const cluster = createMemoryCluster();
  const { said } = await runSeen(cluster, clusterSetParams, {
    vg_name: 'xenvg',
    file_storage_dir: '/srv/ganeti/file-storage',
    hidden_os: [['remove', 'noop']],
    instance_communication_network: '',
  });
  assert.deepEqual(said, [
    'Cluster LVM configuration already in desired state, not changing',
    "Global file storage dir already set to value '/srv/ganeti/file-storage'",
    'OS noop not found in hidden OS list, ignoring',
    "Instance communication network already is '', nothing to do.",
  ]);
});

test('the network of instance communication is made and connected by a job', async () => {
  const cluster = createMemoryCluster();
  const { submitted } = await runSeen(cluster, clusterSetParams, { instance_communication_network: 'comm' });
  const ids = (jobs: unknown[]) =>
    (jobs as { OP_ID: string }[][]).map((ops) => ops.map(({ OP_ID }) => OP_ID));
  assert.deepEqual(ids(submitted), [['OP_NETWORK_ADD', 'OP_NETWORK_CONNECT']]);
  const lan = { network_name: 'lan', network: '10.0.0.0/24', gateway: '10.0.0.1' };
  await runOperation(cluster, networkAdd, lan);
  const second = await runSeen(cluster, clusterSetParams, { instance_communication_network: 'lan' });
  assert.deepEqual(ids(second.submitted), [['OP_NETWORK_CONNECT']]);
  assert.match(
    second.said.join(),
    /'lan' has an IPv4 gateway '10\.0\.0\.1', this might pose a security risk/,
  );
});

const refusals: readonly [string, Request, RegExp][] = [
  ['an unknown parameter', { beparams: { bogus: 1 } }, /^TypeEnforcementError: Unknown parameter 'bogus'$/],
  ['a mode of no NIC', { nicparams: { mode: 'bogus' } }, /^ConfigurationError: Invalid NIC mode 'bogus'$/],
  [
    'routed NICs without addresses',
    { nicparams: { mode: 'routed' } },
    /Instance web1\.memory\.example, nic\/0: routed NIC with no ip address$/,
  ],
  [
    'templates that are not enabled',
    { ipolicy: { 'disk-templates': ['rbd'] } },
    /allowed by the ipolicy, but not enabled on the cluster: rbd$/,
  ],
  [
    'an unknown template',
    { ipolicy: { 'disk-templates': ['bogus'] } },
    /Invalid instance policy: Invalid disk template\(s\) bogus$/,
  ],
  [
    'to unset a policy',
    { ipolicy: { 'vcpu-ratio': 'default' } },
    /Can't unset ipolicy attribute 'vcpu-ratio' on the cluster'$/,
  ],
  [
    'to disable a template in use',
    { enabled_disk_templates: ['plain', 'diskless'] },
    /Cannot disable disk template 'drbd', because there is at least one disk using it:\n \* <Disk\(type=drbd.*\(on web1\.memory\.example\)$/,
  ],
  [
    'a policy of disabled templates',
    { enabled_disk_templates: ['drbd', 'plain'] },
    /not enabled on the cluster: file, sharedfile, diskless$/,
  ],
  [
    'an unknown allocator',
    { default_iallocator: 'nosuch' },
    /Invalid default iallocator script 'nosuch' specified$/,
  ],
  [
    'an allocator outside its folders',
    { default_iallocator: '../../../../bin/sh' },
    /Invalid default iallocator script/,
  ],
  ['a wrong prefix', { mac_prefix: 'bogus' }, /Invalid MAC address prefix 'bogus'$/],
  ['a wrong netmask', { master_netmask: 99 }, /CIDR netmask \(99\) not valid$/],
  [
    'a missing volume group',
    { vg_name: 'other' },
    /Error on node 'node1\.memory\.example': volume group 'other' missing$/,
  ],
  [
    'to unset the volume group',
    { vg_name: '' },
    /Cannot unset volume group if lvm-based disk templates are or get enabled\.$/,
  ],
  ['to unset the helper', { drbd_helper: '' }, /Cannot disable drbd helper while DRBD is enabled\.$/],
  [
    'another helper',
    { drbd_helper: '/bin/false' },
    /Error on node 'node1\.memory\.example': drbd helper is \/bin\/true$/,
  ],
  [
    'to unset a folder in use',
    { file_storage_dir: '' },
    /Unsetting the 'file' storage directory while having 'file' storage enabled is not permitted\.$/,
  ],
  [
    'a reserved tool',
    { compression_tools: ['gzip', 'none'] },
    /none is a reserved value used for no compression/,
  ],
  ['tools without gzip', { compression_tools: ['lzop'] }, /the gzip utility must be present/],
  [
    'an image without a place',
    { install_image: 'image' },
    /Install image must be an absolute path or a URL$/,
  ],
  [
    'uids that are not in the pool',
    { remove_uids: [[1, 2]] },
    /not found in the current user-id pool: \(1, 2\)$/,
  ],
  [
    'a range upside down',
    { uid_pool: [[6, 5]] },
    /boundary value \(6\) is larger than higher boundary value \(5\)$/,
  ],
  ['a wrong pattern', { reserved_lvs: ['('] }, /is not a pattern of names of logical volumes$/],
  ['a wrong parameter of a hypervisor', { hvparams: { fake: { bogus: 1 } } }, /Unknown parameter 'bogus'$/],
  [
    'a value that a hypervisor has not',
    { hvparams: { fake: { migration_mode: 'fast' } } },
    /^HypervisorError: Parameter 'migration_mode' fails validation/,
  ],
];
for (const [what, request, words] of refusals) {
  test(`the cluster refuses ${what}`, async () => {
    await assert.rejects(modified(request), words);
  });
}

test('parameters that a node refuses are not set', async () => {
  const cluster = createMemoryCluster();
  cluster.nodes.machine(nodeUuid(2)).reachable = false;
  await assert.rejects(
    runOperation(cluster, clusterSetParams, { enabled_hypervisors: ['fake'] }),
    /^OpExecError: Hypervisor parameter validation failed on node node2\.memory\.example: /,
  );
});
