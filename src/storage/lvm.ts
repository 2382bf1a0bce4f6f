/**
 * What LVM's report programs say. Parsers are pure; the command lines are Ganeti's (bdev.py) with the
 * fields that more is wanted of. Sizes are MiB unless they say KiB.
 */
import { describeFailure, type ProcessResult } from '../kit/process.ts';
import { deviceFailure, type StorageHost } from './host.ts';

const separator = '|';

export interface LogicalVolumeState {
  readonly vg: string;
  readonly name: string;
  readonly attributes: string;
  /** -1 while the volume isn't active. */
  readonly major: number;
  readonly minor: number;
  readonly extentKiB: number;
  readonly stripes: number;
  readonly physicalVolumes: readonly string[];
  readonly sizeKiB: number;
  readonly tags: readonly string[];
}

export interface VolumeGroupState {
  readonly name: string;
  readonly free: number;
  readonly size: number;
  readonly attributes: string;
}

export interface PhysicalVolumeState {
  readonly name: string;
  readonly vg: string;
  readonly free: number;
  readonly size: number;
  readonly attributes: string;
}

/** Rows of fields; lines of warnings and empty ones are not rows. */
function rows(output: string, fields: number, program: string): string[][] {
  return output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && line.includes(separator))
    .map((line) => {
      const cells = line.split(separator);
      if (cells.length !== fields) throw deviceFailure(`Can't parse ${program} output: line '${line}'`);
      return cells;
    });
}

function numberIn(text: string, what: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw deviceFailure(`${what} '${text}' is not a number`);
  return value;
}

/**
 * "/dev/sda5(16),/dev/sdb1(0)" → the devices; segments without a device have none. A device that has gone
 * is called "[unknown]" or "unknown device".
 */
function devicesIn(text: string): string[] {
  return text
    .split(',')
    .filter((device) => device !== '')
    .map((device) => {
      const match = /^([^()]+)\(\d+\)$/.exec(device);
      if (match === null) throw deviceFailure(`Can't parse this device list: ${text}`);
      return match[1]!;
    });
}

const volumeFields =
  'vg_name,lv_name,lv_attr,lv_kernel_major,lv_kernel_minor,vg_extent_size,stripes,devices,lv_size,lv_tags';

/** A volume has a row for each of its segments; they become one. */
export function parseLogicalVolumes(output: string): LogicalVolumeState[] {
  const found = new Map<string, LogicalVolumeState>();
  for (const cells of rows(output, 10, 'lvs')) {
    const [vg = '', name = '', attributes = '', major, minor, extent, stripes, devices, size, tags = ''] =
      cells;
    if (attributes.length < 6)
      throw deviceFailure(`lvs lv_attr is not at least 6 characters (${attributes})`);
    const key = `${vg}/${name}`;
    const before = found.get(key);
    found.set(key, {
      vg,
      name,
      attributes,
      major: numberIn(major!, 'lvs major'),
      minor: numberIn(minor!, 'lvs minor'),
      extentKiB: Math.trunc(numberIn(extent!, 'volume group extent size')),
      stripes: Math.max(before?.stripes ?? 0, numberIn(stripes!, 'number of stripes')),
      physicalVolumes: [...new Set([...(before?.physicalVolumes ?? []), ...devicesIn(devices!)])],
      sizeKiB: numberIn(size!, 'volume size'),
      tags: tags === '' ? [] : tags.split(',').map((tag) => tag.trim()),
    });
  }
  return [...found.values()];
}

export function parseVolumeGroups(output: string): VolumeGroupState[] {
  return rows(output, 4, 'vgs').map(([name = '', free, attributes = '', size]) => ({
    name,
    free: numberIn(free!, 'free space'),
    attributes,
    size: numberIn(size!, 'size'),
  }));
}

export function parsePhysicalVolumes(output: string): PhysicalVolumeState[] {
  const found = new Map<string, PhysicalVolumeState>();
  for (const [name = '', vg = '', free, attributes = '', size] of rows(output, 6, 'pvs')) {
    found.set(name, {
      name,
      vg,
      free: numberIn(free!, 'free space'),
      attributes,
      size: numberIn(size!, 'size'),
    });
  }
  return [...found.values()];
}

/** LVM says so in words only; the exit code is 5 for every failure. */
export function saysNotFound(result: ProcessResult): boolean {
  return /Failed to find (?:one or more )?logical volume|Volume group "[^"]*" not found/i.test(result.stderr);
}

const common = ['--noheadings', '--nosuffix', '--units=m', '--unbuffered', `--separator=${separator}`];

/** One volume, or null when there is no such volume or group. */
export async function findLogicalVolume(
  host: StorageHost,
  vg: string,
  name: string,
): Promise<LogicalVolumeState | null> {
  const result = await host.run([
    'lvs',
    '--noheadings',
    `--separator=${separator}`,
    '--units=k',
    '--nosuffix',
    `-o${volumeFields}`,
    `${vg}/${name}`,
  ]);
  if (result.code !== 0) {
    if (saysNotFound(result)) return null;
    throw deviceFailure(`Can't get the volume information: ${describeFailure(result)}`);
  }
  return parseLogicalVolumes(result.stdout)[0] ?? null;
}

/** All volumes of the groups; of every group when none is named. */
export async function listLogicalVolumes(
  host: StorageHost,
  vgs: readonly string[],
): Promise<LogicalVolumeState[]> {
  const result = await host.run([
    'lvs',
    '--noheadings',
    `--separator=${separator}`,
    '--units=k',
    '--nosuffix',
    `-o${volumeFields}`,
    ...vgs,
  ]);
  if (result.code !== 0) throw deviceFailure(`Failed to list logical volumes: ${describeFailure(result)}`);
  return parseLogicalVolumes(result.stdout);
}

/** Groups that can be written to. */
export async function listVolumeGroups(host: StorageHost): Promise<VolumeGroupState[]> {
  const result = await host.run(['vgs', ...common, '-ovg_name,vg_free,vg_attr,vg_size']);
  if (result.code !== 0) throw deviceFailure(`Can't get the volume information: ${describeFailure(result)}`);
  return parseVolumeGroups(result.stdout).filter((group) => !group.attributes.startsWith('r'));
}

/** Physical volumes of the groups, of all when none is named; only those that may be allocated on demand. */
export async function listPhysicalVolumes(
  host: StorageHost,
  vgs: readonly string[],
  allocatableOnly = true,
): Promise<PhysicalVolumeState[]> {
  const result = await host.run(['pvs', ...common, '-opv_name,vg_name,pv_free,pv_attr,pv_size,pv_name']);
  if (result.code !== 0) throw deviceFailure(`Can't get the volume information: ${describeFailure(result)}`);
  return parsePhysicalVolumes(result.stdout).filter(
    (volume) =>
      (vgs.length === 0 || vgs.includes(volume.vg)) &&
      (!allocatableOnly || volume.attributes.startsWith('a')),
  );
}

/** Share of a physical volume that partitioning may cost (constants.PART_MARGIN + PART_RESERVED). */
const partitionLoss = 0.03;

/** What every physical volume is sure to hold under exclusive storage. */
export function standardVolumeSize(volumes: readonly PhysicalVolumeState[]): number {
  return Math.floor(Math.min(...volumes.map((volume) => volume.size)) / (1 + partitionLoss));
}

/** Physical volumes without anything on them. */
export function emptyVolumes(volumes: readonly PhysicalVolumeState[]): PhysicalVolumeState[] {
  return volumes.filter((volume) => volume.free >= volume.size);
}
