/**
 * Applying a move: the checks and changes of each kind, in Ganeti's order, so that a refusal has the reason
 * Ganeti gives. A move that is refused leaves nothing changed.
 */
import type { Instance } from '../terms/instance.ts';
import { type Move, Refusal } from '../terms/vocabulary.ts';
import {
  addPrimary,
  addSecondary,
  migrationRefused,
  removePrimary,
  removeSecondary,
  sharedLocations,
} from './node-operations.ts';
import type { NodeTable } from './node-table.ts';

type Apply = (nodes: NodeTable, instance: Instance, target: number, force: boolean) => Refusal;

function applyFailover(nodes: NodeTable, instance: Instance, _target: number, force: boolean): Refusal {
  const { primary, secondary, locationScore } = instance;
  const dead = nodes.offline[primary] === 1;
  removePrimary(nodes, primary, instance, locationScore);
  removeSecondary(nodes, secondary, instance, primary);
  const refused =
    migrationRefused(nodes, primary, secondary) ||
    addPrimary(nodes, secondary, instance, locationScore, dead || force) ||
    addSecondary(nodes, primary, instance, secondary, { force: dead || force, ignoreDisk: dead });
  nodes.place(instance, secondary, primary, locationScore);
  return refused;
}

function applyFailoverToAny(nodes: NodeTable, instance: Instance, target: number, force: boolean): Refusal {
  const { primary, secondary, locationScore } = instance;
  const refused =
    migrationRefused(nodes, primary, target) ||
    addPrimary(nodes, target, instance, locationScore, nodes.offline[primary] === 1 || force);
  if (refused !== Refusal.none) return refused;
  removePrimary(nodes, primary, instance, locationScore);
  nodes.place(instance, target, secondary, locationScore);
  return Refusal.none;
}

/** The secondary carries the instance while its disks move to the new primary. */
function passThrough(
  nodes: NodeTable,
  node: number,
  instance: Instance,
  shared: number,
  force: boolean,
): Refusal {
  const refused = addPrimary(nodes, node, instance, shared, force);
  if (refused === Refusal.none) removePrimary(nodes, node, instance, shared);
  return refused;
}

function applyReplacePrimary(nodes: NodeTable, instance: Instance, target: number, force: boolean): Refusal {
  const { primary, secondary, locationScore } = instance;
  const shared = sharedLocations(nodes, target, secondary);
  const forced = nodes.offline[primary] === 1 || force;
  removePrimary(nodes, primary, instance, locationScore);
  removeSecondary(nodes, secondary, instance, primary);
  const refused =
    migrationRefused(nodes, primary, secondary) ||
    migrationRefused(nodes, secondary, target) ||
    passThrough(nodes, secondary, instance, shared, forced) ||
    addPrimary(nodes, target, instance, shared, forced) ||
    addSecondary(nodes, secondary, instance, target, { force: forced });
  nodes.place(instance, target, secondary, shared);
  return refused;
}

function applyReplaceSecondary(
  nodes: NodeTable,
  instance: Instance,
  target: number,
  force: boolean,
): Refusal {
  const { primary, secondary, locationScore } = instance;
  const shared = sharedLocations(nodes, primary, target);
  const forced = nodes.offline[secondary] === 1 || force;
  removePrimary(nodes, primary, instance, locationScore);
  removeSecondary(nodes, secondary, instance, primary);
  const refused =
    addSecondary(nodes, target, instance, primary, { force: forced }) ||
    addPrimary(nodes, primary, instance, shared, true);
  nodes.place(instance, primary, target, shared);
  return refused;
}

function applyReplaceAndFailover(
  nodes: NodeTable,
  instance: Instance,
  target: number,
  force: boolean,
): Refusal {
  const { primary, secondary, locationScore } = instance;
  const shared = sharedLocations(nodes, target, primary);
  const forced = nodes.offline[secondary] === 1 || force;
  removePrimary(nodes, primary, instance, locationScore);
  removeSecondary(nodes, secondary, instance, primary);
  const refused =
    migrationRefused(nodes, primary, target) ||
    addPrimary(nodes, target, instance, shared, force) ||
    addSecondary(nodes, primary, instance, target, { force: forced });
  nodes.place(instance, target, primary, shared);
  return refused;
}

function applyFailoverAndReplace(
  nodes: NodeTable,
  instance: Instance,
  target: number,
  force: boolean,
): Refusal {
  const { primary, secondary, locationScore } = instance;
  const shared = sharedLocations(nodes, secondary, target);
  const forced = nodes.offline[primary] === 1 || force;
  removePrimary(nodes, primary, instance, locationScore);
  removeSecondary(nodes, secondary, instance, primary);
  const refused =
    migrationRefused(nodes, primary, secondary) ||
    addPrimary(nodes, secondary, instance, shared, forced) ||
    addSecondary(nodes, target, instance, secondary, { force: forced });
  nodes.place(instance, secondary, target, shared);
  return refused;
}

const kinds: Readonly<Record<Move['kind'], Apply>> = {
  failover: applyFailover,
  'failover-to-any': applyFailoverToAny,
  'replace-primary': applyReplacePrimary,
  'replace-secondary': applyReplaceSecondary,
  'replace-and-failover': applyReplaceAndFailover,
  'failover-and-replace': applyFailoverAndReplace,
};

/** Applies the move, or refuses it and changes nothing. `force` skips soft checks. */
export function applyMove(nodes: NodeTable, instance: Instance, move: Move, force: boolean): Refusal {
  // A broken description of a cluster can have mirrored instances without a mirror.
  if (instance.secondary < 0 && move.kind !== 'failover-to-any') return Refusal.disk;
  const mark = nodes.mark();
  const refused = kinds[move.kind](nodes, instance, move.target, force);
  if (refused === Refusal.none) nodes.release(mark);
  else nodes.rollback(mark);
  return refused;
}
