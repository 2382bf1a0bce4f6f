/**
 * All nodes of a cluster, one typed column per quantity, with a journal.
 *
 * The solver tries thousands of changes and keeps few, so a change is made in place and can be taken back:
 * `mark()` opens a try, every operation saves the rows it is about to touch, `rollback(mark)` restores them,
 * `release(mark)` keeps them. Rows are cheap to save (some twenty numbers); lists and bags on a node are
 * values that are replaced, never changed.
 *
 * "Forth" columns include instances that are announced but not created yet (forthcoming).
 */

import type { Instance } from '../terms/instance.ts';
import { defaultPolicy, type Policy } from '../terms/policy.ts';
import type { Refusal } from '../terms/vocabulary.ts';
import { type Counts, noCounts } from './counts.ts';
import { noPeers, type Peers } from './peers.ts';

export interface NodeFields {
  readonly name: string;
  /** MiB; a fraction can come from a data source. */
  readonly totalMemory: number;
  /** MiB taken by the node itself. */
  readonly nodeMemory: number;
  readonly freeMemory: number;
  readonly totalDisk: number;
  readonly freeDisk: number;
  readonly totalCpus: number;
  /** CPUs taken by the node itself. */
  readonly nodeCpus: number;
  readonly offline: boolean;
  readonly totalSpindles: number;
  readonly freeSpindles: number;
  readonly group: number;
  readonly exclusiveStorage: boolean;
  readonly cpuSpeed?: number;
  readonly tags?: readonly string[];
  readonly isMaster?: boolean;
  readonly hypervisor?: string;
  /** Volume groups beside the one in `totalDisk`; absent when the source doesn't tell. */
  readonly volumeGroups?: ReadonlyMap<string, { readonly total: number; readonly free: number }>;
}

/** Is told of each refusal while the nodes are still as they were when it came up. */
export interface Witness {
  primary(refusal: Refusal, node: number, instance: Instance): void;
  secondary(refusal: Refusal, node: number, instance: Instance, primary: number): void;
  migration(from: number, to: number): void;
}

/** What a move can change, in the order in which the journal saves it. */
const stateColumns = [
  'instanceMemory',
  'freeMemoryForth',
  'freeDisk',
  'freeDiskForth',
  'usedCpus',
  'usedCpusForth',
  'freeSpindles',
  'freeSpindlesForth',
  'instanceSpindles',
  'instanceSpindlesForth',
  'reservedMemory',
  'cpuLoad',
  'memoryLoad',
  'diskLoad',
  'networkLoad',
  'conflicts',
  'locationScore',
] as const;
type StateColumn = (typeof stateColumns)[number];

interface SavedLists {
  readonly primaries: readonly number[];
  readonly secondaries: readonly number[];
  readonly peers: Peers;
  readonly tagCounts: Counts;
  readonly pairCounts: Counts;
  readonly volumeGroupFree: ReadonlyMap<string, number> | undefined;
}

interface SavedPlace {
  readonly instance: Instance;
  readonly primary: number;
  readonly secondary: number;
  readonly locationScore: number;
}

/** A point in the journal. */
export interface Mark {
  readonly rows: number;
  readonly places: number;
}

export class NodeTable {
  /** One more than the greatest node index; indexes below it that name no node are not in `order`. */
  readonly size: number;
  /** Indexes of all nodes, ascending. */
  readonly order: readonly number[];

  readonly name: string[];
  readonly alias: string[];
  readonly group: Int32Array;
  readonly tags: (readonly string[])[];
  readonly policy: Policy[];
  readonly hypervisor: (string | undefined)[];
  /** Failure domains the node belongs to. */
  readonly locations: (readonly string[])[];
  /** Tags a target must accept when an instance leaves this node live. */
  readonly migrationTags: (readonly string[])[];
  readonly acceptedMigrationTags: ReadonlySet<string>[];
  readonly volumeGroups: NodeFields['volumeGroups'][];

  readonly totalMemory: Float64Array;
  readonly nodeMemory: Float64Array;
  readonly freeMemory: Float64Array;
  /** Memory that is in use beyond what the records explain, MiB; negative when less is in use. */
  readonly unaccountedMemory: Float64Array;
  readonly totalDisk: Float64Array;
  readonly totalCpus: Float64Array;
  readonly cpuSpeed: Float64Array;
  readonly nodeCpus: Float64Array;
  readonly totalSpindles: Float64Array;
  /** Free disk that is not to be used up, MiB. */
  readonly lowDisk: Float64Array;
  readonly highCpu: Float64Array;
  readonly highSpindles: Float64Array;
  /** Virtual CPUs a physical one may carry. */
  readonly cpuRatio: Float64Array;
  readonly offline: Uint8Array;
  readonly exclusiveStorage: Uint8Array;
  readonly isMaster: Uint8Array;

