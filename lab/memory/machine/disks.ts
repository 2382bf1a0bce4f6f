/** Node calls about disks, for nodes in memory: volumes, mirrors, and which of them are up. */
import { Failure } from '../../../src/kit/failure.ts';
import type { DiskOnNode } from '../../../src/noderpc/calls/shapes.ts';
import type { Handler, MachineState } from './machine.ts';

const idOf = (disk: { readonly logical_id?: unknown }) => JSON.stringify(disk.logical_id);

function volumesOf({ disk }: DiskOnNode): { readonly id: string; readonly size: number }[] {
  const lower = disk.children ?? [];
  return lower.length > 0
    ? lower.map((child) => ({ id: idOf(child), size: child.size }))
    : [{ id: idOf(disk), size: disk.size }];
}

function requireVolumes(machine: MachineState, disk: DiskOnNode): void {
  for (const { id } of volumesOf(disk)) {
    if (!machine.volumes.has(id)) throw new Failure('BlockDeviceError', [`volume ${id} not found`]);
  }
}

/** Renamed already: fine. */
function renameVolume(machine: MachineState, from: string, to: string): void {
  if (from === to || (!machine.volumes.has(from) && machine.volumes.has(to))) return;
  const size = machine.volumes.get(from);
  if (size === undefined) throw new Failure('BlockDeviceError', [`volume ${from} not found`]);
  if (machine.volumes.has(to)) throw new Failure('BlockDeviceError', [`volume ${to} exists`]);
  machine.volumes.delete(from);
  machine.volumes.set(to, size);
  if (machine.open.delete(from)) machine.open.add(to);
  const info = machine.info.get(from);
  if (info === undefined) return;
  machine.info.delete(from);
  machine.info.set(to, info);
}

