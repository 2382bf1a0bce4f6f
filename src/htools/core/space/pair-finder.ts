/**
 * Finds the best pair of nodes for the same instance over and over, while instances are put on (hspace).
 *
 * What putting the instance on a node does to that node's figures is kept per node and made anew only for
 * the two nodes that took the last one. A lower bound that is a sum of a term per primary and one per
 * secondary leaves few pairs to be scored; those are scored by Ganeti's formula, so the pair found is
 * Ganeti's.
 */
import { PairScorer } from '../allocation/pair-scorer.ts';
import { noFailures } from '../allocation/solution.ts';
import { type Bound, boundOf, sideBound } from '../score/bounds.ts';
import { aggregates, componentCount, nodeValues, weights } from '../score/score.ts';
import {
  addPrimary,
  addSecondary,
  primaryRefused,
  secondaryRefused,
  sharedLocations,
} from '../state/node-operations.ts';
import type { NodeTable } from '../state/node-table.ts';
import { peerMemory } from '../state/peers.ts';
import type { Instance } from '../terms/instance.ts';
import { checkPolicy } from '../terms/policy.ts';
import { Refusal } from '../terms/vocabulary.ts';

const width = componentCount;
/** The figures that depend on which primary a secondary serves. */
const redundancy = 2;
const reserved = 3;
const location = 17;
const reservedTotal = 19;
/** Scores nearer than this are not told apart by the bound: Ganeti's own formula strays that far. */
const slack = 1e-6;
/** A primary index that no node has: the part of a secondary that doesn't depend on its primary. */
const nobody = -2;

export interface FoundPair {
  readonly primary: number;
  readonly secondary: number;
}

export class PairFinder {
  private readonly nodes: NodeTable;
  private readonly candidates: readonly number[];
  private readonly instance: Instance;
  private readonly force: boolean;
  /** Undefined when no pair took the instance at the start. */
  private readonly scorer: PairScorer | undefined;
  private readonly hasLocations: boolean;
  /** Memory to be kept free on the secondary. */
  private readonly needed: number;
  private readonly before: Float64Array;
  private readonly asPrimary: Float64Array;
  private readonly asSecondary: Float64Array;
  private readonly primaryRefusal: Uint8Array;
  private readonly secondaryRefusal: Uint8Array;
  private readonly after = new Float64Array(width);
  private readonly primaryBound: Float64Array;
  private readonly secondaryBound: Float64Array;

  /** `candidates` may be primaries and secondaries, `list` are the nodes whose score counts. */
  constructor(
    nodes: NodeTable,
    list: readonly number[],
    candidates: readonly number[],
    instance: Instance,
    force: boolean,
  ) {
    this.nodes = nodes;
    this.candidates = candidates;
    this.instance = instance;
    this.force = force;
    this.hasLocations = candidates.some((node) => nodes.locations[node]!.length > 0);
    this.needed = instance.reservesMemory ? instance.memory : 0;
    this.primaryRefusal = new Uint8Array(nodes.size);
    this.secondaryRefusal = new Uint8Array(nodes.size);
    for (const node of candidates) this.check(node);
    const cells = this.fits(() => true) ? nodes.size * width : 0;
    this.before = new Float64Array(cells);
    this.asPrimary = new Float64Array(cells);
    this.asSecondary = new Float64Array(cells);
    this.primaryBound = new Float64Array(nodes.size);
    this.secondaryBound = new Float64Array(nodes.size);
    if (cells === 0) return;
    this.scorer = new PairScorer(nodes, list, instance.exclusionTags.length > 0);
    for (const node of candidates) this.look(node);
  }

  /** Notes that these nodes changed. */
  refresh(changed: readonly number[]): void {
    for (const node of changed) {
      this.check(node);
      this.look(node);
    }
    this.scorer?.refresh(changed);
  }

  private check(node: number): void {
    const { nodes, instance } = this;
    this.primaryRefusal[node] =
      checkPolicy(instance, nodes.policy[node]!, nodes.exclusiveStorage[node] === 1) ||
      primaryRefused(nodes, node, instance, this.force);
    this.secondaryRefusal[node] = secondaryRefused(nodes, node, instance, nobody, { force: false });
  }

