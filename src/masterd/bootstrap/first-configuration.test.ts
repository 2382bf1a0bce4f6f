import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configurationRequest, type FirstFacts } from './first-configuration.ts';
import type { InitInput } from './init-request.ts';

const facts: FirstFacts = {
  cluster: { name: 'cluster.example.com', ip: '192.0.2.1' },
  netdev: 'eth0',
  netmask: 32,
  macPrefix: 'aa:00:00',
  volumeGroup: null,
  hypervisors: ['fake', 'kvm'],
  templates: ['diskless'],
  node: {
    name: 'node1.example.com',
    primaryIp: '192.0.2.2',
    secondaryIp: '192.0.2.2',
    certificateDigest: 'aa',
  },
  now: 1,
};
const clusterOf = (input: InitInput) => configurationRequest(input, facts).cluster;

test('states of hypervisors and disks are taken over the defaults', () => {
  const { hv_state_static, disk_state_static } = clusterOf({
    hv_state: { kvm: { mem_node: '512' } },
    disk_state: { plain: { xenvg: { disk_reserved: 10 } } },
  });
  assert.deepEqual(hv_state_static, {
    fake: { cpu_node: 1, cpu_total: 1, mem_hv: 0, mem_node: 0, mem_total: 0 },
    kvm: { cpu_node: 1, cpu_total: 1, mem_hv: 0, mem_node: 512, mem_total: 0 },
  });
  assert.deepEqual(disk_state_static, { plain: { xenvg: { disk_reserved: 10 } } });
  assert.throws(() => clusterOf({ hv_state: { vmware: {} } }), /Invalid hypervisor\(s\).*vmware/);
  assert.throws(() => clusterOf({ disk_state: { tape: {} } }), /Invalid storage type\(s\).*tape/);
});

test('a candidate pool has room for the master at least', () => {
  assert.equal(clusterOf({ candidate_pool_size: 1 }).candidate_pool_size, 1);
  assert.equal(clusterOf({}).candidate_pool_size, undefined);
  for (const size of [0, -1, 1.5]) {
    assert.throws(() => clusterOf({ candidate_pool_size: size }), /room for one node at least/);
  }
});

test('SSH keys have a size that their type can have', () => {
  assert.deepEqual([clusterOf({}).ssh_key_type, clusterOf({}).ssh_key_bits], ['rsa', 2048]);
  assert.equal(clusterOf({ ssh_key_type: 'ecdsa' }).ssh_key_bits, 384);
  assert.throws(
    () => clusterOf({ ssh_key_type: 'ecdsa', ssh_key_bits: 2048 }),
    /Invalid key type and bit size combination: ecdsa with 2048 bits/,
  );
});
