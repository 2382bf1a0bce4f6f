/**
 * Stranded steps on disks. A volume goes when no instance has it; a device goes down when nobody wants it up; it
 * comes up again only when the configuration still says so. The drivers look once more: one that finds another
 * disk's device behind a minor leaves it alone.
 */
import type { Configuration } from '../../model/configuration.ts';
import type { DiskOnNode } from '../../noderpc/calls/shapes.ts';
import type { World } from '../operation.ts';
import {
  activateDisks,
  createVolume,
  deactivateDisks,
  pauseSync,
  raiseMirror,
  renameVolumes,
  setDiskInfo,
  volumeInfo,
} from '../steps/disks.ts';
import { leaveSecondary, swapStorage } from '../steps/replace.ts';
import {
  holderOf,
  homesOf,
  later,
  lateUndo,
  minorHolders,
  ownDisk,
  sameId,
  settled,
  undo,
  userOf,
} from './rule.ts';

/** Owners of the disks, then and now, and whoever has something that looks the same. */
function concerned(configuration: Configuration, disks: readonly DiskOnNode[], node: string): string[] {
  const now = disks.flatMap(({ disk }) => holderOf(configuration, disk.uuid) ?? []);
  return [
    ...disks.map(({ owner }) => owner),
    ...[...now, ...minorHolders(configuration, disks, node)].map(({ name }) => name),
  ];
}

/** A job that is under way has reserved what the disk has: it must end first. */
function isReserved({ config }: World, disks: readonly DiskOnNode[], owner: string): boolean {
  return disks.some(({ disk }) => config.reservations.othersOf(owner, disk).length > 0);
}

const reservedByOthers = 'a job that is under way has reserved its name or minor';

const wholesale = (disks: readonly DiskOnNode[]) => disks.map(({ disk }) => disk);

const volume = lateUndo(createVolume, {
  nodes: ({ node }) => [node],
  instances: (configuration, { node, disk }) => concerned(configuration, [disk], node),
  disks: ({ disk }) => [disk.disk],
  judge: (world, { node, disk }, owner) => {
    const user = userOf(world.config.current, disk.disk, node);
    if (user !== undefined) return settled(`instance ${user.name} has its volume`);
    return isReserved(world, [disk], owner) ? later(reservedByOthers) : undo;
  },
});

const activation = lateUndo(activateDisks, {
  nodes: ({ node }) => [node],
  instances: (configuration, { node, disks }) => concerned(configuration, disks, node),
  disks: ({ disks, before }) => (before === 'inactive' ? wholesale(disks) : []),
  judge: (world, { node, disks, before }, owner) => {
    const { current } = world.config;
    if (before === 'primary') return settled('nothing was changed');
    for (const disk of disks) {
      const holder = holderOf(current, disk.disk.uuid);
      if (holder === undefined || !homesOf(current, holder).includes(node)) continue;
      if (before === 'inactive' && holder.disks_active)
        return settled(`the disks of ${holder.name} are active by now`);
      if (before === 'secondary' && holder.primary_node === node)
        return settled(`the node is the primary of ${holder.name}`);
    }
    if (isReserved(world, disks, owner)) return later(reservedByOthers);
    return undo;
  },
});

const deactivation = lateUndo(deactivateDisks, {
  nodes: ({ node }) => [node],
  instances: (configuration, { node, disks }) => concerned(configuration, disks, node),
  judge: ({ config: { current } }, { node, disks, wasPrimary }) => {
    for (const disk of disks) {
      const holder = holderOf(current, disk.disk.uuid);
      if (holder === undefined || ownDisk(current, disk, node) === undefined)
        return settled('the disk is not on the node any more');
      if (!holder.disks_active || (holder.primary_node === node) !== wasPrimary)
        return settled(`the disks of ${holder.name} need not be active there any more`);
    }
    return undo;
  },
});

const mirror = lateUndo(raiseMirror, {
  nodes: ({ node }) => [node],
  instances: (configuration, { node, disk }) => concerned(configuration, [disk], node),
  disks: ({ disk }) => [disk.disk],
  judge: (world, { node, disk }, owner) => {
    if (ownDisk(world.config.current, disk, node) !== undefined) return settled('the mirror is in use');
    return isReserved(world, [disk], owner) ? later(reservedByOthers) : undo;
  },
});

const renaming = lateUndo(renameVolumes, {
  nodes: ({ node }) => [node],
  instances: (configuration, { node, renames }) =>
    concerned(
      configuration,
      renames.map(({ disk }) => disk),
      node,
    ),
  judge: ({ config: { current } }, { renames }) => {
    const known = current.disks.values().flatMap((disk) => [disk, ...(disk.children ?? [])]);
    const wanted = (id: readonly unknown[] | null | undefined) =>
      known.some((disk) => sameId(disk, { logical_id: (id ?? []) as string[] }));
    if (renames.some(({ logicalId }) => wanted(logicalId))) return settled('the new names are in use');
    return renames.every(({ disk }) => wanted(disk.disk.logical_id))
      ? undo
      : settled('the disks have other names by now');
  },
});

const text = lateUndo(setDiskInfo, {
  nodes: ({ node }) => [node],
  instances: (configuration, { node, disk }) => concerned(configuration, [disk], node),
  judge: ({ config: { current } }, { node, disk, before }) => {
    const holder = holderOf(current, disk.disk.uuid);
    if (holder === undefined || ownDisk(current, disk, node) === undefined)
      return settled('the disk is not on the node any more');
    return before === volumeInfo(holder.name) ? undo : settled('the instance has another name by now');
  },
});

const copying = lateUndo(pauseSync, {
  nodes: ({ node }) => [node],
  instances: (configuration, { node, disks }) => concerned(configuration, disks, node),
  judge: ({ config: { current } }, { node, disks, pause }) => {
    if (!pause) return settled('mirrors that copy are never stopped afterwards');
    return disks.every(
      (disk) => ownDisk(current, disk, node) && holderOf(current, disk.disk.uuid)?.disks_active,
    )
      ? undo
      : settled('the mirror is not active there any more');
  },
});

const swap = lateUndo(swapStorage, {
  nodes: ({ node }) => [node],
  instances: (configuration, { node, disk }) => concerned(configuration, [disk], node),
  judge: ({ config: { current } }, { node, disk, asPrimary }) => {
    const holder = holderOf(current, disk.disk.uuid);
    if (holder === undefined || ownDisk(current, disk, node) === undefined)
      return settled('the mirror is not on the node any more');
    if (!holder.disks_active || (holder.primary_node === node) !== asPrimary)
      return later(`the mirror is not as it was: activate the disks of ${holder.name}`);
    return undo;
  },
});

const parting = lateUndo(leaveSecondary, {
  nodes: ({ primary }) => [primary],
  instances: (configuration, { primary, disks }) => concerned(configuration, disks, primary),
  judge: ({ config: { current } }, { primary, disks }) => {
    const isAsBefore = disks.every((disk) => {
      const holder = holderOf(current, disk.disk.uuid);
      return ownDisk(current, disk, primary) && holder?.disks_active && holder.primary_node === primary;
    });
    return isAsBefore ? undo : settled('the mirror has another place by now');
  },
});

export const diskRules = [volume, activation, deactivation, mirror, renaming, text, copying, swap, parting];
