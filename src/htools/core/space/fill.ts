/**
 * Filling a cluster with instances of one size (hspace's standard allocation), or of sizes that shrink as room
 * runs out (tiered).
 *
 * Ganeti allocates in big steps without the check for global redundancy and falls back to small ones when the
 * result isn't redundant; the same is done here, because it decides where the filling stops.
 */
import {
  type AllocationSituation,
  commitPlace,
  putOnPair,
  putOnSingle,
  singleRefusals,
  type Targets,
  tryAllocate,
} from '../allocation/allocate.ts';
import { isRedundant, RedundancyJudge } from '../allocation/global-redundancy.ts';
import { SingleFinder } from '../allocation/single-finder.ts';
import { failureCount, failureStatistics } from '../allocation/solution.ts';
import type { NodeTable } from '../state/node-table.ts';
import { availableMemory } from '../state/resources.ts';
import type { AlgorithmOptions } from '../terms/algorithm-options.ts';
import type { Instance } from '../terms/instance.ts';
import type { Refusal } from '../terms/vocabulary.ts';
import { PairFinder } from './pair-finder.ts';
import { shrink } from './shrink.ts';
import { SizeSteps } from './size-steps.ts';

/** The cluster being filled; `instances` and `allocated` grow with it. */
export interface Filling {
  readonly nodes: NodeTable;
  readonly list: readonly number[];
  readonly instances: Instance[];
  /** What was put on, in order. */
  readonly allocated: Instance[];
}

/** How often each refusal stood in the way of one more instance. */
export type Refusals = readonly { readonly refusal: Refusal; readonly count: number }[];

function situationOf(filling: Filling): AllocationSituation {
  return {
    nodes: filling.nodes,
    list: filling.list,
    instanceOf: (index) => filling.instances[index]!,
  };
}

function nextInstance(filling: Filling, template: Instance): Instance {
  return template.with({ name: `new-${filling.allocated.length}` });
}

function put(filling: Filling, instance: Instance, at: readonly number[], options: AlgorithmOptions): void {
  instance.index = filling.instances.length;
  commitPlace(filling.nodes, { instance, nodes: at, metric: 0 }, options);
  filling.instances.push(instance);
  filling.allocated.push(instance);
}

/** Filling with instances of one size. */
class Filler {
  private readonly filling: Filling;
  private readonly template: Instance;
  private readonly targets: Targets;
  private readonly options: AlgorithmOptions;
  private readonly finder: PairFinder | undefined;
  private singleFinder: SingleFinder | undefined;

  constructor(filling: Filling, template: Instance, targets: Targets, options: AlgorithmOptions) {
    this.filling = filling;
    this.template = template;
    this.targets = targets;
    this.options = options;
    if (targets.kind === 'single' || targets.pairs.length === 0) return;
    // The finder knows one free-disk figure per node.
    if (template.otherVolumes !== undefined) return;
    const candidates = targets.pairs.map(({ primary }) => primary);
    const { nodes, list } = filling;
    this.finder = new PairFinder(nodes, list, candidates, template, options.ignoreSoftErrors);
  }

  /** Puts instances on one by one until `limit` are on or none fits. */
  private oneByOne(limit: number, checked: boolean): void {
    const { filling, template } = this;
    const options = { ...this.options, capacityChecks: checked };
    for (let count = 0; count < limit; count++) {
      const instance = nextInstance(filling, template);
      const at = this.bestPlace(instance, options);
      if (at === undefined) return;
      put(filling, instance, at, options);
      this.refresh(at);
    }
  }

  private bestPlace(instance: Instance, options: AlgorithmOptions): readonly number[] | undefined {
    const { filling, targets, finder } = this;
    if (finder !== undefined) {
      const pair = finder.best();
      return pair && [pair.primary, pair.secondary];
    }
    if (targets.kind === 'single' && targets.nodes.length > 0) {
      if (this.fitsNowhere(targets.nodes)) return undefined;
      if (!options.capacityChecks) return this.bestSingle(targets.nodes);
    }
    return tryAllocate(situationOf(filling), instance, targets, options).best?.nodes;
  }

  private bestSingle(candidates: readonly number[]): readonly number[] | undefined {
    const { filling, template, options } = this;
    const { nodes, list } = filling;
    this.singleFinder ??= new SingleFinder(nodes, list, candidates, (node) =>
      putOnSingle(nodes, node, template, options.ignoreSoftErrors),
    );
    const node = this.singleFinder.best();
    return node === undefined ? undefined : [node];
  }

