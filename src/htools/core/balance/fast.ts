/**
 * The search for the best move of a round without trying each move on the node table.
 *
 * Each instance and kind of move has a lower bound, whatever the target; each node has one per class of
 * instances. Only where their sum can beat the best move found so far is the move evaluated, from running
 * sums; and only moves too close to call are made on the node table and scored in full, so that the move
 * taken is the one Ganeti takes.
 */
import { type ScoreModel, scoreMargin } from '../score/score-model.ts';
import type { AlgorithmOptions } from '../terms/algorithm-options.ts';
import type { Part } from '../terms/cluster.ts';
import type { Instance } from '../terms/instance.ts';
import type { Move, MoveKind } from '../terms/vocabulary.ts';
import { movableInstances, type Placement, targetKinds } from './candidates.ts';
import { Columns } from './columns.ts';
import { firstBest, scoreAfter } from './general.ts';
import { type LoadClass, type LoadClasses, loadClasses } from './load-classes.ts';
import { LocationPairs } from './location-pairs.ts';
import { MoveFrame } from './move-frame.ts';
import { TargetBounds, type TargetTable } from './target-bounds.ts';

/** Whether the fast search knows everything this part has. */
export function fastSearchServes(part: Part): boolean {
  const { nodes, list, instances } = part;
  const plainNodes = list.every(
    (node) =>
      nodes.exclusiveStorage[node] === 0 &&
      nodes.freeDiskForth[node] === nodes.freeDisk[node] &&
      nodes.usedCpusForth[node] === nodes.usedCpus[node] &&
      nodes.instanceSpindlesForth[node] === nodes.instanceSpindles[node],
  );
  const inList = new Set(list);
  return (
    plainNodes &&
    instances.every(
      (instance) =>
        !instance.forthcoming &&
        instance.otherVolumes === undefined &&
        new Set(instance.exclusionTags).size === instance.exclusionTags.length &&
        (instance.secondary < 0 || inList.has(instance.secondary) || !instance.movable),
    )
  );
}

interface Near {
  readonly instance: Instance;
  readonly move: Move;
  readonly estimate: number;
  /** Place in Ganeti's order of trying. */
  readonly order: number;
}

const targetedKinds = [
  'replace-secondary',
  'replace-and-failover',
  'replace-primary',
  'failover-and-replace',
] as const;

export class FastSearch {
  private readonly part: Part;
  private readonly options: AlgorithmOptions;
  private readonly instances: readonly Instance[];
  private readonly classes: LoadClasses;
  private readonly columns: Columns;
  private readonly bounds: TargetBounds;
  private readonly pairs: LocationPairs | undefined;
  private readonly frame: MoveFrame;
  /** Bounds of each instance and kind, and the order of the kinds. */
  private readonly lower: Float64Array;

  /** The score less what `MoveFrame.evaluate` gives. */
  private constant = 0;
  private limit = 0;
  private margin = 0;
  private near: Near[] = [];

  constructor(part: Part, options: AlgorithmOptions) {
    this.part = part;
    this.options = options;
    this.instances = movableInstances(part, { ...options, evacuate: false });
    this.classes = loadClasses(this.instances);
    const equalLoads =
      part.instances.every(({ load }) => load.cpu === load.memory && load.cpu === load.network) &&
      part.list.every(
        (node) =>
          part.nodes.cpuLoad[node] === part.nodes.memoryLoad[node] &&
          part.nodes.cpuLoad[node] === part.nodes.networkLoad[node],
      );
    this.columns = new Columns(part.nodes, part.list, equalLoads);
    this.bounds = new TargetBounds(this.columns, this.classes.classes);
    this.pairs = this.columns.shared === undefined ? undefined : new LocationPairs(this.columns);
    this.frame = new MoveFrame(this.columns, this.bounds, this.pairs, options.ignoreSoftErrors);
    this.lower = new Float64Array(this.instances.length * targetedKinds.length);
  }

  /** Notes that these nodes changed. */
  refresh(changed: readonly number[]): void {
    for (const node of changed) this.columns.refresh(this.columns.positionOf[node]!);
  }

  /** The best move, or undefined when none improves on `score`. `model` stands at the present state. */
  bestMove(model: ScoreModel, score: number): Placement | undefined {
    const { columns, bounds } = this;
    columns.beginRound();
    bounds.beginRound();
    this.pairs?.beginRound();
    this.margin = scoreMargin(score);
    this.limit = score + this.margin;
    this.near = [];
    this.constant = score - bounds.deviations;
    this.tryFailovers(model);
    this.tryTargets(model);
    const near = this.near.filter(({ estimate }) => estimate <= this.limit).sort((a, b) => a.order - b.order);
    return firstBest(this.part, model, near, score, this.options.ignoreSoftErrors);
  }