  /** Makes the figures of the node in both roles anew. */
  private look(node: number): void {
    const { nodes, instance, before } = this;
    const at = node * width;
    nodeValues(nodes, node, before, at);
    if (this.primaryRefusal[node] === Refusal.none) {
      const mark = nodes.mark();
      addPrimary(nodes, node, instance, 0, this.force);
      nodeValues(nodes, node, this.asPrimary, at);
      nodes.rollback(mark);
    }
    if (this.secondaryRefusal[node] === Refusal.none) {
      const mark = nodes.mark();
      addSecondary(nodes, node, instance, nobody, { force: false });
      nodeValues(nodes, node, this.asSecondary, at);
      nodes.rollback(mark);
    }
  }

  /** Memory that must be free on the secondary when it serves this primary. */
  private reservedWith(primary: number, secondary: number): number {
    const need = peerMemory(this.nodes.peers[secondary]!, primary) + this.needed;
    return Math.max(this.nodes.reservedMemory[secondary]!, need);
  }

  private tooLittleMemory(primary: number, secondary: number): boolean {
    const free = this.nodes.unallocatedMemory(secondary);
    return free <= this.reservedWith(primary, secondary) && free > this.nodes.reservedMemory[secondary]!;
  }

  private score(scorer: PairScorer, primary: number, secondary: number): number {
    const { nodes, after } = this;
    const first = primary * width;
    const second = secondary * width;
    after.set(this.asSecondary.subarray(second, second + width));
    const kept = this.reservedWith(primary, secondary);
    after[reserved] = kept / nodes.totalMemory[secondary]!;
    after[reservedTotal] = after[reserved]!;
    const count = nodes.primaries[secondary]!.length + nodes.secondaries[secondary]!.length + 1;
    after[redundancy] = nodes.unallocatedMemory(secondary) <= kept ? count : 0;
    const shared = this.hasLocations ? sharedLocations(nodes, primary, secondary) : 0;
    this.asPrimary[first + location]! += shared;
    const result = scorer.score(
      {
        offline: false,
        before: this.before.subarray(first, first + width),
        after: this.asPrimary.subarray(first, first + width),
      },
      { offline: false, before: this.before.subarray(second, second + width), after },
    );
    this.asPrimary[first + location]! -= shared;
    return result;
  }

  /** Bounds of all nodes in both roles; returns what they are added to. */
  private makeBounds(scorer: PairScorer): number {
    const { candidates, primaryBound, secondaryBound } = this;
    primaryBound.fill(0);
    secondaryBound.fill(0);
    let constant = 0;
    for (let k = 0; k < width; k++) {
      const weight = weights[k]!;
      const kind = aggregates[k];
      if (kind === 'deviation') constant += this.addDeviation(scorer, k, weight);
      else if (kind === 'pairs') constant += weight * scorer.pairs;
      else {
        constant += weight * scorer.sum[k]!;
        if (kind === 'sum') this.addSum(k, weight);
      }
    }
    for (const node of candidates) {
      if (this.primaryRefusal[node] !== Refusal.none) primaryBound[node] = Number.POSITIVE_INFINITY;
      if (this.secondaryRefusal[node] !== Refusal.none) secondaryBound[node] = Number.POSITIVE_INFINITY;
    }
    return constant;
  }

  private addSum(k: number, weight: number): void {
    for (const node of this.candidates) {
      const at = node * width + k;
      const old = this.before[at]!;
      this.primaryBound[node]! += weight * (this.asPrimary[at]! - old);
      // A primary that the node serves already only makes these figures larger.
      this.secondaryBound[node]! += weight * (this.asSecondary[at]! - old);
    }
  }

