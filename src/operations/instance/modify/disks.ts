/**
 * Changes of an instance's disks, planned: each with the instance and its disks before and after, everything
 * named. Volumes of removed disks go at the very end, when all else has succeeded.
 */
import { posix } from 'node:path';
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import type { Configuration } from '../../../model/configuration.ts';
import { disksOf, nodesOf, secondariesOf } from '../../../model/lookup.ts';
import type { Disk } from '../../../model/objects/disk.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import type { DeviceChange } from '../../../opcodes/values.ts';
import { storageAbout } from '../../../storage/catalog.ts';
import { primaryOf } from '../../checks.ts';
import type { PlanContext } from '../../operation.ts';
import { addition, difference, type ObjectChange, removal } from '../../steps/changes.ts';
import { requireDiskSpace } from '../create-checks.ts';
import { type DiskRequest, fileStorageFolder, layDisksOut, wantedDisk } from '../plan-disks.ts';
import {
  diskToAttach,
  hasExclusiveStorage,
  modifiedDisk,
  requireSpindles,
  templateOfNew,
} from './disk-requests.ts';
import {
  inserted,
  placeFor,
  positionOf,
  replaced,
  requireGoodNames,
  requireNoSettings,
  without,
} from './items.ts';
import type { Told } from './nics.ts';

/** Most disks of one instance (constants.MAX_DISKS). */
const mostDisks = 16;

/** An instance and its disks at one moment. */
export interface Layout {
  readonly instance: Instance;
  readonly disks: readonly Disk[];
}

export interface DiskAction {
  readonly kind: 'add' | 'attach' | 'modify' | 'detach' | 'remove';
  readonly index: number;
  /** The disk before and after it; the same object where it doesn't change. */
  readonly disk: Disk;
  readonly result: Disk;
  readonly before: Layout;
  readonly after: Layout;
  readonly changes: readonly ObjectChange[];
  readonly told: readonly Told[];
}

export interface DiskWishes {
  readonly changes: readonly DeviceChange<DiskRequest>[];
  readonly fileDriver: string | null;
  readonly fileStorageDir: string | null;
  readonly waitForSync: boolean;
}

/** The disks under the names that their positions give them. */
function numbered(disks: readonly Disk[]): Disk[] {
  return disks.map((disk, index) => {
    const iv_name = `disk/${index}`;
    return disk.iv_name === iv_name ? disk : { ...disk, iv_name };
  });
}

function layoutWith({ instance }: Layout, disks: readonly Disk[]): Layout {
  return { instance: { ...instance, disks: disks.map((disk) => disk.uuid) }, disks: numbered(disks) };
}

/** What becomes of the objects in the configuration; a disk that is left over is attached to nobody. */
function changesBetween(before: Layout, after: Layout, left?: Disk): ObjectChange[] {
  const old = new Map(before.disks.map((disk) => [disk.uuid, disk]));
  return [
    ...difference('instances', before.instance, after.instance),
    ...after.disks.flatMap((disk) => {
      const was = old.get(disk.uuid);
      return was === undefined ? [] : difference('disks', was, disk);
    }),
    ...(left === undefined ? [] : difference('disks', old.get(left.uuid)!, left)),
  ];
}

/** A file's path within the instance's folder, or beside it when `owner` is null. */
function movedFile(context: PlanContext, disk: Disk, owner: Instance | null, wishes: DiskWishes): Disk {
  const about = storageAbout(disk.dev_type);
  const [driver, path] = disk.logical_id ?? [];
  if (!about.fileBased || typeof path !== 'string' || !posix.isAbsolute(path) || driver === undefined)
    return disk;
  const folder =
    owner === null
      ? posix.dirname(posix.dirname(path))
      : fileStorageFolder(context.configuration, about, {
          template: about.name,
          fileDriver: null,
          fileStorageDir: wishes.fileStorageDir,
          instanceName: owner.name,
          nodes: disk.nodes,
        });
  return { ...disk, logical_id: [driver, posix.join(folder!, posix.basename(path))] };
}

interface Planner {
  readonly context: PlanContext;
  readonly wishes: DiskWishes;
  readonly exclusive: boolean;
}

type Change = DeviceChange<DiskRequest>;

