/**
 * Moving given instances off their nodes: node evacuation, relocation, change of group (the iallocator modes
 * node-evacuate, relocate and change-group).
 */
import { chooseBest, ScoreModel } from '../score/score-model.ts';
import { applyMove } from '../state/moves.ts';
import type { NodeTable } from '../state/node-table.ts';
import type { AlgorithmOptions } from '../terms/algorithm-options.ts';
import type { Instance } from '../terms/instance.ts';
import { moveOpcodes, type Opcode } from '../terms/opcodes.ts';
import { failover, type Move, type MoveKind, Refusal, refusalNames } from '../terms/vocabulary.ts';

/** Which of an instance's nodes to leave. */
export type EvacuationMode = 'primary-only' | 'secondary-only' | 'all';

/** An instance can't be moved as asked; the message says why. */
export class EvacuationError extends Error {
  override name = 'EvacuationError';
}

/** Where to move to: a group's nodes, for the score, and those of them that may be used. */
export interface EvacuationTarget {
  readonly nodes: NodeTable;
  readonly group: readonly number[];
  readonly available: readonly number[];
}

function refuseSecondaryOnly(instance: Instance, mode: EvacuationMode): void {
  if (mode !== 'secondary-only') return;
  throw new EvacuationError(
    `Instances with disk template '${instance.template}' can't execute change secondary`,
  );
}

/** Applies moves one after the other; the first refusal ends it. */
function applyAll(nodes: NodeTable, instance: Instance, moves: readonly Move[], force: boolean): Refusal {
  for (const move of moves) {
    const refused = applyMove(nodes, instance, move, force);
    if (refused !== Refusal.none) return refused;
  }
  return Refusal.none;
}

/** The best of several ways to move an instance, applied; undefined when all were refused. */
function applyBest<T>(
  target: EvacuationTarget,
  ways: readonly T[],
  apply: (way: T) => boolean,
): T | undefined {
  const { nodes, group } = target;
  const model = new ScoreModel(nodes, group);
  const estimates = ways.map((way) => {
    const mark = nodes.mark();
    const estimate = apply(way) ? model.estimate(nodes.touchedSince(mark)) : undefined;
    nodes.rollback(mark);
    return estimate;
  });
  const exact = (candidate: number) => {
    const mark = nodes.mark();
    apply(ways[candidate]!);
    const score = model.exact(nodes.touchedSince(mark));
    nodes.rollback(mark);
    return score;
  };
  const best = chooseBest(estimates, exact, 'last');
  if (best === undefined) return undefined;
  apply(ways[best.candidate]!);
  return ways[best.candidate]!;
}

/** Changes one node of the instance: the secondary for DRBD, the primary on shared storage. */
function changeOneNode(target: EvacuationTarget, instance: Instance, force: boolean): Opcode[] {
  const { nodes, available } = target;
  const kind: MoveKind = instance.mirror === 'internal' ? 'replace-secondary' : 'failover-to-any';
  let refusals = '';
  const node = applyBest(target, available, (candidate) => {
    const refused = applyMove(nodes, instance, { kind, target: candidate }, force);
    if (refused !== Refusal.none)
      refusals += ` Node ${nodes.name[candidate]} failed: ${refusalNames[refused]};`;
    return refused === Refusal.none;
  });
  if (node === undefined) throw new EvacuationError(`Can't find any good node: ${refusals}`);
  return moveOpcodes(nodes, instance, { kind, target: node });
}

interface BothNodes {
  readonly primary: number;
  readonly secondary: number;
}

const replaceBy = (target: number): Move => ({ kind: 'replace-secondary', target });

