/**
 * A small cluster for tests of queries: three nodes (node2 answers nothing when told so, node3 is marked
 * offline when told so), two groups, a network, four instances; and nodes that count what they are asked.
 */
import { type Configuration, parseConfiguration } from '../model/configuration.ts';
import { defaultInstancePolicy } from '../model/params/instance-policy.ts';
import type { NodeCall, NodeCaller, Reply } from '../noderpc/call.ts';
import type { QueryContext } from './context.ts';

const disk = (uuid: string, template: string, size: number, nodes: string[]) => ({
  uuid,
  dev_type: template,
  size,
  nodes,
  logical_id: [],
});
const nic = (uuid: string, mac: string, more = {}) => ({ uuid, mac, nicparams: {}, ...more });
const instance = (name: string, primary: string, more = {}) => ({
  name,
  primary_node: primary,
  os: 'debian+min',
  hypervisor: 'fake',
  admin_state: 'up',
  ...more,
});
const node = (name: string, group: string, address: number, more = {}) => ({
  name,
  group,
  primary_ip: `192.0.2.${address}`,
  secondary_ip: `198.51.100.${address}`,
  master_candidate: false,
  ...more,
});

/** What is different from the usual: a node that is offline, the volume group of web10's disk. */
interface Change {
  readonly offline?: string;
  readonly volumeGroup?: string;
}

export function sampleConfiguration(change: Change = {}): Configuration {
  const configuration = {
    serial_no: 1,
    ctime: 1,
    mtime: 2,
    cluster: {
      uuid: 'c-1',
      cluster_name: 'cluster.example',
      master_node: 'n-1',
      master_ip: '192.0.2.99',
      master_netdev: 'eth0',
      master_netmask: 32,
      highest_used_port: 11000,
      mac_prefix: 'aa:00:00',
      volume_group_name: 'xenvg',
      file_storage_dir: '/srv/ganeti/file-storage',
      enabled_hypervisors: ['fake', 'kvm'],
      enabled_disk_templates: ['plain', 'drbd', 'file'],
      hvparams: { fake: { migration_mode: 'live' }, kvm: { acpi: true, migration_mode: 'live' } },
      os_hvp: { 'debian+min': { kvm: { acpi: false } } },
      beparams: { default: { maxmem: 128, minmem: 128, vcpus: 1 } },
      nicparams: { default: { mode: 'bridged', link: 'br0', vlan: '' } },
      ndparams: { oob_program: '' },
      osparams: { debian: { mirror: 'm' } },
      ipolicy: defaultInstancePolicy,
      candidate_pool_size: 10,
    },
    nodegroups: {
      'g-1': { name: 'default', networks: { 'net-1': { mode: 'bridged', link: 'br1' } } },
      'g-2': { name: 'rack2', ndparams: { spindle_count: 4 } },
    },
    nodes: {
      'n-1': node('node1.example', 'g-1', 1, { master_candidate: true }),
      'n-2': node('node2.example', 'g-1', 2, { drained: true }),
      'n-10': node('node10.example', 'g-2', 10, {
        ndparams: { exclusive_storage: true, oob_program: '/oob' },
      }),
    },
    networks: {
      'net-1': {
        name: 'lan',
        network: '10.1.0.0/29',
        reservations: '11000001',
        ext_reservations: '00100001',
      },
    },
    disks: {
      'd-1': disk('d-1', 'drbd', 1024, ['n-1', 'n-2']),
      'd-2': disk('d-2', 'plain', 512, ['n-10']),
    },
    instances: {
      'i-1': instance('web1.example', 'n-1', {
        disks: ['d-1'],
        nics: [
          nic('nic-1', 'aa:00:00:00:00:01', { ip: '10.1.0.1', network: 'net-1', nicparams: { link: 'br1' } }),
        ],
        beparams: { maxmem: 512 },
        tags: ['front'],
      }),
      'i-2': instance('web2.example', 'n-2', { hypervisor: 'kvm', admin_state: 'down' }),
      'i-3': instance('web10.example', 'n-10', { disks: ['d-2'] }),
      'i-4': instance('db', 'n-1', { admin_state: 'offline', nics: [nic('nic-4', 'aa:00:00:00:00:04')] }),
    },
    filters: {},
  };
  if (change.volumeGroup !== undefined) {
    Object.assign(configuration.disks['d-2'], { logical_id: [change.volumeGroup, 'volume'] });
  }
  if (change.offline !== undefined) {
    Object.assign(configuration.nodes[change.offline as 'n-1'], { offline: true });
  }
  return parseConfiguration(configuration);
}

export interface AskedNodes extends NodeCaller {
  /** Call and node of every question, in order. */
  readonly asked: string[];
  /** Arguments of the questions, in the same order. */
  readonly arguments: unknown[];
}

/** Answers by call and node; a node without an answer can't be reached. */
export function sampleNodes(
  answers: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {},
): AskedNodes {
  const asked: string[] = [];
  const given: unknown[] = [];
  return {
    asked,
    arguments: given,
    call: () => Promise.reject(new Error('queries ask with callAll')),
    callAll: async <A, R>(
      nodes: readonly string[],
      call: NodeCall<A, R>,
      argument: A | ((node: string) => A),
    ) => {
      const replies = new Map<string, Reply<R>>();
      for (const name of nodes) {
        asked.push(`${call.name} ${name}`);
        const own = typeof argument === 'function' ? (argument as (node: string) => A)(name) : argument;
        given.push(call.argument.parse(own));
        const answer = answers[call.name]?.[name];
        replies.set(
          name,
          answer === undefined
            ? { kind: 'unreachable', message: 'connection refused' }
            : { kind: 'answered', value: call.result.parse(answer) },
        );
      }
      return replies;
    },
  };
}

export function sampleContext(more: Partial<QueryContext> = {}): QueryContext {
  return { configuration: sampleConfiguration(), nodes: sampleNodes(), ...more };
}
