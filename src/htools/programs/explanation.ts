/** The texts of --explain, on standard error: standard output stays what tools parse. */
import { AllocationError, type AllocationSituation, targetsFor } from '../core/allocation/allocate.ts';
import { type AllocationRequest, hasNetworks } from '../core/allocation/groups.ts';
import { situationOf } from '../core/balance/candidates.ts';
import { movesOf } from '../core/balance/general.ts';
import { type ExplainedPlaces, explainMoves, explainPlaces } from '../core/explain/explain.ts';
import type { Reason } from '../core/explain/reason.ts';
import type { NodeTable } from '../core/state/node-table.ts';
import type { AlgorithmOptions } from '../core/terms/algorithm-options.ts';
import {
  type Cluster,
  findByName,
  type Groups,
  groupNames,
  instanceNames,
  isSplit,
  type Part,
  splitByGroup,
} from '../core/terms/cluster.ts';
import { fixed } from '../core/terms/format.ts';
import type { Instance } from '../core/terms/instance.ts';
import { type Move, type MoveKind, refusalNames } from '../core/terms/vocabulary.ts';
import type { ProgramContext } from './program.ts';

/** The letters hbal prints for a move, without the node. */
const letters: Readonly<Record<MoveKind, string>> = {
  failover: 'f',
  'failover-to-any': 'fa',
  'replace-primary': 'f r f',
  'replace-secondary': 'r',
  'replace-and-failover': 'r f',
  'failover-and-replace': 'f r',
};

function amount({ cause, missing }: Reason): string {
  return missing === undefined ? cause : `${missing} ${cause}`;
}

function refusedBy(nodes: NodeTable, reason: Reason): string {
  return `${refusalNames[reason.refusal]}, ${nodes.name[reason.node]} as ${reason.role}: ${amount(reason)}`;
}

function sizeOf({ template, memory, disk, cpus }: Instance): string {
  return `${template}, ${memory} MiB memory, ${disk} MiB disk, ${cpus} VCPUs`;
}

/** Why no move of the instance is looked at; undefined when its moves are. */
function immobility(part: Part, instance: Instance, options: AlgorithmOptions): string | undefined {
  const { nodes } = part;
  if (instance.mirror === 'none' || instance.template === 'diskless') {
    return `instances of type ${instance.template} don't move`;
  }
  if (isSplit(nodes, instance)) return 'its nodes are in different groups';
  if (!instance.movable) return 'the options leave it where it is';
  if (!instance.autoBalance) return 'its auto_balance is off';
  if (options.evacuate && !instance.nodes.some((node) => nodes.offline[node] === 1)) {
    return 'none of its nodes is offline';
  }
  const { mirror, useSecondary } = situationOf(part, instance, options);
  if (mirror === 'external' && !options.instanceMoves) return 'moves of primaries are off';
  if (mirror === 'internal' && !options.diskMoves && !useSecondary) {
    return 'moves of disks are off and its secondary is not to be used';
  }
  return undefined;
}

/** Lines about the moves of an instance: by target node, moves with the same outcome together. */
function moveLines(
  part: Part,
  instance: Instance,
  moves: readonly Move[],
  score: number,
  options: AlgorithmOptions,
): string[] {
  const { nodes } = part;
  const rows = new Map<string, string[]>();
  for (const { move, outcome } of explainMoves(part, instance, moves, options)) {
    const text =
      'reason' in outcome
        ? refusedBy(nodes, outcome.reason)
        : `score ${fixed(outcome.score, 8)}, ${outcome.score < score ? 'better' : 'no better'}`;
    const key = `${nodes.name[move.target < 0 ? instance.secondary : move.target]}\n${text}`;
    rows.set(key, [...(rows.get(key) ?? []), letters[move.kind]]);
  }
  return [...rows].map(([key, kinds]) => {
    const [node, text] = key.split('\n');
    return `  ${node} (${kinds.join(', ')}): ${text}`;
  });
}

