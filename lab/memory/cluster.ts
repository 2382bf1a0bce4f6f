/** A whole cluster in memory: a configuration over a journal without a disk, and nodes that are values. */
import { createMemoryEngine } from '../../src/config/journal/memory.ts';
import { Store } from '../../src/config/store.ts';
import { hypervisorAbouts } from '../../src/hypervisors/catalog.ts';
import { silentLog } from '../../src/kit/log.ts';
import { pathsFor } from '../../src/kit/paths.ts';
import { type Configuration, serialiseConfiguration } from '../../src/model/configuration.ts';
import { Cluster } from '../../src/model/objects/cluster.ts';
import type { Disk } from '../../src/model/objects/disk.ts';
import { Instance } from '../../src/model/objects/instance.ts';
import { Node } from '../../src/model/objects/node.ts';
import { NodeGroup } from '../../src/model/objects/node-group.ts';
import { backendParameters } from '../../src/model/params/backend.ts';
import { defaultsOf } from '../../src/model/params/family.ts';
import { defaultInstancePolicy } from '../../src/model/params/instance-policy.ts';
import { nicParameters } from '../../src/model/params/nic.ts';
import { nodeParameters } from '../../src/model/params/node.ts';
import { Table } from '../../src/model/table.ts';
import { joiningKey } from '../../src/operations/node/joining.ts';
import type { World } from '../../src/operations/operation.ts';
import type { ProofWorld } from '../../src/operations/proves-undo.ts';
import { storageTemplates } from '../../src/storage/catalog.ts';
import { type MachineState, newMachine } from './machine/machine.ts';
import { MemoryNodes, memoryTime } from './nodes.ts';

export const groupUuid = '00000000-0000-4000-8000-000000000100';
export const nodeUuid = (number: number) => `00000000-0000-4000-8000-00000000000${number}`;
export const nodeName = (number: number) => `node${number}.memory.example`;
const address = (network: number, number: number) => `192.0.${network}.${number}`;
const identity = { serial_no: 1, ctime: memoryTime, mtime: memoryTime };

const enabledTemplates = ['drbd', 'plain', 'file', 'sharedfile', 'diskless'];

export interface MemoryOptions {
  readonly nodes?: number;
  readonly instances?: readonly { readonly instance: Instance; readonly disks: readonly Disk[] }[];
  /** Fields of the cluster. */
  readonly cluster?: Partial<Cluster>;
  /** Free memory by number of the node, in MiB, where it isn't plenty. */
  readonly memoryFree?: Readonly<Record<number, number>>;
  /** A further machine that isn't in the configuration. */
  readonly joining?: { readonly name: string; readonly ip: string };
}

function memoryNode(number: number): Node {
  return Node.parse({
    ...identity,
    uuid: nodeUuid(number),
    name: nodeName(number),
    primary_ip: address(2, number),
    secondary_ip: address(3, number),
    group: groupUuid,
    master_candidate: true,
  });
}

function memoryConfiguration(options: MemoryOptions): Configuration {
  const { nodes = 3, instances = [] } = options;
  const members = Array.from({ length: nodes }, (_, index) => memoryNode(index + 1));
  const cluster = Cluster.parse({
    ...identity,
    uuid: '00000000-0000-4000-8000-000000000200',
    cluster_name: 'cluster.memory.example',
    master_node: nodeUuid(1),
    master_ip: address(2, 100),
    master_netdev: 'lo',
    master_netmask: 32,
    highest_used_port: 11099,
    tcpudp_port_pool: [],
    mac_prefix: 'aa:00:00',
    volume_group_name: 'xenvg',
    file_storage_dir: '/srv/ganeti/file-storage',
    shared_file_storage_dir: '/srv/ganeti/shared-file-storage',
    enabled_hypervisors: ['fake', 'kvm'],
    enabled_disk_templates: enabledTemplates,
    hvparams: Object.fromEntries(hypervisorAbouts.map((about) => [about.name, defaultsOf(about.params)])),
    beparams: { default: defaultsOf(backendParameters) },
    nicparams: { default: defaultsOf(nicParameters) },
    ndparams: defaultsOf(nodeParameters),
    diskparams: Object.fromEntries(storageTemplates.map((about) => [about.name, defaultsOf(about.params)])),
    ipolicy: {
      ...defaultInstancePolicy,
      'disk-templates': enabledTemplates,
      minmax: defaultInstancePolicy.minmax.map(({ min, max }) => ({
        min: { ...min, 'disk-size': 16, 'disk-count': 0, 'nic-count': 0, 'memory-size': 64 },
        max,
      })),
    },
    candidate_pool_size: 10,
    modify_etc_hosts: true,
    candidate_certs: Object.fromEntries(members.map((node) => [node.uuid, 'aa:bb'])),
    ...options.cluster,
  });
  return {
    cluster,
    serial_no: 1,
    ctime: memoryTime,
    mtime: memoryTime,
    nodes: Table.of(members),
    nodegroups: Table.of([NodeGroup.parse({ ...identity, uuid: groupUuid, name: 'default' })]),
    instances: Table.of(instances.map(({ instance }) => instance)),
    disks: Table.of(instances.flatMap(({ disks }) => disks)),
    networks: Table.of([]),
    filters: Table.of([]),
  };
}