  private addDeviation(scorer: PairScorer, k: number, weight: number): number {
    const { candidates, before, asPrimary, asSecondary } = this;
    const { count } = scorer;
    const mean = scorer.sum[k]! / count;
    let decrease = 0;
    let increase = 0;
    const partOf = (old: number, now: number) => (now - old) * (now + old - 2 * mean);
    for (const node of candidates) {
      const at = node * width + k;
      const old = before[at]!;
      for (const now of [asPrimary[at]!, asSecondary[at]!]) {
        const part = partOf(old, now);
        const shift = ((now - old) * (now - old)) / count;
        decrease = Math.max(decrease, -part + 2 * shift);
        increase = Math.max(increase, part);
      }
    }
    const span = k === reserved ? this.reservedSpan() : 0;
    const bound = boundOf(
      scorer.variance[k]! * count,
      weight / Math.sqrt(count),
      2 * decrease + span,
      2 * increase + span,
    );
    for (const node of candidates) {
      const at = node * width + k;
      const old = before[at]!;
      const first = asPrimary[at]!;
      this.primaryBound[node]! += sideBound(bound, partOf(old, first), first - old, count);
      if (k === reserved) this.secondaryBound[node]! += this.leastReserved(bound, node, mean, count);
      else {
        const second = asSecondary[at]!;
        this.secondaryBound[node]! += sideBound(bound, partOf(old, second), second - old, count);
      }
    }
    return bound.offset;
  }

  /** The most that V of the reserved memory can change when a secondary serves a primary it has already. */
  private reservedSpan(): number {
    let span = 0;
    for (const node of this.candidates) {
      const grown = this.needed / this.nodes.totalMemory[node]!;
      const old = this.before[node * width + reserved]!;
      span = Math.max(span, grown * (2 * (1 + old) + grown));
    }
    return span;
  }

  /** The least bound of the reserved memory, whatever primary the secondary serves. */
  private leastReserved(bound: Bound, node: number, mean: number, count: number): number {
    const at = node * width + reserved;
    const old = this.before[at]!;
    const low = this.asSecondary[at]! - old;
    const high = Math.max(low, this.needed / this.nodes.totalMemory[node]!);
    const part = (shift: number) => shift * (2 * (old - mean) + shift);
    const vertex = Math.min(high, Math.max(low, mean - old));
    const least = Math.min(part(low), part(high), part(vertex));
    const most = Math.max(Math.abs(part(low)), Math.abs(part(high)), Math.abs(part(vertex)));
    const meanShift = (high * high) / count;
    const magnitude = most + 2 * meanShift;
    return bound.slope * (least - 2 * meanShift) - bound.curve * magnitude * magnitude;
  }

  /** The best pair, the last of those that tie; undefined when no pair takes the instance. */
  best(): FoundPair | undefined {
    const { candidates, nodes, primaryBound, secondaryBound, scorer } = this;
    if (scorer === undefined || !this.fits(() => true)) return undefined;
    const constant = this.makeBounds(scorer);
    const least = this.leastSecondary();
    let best: (FoundPair & { score: number }) | undefined;
    const tryPair = (primary: number, secondary: number) => {
      if (this.tooLittleMemory(primary, secondary)) return;
      const score = this.score(scorer, primary, secondary);
      if (best === undefined || !(best.score < score)) best = { primary, secondary, score };
    };
    // A good start makes the bound cut early; its order among ties doesn't matter, it is tried again.
    const start = this.promising();
    if (start !== undefined) tryPair(start.primary, start.secondary);
    const limit = () => (best === undefined ? Number.POSITIVE_INFINITY : best.score + slack);
    for (const primary of candidates) {
      const first = constant + primaryBound[primary]!;
      if (!(first + least <= limit()) || this.primaryRefusal[primary] !== Refusal.none) continue;
      for (const secondary of candidates) {
        if (secondary === primary || nodes.group[secondary] !== nodes.group[primary]) continue;
        if (this.secondaryRefusal[secondary] !== Refusal.none) continue;
        if (!(first + secondaryBound[secondary]! <= limit())) continue;
        tryPair(primary, secondary);
      }
    }
    return best;
  }

