/** What hspace prints: for people, or as shell variables (HTS_…) for programs. */
import type { Refusals } from '../core/space/fill.ts';
import type { NodeTable } from '../core/state/node-table.ts';
import { type Resources, totalResources } from '../core/state/resources.ts';
import { volumeGroupSums } from '../core/state/volume-groups.ts';
import { decimal, fixed } from '../core/terms/format.ts';
import type { Instance } from '../core/terms/instance.ts';
import { type DiskTemplate, refusalNames, requiredNodes } from '../core/terms/vocabulary.ts';
import { printKeys } from './keys.ts';
import type { ResourceSpec } from './options.ts';
import { failure, type ProgramContext } from './program.ts';

export type SpecKind = 'standard' | 'tiered';

const keyPrefixes = { standard: 'SPEC', tiered: 'TSPEC_INI' } as const;
const specDescriptions = {
  standard: 'Standard (fixed-size)',
  tiered: 'Tiered (initial size)',
} as const;

type Pairs = readonly (readonly [string, string])[];

const shares = {
  memory: (sums: Resources) => sums.instanceMemory / sums.totalMemory,
  disk: (sums: Resources) => sums.instanceDisk / sums.totalDisk,
  vcpu: (sums: Resources) => sums.instanceCpus / sums.virtualCpus,
  spindles: (sums: Resources) => sums.instanceSpindles / sums.totalSpindles,
};

function statistics(prefix: string, sums: Resources): Pairs {
  const values: Pairs = [
    ['SCORE', fixed(sums.score, 8)],
    ['INST_CNT', String(sums.instances)],
    ['MEM_FREE', String(sums.freeMemory)],
    ['MEM_AVAIL', String(sums.availableMemory)],
    ['MEM_RESVD', String(sums.freeMemory - sums.availableMemory)],
    ['MEM_INST', String(sums.instanceMemory)],
    ['MEM_OVERHEAD', String(sums.unaccountedMemory + sums.nodeMemory)],
    ['MEM_EFF', fixed(shares.memory(sums), 8)],
    ['DSK_FREE', String(sums.freeDisk)],
    ['DSK_AVAIL', String(sums.availableDisk)],
    ['DSK_RESVD', String(sums.freeDisk - sums.availableDisk)],
    ['DSK_INST', String(sums.instanceDisk)],
    ['DSK_EFF', fixed(shares.disk(sums), 8)],
    ['SPN_FREE', String(sums.freeSpindles)],
    ['SPN_INST', String(sums.instanceSpindles)],
    ['SPN_EFF', fixed(shares.spindles(sums), 8)],
    ['CPU_INST', String(sums.instanceCpus)],
    ['CPU_EFF', fixed(shares.vcpu(sums), 8)],
    ['MNODE_MEM_AVAIL', String(sums.largestMemory)],
    ['MNODE_DSK_AVAIL', String(sums.largestDisk)],
  ];
  return values.map(([key, value]) => [`${prefix}_${key}`, value] as const);
}

function clusterPairs(sums: Resources, withSpindles: boolean): Pairs {
  const pairs: Pairs = [
    ['MEM', fixed(sums.totalMemory, 0)],
    ['DSK', fixed(sums.totalDisk, 0)],
    ['CPU', fixed(sums.totalCpus, 0)],
    ['VCPU', String(sums.virtualCpus)],
  ];
  return withSpindles ? [...pairs, ['SPN', fixed(sums.totalSpindles, 0)]] : pairs;
}

function specPairs(spec: ResourceSpec, withSpindles: boolean): Pairs {
  const pairs: Pairs = [
    ['MEM', String(spec.memory)],
    ['DSK', String(spec.disk)],
    ['CPU', String(spec.cpus)],
  ];
  return withSpindles ? [...pairs, ['SPN', String(spec.spindles)]] : pairs;
}

function listed(pairs: Pairs): string {
  return pairs.map(([key, value]) => `${key} ${value}`).join(', ');
}

