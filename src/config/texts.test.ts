/** Texts that others read: ssconf, a new cluster's configuration, faults of JSON, names in order. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { niceSort } from '../kit/nice-sort.ts';
import { initialConfiguration } from './initial.ts';
import { jsonFault } from './json-fault.ts';
import { verifyConfiguration } from './rules.ts';
import { sampleConfiguration, sampleUuid } from './sample.ts';
import { SortedNames } from './sorted-names.ts';
import { ssconfValues } from './ssconf.ts';
import { writeSsconfFiles } from './ssconf-files.ts';

/** What the recorded `gnt-cluster init` was asked for. */
const initial = () =>
  initialConfiguration({
    now: 1795189238.97,
    certificateDigest: '69:3A:C5',
    node: { name: 'node1.gnt.test', primary_ip: '10.77.0.11', secondary_ip: '10.77.0.11' },
    cluster: {
      cluster_name: 'cluster.gnt.test',
      master_ip: '10.77.0.1',
      master_netdev: 'eth0',
      enabled_hypervisors: ['fake'],
      enabled_disk_templates: ['diskless', 'file', 'sharedfile'],
      nicparams: { default: { link: 'br0' } },
      file_storage_dir: '/srv/ganeti/file-storage',
    },
  });

test('a new cluster has one node, one group and the defaults of Ganeti', () => {
  const configuration = initial();
  assert.deepEqual(verifyConfiguration(configuration), []);
  const { cluster } = configuration;
  const [node] = [...configuration.nodes];
  const [group] = [...configuration.nodegroups];
  assert.equal(cluster.master_node, node!.uuid);
  assert.equal(node!.group, group!.uuid);
  assert.deepEqual(
    [node!.master_candidate, node!.master_capable, node!.vm_capable, node!.powered],
    [true, true, true, true],
  );
  assert.deepEqual([group!.name, group!.alloc_policy], ['default', 'preferred']);
  assert.deepEqual(cluster.candidate_certs, { [node!.uuid]: '69:3A:C5' });
  assert.deepEqual(cluster.nicparams, { default: { mode: 'bridged', link: 'br0', vlan: '' } });
  assert.deepEqual(cluster.beparams.default, {
    always_failover: false,
    auto_balance: true,
    maxmem: 128,
    minmem: 128,
    spindle_use: 1,
    vcpus: 1,
  });
  assert.deepEqual(cluster.ipolicy['disk-templates'], ['diskless', 'file', 'sharedfile']);
  assert.deepEqual(
    [cluster.highest_used_port, cluster.master_netmask, cluster.mac_prefix, cluster.candidate_pool_size],
    [10999, 32, 'aa:00:00', 10],
  );
  assert.deepEqual(
    [cluster.max_running_jobs, cluster.max_tracked_jobs, cluster.default_iallocator],
    [20, 25, 'hail'],
  );
  assert.deepEqual(cluster.hv_state_static, {
    fake: { cpu_node: 1, cpu_total: 1, mem_hv: 0, mem_node: 0, mem_total: 0 },
  });
  assert.equal(Object.keys(cluster.hvparams).length, 6);
  assert.deepEqual(cluster.data_collectors.lv, { active: true, interval: 5000000 });
  assert.equal(cluster.drbd_usermode_helper, undefined);
});

test("where disks are copied between nodes, their metadata goes into the cluster's volume group", () => {
  const { cluster } = initialConfiguration({
    now: 1,
    node: { name: 'n', primary_ip: '10.0.0.2', secondary_ip: '10.0.0.2' },
    cluster: {
      cluster_name: 'c',
      master_ip: '10.0.0.1',
      master_netdev: 'eth0',
      enabled_hypervisors: ['fake'],
      enabled_disk_templates: ['drbd', 'plain'],
      volume_group_name: 'vg0',
      diskparams: { drbd: { 'resync-rate': 1000 } },
    },
  });
  assert.equal(cluster.diskparams.drbd!.metavg, 'vg0');
  assert.equal(cluster.diskparams.drbd!['resync-rate'], 1000);
  assert.equal(cluster.diskparams.drbd!.protocol, 'C');
  assert.equal(cluster.drbd_usermode_helper, '/bin/true');
});