/** Gives a DRBD instance two new nodes: replace, fail over, replace. */
function changeBothNodes(target: EvacuationTarget, instance: Instance, force: boolean): Opcode[] {
  const { nodes, available } = target;
  const start: Move[] = nodes.offline[instance.primary] === 1 ? [failover] : [];
  const stages = ({ primary, secondary }: BothNodes): readonly [string, Move[]][] => [
    ['Failing over to the secondary', start],
    ['Changing secondary to new primary', [replaceBy(primary)]],
    ['Failing over to new primary', [failover]],
    ['Changing secondary to final secondary', [replaceBy(secondary)]],
  ];
  let complaint = 'no nodes available';
  const apply = (way: BothNodes) => {
    for (const [stage, moves] of stages(way)) {
      const refused = applyAll(nodes, instance, moves, force);
      if (refused === Refusal.none) continue;
      complaint = `Allocation failed: ${stage}: ${refusalNames[refused]}`;
      return false;
    }
    return true;
  };
  const ways = available.flatMap((primary) =>
    available.flatMap((secondary) => (primary === secondary ? [] : [{ primary, secondary }])),
  );
  const best = applyBest(target, ways, apply);
  if (best === undefined) {
    throw new EvacuationError(`Can't find any good nodes for relocation: ${complaint}`);
  }
  return stages(best).flatMap(([, moves]) => moves.flatMap((move) => moveOpcodes(nodes, instance, move)));
}

/**
 * Moves one instance and returns the opcodes of its job; the node table holds the result.
 * Throws EvacuationError and changes nothing when it can't be moved.
 */
export function evacuateInstance(
  target: EvacuationTarget,
  instance: Instance,
  mode: EvacuationMode,
  options: AlgorithmOptions,
): Opcode[] {
  const force = options.ignoreSoftErrors;
  const { template } = instance;
  if (template === 'plain' || template === 'file') {
    throw new EvacuationError(`Instances of type ${template} cannot be relocated`);
  }
  if (template !== 'drbd') {
    refuseSecondaryOnly(instance, mode);
    return changeOneNode(target, instance, force);
  }
  if (mode === 'secondary-only') return changeOneNode(target, instance, force);
  if (mode === 'all') return changeBothNodes(target, instance, force);
  const refused = applyMove(target.nodes, instance, failover, force);
  if (refused !== Refusal.none) throw new EvacuationError(refusalNames[refused]);
  return moveOpcodes(target.nodes, instance, failover);
}

export interface Evacuated {
  readonly moved: {
    readonly instance: Instance;
    readonly group: number;
    readonly nodes: readonly number[];
  }[];
  readonly failed: { readonly instance: Instance; readonly message: string }[];
  readonly jobs: Opcode[][];
}

export function noneEvacuated(): Evacuated {
  return { moved: [], failed: [], jobs: [] };
}

/** Notes what came of moving an instance. */
export function record(outcome: Evacuated, nodes: NodeTable, instance: Instance, move: () => Opcode[]): void {
  try {
    outcome.jobs.push(move());
    outcome.moved.push({ instance, group: nodes.group[instance.primary]!, nodes: instance.nodes });
  } catch (error) {
    if (!(error instanceof EvacuationError)) throw error;
    outcome.failed.push({ instance, message: error.message });
  }
}

/** The nodes to be left, for all the instances together. */
function nodesLeft(instances: readonly Instance[], mode: EvacuationMode): Set<number> {
  const left = new Set<number>();
  for (const instance of instances) {
    if (mode !== 'secondary-only') left.add(instance.primary);
    if (mode !== 'primary-only' && instance.hasSecondary) left.add(instance.secondary);
  }
  return left;
}

/** Moves the instances within their groups, off the nodes they are on. */
export function evacuateNodes(
  nodes: NodeTable,
  instances: readonly Instance[],
  mode: EvacuationMode,
  options: AlgorithmOptions,
): Evacuated {
  const outcome = noneEvacuated();
  const left = nodesLeft(instances, mode);
  for (const instance of instances) {
    const index = nodes.group[instance.primary];
    const group = nodes.order.filter((node) => nodes.group[node] === index);
    const available = group.filter(
      (node) => nodes.offline[node] === 0 && !left.has(node) && node !== instance.primary,
    );
    record(outcome, nodes, instance, () =>
      evacuateInstance({ nodes, group, available }, instance, mode, options),
    );
  }
  return outcome;
}
