/** Configurations of any size for tests and measurements: valid by every rule, with disks of two kinds. */
import type { Configuration } from '../model/configuration.ts';
import { Cluster } from '../model/objects/cluster.ts';
import type { Disk } from '../model/objects/disk.ts';
import { Instance } from '../model/objects/instance.ts';
import { Network } from '../model/objects/network.ts';
import { Node } from '../model/objects/node.ts';
import { NodeGroup } from '../model/objects/node-group.ts';
import { defaultInstancePolicy } from '../model/params/instance-policy.ts';
import { Table } from '../model/table.ts';
import { collectors } from './upgrades/older.ts';

const time = 1_795_189_238.5;

/** A uuid that says what it is of: kind and number. */
export function sampleUuid(kind: string, number: number): string {
  const head = Buffer.from(kind.padEnd(4).slice(0, 4)).toString('hex');
  return `${head}-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

function hexPairs(number: number): string {
  return number.toString(16).padStart(6, '0').match(/../g)!.join(':');
}

function sampleNode(number: number): Node {
  const address = `10.${Math.floor(number / 250)}.${number % 250}.1`;
  return Node.parse({
    uuid: sampleUuid('node', number),
    name: `node${number + 1}.example.com`,
    primary_ip: address,
    secondary_ip: address,
    group: sampleUuid('grp', 0),
    master_candidate: number < 3,
    ctime: time,
    mtime: time,
  });
}

function sampleDisk(number: number, nodes: number, mirrored: boolean): Disk {
  const uuid = sampleUuid('disk', number);
  const [first, second] = [sampleUuid('node', number % nodes), sampleUuid('node', (number + 1) % nodes)];
  const volume = (suffix: string) => ['xenvg', `${uuid}.disk0${suffix}`];
  const common = { serial_no: 1, ctime: time, mtime: time, mode: 'rw' as const, params: {} };
  const lower = (suffix: string, size: number, index: number): Disk => ({
    ...common,
    uuid: sampleUuid(`ch${index}`, number),
    dev_type: 'plain',
    logical_id: volume(suffix),
    iv_name: '',
    size,
    nodes: [first, second],
  });
  if (!mirrored) {
    return {
      ...common,
      uuid,
      dev_type: 'plain',
      logical_id: volume(''),
      iv_name: 'disk/0',
      size: 1024,
      nodes: [first],
    };
  }
  const minor = Math.floor(number / nodes) * 2;
  return {
    ...common,
    uuid,
    dev_type: 'drbd',
    logical_id: [first, second, 20000 + number, minor, minor + 1, number.toString(16).padStart(40, '0')],
    iv_name: 'disk/0',
    size: 1024,
    nodes: [first, second],
    children: [lower('_data', 1024, 0), lower('_meta', 128, 1)],
  };
}

function sampleInstance(number: number, nodes: number): Instance {
  return Instance.parse({
    uuid: sampleUuid('inst', number),
    name: `inst${number + 1}.example.com`,
    primary_node: sampleUuid('node', number % nodes),
    os: 'debootstrap+default',
    hypervisor: 'fake',
    hvparams: {},
    beparams: { maxmem: 512, minmem: 512, vcpus: 2 },
    admin_state: 'up',
    disks_active: true,
    nics: [{ uuid: sampleUuid('nic', number), mac: `aa:00:00:${hexPairs(number)}`, nicparams: {} }],
    disks: [sampleUuid('disk', number)],
    tags: number % 10 === 0 ? ['web'] : [],
    ctime: time,
    mtime: time,
  });
}

/** An instance without disks, to be added to the sample. */
export function disklessInstance(number: number, more: Partial<Instance> = {}): Instance {
  return {
    ...sampleInstance(number, 1),
    disks: [],
    nics: [{ uuid: sampleUuid('nic', number), mac: `aa:00:00:ff:00:${10 + number}`, nicparams: {} }],
    ...more,
  };
}

function sampleCluster(mirrored: number): Cluster {
  return Cluster.parse({
    uuid: sampleUuid('clus', 0),
    cluster_name: 'cluster.example.com',
    master_node: sampleUuid('node', 0),
    master_ip: '10.255.0.1',
    master_netdev: 'eth0',
    master_netmask: 24,
    highest_used_port: mirrored === 0 ? 10999 : 20000 + mirrored - 1,
    mac_prefix: 'aa:00:00',
    volume_group_name: 'xenvg',
    enabled_hypervisors: ['fake'],
    enabled_disk_templates: ['plain', 'drbd', 'diskless'],
    hvparams: { fake: { migration_mode: 'live' } },
    beparams: { default: { maxmem: 128, minmem: 128, vcpus: 1, auto_balance: true, always_failover: false } },
    nicparams: { default: { mode: 'bridged', link: 'br0', vlan: '' } },
    ipolicy: defaultInstancePolicy,
    candidate_pool_size: 3,
    data_collectors: collectors(),
    ctime: time,
    mtime: time,
  });
}

export interface SampleSize {
  readonly nodes?: number;
  readonly instances?: number;
  /** Of the instances, how many have a disk on two nodes. */
  readonly mirrored?: number;
}

export function sampleConfiguration(size: SampleSize = {}): Configuration {
  const { nodes = 3, instances = 4, mirrored = Math.min(2, instances) } = size;
  const range = (count: number) => Array.from({ length: count }, (_, number) => number);
  return {
    cluster: sampleCluster(mirrored),
    serial_no: 1,
    ctime: time,
    mtime: time,
    nodes: Table.of(range(nodes).map(sampleNode)),
    nodegroups: Table.of([
      NodeGroup.parse({ uuid: sampleUuid('grp', 0), name: 'default', ctime: time, mtime: time }),
    ]),
    instances: Table.of(range(instances).map((number) => sampleInstance(number, nodes))),
    disks: Table.of(range(instances).map((number) => sampleDisk(number, nodes, number < mirrored))),
    networks: Table.of([
      Network.parse({
        uuid: sampleUuid('net', 0),
        name: 'net1',
        network: '192.0.2.0/28',
        gateway: '192.0.2.1',
        reservations: '0'.repeat(16),
        ext_reservations: `11${'0'.repeat(13)}1`,
        ctime: time,
        mtime: time,
      }),
    ]),
    filters: Table.of([]),
  };
}