test('the ssconf files are the 34 of Ganeti with its contents', () => {
  const configuration = initial();
  const values = ssconfValues(configuration);
  assert.equal(Object.keys(values).length, 34);
  const [node] = [...configuration.nodes];
  const [group] = [...configuration.nodegroups];
  const wanted: Record<string, string> = {
    cluster_name: 'cluster.gnt.test\n',
    cluster_tags: '',
    enabled_user_shutdown: 'False\n',
    file_storage_dir: '/srv/ganeti/file-storage\n',
    hvparams_fake: 'migration_mode=live\n',
    hvparams_chroot: 'init_script=/ganeti-chroot\n',
    hypervisor_list: 'fake\n',
    instance_list: '',
    maintain_node_health: 'False\n',
    master_candidates: 'node1.gnt.test\n',
    master_candidates_certs: `${node!.uuid}=69:3A:C5\n`,
    master_candidates_ips: '10.77.0.11\n',
    master_ip: '10.77.0.1\n',
    master_netdev: 'eth0\n',
    master_netmask: '32\n',
    master_node: 'node1.gnt.test\n',
    networks: '',
    node_list: 'node1.gnt.test\n',
    node_primary_ips: 'node1.gnt.test 10.77.0.11\n',
    node_secondary_ips: 'node1.gnt.test 10.77.0.11\n',
    node_vm_capable: 'node1.gnt.test=True\n',
    nodegroups: `${group!.uuid} default\n`,
    offline_nodes: '',
    online_nodes: 'node1.gnt.test\n',
    primary_ip_family: '2\n',
    ssh_ports: 'node1.gnt.test=22\n',
    uid_pool: '',
  };
  for (const [name, value] of Object.entries(wanted)) assert.equal(values[name], value, name);
  const lines = values.hvparams_kvm!.split('\n');
  for (const line of [
    'acpi=True',
    'boot_order=disk',
    'serial_speed=38400',
    'cdrom_image_path=',
    'use_localtime=False',
  ])
    assert.ok(lines.includes(line), line);
});

test('ranges, tags, networks and states of nodes in ssconf', () => {
  const sample = sampleConfiguration({ nodes: 12, instances: 0 });
  const away = sample.nodes.get(sampleUuid('node', 10))!;
  const values = ssconfValues({
    ...sample,
    nodes: sample.nodes.with({ ...away, offline: true }),
    cluster: {
      ...sample.cluster,
      tags: ['b', 'a'],
      uid_pool: [
        [10, 20],
        [30, 30],
      ],
    },
  });
  assert.equal(values.uid_pool, '10-20\n30\n');
  assert.equal(values.cluster_tags, 'a\nb\n');
  assert.equal(values.networks, `${sampleUuid('net', 0)} net1\n`);
  assert.equal(values.offline_nodes, 'node11.example.com\n');
  assert.equal(values.node_list!.split('\n')[1], 'node2.example.com');
  assert.equal(values.online_nodes!.includes('node11'), false);
});

test('ssconf files on the disk are for everybody to read', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'ssconf-'));
  await writeSsconfFiles({ dataDir }, initial());
  const path = join(dataDir, 'ssconf_master_node');
  assert.equal(await readFile(path, 'utf8'), 'node1.gnt.test\n');
  assert.equal((await stat(path)).mode & 0o777, 0o444);
  assert.equal(await readFile(join(dataDir, 'ssconf.serial'), 'utf8'), '1\n');
  await rm(dataDir, { recursive: true });
});

test('a text has a fault exactly when it is not JSON, and not before the place where it was spoilt', () => {
  fc.assert(
    fc.property(
      fc.json(),
      fc.nat(),
      fc.constantFrom('', '?', '"', '}', ',', '\u0001', '\\'),
      (text, place, insert) => {
        const at = place % (text.length + 1);
        const spoilt = Buffer.from(text.slice(0, at) + insert + text.slice(at));
        let valid = true;
        try {
          JSON.parse(spoilt.toString());
        } catch {
          valid = false;
        }
        const fault = jsonFault(spoilt);
        assert.equal(fault === undefined, valid);
        if (fault !== undefined) assert.ok(fault <= spoilt.length);
      },
    ),
    { numRuns: 2000 },
  );
  assert.equal(jsonFault(Buffer.from('{"a": tru}')), 6);
  assert.equal(jsonFault(Buffer.from('{"ä": 1,}')), 9);
  assert.equal(jsonFault(Buffer.from('[1, 2')), 6 - 1);
});

test('names stay in nice order as they come and go', () => {
  const name = fc.stringMatching(/^[ab]{0,2}[0-9]{0,3}$/);
  fc.assert(
    fc.property(fc.uniqueArray(name), fc.array(name), (start, changes) => {
      const names = new SortedNames(start);
      const model = new Set(start);
      for (const change of changes) {
        if (model.delete(change)) names.remove(change);
        else {
          model.add(change);
          names.add(change);
        }
      }
      assert.deepEqual([...names.all].sort(), [...model].sort());
      const nice = niceSort(names.all);
      assert.deepEqual(
        names.all.map((each) => each.replace(/\b0+(?=\d)/g, '')),
        nice.map((each) => each.replace(/\b0+(?=\d)/g, '')),
      );
    }),
  );
});
