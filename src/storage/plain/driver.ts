/**
 * Logical volumes on a node, with Ganeti's command lines (bdev.LogicalVolume). A new volume is given its
 * tag by the command that makes it, so that a volume is known to be ours from its first moment.
 */

import { describeFailure } from '../../kit/process.ts';
import type { AssembledDevice, DeviceState, DiskRequest, DriverContext, StorageDriver } from '../contract.ts';
import { deviceFailure, runOrFail, type StorageHost } from '../host.ts';
import { findLogicalVolume, type LogicalVolumeState, listVolumeGroups, saysNotFound } from '../lvm.ts';
import { about } from './about.ts';
import { devicePath, type VolumeName, volumeIn, volumeTag } from './names.ts';
import { chooseVolumes, growthRoom } from './placement.ts';

/** Milliseconds between the tries to remove a volume that udev still looks at. */
const removePauseMs = 500;
const removeTries = 6;

async function existing(host: StorageHost, volume: VolumeName): Promise<LogicalVolumeState> {
  const found = await findLogicalVolume(host, volume.vg, volume.name);
  if (found === null) throw deviceFailure(`Can't find the logical volume ${volume.vg}/${volume.name}`);
  return found;
}

async function create(
  host: StorageHost,
  request: DiskRequest,
  options: { readonly info: string; readonly mustBeNew: boolean },
): Promise<void> {
  const volume = volumeIn(request.disk.logical_id);
  const tag = volumeTag(options.info);
  const found = await findLogicalVolume(host, volume.vg, volume.name);
  if (found !== null) {
    // With our tag it is what an earlier try of this very request has made.
    if (options.mustBeNew && !found.tags.includes(tag)) {
      throw deviceFailure(`Logical volume ${volume.vg}/${volume.name} exists already`);
    }
    if (found.sizeKiB < request.disk.size * 1024) {
      throw deviceFailure(
        `Logical volume ${volume.vg}/${volume.name} exists with ${found.sizeKiB / 1024} MiB, ${request.disk.size} MiB are wanted`,
      );
    }
    await activate(host, volume);
    await setTag(host, volume, found.tags, tag);
    return;
  }
  const { stripes, devices } = await chooseVolumes(host, volume.vg, request);
  const command = ['lvcreate', '-Wn', `-L${request.disk.size}m`, `-n${volume.name}`, '--addtag', tag];
  // Free space that is spread badly can't hold as many stripes: fewer are tried, down to one.
  for (let count = stripes; ; count -= 1) {
    const result = await host.run([...command, `-i${count}`, volume.vg, ...devices]);
    if (result.code === 0) return;
    if (count <= 1) throw deviceFailure(`LV create failed: ${describeFailure(result)}`);
  }
}

async function activate(host: StorageHost, volume: VolumeName): Promise<void> {
  const path = devicePath(volume);
  await runOrFail(host, `Can't activate lv ${path}`, ['lvchange', '-ay', path]);
}

async function setTag(
  host: StorageHost,
  volume: VolumeName,
  before: readonly string[],
  tag: string,
): Promise<void> {
  const old = before.filter((entry) => entry !== tag);
  const missing = !before.includes(tag);
  if (old.length === 0 && !missing) return;
  const changes = [...old.flatMap((entry) => ['--deltag', entry]), ...(missing ? ['--addtag', tag] : [])];
  await runOrFail(host, "Can't change the tags", ['lvchange', ...changes, devicePath(volume)]);
}

async function remove(host: StorageHost, volume: VolumeName): Promise<void> {
  for (let left = removeTries; ; left -= 1) {
    if ((await findLogicalVolume(host, volume.vg, volume.name)) === null) return;
    const result = await host.run(['lvremove', '-f', `${volume.vg}/${volume.name}`]);
    if (result.code === 0 || saysNotFound(result)) return;
    const busy = /in use|used by another device/i.test(result.stderr);
    if (!busy || left <= 1) throw deviceFailure(`Can't lvremove: ${describeFailure(result)}`);
    await host.sleep(removePauseMs);
  }
}

function stateOf(volume: VolumeName, found: LogicalVolumeState): DeviceState {
  // v: virtual, nothing behind it; p in the ninth place: a physical volume is missing.
  const broken = found.attributes.startsWith('v') || found.attributes[8] === 'p';
  return {
    path: devicePath(volume),
    major: found.major,
    minor: found.minor,
    syncPercent: null,
    estimatedTime: null,
    degraded: broken,
    localDisk: broken ? 'faulty' : 'okay',
    details: {},
  };
}

/** KiB of `amount` MiB, rounded up to whole stripes of extents. */
function wholeStripes(amountKiB: number, found: LogicalVolumeState): number {
  const stripe = found.extentKiB * found.stripes;
  return Math.ceil(amountKiB / stripe) * stripe;
}