/** Puts what the instances need on the machines: volumes, and for running ones active disks and a guest. */
function placeInstances(machines: Map<string, MachineState>, { instances = [] }: MemoryOptions): void {
  for (const { instance, disks } of instances) {
    for (const disk of disks) {
      for (const uuid of disk.nodes) {
        const machine = machines.get(uuid)!;
        for (const volume of disk.children?.length ? disk.children : [disk]) {
          const id = JSON.stringify(volume.logical_id);
          machine.volumes.set(id, volume.size);
          machine.info.set(id, `originstname+${instance.name}`);
          if (instance.disks_active) machine.open.add(id);
        }
        if (instance.disks_active)
          machine.active.set(disk.uuid, uuid === instance.primary_node ? 'primary' : 'secondary');
      }
    }
    const machine = machines.get(instance.primary_node);
    if (instance.admin_state !== 'up' || machine === undefined) continue;
    machine.guests.set(instance.name, 'running');
    const devices = new Set([...instance.disks, ...instance.nics.map((nic) => nic.uuid)]);
    machine.hardware.set(instance.name, { memory: 128, devices });
  }
}

const volatile = new Set(['serial_no', 'ctime', 'mtime', 'highest_used_port', 'tcpudp_port_pool']);

/** Without what counts and dates changes; ports may wander between the pool and the highest used one. */
function withoutCounters(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, inner: unknown) => (volatile.has(key) ? undefined : inner)));
}

export interface MemoryCluster {
  readonly world: World;
  readonly nodes: MemoryNodes;
  snapshot(): unknown;
}

export function createMemoryCluster(options: MemoryOptions = {}): MemoryCluster {
  const configuration = memoryConfiguration(options);
  const machines = new Map<string, MachineState>();
  const addresses = new Map<string, string>();
  for (const node of configuration.nodes) {
    const machine = newMachine();
    machines.set(node.uuid, machine);
    machines.set(joiningKey(node.name, node.primary_ip), machine);
    addresses.set(node.secondary_ip, node.uuid);
  }
  const { cluster } = configuration;
  machines.get(cluster.master_node)!.masterIp =
    `${cluster.master_ip}/${cluster.master_netmask} ${cluster.master_netdev}`;
  if (options.joining !== undefined)
    machines.set(joiningKey(options.joining.name, options.joining.ip), newMachine(false));
  placeInstances(machines, options);
  for (const [number, free] of Object.entries(options.memoryFree ?? {}))
    machines.get(nodeUuid(Number(number)))!.memoryFree = free;
  const nodes = new MemoryNodes(machines, addresses);
  const config = new Store({
    engine: createMemoryEngine(),
    configuration,
    log: silentLog,
    now: () => memoryTime,
  });
  const world: World = { config, nodes, paths: pathsFor({}), log: silentLog, now: () => memoryTime };
  return {
    world,
    nodes,
    snapshot: () => ({
      nodes: nodes.snapshot(),
      configuration: withoutCounters(serialiseConfiguration(config.current)),
    }),
  };
}

/** The same cluster each time, for `provesUndo`. */
export function memoryWorld(options: MemoryOptions = {}): ProofWorld {
  return {
    fresh: () => Promise.resolve(createMemoryCluster(options)),
  };
}

const fileFolders = { file: '/srv/ganeti/file-storage', sharedfile: '/srv/ganeti/shared-file-storage' };

/** An instance with one disk: mirrored between the two nodes, or plain on the first. */
export function memoryInstance(
  name: string,
  options: {
    readonly state?: 'up' | 'down';
    readonly nodes?: readonly number[];
    readonly mirrored?: boolean;
    /** Of a disk that isn't mirrored. */
    readonly template?: 'plain' | 'file' | 'sharedfile';
    readonly hypervisor?: string;
  } = {},
): { readonly instance: Instance; readonly disks: readonly Disk[] } {
  const { state = 'up', nodes = [1, 2], template = 'plain' } = options;
  const mirrored = options.mirrored ?? options.template === undefined;
  const on = nodes.map(nodeUuid);
  const holders = mirrored ? on : on.slice(0, 1);
  const diskUuid = `00000000-0000-4000-8000-1000${name
    .padStart(8, '0')
    .slice(0, 8)
    .replace(/[^0-9a-f]/g, 'a')}`;
  const base = { ...identity, mode: 'rw' as const, nodes: holders, iv_name: '', size: 1024, params: {} };
  const disk: Disk = mirrored
    ? {
        ...base,
        uuid: diskUuid,
        dev_type: 'drbd',
        iv_name: 'disk/0',
        logical_id: [on[0]!, on[1]!, 11000, 0, 0, 'secret'],
        children: [
          {
            ...base,
            uuid: `${diskUuid.slice(0, -1)}1`,
            dev_type: 'plain',
            logical_id: ['xenvg', `${name}.disk0_data`],
            children: [],
          },
          {
            ...base,
            uuid: `${diskUuid.slice(0, -1)}2`,
            dev_type: 'plain',
            size: 128,
            logical_id: ['xenvg', `${name}.disk0_meta`],
            children: [],
          },
        ],
      }
    : {
        ...base,
        uuid: diskUuid,
        dev_type: template,
        iv_name: 'disk/0',
        logical_id:
          template === 'plain'
            ? ['xenvg', `${name}.disk0`]
            : ['loop', `${fileFolders[template]}/${name}/0.${template}.disk0`],
        children: [],
      };
  const instance = Instance.parse({
    ...identity,
    uuid: diskUuid.replace('-1000', '-2000'),
    name,
    primary_node: on[0],
    os: 'noop',
    hypervisor: options.hypervisor ?? 'fake',
    admin_state: state,
    disks: [disk.uuid],
    disks_active: state === 'up',
    nics: [{ uuid: diskUuid.replace('-1000', '-3000'), mac: 'aa:00:00:00:00:01', nicparams: {} }],
  });
  return { instance, disks: [disk] };
}
