/**
 * Synthetic clusters from a seed, for tests and benchmarks: mixed sizes, DRBD, a placement that liked some
 * nodes more than others. The same arguments give the same bytes on every machine.
 */

/** A small explicit generator, the same in any language. */
export class Random {
  private state: bigint;

  constructor(seed: number) {
    this.state = BigInt.asUintN(64, BigInt(seed) * 2654435761n + 12345n);
  }

  below(count: number): number {
    this.state = BigInt.asUintN(64, this.state * 6364136223846793005n + 1442695040888963407n);
    return Number(this.state >> 33n) % count;
  }

  weighted<T>(pairs: readonly (readonly [value: T, weight: number])[]): T {
    let at = this.below(pairs.reduce((sum, [, weight]) => sum + weight, 0));
    for (const [value, weight] of pairs) {
      if (at < weight) return value;
      at -= weight;
    }
    return pairs[0]![0];
  }
}

const memories = [
  [512, 15],
  [1024, 25],
  [2048, 25],
  [4096, 20],
  [8192, 12],
  [16384, 3],
] as const;
const cpusOf: Readonly<Record<number, number>> = { 512: 1, 1024: 1, 2048: 2, 4096: 2, 8192: 4, 16384: 8 };
const disks = [
  [10240, 25],
  [20480, 30],
  [40960, 20],
  [81920, 15],
  [163840, 8],
  [327680, 2],
] as const;
const statuses = [
  ['running', 97],
  ['ADMIN_down', 3],
] as const;
const templates = 'diskless,file,sharedfile,plain,blockdev,drbd,rbd,gluster,ext';
const standard = '1024,1,20480,1,1,1';
const range = '128,1,1024,1,1,1;32768,16,1048576,16,8,12';
const clusterTag = 'htools:iextags:service';

interface SampleNode {
  readonly name: string;
  readonly memory: number;
  readonly disk: number;
  readonly group: number;
  readonly weight: number;
  readonly isMaster: boolean;
  upMemory: number;
  usedMemory: number;
  usedDisk: number;
  usedCpus: number;
}

interface SampleInstance {
  readonly name: string;
  readonly memory: number;
  readonly disk: number;
  readonly status: string;
  readonly tags: readonly string[];
  readonly primary: SampleNode;
  readonly secondary: SampleNode;
}

export interface SampleSize {
  readonly nodes: number;
  readonly instances: number;
  readonly groups?: number;
  readonly seed?: number;
  /** No liking for some nodes, and twice the memory: every node can lose any other. */
  readonly even?: boolean;
}

const nodeCpus = 32;
const nodeMemory = 1024;
const spindles = 12;
const padded = (value: number, width: number) => String(value).padStart(width, '0');
const groupName = (group: number) => `group${padded(group + 1, 2)}`;
const groupUuid = (group: number) => `uuid-group-${padded(group + 1, 2)}`;

function makeNodes(size: SampleSize, random: Random): SampleNode[] {
  const { nodes: count, groups = 1, even = false } = size;
  return Array.from({ length: count }, (_, i) => ({
    name: `node${padded(i + 1, 3)}.example.com`,
    memory: (i % 4 === 3 ? 131072 : 98304) * (even ? 2 : 1),
    disk: i % 5 === 0 ? 6291456 : 4194304,
    group: Math.floor((i * groups) / count),
    weight: even ? 1 : 1 + random.below(9) ** 2,
    isMaster: i === 0,
    upMemory: 0,
    usedMemory: 0,
    usedDisk: 0,
    usedCpus: 0,
  }));
}

function pick(
  random: Random,
  pool: readonly SampleNode[],
  fits: (node: SampleNode) => boolean,
): SampleNode | undefined {
  const fitting = pool.filter(fits);
  if (fitting.length === 0) return undefined;
  return random.weighted(fitting.map((node) => [node, node.weight] as const));
}

/** A cluster; how full it gets is up to the caller: throws when an instance finds no place. */
export class SampleCluster {
  private readonly nodes: readonly SampleNode[];
  private readonly instances: readonly SampleInstance[];
  private readonly groups: number;

  constructor(size: SampleSize) {
    const random = new Random(size.seed ?? 2024);
    this.groups = size.groups ?? 1;
    this.nodes = makeNodes(size, random);
    this.instances = Array.from({ length: size.instances }, (_, k) => this.place(random, k, size.instances));
  }

  private place(random: Random, k: number, total: number): SampleInstance {
    const memory = random.weighted(memories);
    const disk = random.weighted(disks);
    const status = random.weighted(statuses);
    const group = random.below(this.groups);
    const pool = this.nodes.filter((node) => node.group === group);
    const cpus = cpusOf[memory]!;
    const diskFits = (node: SampleNode) => node.usedDisk + disk < Math.floor((node.disk * 85) / 100);
    const primary = pick(
      random,
      pool,
      (node) =>
        node.usedMemory + memory < Math.floor(((node.memory - nodeMemory) * 8) / 10) &&
        diskFits(node) &&
        node.usedCpus + cpus <= nodeCpus * 4,
    );
    const secondary = primary && pick(random, pool, (node) => node !== primary && diskFits(node));
    if (primary === undefined || secondary === undefined) {
      throw new Error(`the sample cluster is full at instance ${k}`);
    }
    primary.usedMemory += memory;
    primary.usedCpus += cpus;
    primary.usedDisk += disk;
    secondary.usedDisk += disk;
    if (status === 'running') primary.upMemory += memory;
    const tagged = random.below(10) === 0;
    const tags = tagged ? [`service:s${random.below(Math.max(1, Math.floor(total / 30)))}`] : [];
    return { name: `inst${padded(k + 1, 5)}.example.com`, memory, disk, status, tags, primary, secondary };
  }