async function grow(
  host: StorageHost,
  request: DiskRequest,
  amount: number,
  options: { readonly dryRun: boolean; readonly backingStore: boolean },
): Promise<void> {
  if (!options.backingStore) return;
  if (amount < 0) throw deviceFailure(`can't grow by negative amount ${amount}`);
  const volume = volumeIn(request.disk.logical_id);
  const found = await existing(host, volume);
  const missing = (request.disk.size + amount) * 1024 - found.sizeKiB;
  if (missing <= 0) return;
  const kibibytes = wholeStripes(missing, found);
  const devices = request.exclusiveStorage ? found.physicalVolumes : [];
  if (request.exclusiveStorage) {
    const room = await growthRoom(host, volume.vg, found.physicalVolumes);
    if (kibibytes > room * 1024) {
      throw deviceFailure(
        `Not enough free space to grow ${devicePath(volume)}: ${kibibytes / 1024} MiB required, ${room} available`,
      );
    }
  }
  const command = ['lvextend', '-L', `+${kibibytes}k`, ...(options.dryRun ? ['--test'] : [])];
  // The best placement first; the later ones may find room where the earlier don't.
  for (const policy of ['contiguous', 'cling', 'normal']) {
    const result = await host.run([...command, '--alloc', policy, devicePath(volume), ...devices]);
    if (result.code === 0) return;
    if (policy === 'normal')
      throw deviceFailure(`Can't grow LV ${devicePath(volume)}: ${describeFailure(result)}`);
  }
}

async function rename(host: StorageHost, from: VolumeName, to: VolumeName): Promise<void> {
  if (from.vg !== to.vg) {
    throw deviceFailure(`Can't move a logical volume across volume groups (from ${from.vg} to ${to.vg})`);
  }
  if (from.name === to.name) return;
  if ((await findLogicalVolume(host, from.vg, from.name)) === null) {
    if ((await findLogicalVolume(host, to.vg, to.name)) !== null) return;
  }
  await runOrFail(host, 'Failed to rename the logical volume', ['lvrename', to.vg, from.name, to.name]);
}

async function snapshot(
  host: StorageHost,
  request: DiskRequest,
  name: string,
  size: number | null,
): Promise<VolumeName> {
  const volume = volumeIn(request.disk.logical_id);
  const copy = volumeIn([volume.vg, name === '' ? `${volume.name}.snap` : name]);
  const sizeMiB = size ?? request.disk.size;
  await remove(host, copy);
  const group = (await listVolumeGroups(host)).find((candidate) => candidate.name === volume.vg);
  if (group === undefined) throw deviceFailure(`Can't compute VG info for vg ${volume.vg}`);
  if (group.free < sizeMiB) {
    throw deviceFailure(`Not enough free space: required ${sizeMiB}, available ${group.free}`);
  }
  const command = ['lvcreate', `-L${sizeMiB}m`, '-s', `-n${copy.name}`, devicePath(volume)];
  await runOrFail(host, 'Snapshot failed', command);
  return copy;
}

async function dimensions(host: StorageHost, request: DiskRequest) {
  const volume = volumeIn(request.disk.logical_id);
  const found = await findLogicalVolume(host, volume.vg, volume.name);
  if (found === null) return null;
  const spindles = request.exclusiveStorage ? found.physicalVolumes.length : null;
  return { bytes: found.sizeKiB * 1024, spindles };
}

export function createDriver({ host }: DriverContext): StorageDriver {
  const nothing = async () => {};
  const volumeOf = (request: DiskRequest) => volumeIn(request.disk.logical_id);
  return {
    about,
    create: async (request, options) => create(host, request, options),
    remove: async (request) => remove(host, volumeOf(request)),
    async assemble(request): Promise<AssembledDevice> {
      await activate(host, volumeOf(request));
      return { path: devicePath(volumeOf(request)), uri: null };
    },
    // Volumes stay active: a guest may be started again at once, and nobody else can have them.
    shutdown: nothing,
    open: nothing,
    close: nothing,
    async find(request) {
      const volume = volumeOf(request);
      const found = await findLogicalVolume(host, volume.vg, volume.name);
      return found === null ? null : stateOf(volume, found);
    },
    grow: async (request, amount, options) => grow(host, request, amount, options),
    dimensions: async (request) => dimensions(host, request),
    async setInfo(request, info) {
      const volume = volumeOf(request);
      await setTag(host, volume, (await existing(host, volume)).tags, volumeTag(info));
    },
    rename: async (request, logicalId) => rename(host, volumeOf(request), volumeIn(logicalId)),
    async snapshot(request, name, size) {
      const copy = await snapshot(host, request, name, size);
      return [copy.vg, copy.name];
    },
  };
}