function add({ context, wishes, exclusive }: Planner, before: Layout, change: Change): DiskAction {
  const { configuration } = context;
  const { instance } = before;
  const index = placeFor('disk', change.target, before.disks.length);
  const template = templateOfNew(configuration, instance, change.options);
  const about = storageAbout(template);
  const { dev_type: _, ...request } = change.options;
  requireSpindles(request, exclusive, true);
  requireActiveOrWait(instance, wishes, 'add');
  const group = configuration.nodegroups.get(primaryOf(configuration, instance).group);
  const nodes = [instance.primary_node, ...secondariesOf(configuration, instance)];
  const defaults = {
    template,
    fileDriver: wishes.fileDriver,
    fileStorageDir: wishes.fileStorageDir,
    instanceName: instance.name,
    nodes,
    firstIndex: index,
  };
  const [disk] = layDisksOut(context, defaults, [wantedDisk(configuration, about, request, group)]);
  const after = layoutWith(before, inserted(before.disks, index, disk!));
  return {
    kind: 'add',
    index,
    disk: disk!,
    result: disk!,
    before,
    after,
    changes: [addition('disks', disk!), ...changesBetween(before, after)],
    told: [[`disk/${index}`, `add:size=${disk!.size},mode=${disk!.mode}`]],
  };
}

/** A mirror that is still filling must not be taken down again. */
function requireActiveOrWait(instance: Instance, wishes: DiskWishes, action: string): void {
  if (wishes.waitForSync || instance.disks_active) return;
  throw prerequisiteFailure(
    `Can't ${action} a disk to an instance with deactivated disks and --no-wait-for-sync given`,
    ErrorCode.invalid,
  );
}

function attach(planner: Planner, before: Layout, change: Change): DiskAction {
  const { context, wishes } = planner;
  const index = placeFor('disk', change.target, before.disks.length);
  requireActiveOrWait(before.instance, wishes, 'attach');
  const disk = diskToAttach(context.configuration, before.instance, change.options);
  const moved = movedFile(context, disk, before.instance, wishes);
  const after = layoutWith(before, inserted(before.disks, index, moved));
  const result = after.disks[index]!;
  return {
    kind: 'attach',
    index,
    disk,
    result,
    before,
    after,
    changes: [...difference('disks', disk, result), ...changesBetween(before, after)],
    told: [[`disk/${index}`, `attach:size=${disk.size},mode=${disk.mode}`]],
  };
}

function modify(before: Layout, change: Change): DiskAction {
  const index = positionOf('disk', change.target, before.disks);
  const disk = before.disks[index]!;
  const { disk: result, told } = modifiedDisk(disk, index, change.options);
  const after = layoutWith(before, replaced(before.disks, index, result));
  return { kind: 'modify', index, disk, result, before, after, changes: changesBetween(before, after), told };
}

function takeAway(planner: Planner, before: Layout, change: Change, kind: 'detach' | 'remove'): DiskAction {
  const index = positionOf('disk', change.target, before.disks);
  const disk = before.disks[index]!;
  const after = layoutWith(before, without(before.disks, index));
  const told: Told[] = [[`disk/${index}`, kind]];
  if (kind === 'remove') {
    const changes = [...changesBetween(before, after), removal('disks', disk)];
    return { kind, index, disk, result: disk, before, after, changes, told };
  }
  const result = { ...movedFile(planner.context, disk, null, planner.wishes), iv_name: '' };
  return { kind, index, disk, result, before, after, changes: changesBetween(before, after, result), told };
}

function planned(planner: Planner, before: Layout, change: Change): DiskAction {
  requireNoSettings('disk', change.action, change.options);
  switch (change.action) {
    case 'add':
      return add(planner, before, change);
    case 'attach':
      return attach(planner, before, change);
    case 'modify':
      return modify(before, change);
    case 'detach':
    case 'remove':
      return takeAway(planner, before, change, change.action);
  }
}

/** @throws Failure OpPrereqError, OpExecError for an index that there isn't */
export async function planDiskChanges(
  context: PlanContext,
  instance: Instance,
  wishes: DiskWishes,
): Promise<DiskAction[]> {
  const { configuration } = context;
  const exclusive = hasExclusiveStorage(configuration, nodesOf(configuration, instance));
  const actions: DiskAction[] = [];
  let layout: Layout = { instance, disks: disksOf(configuration, instance) };
  for (const change of wishes.changes) {
    const action = planned({ context, wishes, exclusive }, layout, change);
    actions.push(action);
    layout = action.after;
  }
  if (actions.length > 0) requireGoodNames('disk', layout.disks);
  if (layout.disks.length > mostDisks) {
    throw prerequisiteFailure(`Instance has too many disks (${mostDisks}), cannot add more`, ErrorCode.state);
  }
  await requireSpace(context, configuration, actions, exclusive);
  return actions;
}

async function requireSpace(
  context: PlanContext,
  configuration: Configuration,
  actions: readonly DiskAction[],
  exclusive: boolean,
): Promise<void> {
  const added = actions.filter((action) => action.kind === 'add').map((action) => action.disk);
  if (added.length === 0 || exclusive) return;
  const uuids = [...new Set(added.flatMap((disk) => disk.nodes))];
  const nodes = uuids.flatMap((uuid) => configuration.nodes.get(uuid) ?? []);
  await requireDiskSpace(context, added, nodes);
}
