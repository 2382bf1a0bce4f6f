/**
 * Which nodes could be switched off, or must be switched on, so that every node keeps room for an instance of
 * a given size (hsqueeze(1)).
 */
import { Balancer, type Step } from '../balance/balancer.ts';
import { type MoveJob, moveJob } from '../balance/plan.ts';
import { primaryRefused } from '../state/node-operations.ts';
import { defaultAlgorithmOptions } from '../terms/algorithm-options.ts';
import type { Part } from '../terms/cluster.ts';
import { type Instance, unplaced } from '../terms/instance.ts';
import type { InstanceSpec } from '../terms/policy.ts';
import { Refusal } from '../terms/vocabulary.ts';

/** An instance of `factor` times the given size. */
export function scaledInstance(factor: number, spec: InstanceSpec): Instance {
  return unplaced({
    name: 'targetInstance',
    memory: Math.floor(factor * spec.memory),
    disk: 0,
    disks: [],
    cpus: Math.floor(factor * spec.cpus),
    status: 'running',
    tags: [],
    autoBalance: false,
    template: 'ext',
    spindleUse: Math.floor(factor * spec.spindles),
    nics: [],
    forthcoming: false,
  });
}

/** Whether each node, also an offline one, would take the instance. */
export function allHaveRoom({ nodes, list }: Part, instance: Instance): boolean {
  return list.every((node) => primaryRefused(nodes, node, instance, false) === Refusal.none);
}

/** Balances to the end, whatever the gain; returns the steps. */
function balance(part: Part): Step[] {
  const balancer = new Balancer(part, { ...defaultAlgorithmOptions, minGain: 0, minGainLimit: 0 });
  const steps: Step[] = [];
  for (let step = balancer.step(); step !== undefined; step = balancer.step()) steps.push(step);
  return steps;
}

export type Switch = 'on' | 'off';

/** Switches nodes and balances; the part holds the result. Returns the moves in order. */
export function switchNodes(part: Part, switched: readonly number[], to: Switch): MoveJob[] {
  const { nodes } = part;
  for (const node of switched) nodes.offline[node] = to === 'off' ? 1 : 0;
  return balance(part).map(({ instance, before, placement }) => moveJob(nodes, instance, before, placement));
}

/** Acts on switched nodes and takes everything back. */
function withSwitched<T>(part: Part, switched: readonly number[], to: Switch, act: () => T): T {
  const { nodes } = part;
  const offline = nodes.offline.slice();
  const mark = nodes.mark();
  switchNodes(part, switched, to);
  const result = act();
  nodes.rollback(mark);
  nodes.offline.set(offline);
  return result;
}

function suffices(part: Part, room: Instance, switched: readonly number[], to: Switch): boolean {
  return withSwitched(
    part,
    switched,
    to,
    () =>
      part.instances.every((instance) => part.nodes.offline[instance.primary] === 0) &&
      allHaveRoom(part, room),
  );
}

/** The nodes that can be off together, tried from the last candidate to the first. */
export function nodesToSwitchOff(part: Part, room: Instance, candidates: readonly number[]): number[] {
  let chosen: number[] = [];
  for (const node of candidates.toReversed()) {
    if (suffices(part, room, [node, ...chosen], 'off')) chosen = [node, ...chosen];
  }
  return chosen;
}

/** The fewest first candidates that give enough room when on; undefined when not even all do. */
export function nodesToSwitchOn(
  part: Part,
  room: Instance,
  candidates: readonly number[],
): number[] | undefined {
  for (let count = 0; count <= candidates.length; count++) {
    const chosen = candidates.slice(0, count);
    if (suffices(part, room, chosen, 'on')) return chosen;
  }
  return undefined;
}