  private singleRefusals(candidates: readonly number[]): Uint32Array {
    const { filling, template, options } = this;
    return singleRefusals(filling.nodes, candidates, template, options.ignoreSoftErrors);
  }

  private fitsNowhere(candidates: readonly number[]): boolean {
    return candidates.length > 0 && failureCount(this.singleRefusals(candidates)) === candidates.length;
  }

  /** How many instances may be worth trying in one step, by the memory that is free. */
  private bigStep(): number {
    const { nodes, list } = this.filling;
    const available = list.reduce((sum, node) => sum + availableMemory(nodes, node), 0);
    const guess = Math.floor(available / this.template.memory) - list.length;
    return guess < 20 ? 20 : guess;
  }

  private isRedundant(): boolean {
    const { nodes, list, instances } = this.filling;
    return isRedundant(nodes, list, (index) => instances[index]!, this.options);
  }

  /** Makes a step without the check for redundancy; takes it back when the check then fails. */
  private step(size: number): 'kept' | 'nothing' | 'undone' {
    const { nodes, instances, allocated } = this.filling;
    const [instancesBefore, allocatedBefore] = [instances.length, allocated.length];
    const mark = nodes.mark();
    this.oneByOne(size, false);
    if (allocated.length === allocatedBefore) {
      nodes.release(mark);
      return 'nothing';
    }
    if (this.isRedundant()) {
      nodes.release(mark);
      return 'kept';
    }
    const changed = nodes.touchedSince(mark);
    nodes.rollback(mark);
    instances.length = instancesBefore;
    allocated.length = allocatedBefore;
    this.refresh(changed);
    return 'undone';
  }

  private refresh(changed: readonly number[]): void {
    this.finder?.refresh(changed);
    this.singleFinder?.refresh(changed);
  }

  /** Puts on as many as go, up to `limit`; returns what stands in the way of one more. */
  run(limit: number): Refusals {
    // DRBD instances keep the cluster redundant by the check of each node alone.
    const checked = this.options.capacityChecks && !this.template.hasSecondary;
    if (!this.options.capacityChecks) {
      this.oneByOne(limit, false);
      return this.refusals(false);
    }
    let huge = true;
    let left = limit;
    for (;;) {
      const size = huge ? this.bigStep() : 10;
      const outcome = this.step(Math.min(size, left));
      if (outcome === 'nothing') return this.refusals(false);
      if (outcome === 'kept') {
        left = Math.max(0, left - size);
        if (left === 0) return this.refusals(false);
      } else if (huge) huge = false;
      else break;
    }
    this.oneByOne(left, checked);
    return this.refusals(checked);
  }

  private refusals(checked: boolean): Refusals {
    const { filling, finder, template, targets } = this;
    if (finder !== undefined) return failureStatistics(finder.failures());
    if (targets.kind === 'single' && this.fitsNowhere(targets.nodes)) {
      return failureStatistics(this.singleRefusals(targets.nodes));
    }
    const options = { ...this.options, capacityChecks: checked };
    const instance = nextInstance(filling, template);
    return failureStatistics(tryAllocate(situationOf(filling), instance, targets, options).failures);
  }

  /** Whether some place takes the instance as far as its nodes go, redundancy of the cluster aside. */
  get nodesTakeIt(): boolean {
    const { finder, targets } = this;
    if (finder !== undefined) return finder.fits(() => true);
    return targets.kind !== 'single' || !this.fitsNowhere(targets.nodes);
  }

  /** Whether one instance fits, and how often the refusal came up. */
  tryOne(refusal: Refusal): { readonly fits: boolean; readonly failures: number } {
    const { filling, finder, template, targets, options } = this;
    if (targets.kind === 'single' && this.fitsNowhere(targets.nodes)) {
      return { fits: false, failures: this.singleRefusals(targets.nodes)[refusal]! };
    }
    if (finder === undefined) {
      const { best, failures } = tryAllocate(situationOf(filling), template, targets, options);
      return { fits: best !== undefined, failures: failures[refusal]! };
    }
    const { nodes, list } = filling;
    const lookup = (index: number) => filling.instances[index]!;
    let judge: RedundancyJudge | undefined;
    const fits = finder.fits((primary, secondary) => {
      if (!options.capacityChecks) return true;
      judge ??= new RedundancyJudge(nodes, list, lookup, options);
      const force = options.ignoreSoftErrors;
      return judge.accepts(template, primary, secondary, () => {
        putOnPair(nodes, primary, secondary, template, force);
      });
    });
    return { fits, failures: finder.failures()[refusal]! };
  }
}

