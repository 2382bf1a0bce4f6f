/**
 * An instance as the solver sees it. What it is (size, state, tags) never changes; where it is (`primary`,
 * `secondary`) changes with each move that is tried and is taken back by the node table's journal.
 */
import {
  baseUtilisation,
  type DiskTemplate,
  type InstanceStatus,
  type Mirror,
  mirrorOf,
  noNode,
  type Utilisation,
  usesLocalStorage,
} from './vocabulary.ts';

export interface Disk {
  /** MiB. */
  readonly size: number;
  readonly spindles: number | undefined;
  /** Volume group that holds it, when it isn't the cluster's main one. */
  readonly volumeGroup?: string | undefined;
}

export interface Nic {
  readonly mac?: string | undefined;
  readonly ip?: string | undefined;
  readonly mode?: 'bridged' | 'routed' | 'openvswitch' | undefined;
  readonly link?: string | undefined;
  readonly bridge?: string | undefined;
  /** UUID of the network it is connected to. */
  readonly network?: string | undefined;
}

/** Auto-repair setting of an instance, from its tags or those of its group or cluster (harep(1)). */
export type RepairPolicy =
  | { readonly kind: 'enabled'; readonly upTo: string }
  | { readonly kind: 'suspended'; readonly until: number | 'forever' }
  | { readonly kind: 'not-enabled' };

export interface InstanceFields {
  readonly name: string;
  /** MiB. */
  readonly memory: number;
  /** Total disk on each of its nodes, MiB. */
  readonly disk: number;
  readonly disks: readonly Disk[];
  readonly cpus: number;
  readonly status: InstanceStatus;
  readonly tags: readonly string[];
  readonly autoBalance: boolean;
  readonly primary: number;
  readonly secondary: number;
  readonly template: DiskTemplate;
  readonly spindleUse: number;
  readonly nics: readonly Nic[];
  readonly forthcoming: boolean;
}

function otherVolumesOf(disks: readonly Disk[]): ReadonlyMap<string, number> | undefined {
  const volumes = new Map<string, number>();
  for (const { size, volumeGroup } of disks) {
    if (volumeGroup !== undefined) volumes.set(volumeGroup, (volumes.get(volumeGroup) ?? 0) + size);
  }
  return volumes.size === 0 ? undefined : volumes;
}

const usingMemory: ReadonlySet<InstanceStatus> = new Set([
  'ERROR_up',
  'ERROR_nodedown',
  'ERROR_nodeoffline',
  'running',
  'ERROR_wrongnode',
]);

export class Instance {
  readonly name: string;
  readonly memory: number;
  readonly disk: number;
  readonly disks: readonly Disk[];
  readonly cpus: number;
  readonly status: InstanceStatus;
  readonly tags: readonly string[];
  readonly autoBalance: boolean;
  readonly template: DiskTemplate;
  readonly spindleUse: number;
  readonly nics: readonly Nic[];
  readonly forthcoming: boolean;

  readonly mirror: Mirror;
  readonly hasSecondary: boolean;
  readonly usesLocalStorage: boolean;
  /** Spindles of all its disks; undefined when one disk doesn't tell. */
  readonly totalSpindles: number | undefined;
  readonly isRunning: boolean;
  readonly isOffline: boolean;
  /** MiB it needs in volume groups other than the main one; undefined when it needs none. */
  readonly otherVolumes: ReadonlyMap<string, number> | undefined;
  /** MiB it needs in the main volume group. */
  readonly mainDisk: number;
  /** Whether its memory counts on the node it runs on. */
  readonly usesMemory: boolean;
  /** Whether its memory is to be kept free on its secondary node. */
  readonly reservesMemory: boolean;

  alias: string;
  index = -1;
  primary: number;
  secondary: number;
  movable: boolean;
  load: Utilisation = baseUtilisation;
  exclusionTags: readonly string[] = [];
  desiredLocations: readonly string[] = [];
  /** Failure domains that its two nodes share. */
  locationScore = 0;
  repairPolicy: RepairPolicy = { kind: 'not-enabled' };

  constructor(fields: InstanceFields) {
    this.name = fields.name;
    this.alias = fields.name;
    this.memory = fields.memory;
    this.disk = fields.disk;
    this.disks = fields.disks;
    this.cpus = fields.cpus;
    this.status = fields.status;
    this.tags = fields.tags;
    this.autoBalance = fields.autoBalance;
    this.primary = fields.primary;
    this.secondary = fields.secondary;
    this.template = fields.template;
    this.spindleUse = fields.spindleUse;
    this.nics = fields.nics;
    this.forthcoming = fields.forthcoming;
    this.mirror = mirrorOf(fields.template);
    this.movable = this.mirror !== 'none' && fields.template !== 'diskless';
    this.hasSecondary = fields.template === 'drbd';
    this.usesLocalStorage = usesLocalStorage(fields.template);
    this.totalSpindles = fields.disks.reduce<number | undefined>(
      (sum, disk) => (sum === undefined || disk.spindles === undefined ? undefined : sum + disk.spindles),
      0,
    );
    this.otherVolumes = otherVolumesOf(fields.disks);
    this.mainDisk =
      fields.disk - [...(this.otherVolumes?.values() ?? [])].reduce((sum, size) => sum + size, 0);
    this.isRunning = fields.status === 'running' || fields.status === 'ERROR_up';
    this.isOffline = fields.status === 'ADMIN_offline';
    this.usesMemory = !fields.forthcoming && usingMemory.has(fields.status);
    this.reservesMemory = !this.isOffline && fields.autoBalance;
  }

  /** Its nodes: primary, and secondary for DRBD. */
  get nodes(): number[] {
    return this.hasSecondary ? [this.primary, this.secondary] : [this.primary];
  }

  /** The same instance with some fields changed; where it is and what was derived from tags is kept. */
  with(changes: Partial<InstanceFields>): Instance {
    const copy = new Instance({ ...this.fields(), ...changes });
    copy.alias = changes.name ?? this.alias;
    copy.index = this.index;
    copy.load = this.load;
    copy.exclusionTags = this.exclusionTags;
    copy.desiredLocations = this.desiredLocations;
    copy.locationScore = this.locationScore;
    copy.repairPolicy = this.repairPolicy;
    if (changes.template === undefined) copy.movable = this.movable;
    return copy;
  }

  private fields(): InstanceFields {
    return this;
  }
}

/** An instance that isn't placed yet. */
export function unplaced(fields: Omit<InstanceFields, 'primary' | 'secondary'>): Instance {
  return new Instance({ ...fields, primary: noNode, secondary: noNode });
}