/** Says what each move of the instance would bring on the part as it is, or who refuses it. */
export function explainInstance(
  part: Part,
  instance: Instance,
  score: number,
  options: AlgorithmOptions,
  context: ProgramContext,
): void {
  const { nodes } = part;
  const place = instance.nodes.map((node) => nodes.name[node]).join(':');
  const blocked = immobility(part, instance, options);
  const lines =
    blocked === undefined
      ? moveLines(part, instance, movesOf(part, instance, options), score, options)
      : [`  not moved: ${blocked}`];
  const title = `Moves of ${instance.name} (${sizeOf(instance)}) off ${place}, score now ${fixed(score, 8)}:`;
  context.err([title, ...lines, ''].join('\n'));
}

/** Explains the named instances of a part, all of them when there are no names. */
export function explainInstances(
  part: Part,
  names: readonly string[],
  score: number,
  options: AlgorithmOptions,
  context: ProgramContext,
): void {
  if (names.length === 0) {
    for (const instance of part.instances) explainInstance(part, instance, score, options, context);
  }
  for (const name of names) {
    const instance = findByName(part.instances, instanceNames, name);
    if (instance === undefined)
      context.err(`No moves to explain: there is no instance ${name} in the group\n`);
    else explainInstance(part, instance, score, options, context);
  }
}

function placeLines(nodes: NodeTable, { tried, fitting, reasons }: ExplainedPlaces): string[] {
  const lines = reasons.map((reason) => {
    const least = reason.places > 1 && reason.missing !== undefined ? 'at least ' : '';
    const times = reason.places > 1 ? ` (${reason.places} places)` : '';
    const name = refusalNames[reason.refusal];
    return `  ${nodes.name[reason.node]} as ${reason.role}: ${name}, ${least}${amount(reason)}${times}`;
  });
  return [`  ${fitting} of ${tried} places fit`, ...lines];
}

/** Of one group, as lines. */
function linesOfGroup(
  situation: AllocationSituation,
  groups: Groups,
  { group: index, part }: ReturnType<typeof splitByGroup>[number],
  { instance, nodeCount }: AllocationRequest,
  options: AlgorithmOptions,
): string[] {
  const group = groups.get(index)!;
  if (group.allocationPolicy === 'unallocable') {
    return ['  not used: unallocable, or not redundant as it is'];
  }
  if (!hasNetworks(group, instance)) {
    return ['  not used: it is not connected to a network of the instance'];
  }
  try {
    const targets = targetsFor(part, groups, options, nodeCount, false);
    return placeLines(situation.nodes, explainPlaces(situation, targets, instance, options));
  } catch (error) {
    if (!(error instanceof AllocationError)) throw error;
    return [`  not used: ${error.message}`];
  }
}

/** Says which of the group's nodes refuse a new instance, and why. */
export function explainNew(
  situation: AllocationSituation,
  groups: Groups,
  request: AllocationRequest,
  options: AlgorithmOptions,
  context: ProgramContext,
): void {
  const { nodes, list } = situation;
  const { instance, group: wanted } = request;
  const only = wanted === undefined ? undefined : findByName(groups.values(), groupNames, wanted)?.index;
  context.err(`Places for ${instance.name} (${sizeOf(instance)}):\n`);
  for (const found of splitByGroup({ nodes, list, instances: [] })) {
    if (wanted !== undefined && found.group !== only) continue;
    context.err(` group ${groups.get(found.group)!.name}\n`);
    const lines = linesOfGroup(situation, groups, found, request, options);
    context.err(`${lines.join('\n')}\n`);
  }
}

/** Says which secondaries refuse a new instance on this primary. */
export function explainPair(
  situation: AllocationSituation,
  primary: number,
  secondaries: readonly number[],
  instance: Instance,
  options: AlgorithmOptions,
  context: ProgramContext,
): void {
  const targets = { kind: 'pair', pairs: [{ primary, secondaries }] } as const;
  const lines = placeLines(situation.nodes, explainPlaces(situation, targets, instance, options));
  context.err([`Secondaries for ${instance.name} (${sizeOf(instance)}):`, ...lines, ''].join('\n'));
}

/** Says how much memory the nodes that fail N+1 would need to pass. */
export function explainUnredundant(cluster: Cluster, bad: readonly number[], context: ProgramContext): void {
  const { nodes } = cluster;
  for (const node of bad) {
    const missing = nodes.reservedMemory[node]! - nodes.unallocatedMemory(node) + 1;
    context.err(`${nodes.name[node]} is not N+1 happy: ${missing} MiB of memory missing\n`);
  }
}