/**
 * Puts as many instances of one size on the cluster as go.
 *
 * @param limit the most instances to put on; infinity for no limit
 * @returns what stands in the way of one more
 */
export function fillStandard(
  filling: Filling,
  template: Instance,
  targets: Targets,
  limit: number,
  options: AlgorithmOptions,
): Refusals {
  return new Filler(filling, template, targets, options).run(limit);
}

/** Refusals from the rarest to the most frequent. */
function byFrequency(refusals: Refusals): Refusal[] {
  return [...refusals].sort((a, b) => a.count - b.count).map(({ refusal }) => refusal);
}

/** All nodes that may take an instance in some role. */
function candidatesOf(targets: Targets): readonly number[] {
  return targets.kind === 'single' ? targets.nodes : targets.pairs.map(({ primary }) => primary);
}

/** Finds sizes that fit when one resource shrinks; remembers what it found while the cluster is the same. */
class ShrinkSearch {
  readonly steps: SizeSteps;
  private readonly found = new Map<string, Instance | undefined>();
  private readonly filling: Filling;
  private readonly targets: Targets;
  private readonly options: AlgorithmOptions;

  constructor(filling: Filling, targets: Targets, options: AlgorithmOptions) {
    this.filling = filling;
    this.targets = targets;
    this.options = options;
    this.steps = new SizeSteps(filling.nodes, candidatesOf(targets));
  }

  /** Forgets what it found, since an instance was put on. */
  reset(): void {
    this.found.clear();
    this.steps.reset();
  }

  /** The first smaller instance that fits when only one resource shrinks; undefined when none does. */
  shrunkToFit(template: Instance, refusal: Refusal): Instance | undefined {
    const { found } = this;
    const path: string[] = [];
    let size: Instance | undefined = template;
    let result: Instance | undefined;
    while (size !== undefined) {
      const key = `${refusal} ${size.memory} ${size.disk} ${size.cpus} ${size.totalSpindles}`;
      if (found.has(key)) {
        result = found.get(key);
        break;
      }
      path.push(key);
      if (shrink(size, refusal) === undefined) break;
      const filler = new Filler(this.filling, size, this.targets, this.options);
      const { fits, failures } = filler.tryOne(refusal);
      if (fits) result = size;
      if (fits || failures === 0) break;
      const last: Instance = filler.nodesTakeIt ? size : this.steps.alike(size, refusal);
      size = shrink(last, refusal);
    }
    for (const key of path) found.set(key, result);
    return result;
  }
}

/** A size that was tried and what stood in the way of more of it. */
interface Tried {
  readonly size: Instance;
  readonly refusals: Refusals;
  /** How many more may be put on after it. */
  readonly left: number;
}

/**
 * Puts on instances whose size shrinks by the resource that is missing most. When shrinking step by step to
 * the end brings no further instance, the sizes tried since the last success are gone through backwards, each
 * shrunk in one resource only until it fits.
 */
export function fillTiered(
  filling: Filling,
  template: Instance,
  targets: Targets,
  limit: number,
  options: AlgorithmOptions,
): Refusals {
  let left = limit;
  let size: Instance | undefined = template;
  let tried: Tried[] = [];
  let outcome: Refusals = [];
  const search = new ShrinkSearch(filling, targets, options);
  while (size !== undefined) {
    const before = filling.allocated.length;
    const filler = new Filler(filling, size, targets, options);
    outcome = filler.run(left);
    const count = filling.allocated.length;
    const progress = count > before;
    if (progress) {
      tried = [];
      search.reset();
    }
    if (left <= count && (progress || tried.length === 0)) return outcome;
    if (left <= count) size = undefined;
    else {
      const missing = byFrequency(outcome).at(-1)!;
      // Each size counts against a limit, also when it brings nothing.
      const countsSizes = Number.isFinite(left) && count > 0;
      const last = countsSizes || filler.nodesTakeIt ? size : search.steps.alike(size, missing);
      left -= count;
      tried.push({ size: last, refusals: outcome, left });
      size = shrink(last, missing);
    }
    while (size === undefined && tried.length > 0) {
      const last: Tried = tried.pop()!;
      outcome = last.refusals;
      left = last.left;
      for (const refusal of byFrequency(last.refusals).toReversed()) {
        size ??= search.shrunkToFit(last.size, refusal);
      }
    }
  }
  return outcome;
}
