/** lv: the node's logical volumes as lvs tells, each with the instance whose disk it is. Sizes are bytes. Pure. */

const separator = ';';
/** Name in the report to what it is: a text, a number, or bytes ("1073741824B"). The order is that of the columns. */
const fields = [
  ['uuid', 'lv_uuid', 'text'],
  ['name', 'lv_name', 'text'],
  ['attr', 'lv_attr', 'text'],
  ['major', 'lv_major', 'number'],
  ['minor', 'lv_minor', 'number'],
  ['kernel_major', 'lv_kernel_major', 'number'],
  ['kernel_minor', 'lv_kernel_minor', 'number'],
  ['size', 'lv_size', 'bytes'],
  ['seg_count', 'seg_count', 'number'],
  ['tags', 'lv_tags', 'text'],
  ['modules', 'modules', 'text'],
  ['vg_uuid', 'vg_uuid', 'text'],
  ['vg_name', 'vg_name', 'text'],
  ['segtype', 'segtype', 'text'],
  ['seg_start', 'seg_start', 'bytes'],
  ['seg_start_pe', 'seg_start_pe', 'number'],
  ['seg_size', 'seg_size', 'bytes'],
  ['seg_tags', 'seg_tags', 'text'],
  ['seg_pe_ranges', 'seg_pe_ranges', 'text'],
  ['devices', 'devices', 'text'],
] as const;

export const lvsCommand: readonly string[] = [
  'lvs',
  '--noheadings',
  ...['--units', 'B'],
  ...['--separator', separator],
  ...['-o', fields.map(([, column]) => column).join(',')],
];

export type VolumeReport = Readonly<Record<string, string | number | null>>;

/** Rows; a volume has one for each of its segments. @throws RangeError for a line that isn't one of lvs */
export function parseVolumes(text: string): VolumeReport[] {
  return text
    .split('\n')
    .map((line) => line.trimStart())
    .filter((line) => line !== '')
    .map((line) => {
      const cells = line.split(separator);
      const row = fields.map(([name, , kind], index): [string, string | number] => {
        const cell = cells[index] ?? '';
        if (kind === 'text') return [name, cell];
        const value = Number(kind === 'bytes' ? cell.replace(/B$/, '') : cell);
        if (cell === '' || !Number.isInteger(value)) throw new RangeError(`lvs: can't read '${line}'`);
        return [name, value];
      });
      if (cells.length !== fields.length) throw new RangeError(`lvs: can't read '${line}'`);
      return Object.fromEntries(row);
    });
}

interface DiskLike {
  readonly logical_id?: unknown;
  readonly children?: readonly DiskLike[] | undefined;
}
/** An instance with its disks, as a pair: what the configuration daemon tells of both. */
export type InstanceDisks = readonly [{ readonly name?: string }, readonly DiskLike[]];

/** Volumes have the id [group, name]. */
function volumesOf(disk: DiskLike): string[] {
  const id = disk.logical_id;
  const own =
    Array.isArray(id) && id.length === 2 && id.every((part) => typeof part === 'string')
      ? [id.join('/')]
      : [];
  return [...own, ...(disk.children ?? []).flatMap(volumesOf)];
}

export function withInstances(
  volumes: readonly VolumeReport[],
  instances: readonly InstanceDisks[],
): VolumeReport[] {
  const owners = new Map<string, string>();
  for (const [{ name = '' }, disks] of instances) {
    for (const volume of disks.flatMap(volumesOf)) if (!owners.has(volume)) owners.set(volume, name);
  }
  return volumes.map((volume) => ({
    ...volume,
    instance: owners.get(`${volume.vg_name}/${volume.name}`) ?? null,
  }));
}
