/** Disks of an instance: as lists, and each of the first 16. Sizes are MiB. */
import type { Disk } from '../../../model/objects/disk.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import { storageTemplates } from '../../../storage/catalog.ts';
import type { View } from '../../field.ts';
import { volumeGroupOf } from '../../live/node.ts';
import { type InstanceField, indexed, plain } from './builders.ts';

/** How many disks have fields of their own (constants.MAX_DISKS). */
const most = 16;

const disksOf = (instance: Instance, { relations }: View) => relations.disks(instance);

/** What a disk takes of its node's storage: with what the template adds; nothing when it was only taken over. */
function usageOf(disk: Disk): number {
  const about = storageTemplates.find(({ name }) => name === disk.dev_type);
  if (about === undefined) return disk.size;
  return about.empty === true || about.adoptable === 'must' ? 0 : disk.size + about.overheadMiB;
}

function templateOf(instance: Instance, view: View): string {
  const templates = new Set(disksOf(instance, view).map((disk) => disk.dev_type));
  if (templates.size > 1) return 'mixed';
  const [only] = templates;
  return only ?? 'diskless';
}

function eachDisk(index: number): InstanceField[] {
  const one = (instance: Instance, view: View) => disksOf(instance, view)[index];
  return [
    indexed('disk.size', 'Disk', 'unit', 'Size of the %s disk', index, (i, view) => one(i, view)?.size),
    indexed(
      'disk.spindles',
      'DiskSpindles',
      'number',
      'Spindles of the %s disk',
      index,
      (i, view) => one(i, view)?.spindles,
    ),
    indexed('disk.name', 'DiskName', 'text', 'Name of the %s disk', index, (i, view) => one(i, view)?.name),
    indexed('disk.uuid', 'DiskUUID', 'text', 'UUID of the %s disk', index, (i, view) => one(i, view)?.uuid),
  ];
}

/** For htools: where disks are that aren't in the cluster's main volume group. */
export const otherVolumeGroupsField: InstanceField = plain(
  'disk.volume_groups',
  'Disk_volume_groups',
  'other',
  'Volume groups of its disks; null for the main one, and for disks in none',
  (instance, view) => {
    const main = view.configuration.cluster.volume_group_name;
    return disksOf(instance, view).map((disk) => {
      const name = volumeGroupOf(disk);
      return name === undefined || name === main ? null : name;
    });
  },
);

export const diskFields: InstanceField[] = [
  plain('disk_template', 'Disk_template', 'text', 'Disk template, or "mixed"', templateOf),
  plain(
    'disk_usage',
    'DiskUsage',
    'unit',
    'Disk space that it takes on each of its nodes',
    (instance, view) => disksOf(instance, view).reduce((sum, disk) => sum + usageOf(disk), 0),
  ),
  plain('disk.count', 'Disks', 'number', 'How many disks it has', (instance) => instance.disks.length),
  plain('disk.sizes', 'Disk_sizes', 'other', 'Sizes of its disks', (instance, view) =>
    disksOf(instance, view).map((disk) => disk.size),
  ),
  plain('disk.spindles', 'Disk_spindles', 'other', 'Spindles of its disks', (instance, view) =>
    disksOf(instance, view).map((disk) => disk.spindles ?? null),
  ),
  plain('disk.names', 'Disk_names', 'other', 'Names of its disks', (instance, view) =>
    disksOf(instance, view).map((disk) => disk.name ?? null),
  ),
  plain('disk.uuids', 'Disk_UUIDs', 'other', 'UUIDs of its disks', (instance, view) =>
    disksOf(instance, view).map((disk) => disk.uuid),
  ),
  ...Array.from({ length: most }, (_, index) => eachDisk(index)).flat(),
];