  readonly instanceMemory: Float64Array;
  readonly freeMemoryForth: Float64Array;
  readonly freeDisk: Float64Array;
  readonly freeDiskForth: Float64Array;
  readonly usedCpus: Float64Array;
  readonly usedCpusForth: Float64Array;
  readonly freeSpindles: Float64Array;
  readonly freeSpindlesForth: Float64Array;
  readonly instanceSpindles: Float64Array;
  readonly instanceSpindlesForth: Float64Array;
  /** Greatest memory one failing peer would need here, MiB. */
  readonly reservedMemory: Float64Array;
  readonly cpuLoad: Float64Array;
  readonly memoryLoad: Float64Array;
  readonly diskLoad: Float64Array;
  readonly networkLoad: Float64Array;
  /** Primaries that share an exclusion tag with another one here. */
  readonly conflicts: Float64Array;
  readonly locationScore: Float64Array;

  /** Instance indexes, the latest first. */
  readonly primaries: (readonly number[])[];
  readonly secondaries: (readonly number[])[];
  readonly peers: Peers[];
  readonly tagCounts: Counts[];
  readonly pairCounts: Counts[];
  readonly volumeGroupFree: (ReadonlyMap<string, number> | undefined)[];

  /** Set while refusals are to be explained. */
  witness: Witness | undefined;

  private readonly state: readonly Float64Array[];
  private recording = 0;
  private savedNumbers = new Float64Array(1024 * stateColumns.length);
  private readonly savedNodes: number[] = [];
  private readonly savedLists: SavedLists[] = [];
  private readonly savedPlaces: SavedPlace[] = [];

  /** `nodes` is by index; `undefined` where no node has that index. */
  constructor(nodes: readonly (NodeFields | undefined)[]) {
    const size = nodes.length;
    this.size = size;
    this.order = nodes.flatMap((node, index) => (node === undefined ? [] : [index]));
    const perNode = <T>(make: (node: NodeFields | undefined) => T): T[] => nodes.map(make);
    this.name = perNode((node) => node?.name ?? '');
    this.alias = [...this.name];
    this.group = Int32Array.from(nodes, (node) => node?.group ?? -1);
    this.tags = perNode((node) => node?.tags ?? []);
    this.policy = perNode(() => defaultPolicy);
    this.hypervisor = perNode((node) => node?.hypervisor);
    this.locations = perNode(() => []);
    this.migrationTags = perNode(() => []);
    this.acceptedMigrationTags = perNode(() => new Set<string>());
    this.volumeGroups = perNode((node) => node?.volumeGroups);
    const column = (value: (node: NodeFields) => number): Float64Array =>
      Float64Array.from(nodes, (node) => (node === undefined ? 0 : value(node)));
    const flag = (value: (node: NodeFields) => boolean): Uint8Array =>
      Uint8Array.from(nodes, (node) => (node !== undefined && value(node) ? 1 : 0));
    const zeros = () => new Float64Array(size);
    this.totalMemory = column((node) => node.totalMemory);
    this.nodeMemory = column((node) => node.nodeMemory);
    this.freeMemory = column((node) => node.freeMemory);
    this.unaccountedMemory = zeros();
    this.totalDisk = column((node) => node.totalDisk);
    this.totalCpus = column((node) => node.totalCpus);
    this.cpuSpeed = column((node) => node.cpuSpeed ?? 1);
    this.nodeCpus = column((node) => node.nodeCpus);
    this.totalSpindles = column((node) => node.totalSpindles);
    this.lowDisk = zeros();
    this.highCpu = column((node) => Math.floor(defaultPolicy.cpuRatio * node.totalCpus));
    this.highSpindles = column((node) => defaultPolicy.spindleRatio * node.totalSpindles);
    this.cpuRatio = column(() => defaultPolicy.cpuRatio);
    this.offline = flag((node) => node.offline);
    this.exclusiveStorage = flag((node) => node.exclusiveStorage);
    this.isMaster = flag((node) => node.isMaster ?? false);
    this.instanceMemory = zeros();
    this.freeMemoryForth = column((node) => node.freeMemory);
    this.freeDisk = column((node) => node.freeDisk);
    this.freeDiskForth = column((node) => node.freeDisk);
    this.usedCpus = column((node) => node.nodeCpus);
    this.usedCpusForth = column((node) => node.nodeCpus);
    this.freeSpindles = column((node) => node.freeSpindles);
    this.freeSpindlesForth = column((node) => node.freeSpindles);
    this.instanceSpindles = zeros();
    this.instanceSpindlesForth = zeros();
    this.reservedMemory = zeros();
    this.cpuLoad = zeros();
    this.memoryLoad = zeros();
    this.diskLoad = zeros();
    this.networkLoad = zeros();
    this.conflicts = zeros();
    this.locationScore = zeros();
    this.primaries = perNode(() => []);
    this.secondaries = perNode(() => []);
    this.peers = perNode(() => noPeers);
    this.tagCounts = perNode(() => noCounts);
    this.pairCounts = perNode(() => noCounts);
    this.volumeGroupFree = perNode((node) =>
      node?.volumeGroups === undefined
        ? undefined
        : new Map([...node.volumeGroups].map(([name, { free }]) => [name, free])),
    );
    this.state = stateColumns.map((name: StateColumn) => this[name]);
  }