export const diskHandlers: Readonly<Record<string, Handler>> = {
  blockdev_create: (
    machine,
    { disk, info, onPrimary }: { disk: DiskOnNode; info: string; onPrimary: boolean },
  ) => {
    for (const { id, size } of volumesOf(disk)) {
      machine.volumes.set(id, size);
      machine.info.set(id, info);
      // A new mirror runs from its first moment.
      if (disk.disk.children?.length) machine.open.add(id);
    }
    if (disk.disk.children?.length) machine.active.set(disk.disk.uuid, onPrimary ? 'primary' : 'secondary');
    return null;
  },
  blockdev_remove: (machine, { disk }: { disk: DiskOnNode }) => {
    machine.active.delete(disk.disk.uuid);
    machine.images.delete(disk.disk.uuid);
    for (const { id } of volumesOf(disk)) {
      machine.volumes.delete(id);
      machine.info.delete(id);
      machine.open.delete(id);
    }
    return null;
  },
  blockdev_assemble: (machine, { disk, asPrimary }: { disk: DiskOnNode; asPrimary: boolean }) => {
    requireVolumes(machine, disk);
    for (const { id } of volumesOf(disk)) machine.open.add(id);
    machine.active.set(disk.disk.uuid, asPrimary ? 'primary' : 'secondary');
    // A mirror that stands alone looks for its other side again, and one that offered it to write no longer does.
    if (['standalone', 'dual'].includes(machine.connection.get(disk.disk.uuid) ?? ''))
      machine.connection.delete(disk.disk.uuid);
    return { path: `/memory/${disk.disk.uuid}`, link: null, uri: null };
  },
  blockdev_shutdown: (machine, { disk }: { disk: DiskOnNode }) => {
    for (const { id } of volumesOf(disk)) machine.open.delete(id);
    machine.active.delete(disk.disk.uuid);
    machine.connection.delete(disk.disk.uuid);
    machine.paused.delete(disk.disk.uuid);
    return null;
  },
  blockdev_open: (machine, { disks }: { disks: DiskOnNode[] }) => {
    for (const { disk } of disks) machine.active.set(disk.uuid, 'primary');
    return null;
  },
  blockdev_close: (machine, { disks }: { disks: DiskOnNode[] }) => {
    for (const { disk } of disks)
      if (machine.active.has(disk.uuid)) machine.active.set(disk.uuid, 'secondary');
    return null;
  },
  blockdev_rename: (
    machine,
    { renames }: { renames: { disk: DiskOnNode; logicalId: (string | number | null)[] }[] },
  ) => {
    for (const { disk, logicalId } of renames)
      renameVolume(machine, idOf(disk.disk), JSON.stringify(logicalId));
    return null;
  },
  blockdev_image: (machine, { disk, image }: { disk: DiskOnNode; image: string }) => {
    if (machine.active.get(disk.disk.uuid) !== 'primary')
      throw new Failure('BlockDeviceError', [`disk ${disk.disk.uuid} is not ready`]);
    machine.images.set(disk.disk.uuid, image);
    return null;
  },
  image_size: (_machine, { image }: { image: string }) => {
    if (image.startsWith('/nowhere')) throw new Failure('BlockDeviceError', [`Image '${image}' not found`]);
    return { bytes: 5 * 1024 ** 2 + 1 };
  },
  blockdev_setinfo: (machine, { disk, info }: { disk: DiskOnNode; info: string }) => {
    requireVolumes(machine, disk);
    for (const { id } of volumesOf(disk)) machine.info.set(id, info);
    return null;
  },
  drbd_disconnect_net: (machine, { disks }: { disks: DiskOnNode[] }) => {
    for (const { disk } of disks) machine.connection.set(disk.uuid, 'standalone');
    return null;
  },
  drbd_attach_net: (machine, { disks, multiMaster }: { disks: DiskOnNode[]; multiMaster: boolean }) => {
    for (const { disk } of disks) {
      if (multiMaster) machine.connection.set(disk.uuid, 'dual');
      else machine.connection.delete(disk.uuid);
    }
    return null;
  },
  blockdev_addchildren: (machine, { disk, children }: { disk: DiskOnNode; children: DiskOnNode[] }) => {
    if (!machine.active.has(disk.disk.uuid)) throw new Failure('BlockDeviceError', ['mirror is not active']);
    for (const child of children) requireVolumes(machine, child);
    for (const child of children) machine.open.add(idOf(child.disk));
    return null;
  },
  blockdev_removechildren: (machine, { children }: { children: DiskOnNode[] }) => {
    for (const child of children) machine.open.delete(idOf(child.disk));
    return null;
  },
  blockdev_grow: (
    machine,
    {
      disk,
      amount,
      dryRun,
      backingStore,
    }: { disk: DiskOnNode; amount: number; dryRun: boolean; backingStore: boolean },
  ) => {
    requireVolumes(machine, disk);
    const [data] = volumesOf(disk);
    if (!dryRun && backingStore) machine.volumes.set(data!.id, data!.size + amount);
    return null;
  },
  blockdev_getdimensions: (machine, { disks }: { disks: DiskOnNode[] }) =>
    disks.map((disk) => {
      const size = machine.volumes.get(volumesOf(disk)[0]!.id);
      return size === undefined ? null : { bytes: size * 1024 * 1024, spindles: null };
    }),
  blockdev_convert: (machine, { source, target }: { source: DiskOnNode; target: DiskOnNode }) => {
    for (const { disk } of [source, target])
      if (machine.active.get(disk.uuid) !== 'primary')
        throw new Failure('BlockDeviceError', [`disk ${disk.uuid} is not ready`]);
    for (const { id } of volumesOf(target)) machine.info.set(id, `copy of ${idOf(source.disk)}`);
    return null;
  },
  blockdev_wipe: (machine, { disk }: { disk: DiskOnNode }) => {
    if (!machine.active.has(disk.disk.uuid)) throw new Failure('BlockDeviceError', ['device not found']);
    return null;
  },
  blockdev_pause_resume_sync: (machine, { disks, pause }: { disks: DiskOnNode[]; pause: boolean }) => {
    for (const { disk } of disks) {
      if (pause) machine.paused.add(disk.uuid);
      else machine.paused.delete(disk.uuid);
    }
    return null;
  },
  drbd_wait_sync: () => ({ done: true, syncPercent: null }),
  blockdev_getmirrorstatus: (machine, { disks }: { disks: DiskOnNode[] }) =>
    disks.map((disk) => statusOf(machine, disk)),
  blockdev_find: (machine, { disk }: { disk: DiskOnNode }) => statusOf(machine, disk),
};

function statusOf(machine: MachineState, request: DiskOnNode): unknown {
  const { disk } = request;
  const isMirror = (disk.children ?? []).length > 0;
  if (isMirror ? !machine.active.has(disk.uuid) : !machine.volumes.has(idOf(disk))) return null;
  const connection = machine.connection.get(disk.uuid);
  const isApart = connection !== undefined && connection !== 'dual';
  const isWhole = !isMirror || volumesOf(request).every(({ id }) => machine.open.has(id));
  return {
    path: `/memory/${disk.uuid}`,
    major: null,
    minor: null,
    syncPercent: null,
    estimatedTime: null,
    degraded: !isWhole || isApart,
    localDisk: isWhole ? 'okay' : 'faulty',
    children: [],
    details: isMirror
      ? { connected: !isApart, ...(connection === 'refused' ? { trouble: 'split brain' } : {}) }
      : {},
  };
}
