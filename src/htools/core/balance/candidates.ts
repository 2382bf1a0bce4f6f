/**
 * Which moves a balancing round looks at, and in which order. The order matters: of moves with equal score
 * the first one is taken.
 */
import type { AlgorithmOptions } from '../terms/algorithm-options.ts';
import type { Part } from '../terms/cluster.ts';
import type { Instance } from '../terms/instance.ts';
import type { Mirror, Move, MoveKind } from '../terms/vocabulary.ts';

/** A step of a plan: where the instance is afterwards and the score of the cluster then. */
export interface Placement {
  readonly instance: number;
  readonly primary: number;
  readonly secondary: number;
  readonly move: Move;
  readonly score: number;
}

/** Instances that may move. */
export function movableInstances(part: Part, options: AlgorithmOptions): Instance[] {
  const { nodes } = part;
  const listedOffline = new Set(part.list.filter((node) => nodes.offline[node] === 1));
  const onDead = (instance: Instance) => instance.nodes.some((node) => listedOffline.has(node));
  return part.instances.filter(
    (instance) => instance.movable && instance.autoBalance && (!options.evacuate || onDead(instance)),
  );
}

export interface MoveSituation {
  readonly mirror: Mirror;
  /** The secondary is online and instances may change their primary. */
  readonly useSecondary: boolean;
  readonly primaryOffline: boolean;
}

/** Kinds of moves that bring in a new node, in the order they are tried for each node. */
export function targetKinds(situation: MoveSituation, options: AlgorithmOptions): readonly MoveKind[] {
  const { mirror, useSecondary, primaryOffline } = situation;
  if (mirror === 'none') return [];
  if (mirror === 'external') return options.instanceMoves ? ['failover-to-any'] : [];
  if (!options.diskMoves) return [];
  if (!options.instanceMoves) return ['replace-secondary'];
  if (options.restrictedMigration && !primaryOffline) return ['replace-secondary'];
  if (!useSecondary) return ['replace-secondary', 'replace-and-failover'];
  if (options.restrictedMigration) {
    return ['replace-secondary', 'replace-and-failover', 'failover-and-replace'];
  }
  return ['replace-secondary', 'replace-and-failover', 'replace-primary', 'failover-and-replace'];
}

export function situationOf(part: Part, instance: Instance, options: AlgorithmOptions): MoveSituation {
  const { nodes } = part;
  const secondary = instance.secondary;
  const online = secondary >= 0 && part.list.includes(secondary) && nodes.offline[secondary] === 0;
  return {
    mirror: instance.mirror,
    useSecondary: online && options.instanceMoves,
    primaryOffline: nodes.offline[instance.primary] === 1,
  };
}
