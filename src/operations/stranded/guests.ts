/**
 * Stranded steps on guests. One that shouldn't run is stopped; one that should run is started by the watcher, which
 * knows that it runs nowhere else. A move is called off or completed by what both of its nodes say.
 */
import type { InstanceOnNode } from '../../noderpc/calls/shapes.ts';
import type { World } from '../operation.ts';
import { balloon, hotplugDevice, makeOsPackage, startInstance, stopInstance } from '../steps/instance.ts';
import {
  acceptOnTarget,
  completeMove,
  connectDualPrimary,
  isStillThere,
  type Move,
  shareDisks,
  transferGuest,
} from '../steps/migration.ts';
import { meetSecondary } from '../steps/replace.ts';
import { homesOf, lateUndo, settled, undo } from './rule.ts';

/** A helper virtual machine has a disk that the instance never had: nobody wants it to run. */
const isHelper = ({ name, disks }: InstanceOnNode) => disks.some(({ owner }) => owner !== name);

const start = lateUndo(startInstance, {
  nodes: ({ node }) => [node],
  instances: (_configuration, { instance }) => [instance.name],
  judge: ({ config: { current } }, { node, instance, wasRunning }) => {
    if (wasRunning) return settled('it ran before');
    const namesake = current.instances.byName(instance.name);
    if (namesake === undefined) return undo;
    if (namesake.uuid !== instance.uuid && namesake.primary_node === node)
      return settled('another instance has its name by now');
    if (isHelper(instance)) return undo;
    return namesake.admin_state === 'up' && namesake.primary_node === node
      ? settled('it should run there')
      : undo;
  },
});

const stop = lateUndo(stopInstance, {
  nodes: () => [],
  instances: (_configuration, { instance }) => [instance.name],
  judge: () => settled('what should run is started by the watcher'),
});

const memory = lateUndo(balloon, {
  nodes: () => [],
  instances: (_configuration, { instance }) => [instance.name],
  judge: () => settled("the memory that a guest has now is its next start's again"),
});

const device = lateUndo(hotplugDevice, {
  nodes: ({ node }) => [node],
  instances: (_configuration, { instance }) => [instance.name],
  judge: ({ config: { current } }, { node, instance, action, target, device: uuid }) => {
    const found = current.instances.get(instance.uuid);
    if (found === undefined || found.primary_node !== node)
      return settled('the guest has another place by now');
    const has = target === 'disk' ? found.disks.includes(uuid) : found.nics.some((nic) => nic.uuid === uuid);
    if (action === 'modify') return settled('a device that was changed is as it was at its next start');
    return has === (action === 'remove') ? undo : settled('the guest has its devices as it should');
  },
});

/** A move is taken up again only while the instance lives on the two nodes between which it went. */
function judgeMove({ config: { current } }: World, move: Move) {
  const instance = current.instances.get(move.uuid);
  if (instance === undefined) return settled('the instance has gone');
  const homes = homesOf(current, instance);
  const isBetween = move.internal
    ? homes.includes(move.source) && homes.includes(move.target)
    : homes.includes(move.source) || homes.includes(move.target);
  const disks = move.sourceDisks.map(({ disk }) => disk.uuid);
  if (!isBetween || disks.some((uuid) => !instance.disks.includes(uuid)))
    return settled('the instance has other nodes or disks by now');
  return instance.disks_active || disks.length === 0 ? undo : settled('the instance is stopped by now');
}

/** There is no way back for a guest that has arrived, but an end: then the disks are whoever's who runs it now. */
async function judgeArrival(world: World, move: Move) {
  const verdict = judgeMove(world, move);
  if (verdict.kind !== 'undo' || (await isStillThere(world, move))) return verdict;
  return settled('the guest is not where it had arrived any more');
}

const nodesOfMove = ({ source, target }: Move) => [source, target];
const nameOfMove = (_configuration: unknown, { name }: Move) => [name];
const ofMove = { nodes: nodesOfMove, instances: nameOfMove, judge: judgeMove };

const osPackage = lateUndo(makeOsPackage({}), {
  nodes: ({ node }) => [node],
  instances: (_configuration, { instance }) => [instance.name],
  judge: () => undo,
});

const meeting = lateUndo(meetSecondary, {
  nodes: () => [],
  instances: (_configuration, { onPrimary }) => onPrimary.map(({ owner }) => owner),
  judge: () => settled('mirrors that have lost each other are brought together by verify-disks'),
});

export const guestRules = [
  start,
  stop,
  memory,
  device,
  osPackage,
  meeting,
  lateUndo(shareDisks, ofMove),
  lateUndo(connectDualPrimary, ofMove),
  lateUndo(acceptOnTarget, ofMove),
  lateUndo(transferGuest(), ofMove),
  lateUndo(completeMove, { ...ofMove, judge: judgeArrival }),
];