  private leastSecondary(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const node of this.candidates) least = Math.min(least, this.secondaryBound[node]!);
    return least;
  }

  /** The pair with the least bounds of one group. */
  private promising(): FoundPair | undefined {
    const { nodes, candidates, primaryBound, secondaryBound } = this;
    let primary: number | undefined;
    for (const node of candidates) {
      if (this.primaryRefusal[node] !== Refusal.none) continue;
      if (primary === undefined || primaryBound[node]! < primaryBound[primary]!) primary = node;
    }
    if (primary === undefined) return undefined;
    let secondary: number | undefined;
    for (const node of candidates) {
      if (node === primary || nodes.group[node] !== nodes.group[primary]) continue;
      if (this.secondaryRefusal[node] !== Refusal.none) continue;
      if (secondary === undefined || secondaryBound[node]! < secondaryBound[secondary]!) secondary = node;
    }
    return secondary === undefined ? undefined : { primary, secondary };
  }

  /** Whether some pair takes the instance; `accepts` may have a further condition. */
  fits(accepts: (primary: number, secondary: number) => boolean): boolean {
    const { nodes, candidates } = this;
    const primaries = candidates.filter((node) => this.primaryRefusal[node] === Refusal.none);
    const secondaries = candidates.filter((node) => this.secondaryRefusal[node] === Refusal.none);
    return primaries.some((primary) =>
      secondaries.some(
        (secondary) =>
          secondary !== primary &&
          nodes.group[secondary] === nodes.group[primary] &&
          !this.tooLittleMemory(primary, secondary) &&
          accepts(primary, secondary),
      ),
    );
  }

  /** How often each refusal comes up over all pairs, by its number. */
  failures(): Uint32Array {
    return this.hasForthcoming() ? this.countedFailures() : this.summedFailures();
  }

  /** What is promised to forthcoming instances makes the order of the checks matter. */
  private hasForthcoming(): boolean {
    const { nodes } = this;
    return this.candidates.some(
      (node) =>
        nodes.freeDiskForth[node] !== nodes.freeDisk[node] ||
        nodes.usedCpusForth[node] !== nodes.usedCpus[node] ||
        nodes.instanceSpindlesForth[node] !== nodes.instanceSpindles[node],
    );
  }

  private countedFailures(): Uint32Array {
    const { candidates, nodes, instance } = this;
    const failures = noFailures();
    for (const primary of candidates) {
      for (const secondary of candidates) {
        if (secondary === primary || nodes.group[secondary] !== nodes.group[primary]) continue;
        const refused =
          (this.primaryRefusal[primary] as Refusal) ||
          secondaryRefused(nodes, secondary, instance, primary, { force: false });
        if (refused !== Refusal.none) failures[refused]!++;
      }
    }
    return failures;
  }

  /** The same counts per node; only reserved memory depends on both nodes of a pair. */
  private summedFailures(): Uint32Array {
    const { candidates, nodes, primaryRefusal, secondaryRefusal } = this;
    const failures = noFailures();
    const perGroup = new Map<number, Uint32Array>();
    for (const node of candidates) {
      const group = nodes.group[node]!;
      const counts = perGroup.get(group) ?? noFailures();
      counts[secondaryRefusal[node]!]!++;
      perGroup.set(group, counts);
    }
    for (const primary of candidates) {
      const counts = perGroup.get(nodes.group[primary]!)!;
      const refused = primaryRefusal[primary]!;
      if (refused !== Refusal.none) {
        failures[refused]! += counts.reduce((sum, count) => sum + count, 0) - 1;
        continue;
      }
      for (let code = 1; code < counts.length; code++) failures[code]! += counts[code]!;
      const own = secondaryRefusal[primary]!;
      if (own !== Refusal.none) failures[own]!--;
    }
    failures[Refusal.memory]! += this.servedTooMuch();
    return failures;
  }

  /** Pairs refused only because the secondary serves other instances of that primary already. */
  private servedTooMuch(): number {
    const { candidates, nodes } = this;
    const isCandidate = new Set(candidates);
    let count = 0;
    for (const secondary of candidates) {
      if (this.secondaryRefusal[secondary] !== Refusal.none) continue;
      for (const primary of nodes.peers[secondary]!.nodes) {
        const counts =
          isCandidate.has(primary) &&
          primary !== secondary &&
          this.primaryRefusal[primary] === Refusal.none &&
          nodes.group[primary] === nodes.group[secondary];
        if (counts && this.tooLittleMemory(primary, secondary)) count++;
      }
    }
    return count;
  }
}
