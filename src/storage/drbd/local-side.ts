/** The local half of a mirror: its metadata, and attaching it to its volumes. */
import type { Parameters } from '../../model/objects/common.ts';
import { deviceFailure, runOrFail, type StorageHost } from '../host.ts';
import { metadataMiB } from './about.ts';
import * as commands from './commands.ts';
import type { MirrorDevice } from './device.ts';
import { readProc, tell } from './kernel.ts';
import { takeDown } from './role.ts';

const mebibyte = 1024 * 1024;
const sector = 512;
/** Striping over large extents makes the volume larger than asked for, but not more than this. */
const largestMetadataMiB = 1024;

async function checkMetadataSize(host: StorageHost, device: MirrorDevice, meta: string): Promise<void> {
  const result = await runOrFail(host, `${device.label}: failed to get device size`, [
    'blockdev',
    '--getsize',
    meta,
  ]);
  const sectors = Number(result.stdout.trim());
  if (!Number.isInteger(sectors)) throw deviceFailure(`Invalid output from blockdev: '${result.stdout}'`);
  const size = (sectors * sector) / mebibyte;
  if (size < metadataMiB)
    throw deviceFailure(`${device.label}: Meta device too small (${size.toFixed(2)}MiB)`);
  if (size > largestMetadataMiB)
    throw deviceFailure(`${device.label}: Meta device too big (${size.toFixed(2)}MiB)`);
}

/**
 * Makes the metadata anew: the next connection copies everything. Zeros come first, so that nothing of a
 * former volume at that place is taken for metadata.
 * @param minor one that isn't configured, or the device's own before it is
 */
export async function initialiseMetadata(
  host: StorageHost,
  device: MirrorDevice,
  meta: string,
  minor: number,
): Promise<void> {
  await checkMetadataSize(host, device, meta);
  const zeros = ['dd', 'if=/dev/zero', `of=${meta}`, 'bs=1048576', `count=${metadataMiB}`, 'oflag=direct'];
  await runOrFail(host, `${device.label}: can't wipe the meta device`, zeros);
  await tell(host, device, "can't initialize meta device", commands.createMetadata(minor, meta));
}

/** drbdmeta takes its lock by minor: the metadata of a running device is made under an unused one. */
export async function unusedMinor(host: StorageHost): Promise<number> {
  const { minors, known } = await readProc(host);
  const free = known.find((minor) => !minors.has(minor));
  return free ?? Math.max(-1, ...known) + 1;
}

/**
 * Resource and minor, as far as they aren't there yet. A minor with neither volumes nor connection, as a side that
 * stands alone becomes when its volumes are taken away, is made anew.
 */
export async function ensureMinor(host: StorageHost, device: MirrorDevice): Promise<void> {
  const { minors, known } = await readProc(host);
  if (minors.has(device.minor)) return;
  if (known.includes(device.minor)) await takeDown(host, device);
  await tell(host, device, "can't make the resource", commands.newResource(device.minor));
  await tell(host, device, "can't make the minor", commands.newMinor(device.minor));
}

/** Attaches the volumes and sets the speed of the resync. */
export async function attach(
  host: StorageHost,
  device: MirrorDevice,
  backing: commands.Backing,
  sizeMiB: number,
  params: Parameters,
): Promise<void> {
  const { minor } = device;
  await ensureMinor(host, device);
  await tell(host, device, "can't attach local disk", commands.applyActivityLog(minor, backing.meta));
  await tell(host, device, "can't attach local disk", commands.attach(minor, backing, sizeMiB, params));
  await setSyncOptions(host, device, params);
}

/** The kernel may need a moment after attaching before it takes them. */
async function setSyncOptions(host: StorageHost, device: MirrorDevice, params: Parameters): Promise<void> {
  const command = commands.syncOptions(device.minor, params);
  for (let left = 5; ; left -= 1) {
    try {
      await tell(host, device, "can't set the synchronization parameters", command);
      return;
    } catch (error) {
      if (left <= 1) throw error;
      await host.sleep(1000);
    }
  }
}