  /** The cluster as a text file. */
  text(): string {
    const groups = Array.from(
      { length: this.groups },
      (_, g) => `${groupName(g)}|${groupUuid(g)}|preferred||`,
    );
    const nodes = this.nodes.map((node) =>
      [
        node.name,
        node.memory,
        nodeMemory,
        node.memory - nodeMemory - node.upMemory,
        node.disk,
        node.disk - node.usedDisk,
        nodeCpus,
        node.isMaster ? 'M' : 'N',
        groupUuid(node.group),
        spindles,
        '',
        'N',
        0,
        1,
        '1.0',
      ].join('|'),
    );
    const instances = this.instances.map((instance) =>
      [
        instance.name,
        instance.memory,
        instance.disk,
        cpusOf[instance.memory],
        instance.status,
        'Y',
        instance.primary.name,
        instance.secondary.name,
        'drbd',
        instance.tags.join(','),
        1,
        '-',
      ].join('|'),
    );
    const owners = ['', ...Array.from({ length: this.groups }, (_, g) => groupName(g))];
    const policies = owners.map((owner) => `${owner}|${standard}|${range}|${templates}|4.0|32.0`);
    const sections = [groups, nodes, instances, [clusterTag], policies];
    return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
  }

  /** An allocator request for a new DRBD instance of 2 GiB. */
  allocationRequest(): string {
    return this.request({
      type: 'allocate',
      name: 'newinst.example.com',
      required_nodes: 2,
      memory: 2048,
      vcpus: 2,
      disks: [{ mode: 'rw', size: 40960, spindles: 1 }],
      disk_space_total: 41088,
      disk_template: 'drbd',
      hypervisor: 'kvm',
      nics: [],
      os: 'debian',
      spindle_use: 1,
      tags: [],
    });
  }

  /** An allocator request to empty the fullest node. */
  evacuationRequest(): string {
    const fullest = this.nodes.reduce((most, node) => (node.usedMemory > most.usedMemory ? node : most));
    const instances = this.instances
      .filter(({ primary }) => primary === fullest)
      .map(({ name }) => name)
      .sort();
    return this.request({ type: 'node-evacuate', evac_mode: 'primary-only', instances });
  }

  private request(request: unknown): string {
    const specOf = (text: string) => {
      const [memory, cpus, disk, diskCount, nicCount, spindleUse] = text.split(',').map(Number);
      return {
        'memory-size': memory,
        'cpu-count': cpus,
        'disk-size': disk,
        'disk-count': diskCount,
        'nic-count': nicCount,
        'spindle-use': spindleUse,
      };
    };
    const [smallest, largest] = range.split(';');
    const policy = {
      std: specOf(standard),
      minmax: [{ min: specOf(smallest!), max: specOf(largest!) }],
      'vcpu-ratio': 4,
      'spindle-ratio': 32,
      'disk-templates': templates.split(','),
    };
    const groups = Array.from({ length: this.groups }, (_, g) => [
      groupUuid(g),
      { name: groupName(g), ipolicy: policy, networks: [], alloc_policy: 'preferred', tags: [] },
    ]);
    return JSON.stringify({
      version: 2,
      cluster_name: 'cluster',
      cluster_tags: [clusterTag],
      enabled_hypervisors: ['kvm'],
      ipolicy: policy,
      nodegroups: Object.fromEntries(groups),
      nodes: Object.fromEntries(this.nodes.map((node) => [node.name, nodeObject(node)])),
      instances: Object.fromEntries(
        this.instances.map((instance) => [instance.name, instanceObject(instance)]),
      ),
      request,
    });
  }
}

function nodeObject(node: SampleNode): unknown {
  return {
    total_disk: node.disk,
    total_cpus: nodeCpus,
    group: groupUuid(node.group),
    tags: [],
    master_candidate: node.isMaster,
    master_capable: true,
    vm_capable: true,
    offline: false,
    drained: false,
    free_memory: node.memory - nodeMemory - node.upMemory,
    reserved_memory: nodeMemory,
    reserved_cpus: 1,
    free_disk: node.disk - node.usedDisk,
    total_memory: node.memory,
    total_spindles: spindles,
    free_spindles: spindles,
    ndparams: { spindle_count: spindles, oob_program: null, exclusive_storage: false },
  };
}

function instanceObject(instance: SampleInstance): unknown {
  return {
    disks: [{ spindles: 1, mode: 'rw', size: instance.disk }],
    disk_space_total: instance.disk + 128,
    hypervisor: 'kvm',
    tags: instance.tags,
    nics: [],
    vcpus: cpusOf[instance.memory],
    admin_state: instance.status === 'running' ? 'up' : 'down',
    admin_state_source: 'admin',
    disk_template: 'drbd',
    spindle_use: 1,
    memory: instance.memory,
    nodes: [instance.primary.name, instance.secondary.name],
    os: 'debian',
  };
}
