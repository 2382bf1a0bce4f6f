/** The cluster as a whole: name, address, sizes of disks, queries as jobs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterConfigQuery } from '../../src/operations/cluster/config-query.ts';
import {
  clusterActivateMasterIp,
  clusterDeactivateMasterIp,
} from '../../src/operations/cluster/master-ip.ts';
import { clusterRedistConf } from '../../src/operations/cluster/redist-conf.ts';
import { clusterRename } from '../../src/operations/cluster/rename.ts';
import { clusterRenewCrypto } from '../../src/operations/cluster/renew-crypto.ts';
import { clusterRepairDiskSizes } from '../../src/operations/cluster/repair-disk-sizes.ts';
import { clusterSetParams } from '../../src/operations/cluster/set-params.ts';
import { nodeSetParams } from '../../src/operations/node/set-params.ts';
import { extStorageDiagnose, osDiagnose } from '../../src/operations/os/diagnose.ts';
import { provesUndo } from '../../src/operations/proves-undo.ts';
import { query, queryFieldsOperation } from '../../src/operations/query/query.ts';
import { createMemoryCluster, memoryInstance, memoryWorld, nodeName, nodeUuid } from './cluster.ts';
import { preparedWorld, runOperation, runSeen } from './run.ts';

const web1 = memoryInstance('web1.memory.example');

test('a cluster is renamed with its address, or stays whole as it was', async () => {
  await provesUndo(clusterRename, { name: 'localhost' }, memoryWorld());
  const cluster = createMemoryCluster();
  const { result, hooks } = await runSeen(cluster, clusterRename, { name: 'localhost' });
  assert.equal(result, 'localhost');
  const { cluster_name, master_ip } = cluster.world.config.current.cluster;
  assert.deepEqual([cluster_name, master_ip], ['localhost', '127.0.0.1']);
  assert.equal(cluster.nodes.machine(nodeUuid(1)).masterIp, '127.0.0.1/32 lo');
  assert.deepEqual(
    hooks.map(({ phase, plan }) => [phase, phase === 'pre' ? plan.preNodes : plan.postNodes, plan.env]),
    [
      ['pre', [nodeUuid(1)], { OP_TARGET: 'cluster.memory.example', NEW_NAME: 'localhost' }],
      ['post', [1, 2, 3].map(nodeUuid), { OP_TARGET: 'cluster.memory.example', NEW_NAME: 'localhost' }],
    ],
  );
  await assert.rejects(
    runOperation(cluster, clusterRename, { name: 'localhost' }),
    /Neither the name nor the IP address of the cluster has changed$/,
  );
});

test("the cluster's address goes down and comes up", async () => {
  await provesUndo(clusterDeactivateMasterIp, {}, memoryWorld());
  await provesUndo(clusterActivateMasterIp, {}, preparedWorld({}, [[clusterDeactivateMasterIp, {}]]));
  const cluster = createMemoryCluster();
  const master = cluster.nodes.machine(nodeUuid(1));
  await runOperation(cluster, clusterDeactivateMasterIp, {});
  assert.equal(master.masterIp, null);
  await runOperation(cluster, clusterActivateMasterIp, {});
  assert.equal(master.masterIp, '192.0.2.100/32 lo');
});

test('the files of the cluster reach every node that is online', async () => {
  const cluster = createMemoryCluster();
  cluster.nodes.machine(nodeUuid(3)).reachable = false;
  const { said } = await runSeen(cluster, clusterRedistConf, {});
  assert.ok(cluster.nodes.machine(nodeUuid(2)).files.has('/etc/hosts'));
  assert.ok(!cluster.nodes.machine(nodeUuid(1)).files.has('/etc/hosts'), 'the master has it already');
  assert.match(said.join(), /Copy of file \/etc\/hosts to node node3\.memory\.example failed: /);
});

test('recorded sizes of disks are corrected by the real ones', async () => {
  const plain = memoryInstance('plain.memory.example', { mirrored: false, nodes: [2] });
  const grown = JSON.stringify(['xenvg', 'plain.memory.example.disk0']);
  const cluster = createMemoryCluster({ instances: [web1, plain] });
  assert.deepEqual(await runOperation(cluster, clusterRepairDiskSizes, {}), []);
  cluster.nodes.machine(nodeUuid(2)).volumes.set(grown, 2048);
  const { result, said } = await runSeen(cluster, clusterRepairDiskSizes, { instances: ['plain'] });
  assert.deepEqual(result, [['plain.memory.example', 0, 'size', 2048]]);
  assert.match(
    said.join(),
    /Disk 0 of instance plain\.memory\.example has mismatched size, correcting: recorded 1024, actual 2048/,
  );
  const disk = cluster.world.config.current.disks.get(plain.disks[0]!.uuid)!;
  assert.equal(disk.size, 2048);
  cluster.nodes.machine(nodeUuid(1)).reachable = false;
  const second = await runSeen(cluster, clusterRepairDiskSizes, {});
  assert.match(
    second.said.join(),
    /Failure in blockdev_getdimensions call to node node1\.memory\.example, ignoring/,
  );
});

test('a correction of sizes is taken back until it is done', async () => {
  const world = {
    fresh: () => {
      const cluster = createMemoryCluster({ instances: [web1] });
      cluster.nodes
        .machine(nodeUuid(1))
        .volumes.set(JSON.stringify(['xenvg', 'web1.memory.example.disk0_data']), 1040);
      return Promise.resolve(cluster);
    },
  };
  await provesUndo(clusterRepairDiskSizes, {}, world);
});

test('queries run as jobs, with and without locks', async () => {
  const cluster = createMemoryCluster();
  const request = { what: 'node', fields: ['name', 'colour'], qfilter: ['=', 'name', nodeName(2)] };
  assert.deepEqual(await runOperation(cluster, query, { ...request, use_locking: true }), {
    fields: [
      { name: 'name', title: 'Node', kind: 'text', doc: 'Name of the node' },
      { name: 'colour', title: 'colour', kind: 'unknown', doc: "Unknown field 'colour'" },
    ],
    data: [
      [
        [0, nodeName(2)],
        [1, null],
      ],
    ],
  });
  await assert.rejects(
    runOperation(cluster, query, { what: 'cluster', fields: ['name'], use_locking: true }),
    /Can not use locking for cluster queries$/,
  );
  const { fields } = (await runOperation(cluster, queryFieldsOperation, {
    what: 'os',
    fields: ['name'],
  })) as {
    fields: { name: string }[];
  };
  assert.deepEqual(
    fields.map(({ name }) => name),
    ['name'],
  );
  assert.deepEqual(
    await runOperation(cluster, clusterConfigQuery, { output_fields: ['cluster_name', 'master_node'] }),
    ['cluster.memory.example', nodeName(1)],
  );
});

test('operating systems that are hidden, blacklisted or broken are shown to who asks about that', async () => {
  const cluster = createMemoryCluster();
  await runOperation(cluster, clusterSetParams, { hidden_os: [['add', 'secret']] });
  const diagnose = (output_fields: string[], names: string[] = []) =>
    runOperation(cluster, osDiagnose, { output_fields, names });
  assert.deepEqual(await diagnose(['name']), [['good']]);
  assert.deepEqual(await diagnose(['name', 'valid']), [
    ['broken', false],
    ['good', true],
  ]);
  assert.deepEqual(await diagnose(['name', 'hidden']), [
    ['good', false],
    ['secret', true],
  ]);
  assert.deepEqual(await diagnose(['name'], ['broken']), []);
  await assert.rejects(diagnose(['colour']), /Unknown output fields selected: colour$/);
});

test('providers of external storage are shown by group', async () => {
  const fields = { output_fields: ['name', 'nodegroup_status', 'parameters'] };
  assert.deepEqual(await runOperation(createMemoryCluster({ nodes: 2 }), extStorageDiagnose, fields), [
    ['shelf', { default: true }, [['shelf', 'Which']]],
  ]);
});

test('the certificates of candidates are read from them, and kept where they cannot be', async () => {
  const renew = { node_certificates: true };
  for (const staged of [null, 'cluster 2']) {
    await provesUndo(clusterRenewCrypto, renew, {
      fresh: async () => {
        const cluster = createMemoryCluster();
        cluster.nodes.machine(nodeUuid(1)).certificates.stagedCluster = staged;
        const old = { [nodeUuid(1)]: '11:11', [nodeUuid(2)]: '22:22' };
        await cluster.world.config.change('old', (draft) => draft.changeCluster({ candidate_certs: old }));
        return cluster;
      },
    });
    const cluster = createMemoryCluster();
    cluster.nodes.machine(nodeUuid(1)).certificates.stagedCluster = staged;
    cluster.nodes.machine(nodeUuid(2)).reachable = false;
    await assert.rejects(
      runOperation(cluster, clusterRenewCrypto, renew),
      /could not be prepared on some nodes:\nNode node2\.memory\.example: .*\nBring these nodes back/,
    );
    cluster.nodes.machine(nodeUuid(2)).reachable = true;
    await runOperation(cluster, clusterRenewCrypto, renew);
    const digest = `by ${staged ?? 'cluster'}`;
    assert.deepEqual(cluster.world.config.current.cluster.candidate_certs, {
      [nodeUuid(1)]: digest,
      [nodeUuid(2)]: digest,
      [nodeUuid(3)]: digest,
    });
    assert.deepEqual(cluster.nodes.machine(nodeUuid(3)).certificates, {
      cluster: staged ?? 'cluster',
      client: digest,
      stagedCluster: null,
      stagedClient: null,
      replaced: null,
    });
  }
});

test('SSH keys are renewed: candidates can log in everywhere all the time, others nowhere but at home', async () => {
  const request = { renew_ssh_keys: true, ssh_key_type: 'ecdsa' };
  const options = { cluster: { candidate_pool_size: 2 } };
  const demote = [nodeSetParams, { node_name: nodeName(3), master_candidate: false }] as const;
  await provesUndo(clusterRenewCrypto, request, preparedWorld(options, [demote]));
  const cluster = createMemoryCluster(options);
  await runOperation(cluster, ...demote);
  const at = (number: number) => cluster.nodes.machine(nodeUuid(number)).ssh;
  const before = [1, 2, 3].map((number) => at(number).key!);
  assert.deepEqual([...at(3).authorized].sort(), [...before].sort());
  assert.deepEqual([...at(1).authorized].sort(), before.slice(0, 2).sort());
  assert.deepEqual(Object.keys(at(3).known ?? {}), [1, 2, 3].map(nodeUuid));

  cluster.nodes.machine(nodeUuid(2)).reachable = false;
  await assert.rejects(
    runOperation(cluster, clusterRenewCrypto, request),
    /New SSH keys could not be prepared on some nodes:\nNode node2\.memory\.example: /,
  );
  assert.deepEqual(
    [1, 2, 3].map((number) => at(number).key),
    before,
  );
  cluster.nodes.machine(nodeUuid(2)).reachable = true;
  await runOperation(cluster, clusterRenewCrypto, request);
  const after = [1, 2, 3].map((number) => at(number).key!);
  for (const key of after) assert.match(key, /^ssh-ecdsa /);
  assert.deepEqual([...at(3).authorized].sort(), [...after].sort());
  assert.deepEqual([...at(2).authorized].sort(), after.slice(0, 2).sort());
  assert.deepEqual(
    at(1).known,
    Object.fromEntries([1, 2, 3].map((number) => [nodeUuid(number), [at(number).key]])),
  );
  const { ssh_key_type, ssh_key_bits } = cluster.world.config.current.cluster;
  assert.deepEqual([ssh_key_type, ssh_key_bits], ['ecdsa', 384]);
});

test('a renewal says what it does to who wants to know, and on which nodes', async () => {
  const told = async (more: Record<string, unknown>) => {
    const request = { node_certificates: true, renew_ssh_keys: true, ...more };
    return (await runSeen(createMemoryCluster({ nodes: 2 }), clusterRenewCrypto, request)).said;
  };
  assert.deepEqual(await told({}), ['Renewing Node SSL certificates', 'Renewing SSH keys']);
  const verbose = await told({ verbose: true });
  assert.ok(verbose.includes(' - INFO: Putting the new certificates in place (2 nodes)'), verbose.join('|'));
  assert.ok(verbose.includes(' - INFO: Letting the new SSH keys in (2 nodes)'));
  const debug = await told({ debug: true });
  assert.ok(debug.includes(` - INFO: Preparing new SSH keys on ${nodeName(1)}, ${nodeName(2)}`));
});