/** Runs of equal sizes among the instances, in order. */
export function sizeRuns(instances: readonly Instance[]): { spec: ResourceSpec; count: number }[] {
  const runs: { spec: ResourceSpec; count: number }[] = [];
  for (const { memory, disk, cpus, disks } of instances) {
    const spindles = disks.length === 1 ? (disks[0]!.spindles ?? 0) : 0;
    const spec = { memory, disk, cpus, spindles };
    const last = runs.at(-1);
    const same =
      last !== undefined &&
      last.spec.memory === memory &&
      last.spec.disk === disk &&
      last.spec.cpus === cpus &&
      last.spec.spindles === spindles;
    if (same) last.count++;
    else runs.push({ spec, count: 1 });
  }
  return runs;
}

export function hasExclusiveStorage(nodes: NodeTable): boolean {
  return nodes.order.some((node) => nodes.exclusiveStorage[node] === 1);
}

/** Amounts that hspace calls key metrics, in shell form. */
function metricPairs(name: string, amounts: readonly number[]): Pairs {
  const [cpus, normal, memory, disk, spindles] = amounts as [number, number, number, number, number];
  return [
    [`KM_${name}_CPU`, String(cpus)],
    [`KM_${name}_NPU`, decimal(normal)],
    [`KM_${name}_MEM`, String(memory)],
    [`KM_${name}_DSK`, String(disk)],
    [`KM_${name}_SPN`, String(spindles)],
  ];
}

function amountsOf(sums: Resources): number[] {
  const { instanceCpus, normalCpus, instanceMemory, instanceDisk, instanceSpindles } = sums;
  return [instanceCpus, normalCpus, instanceMemory, instanceDisk, instanceSpindles];
}

export class SpaceReport {
  private readonly context: ProgramContext;
  private readonly machineReadable: boolean;
  private readonly exclusive: boolean;
  private readonly before: Resources;
  private readonly nodes: NodeTable;

  constructor(context: ProgramContext, machineReadable: boolean, nodes: NodeTable) {
    this.context = context;
    this.machineReadable = machineReadable;
    this.nodes = nodes;
    this.exclusive = hasExclusiveStorage(nodes);
    this.before = totalResources(nodes, nodes.order);
  }

  private keys(pairs: Pairs): void {
    printKeys(this.context, 'HTS', pairs);
  }

  cluster(nodeCount: number): void {
    const { before, context } = this;
    if (this.machineReadable) {
      this.keys(clusterPairs(before, true).map(([key, value]) => [`CLUSTER_${key}`, value]));
      this.keys([['CLUSTER_NODES', String(nodeCount)]]);
      this.keys(statistics('INI', before));
      this.volumeGroupKeys('CLUSTER_VG', (total) => total);
      this.volumeGroupKeys('INI_VG_FREE', (_total, free) => free);
      return;
    }
    context.out(
      `The cluster has ${nodeCount} nodes and the following resources:\n` +
        `  ${listed(clusterPairs(before, this.exclusive))}.\n` +
        `There are ${before.instances > 0 ? before.instances : 'no'} initial instances on the cluster.\n`,
    );
    for (const [name, { nodes, total, free }] of volumeGroupSums(this.nodes)) {
      context.out(`Volume group ${name}: on ${nodes} nodes, DSK ${total}, free ${free}.\n`);
    }
  }

  /** Other volume groups, when the data source tells of them, as "name=MiB …". */
  private volumeGroupKeys(key: string, amount: (total: number, free: number) => number): void {
    const sums = volumeGroupSums(this.nodes);
    if (sums.size === 0) return;
    const shown = [...sums].map(([name, { total, free }]) => `${name}=${amount(total, free)}`);
    this.keys([[key, shown.join(' ')]]);
  }