  /** Memory that can still be given away: by the records, less what is used beyond them. MiB. */
  unallocatedMemory(node: number): number {
    return (
      Math.trunc(this.totalMemory[node]!) -
      this.nodeMemory[node]! -
      this.instanceMemory[node]! -
      Math.max(0, this.unaccountedMemory[node]!)
    );
  }

  /** Whether the node couldn't take over the primaries of one of its peers. */
  failsRedundancy(node: number): boolean {
    return this.unallocatedMemory(node) <= this.reservedMemory[node]!;
  }

  setPolicy(node: number, policy: Policy): void {
    this.policy[node] = policy;
    this.cpuRatio[node] = policy.cpuRatio;
    this.highCpu[node] = Math.floor(policy.cpuRatio * this.totalCpus[node]!);
    this.highSpindles[node] = policy.spindleRatio * this.totalSpindles[node]!;
  }

  /** Opens a try; each mark ends in `rollback` or `release`. */
  mark(): Mark {
    this.recording++;
    return { rows: this.savedNodes.length, places: this.savedPlaces.length };
  }

  /** Saves a node's row; every change of a node calls this first. */
  touch(node: number): void {
    if (this.recording === 0) return;
    const width = stateColumns.length;
    const at = this.savedNodes.length * width;
    if (at + width > this.savedNumbers.length) {
      const larger = new Float64Array(this.savedNumbers.length * 2);
      larger.set(this.savedNumbers);
      this.savedNumbers = larger;
    }
    for (let k = 0; k < width; k++) this.savedNumbers[at + k] = this.state[k]![node]!;
    this.savedNodes.push(node);
    this.savedLists.push({
      primaries: this.primaries[node]!,
      secondaries: this.secondaries[node]!,
      peers: this.peers[node]!,
      tagCounts: this.tagCounts[node]!,
      pairCounts: this.pairCounts[node]!,
      volumeGroupFree: this.volumeGroupFree[node],
    });
  }

  /** Changes where an instance is, remembering where it was. */
  place(instance: Instance, primary: number, secondary: number, locationScore: number): void {
    if (this.recording > 0) {
      this.savedPlaces.push({
        instance,
        primary: instance.primary,
        secondary: instance.secondary,
        locationScore: instance.locationScore,
      });
    }
    instance.primary = primary;
    instance.secondary = secondary;
    instance.locationScore = locationScore;
  }

  /** Takes back everything since the mark. */
  rollback(mark: Mark): void {
    const width = stateColumns.length;
    while (this.savedNodes.length > mark.rows) {
      const node = this.savedNodes.pop()!;
      const lists = this.savedLists.pop()!;
      const at = this.savedNodes.length * width;
      for (let k = 0; k < width; k++) this.state[k]![node] = this.savedNumbers[at + k]!;
      this.primaries[node] = lists.primaries;
      this.secondaries[node] = lists.secondaries;
      this.peers[node] = lists.peers;
      this.tagCounts[node] = lists.tagCounts;
      this.pairCounts[node] = lists.pairCounts;
      this.volumeGroupFree[node] = lists.volumeGroupFree;
    }
    while (this.savedPlaces.length > mark.places) {
      const { instance, primary, secondary, locationScore } = this.savedPlaces.pop()!;
      instance.primary = primary;
      instance.secondary = secondary;
      instance.locationScore = locationScore;
    }
    this.recording--;
  }

  /** Keeps everything since the mark; an outer mark can still take it back. */
  release(_mark: Mark): void {
    this.recording--;
    if (this.recording > 0) return;
    this.savedNodes.length = 0;
    this.savedLists.length = 0;
    this.savedPlaces.length = 0;
  }

  /** Nodes whose rows were saved since the mark, each once. */
  touchedSince(mark: Mark): number[] {
    return [...new Set(this.savedNodes.slice(mark.rows))];
  }
}
