/**
 * Small clusters with everything a text file can hold (several groups, all templates, tags of every kind,
 * offline nodes, forthcoming instances, exclusive storage), from a seed: what property tests look at.
 */
import { Random } from './sample-cluster.ts';

/** What a varied cluster may have. */
export interface Variety {
  readonly groups: number;
  readonly locations: boolean;
  readonly migrationTags: boolean;
  readonly exclusionTags: boolean;
  readonly exclusiveStorage: boolean;
  readonly forthcoming: boolean;
  readonly offline: boolean;
  /** All nodes alike, so that many moves tie. */
  readonly alike: boolean;
  /** Only DRBD instances. */
  readonly onlyDrbd: boolean;
}

interface VariedNode {
  readonly name: string;
  readonly group: number;
  readonly memory: number;
  readonly own: number;
  readonly disk: number;
  readonly cpus: number;
  readonly offline: boolean;
  readonly spindles: number;
  readonly tags: readonly string[];
  used: number;
  usedDisk: number;
  freeSpindles: number;
}

const spec = '128,1,1024,1,1,1|128,1,1024,1,1,1;32768,8,1048576,16,8,12';
const templates = 'drbd,plain,ext,diskless,sharedfile,rbd';

class VariedCluster {
  private readonly random: Random;
  private readonly variety: Variety;

  constructor(seed: number, variety: Variety) {
    this.random = new Random(seed);
    this.variety = variety;
  }

  private choice<T>(values: readonly T[]): T {
    return values[this.random.below(values.length)]!;
  }

  /** True in `percent` of a hundred cases. */
  private chance(percent: number): boolean {
    return this.random.below(100) < percent;
  }

  private node(index: number): VariedNode {
    const { alike, groups, locations, migrationTags, offline } = this.variety;
    const tags = [
      ...(locations && this.chance(80) ? [`power:${this.choice(['a', 'b'])}`] : []),
      ...(locations && this.chance(20) ? [`power:${this.choice(['c', 'd'])}`] : []),
      ...(migrationTags && this.chance(70) ? [`hv:${this.choice(['a', 'b'])}`] : []),
    ];
    return {
      name: `node-${String(index).padStart(2, '0')}.example.com`,
      group: index % groups,
      memory: alike ? 32768 : this.choice([16384, 32768, 65536]),
      own: alike ? 512 : this.choice([0, 512, 1024]),
      disk: alike ? 900000 : this.choice([500000, 800000, 1000000]),
      cpus: alike ? 8 : this.choice([4, 8, 16]),
      offline: offline && this.chance(25),
      spindles: this.choice([2, 12]),
      tags,
      used: 0,
      usedDisk: 0,
      freeSpindles: 12,
    };
  }

  private instance(index: number, nodes: readonly VariedNode[]): string[] {
    const { groups, exclusionTags, locations, forthcoming, exclusiveStorage, onlyDrbd } = this.variety;
    const group = this.random.below(groups);
    const pool = nodes.filter((node) => node.group === group);
    const template = onlyDrbd || this.chance(55) ? 'drbd' : this.choice(templates.split(','));
    const memory = this.choice([512, 1024, 2048, 4096]);
    const disk = this.choice([1024, 10240, 40960]);
    const status = this.chance(60)
      ? 'running'
      : this.choice(['ADMIN_down', 'ERROR_up', 'ADMIN_offline', 'USER_down']);
    const announced = forthcoming && this.chance(20);
    const primary = this.choice(pool);
    const secondary = template === 'drbd' ? this.choice(pool.filter((node) => node !== primary)) : undefined;
    if (primary.used + memory > primary.memory - primary.own - 500) return [];
    if ((status === 'running' || status === 'ERROR_up') && !announced) primary.used += memory;
    if ((template === 'drbd' || template === 'plain') && !announced) {
      for (const node of [primary, secondary]) {
        if (node === undefined) continue;
        node.usedDisk += disk;
        node.freeSpindles -= 1;
      }
    }
    const tags = [
      ...(exclusionTags && this.chance(30) ? [`svc:${this.choice(['x', 'y', 'z'])}`] : []),
      ...(locations && this.chance(30) ? [`power:${this.choice(['a', 'b', 'c'])}`] : []),
    ];
    return [
      [
        `inst-${String(index).padStart(2, '0')}.example.com`,
        memory,
        disk,
        this.choice([1, 1, 2, 4]),
        status,
        this.chance(85) ? 'Y' : 'N',
        primary.name,
        secondary?.name ?? '',
        template,
        tags.join(','),
        this.choice([1, 1, 2]),
        exclusiveStorage ? '1' : '-',
        announced ? 'Y' : 'N',
      ].join('|'),
    ];
  }

  text(): string {
    const { groups, exclusionTags, locations, migrationTags, exclusiveStorage } = this.variety;
    const nodes = Array.from({ length: (3 + this.random.below(6)) * groups }, (_, i) => this.node(i));
    const wanted = 1 + this.random.below(nodes.length * 4);
    const instances = Array.from({ length: wanted }, (_, i) => this.instance(i, nodes)).flat();
    const clusterTags = [
      ...(exclusionTags ? ['htools:iextags:svc'] : []),
      ...(locations ? ['htools:nlocation:power', 'htools:desiredlocation:power'] : []),
      ...(migrationTags ? ['htools:migration:hv', 'htools:allowmigration:hv:a::hv:b'] : []),
    ];
    const nodeLines = nodes.map((node, i) =>
      [
        node.name,
        node.memory,
        node.own,
        node.memory - node.own - node.used - this.choice([0, 0, 100, -100]),
        node.disk,
        Math.max(0, node.disk - node.usedDisk),
        node.cpus,
        node.offline ? 'Y' : i === 0 ? 'M' : 'N',
        `uuid-${node.group}`,
        node.spindles,
        node.tags.join(','),
        exclusiveStorage ? 'Y' : 'N',
        Math.max(0, node.freeSpindles),
        1,
        this.variety.alike ? '1.0' : this.choice(['1.0', '1.0', '1.5']),
      ].join('|'),
    );
    const groupIndexes = Array.from({ length: groups }, (_, g) => g);
    const sections = [
      groupIndexes.map((g) => `group-${g}|uuid-${g}|preferred||`),
      nodeLines,
      instances,
      clusterTags.length === 0 ? ['other:tag'] : clusterTags,
      ['', ...groupIndexes.map((g) => `group-${g}`)].map((owner) => `${owner}|${spec}|${templates}|4.0|32.0`),
    ];
    return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
  }
}

export function variedCluster(seed: number, variety: Variety): string {
  return new VariedCluster(seed, variety).text();
}