  spec(spec: ResourceSpec, kind: SpecKind, template: DiskTemplate): void {
    if (this.machineReadable) {
      const prefix = keyPrefixes[kind];
      this.keys(specPairs(spec, true).map(([key, value]) => [`${prefix}_${key}`, value]));
      this.keys([
        [`${prefix}_RQN`, String(requiredNodes(template))],
        [`${prefix}_DISK_TEMPLATE`, template],
      ]);
      return;
    }
    this.context.out(
      `${specDescriptions[kind]} instance spec is:\n` +
        `  ${listed(specPairs(spec, this.exclusive))}, using disk template '${template}'.\n`,
    );
  }

  tiered(allocated: readonly Instance[], after: Resources, refusals: Refusals): void {
    const runs = sizeRuns(allocated);
    if (this.machineReadable) {
      this.keys(statistics('TRL', after));
      this.volumeGroupKeys('TRL_VG_FREE', (_total, free) => free);
      const shown = runs.map(
        ({ spec, count }) => `${spec.memory},${spec.disk},${spec.cpus},${spec.spindles}=${count}`,
      );
      this.keys([['TSPEC', shown.join(' ')]]);
      this.metrics(after);
      return;
    }
    this.context.out('Tiered allocation results:\n');
    if (runs.length === 0) this.context.out('  - no instances allocated\n');
    for (const { spec, count } of runs) {
      const what = listed(specPairs(spec, this.exclusive));
      this.context.out(`  - ${String(count).padStart(3)} instances of spec ${what}\n`);
    }
    this.outcome(after, refusals);
  }

  private metrics(after: Resources): void {
    const initial = amountsOf(this.before);
    const final = amountsOf(after);
    const { totalMemory, totalDisk, totalSpindles, totalCpus, virtualCpus, normalCpus } = after;
    const unavailable = [
      virtualCpus - after.instanceCpus,
      totalCpus - normalCpus,
      Math.trunc(totalMemory) - after.instanceMemory,
      Math.trunc(totalDisk) - after.instanceDisk,
      Math.trunc(totalSpindles) - after.instanceSpindles,
    ];
    this.keys(metricPairs('USED', initial));
    this.keys(
      metricPairs(
        'POOL',
        final.map((amount, i) => amount - initial[i]!),
      ),
    );
    this.keys(metricPairs('UNAV', unavailable));
  }

  private outcome(after: Resources, refusals: Refusals): void {
    const { context } = this;
    const reason = refusalNames[refusals[0]!.refusal];
    context.out(`  - most likely failure reason: ${reason}\n`);
    context.out(`  - initial cluster score: ${fixed(this.before.score, 8)}\n`);
    context.out(`  -   final cluster score: ${fixed(after.score, 8)}\n`);
    const names = [
      'memory',
      'disk',
      'vcpu',
      ...(this.exclusive ? ['spindles'] : []),
    ] as (keyof typeof shares)[];
    const width = Math.max(...names.map((name) => name.length));
    for (const name of names) {
      const share = fixed(shares[name](after) * 100, 2).padStart(5);
      context.out(`  - ${name.padStart(width)} usage efficiency: ${share}%\n`);
    }
  }

  /** The results of the standard allocation. */
  standard(initialInstances: number, allocated: number, after: Resources, refusals: Refusals): void {
    if (!this.machineReadable) {
      this.context.out('Normal (fixed-size) allocation results:\n');
      this.context.out(`  - ${String(allocated).padStart(3)} instances allocated\n`);
      this.outcome(after, refusals);
      return;
    }
    const total = initialInstances + allocated;
    if (total !== after.instances) {
      throw failure(`internal inconsistency, allocated (${total}) != counted (${after.instances})\n`);
    }
    this.keys(statistics('FIN', after));
    this.volumeGroupKeys('FIN_VG_FREE', (_total, free) => free);
    this.keys([
      ['ALLOC_USAGE', fixed(initialInstances / total, 8)],
      ['ALLOC_INSTANCES', String(allocated)],
      ['ALLOC_FAIL_REASON', refusalNames[refusals[0]!.refusal].toUpperCase()],
    ]);
    this.keys(
      refusals.map(({ refusal, count }) => [`ALLOC_${refusalNames[refusal]}_CNT`, String(count)] as const),
    );
  }
}
