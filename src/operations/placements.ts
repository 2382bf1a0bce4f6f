/**
 * Where instances are going to be that jobs have found nodes for: known to every later search, although neither the
 * configuration nor the nodes tell of them yet. So many jobs can look for nodes at the same time, with shared locks,
 * without all taking the same room.
 *
 * A search first asks the nodes what they have, beside other searches, and then decides alone. What was placed stays
 * noted until its job ends, and as long as a search is under way that may have asked the nodes before.
 */
import type { NewInstance } from '../allocator/wish.ts';
import type { Configuration } from '../model/configuration.ts';
import { disksOf } from '../model/lookup.ts';
import type { Disk } from '../model/objects/disk.ts';
import type { Instance } from '../model/objects/instance.ts';

export interface Placement {
  /** Of the instance. */
  readonly name: string;
  /** Uuids, primary first. */
  readonly nodes: readonly string[];
  /** What is to be made; absent for an instance that there is and that gets other nodes. */
  readonly made?: NewInstance;
}

/** What a search decides on. */
export interface Prospect {
  /** As it is now, with everything placed where it is going to be. */
  readonly configuration: Configuration;
  /** Disks that are going to be on a node and that the node may not have counted when it was asked. */
  readonly coming: ReadonlyMap<string, readonly Disk[]>;
}

interface Noted {
  readonly owner: string;
  readonly placement: Placement;
  /** On the clock of searches, once its job has ended. */
  ended?: number;
}

interface Search {
  /** On the clock of searches, when it began. */
  readonly since: number;
  readonly before: Configuration;
}

const unknown = { serial_no: 1, ctime: 0, mtime: 0 } as const;

/** Disks of a new instance as the configuration would have them, on the nodes. */
function disksToMake({ name, made, nodes }: Placement): Disk[] {
  return made!.disks.map(({ size, mode, spindles, vg }, index) => ({
    ...unknown,
    uuid: `${name}/disk${index}`,
    dev_type: made!.template,
    iv_name: `disk/${index}`,
    size,
    mode,
    spindles,
    logical_id: vg === undefined ? null : [vg, null],
    nodes: [...nodes],
  }));
}

function instanceToMake({ name, made, nodes }: Placement, disks: readonly Disk[]): Instance {
  const { tags, os, hypervisor, memory, vcpus, spindleUse } = made!;
  return {
    ...unknown,
    uuid: name,
    name,
    tags: [...tags],
    primary_node: nodes[0]!,
    os,
    hypervisor,
    hvparams: {},
    beparams: { maxmem: memory, minmem: memory, vcpus, spindle_use: spindleUse },
    osparams: {},
    osparams_private: {},
    admin_state: 'up',
    admin_state_source: 'admin',
    nics: [],
    disks: disks.map((disk) => disk.uuid),
    disks_active: false,
  };
}

/** Builds the picture of what is going to be. */
class Overlay {
  private instances: Configuration['instances'];
  private disks: Configuration['disks'];
  private readonly now: Configuration;
  private readonly before: Configuration;
  readonly coming = new Map<string, Disk[]>();

  /** @param before as it was when the nodes were asked: what stood there then, they have counted */
  constructor(now: Configuration, before: Configuration) {
    this.now = now;
    this.before = before;
    this.instances = now.instances;
    this.disks = now.disks;
  }

  get configuration(): Configuration {
    return { ...this.now, instances: this.instances, disks: this.disks };
  }

  add(placement: Placement): void {
    const { name, nodes, made } = placement;
    const known = this.instances.byName(name);
    if (known === undefined) {
      if (made !== undefined) this.make(placement);
      return;
    }
    // A new instance is made down and then started; it takes its memory from the beginning.
    const state = made === undefined ? known.admin_state : 'up';
    this.instances = this.instances.with({ ...known, primary_node: nodes[0]!, admin_state: state });
    for (const disk of disksOf(this.now, known)) {
      if (disk.nodes.length === 0) continue;
      this.note(disk, nodes);
      this.disks = this.disks.with({ ...disk, nodes: [...nodes] });
    }
  }

  private make(placement: Placement): void {
    const disks = disksToMake(placement);
    this.instances = this.instances.with(instanceToMake(placement, disks));
    for (const disk of disks) {
      this.disks = this.disks.with(disk);
      this.note(disk, placement.nodes);
    }
  }

  private note(disk: Disk, nodes: readonly string[]): void {
    const counted = this.before.disks.get(disk.uuid)?.nodes ?? [];
    for (const node of nodes)
      if (!counted.includes(node)) this.coming.set(node, [...(this.coming.get(node) ?? []), disk]);
  }
}

export class Placements {
  readonly #current: () => Configuration;
  #noted: Noted[] = [];
  readonly #searches = new Set<Search>();
  #clock = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(current: () => Configuration) {
    this.#current = current;
  }

  /** How much is noted. */
  get size(): number {
    return this.#noted.length;
  }

  /**
   * Gathers what is needed, at the same time as others, and then decides in turn.
   * @throws the abort reason of the signal
   */
  async search<Facts, Result>(
    signal: AbortSignal,
    gather: () => Promise<Facts>,
    decide: (facts: Facts, prospect: Prospect) => Promise<Result>,
  ): Promise<Result> {
    const search = { since: this.#clock, before: this.#current() };
    this.#searches.add(search);
    try {
      const facts = await gather();
      return await this.#inTurn(async () => {
        signal.throwIfAborted();
        return await decide(facts, this.#prospect(search));
      });
    } finally {
      this.#searches.delete(search);
      this.#forget();
    }
  }

  /** Notes where an instance is going to be, until the owner's job ends. */
  note(owner: string, placement: Placement): void {
    this.#noted.push({ owner, placement });
  }

  /** The owner's job has ended: all it placed is in the configuration now, or given up. */
  release(owner: string): void {
    this.#clock += 1;
    for (const noted of this.#noted) if (noted.owner === owner) noted.ended ??= this.#clock;
    this.#forget();
  }

  #prospect({ since, before }: Search): Prospect {
    const overlay = new Overlay(this.#current(), before);
    for (const { placement, ended } of this.#noted) {
      if (ended === undefined || ended > since) overlay.add(placement);
    }
    return { configuration: overlay.configuration, coming: overlay.coming };
  }

  #forget(): void {
    const oldest = Math.min(...[...this.#searches].map(({ since }) => since), this.#clock);
    this.#noted = this.#noted.filter(({ ended }) => ended === undefined || ended > oldest);
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const before = this.#turn;
    const own = Promise.withResolvers<void>();
    this.#turn = own.promise;
    try {
      await before;
      return await work();
    } finally {
      own.resolve();
    }
  }
}