  private isConcerned(instance: Instance): boolean {
    if (!this.options.evacuate) return true;
    const { nodes } = this.part;
    return instance.nodes.some((node) => nodes.offline[node] === 1);
  }

  private secondaryServes(instance: Instance): boolean {
    return (
      this.options.instanceMoves &&
      instance.secondary >= 0 &&
      this.part.nodes.offline[instance.secondary] === 0
    );
  }

  private loadOf(index: number): LoadClass {
    return this.classes.classes[this.classes.of[index]!]!;
  }

  private tryFailovers(model: ScoreModel): void {
    this.instances.forEach((instance, index) => {
      if (instance.mirror !== 'internal' || !this.isConcerned(instance)) return;
      if (!this.secondaryServes(instance)) return;
      this.frame.setInstance(instance, this.loadOf(index));
      if (this.frame.setKind('failover')) this.consider(model, instance, index, 'failover', -1, 0);
    });
  }

  private kindsOf(instance: Instance): readonly MoveKind[] {
    if (!this.isConcerned(instance)) return [];
    return targetKinds(
      {
        mirror: instance.mirror,
        useSecondary: this.secondaryServes(instance),
        primaryOffline: this.part.nodes.offline[instance.primary] === 1,
      },
      this.options,
    );
  }

  /** Bounds all moves first, so that the most promising one sets the limit before the rest is gone through. */
  private tryTargets(model: ScoreModel): void {
    const { instances, lower } = this;
    const width = targetedKinds.length;
    lower.fill(Number.POSITIVE_INFINITY);
    let least = Number.POSITIVE_INFINITY;
    let promising = -1;
    instances.forEach((instance, index) => {
      const kinds = this.kindsOf(instance);
      if (kinds.length === 0) return;
      this.frame.setInstance(instance, this.loadOf(index));
      kinds.forEach((kind, place) => {
        if (!this.frame.setKind(kind)) return;
        const bound = this.frame.bound() + this.targetTable(index).least;
        lower[index * width + place] = bound;
        if (bound < least) {
          least = bound;
          promising = index * width + place;
        }
      });
    });
    if (promising < 0) return;
    const offset = this.constant + this.bounds.offset;
    this.tryAll(model, Math.trunc(promising / width), promising % width, offset);
    instances.forEach((_, index) => {
      for (let place = 0; place < width; place++) {
        const cell = index * width + place;
        if (cell !== promising && offset + lower[cell]! <= this.limit) {
          this.tryAll(model, index, place, offset);
        }
      }
    });
  }

  private targetTable(index: number): TargetTable {
    const { frame, bounds, classes } = this;
    return bounds.table(classes.of[index]!, frame.targetIsPrimary, frame.targetForced);
  }

  /** Tries one instance and kind with all targets that the bounds let through. */
  private tryAll(model: ScoreModel, index: number, place: number, offset: number): void {
    const instance = this.instances[index]!;
    const kind = this.kindsOf(instance)[place]!;
    const { frame, columns } = this;
    frame.setInstance(instance, this.loadOf(index));
    if (!frame.setKind(kind)) return;
    const from = offset + frame.bound();
    const { bounds } = this.targetTable(index);
    const primary = columns.positionOf[instance.primary]!;
    const secondary = instance.secondary < 0 ? -1 : columns.positionOf[instance.secondary]!;
    for (let target = 0; target < bounds.length; target++) {
      if (!(from + bounds[target]! <= this.limit)) continue;
      if (target === primary || target === secondary) continue;
      this.consider(model, instance, index, kind, target, place + 1);
    }
  }

  private consider(
    model: ScoreModel,
    instance: Instance,
    index: number,
    kind: MoveKind,
    target: number,
    place: number,
  ): void {
    const evaluated = this.frame.evaluate(target);
    if (evaluated === undefined) return;
    const move = { kind, target: target < 0 ? -1 : this.columns.list[target]! };
    const estimate = Number.isNaN(evaluated)
      ? scoreAfter(this.part, model, instance, move, this.options.ignoreSoftErrors)?.score
      : this.constant + evaluated;
    if (estimate === undefined || !(estimate <= this.limit)) return;
    // Plain failover comes first, then node by node all kinds.
    const perInstance = 1 + this.columns.size * targetedKinds.length;
    const order = index * perInstance + (target < 0 ? 0 : target * targetedKinds.length + place);
    this.near.push({ instance, move, estimate, order });
    this.limit = Math.min(this.limit, estimate + this.margin);
  }
}
