/**
 * Disks and NICs that come and go while the guest runs. Each change is made in QEMU and then in the runtime
 * file; asking for what is there already, or for the end of what isn't, changes nothing.
 */
import { Failure } from '../../kit/failure.ts';
import type { Guest } from '../contract.ts';
import { diskLink } from '../disk-links.ts';
import { diskDeviceOption, netdevOptions, queueCount, usesVnetHeader } from './hardware/command-line.ts';
import {
  type DeviceInfo,
  type DeviceKind,
  deviceId,
  deviceType,
  isHotpluggable,
  Slots,
} from './hardware/devices.ts';
import { blockNode, type DriveSource } from './hardware/drives.ts';
import {
  type KvmRuntime,
  nicOfRuntime,
  placeOf,
  type RuntimeDevice,
  runtimeDisk,
  runtimeNic,
} from './hardware/runtime.ts';
import { lendDisk } from './host/lend-disk.ts';
import { filesOf, hasVhost, type KvmNode } from './host/node.ts';
import { loadRuntime, saveRuntime } from './host/runtime-file.ts';
import { tapOf } from './host/taps.ts';
import { driveSource } from './launch.ts';
import { guestProcess } from './qemu/process.ts';
import { isAtLeast } from './qemu/programs.ts';
import type { QmpConnection } from './qemu/qmp.ts';

/** How long a guest may take to let a device go. */
const releaseMs = 20_000;

/** @throws Failure HotplugError with the reason */
export async function hotplugSupported(node: KvmNode, guest: Guest): Promise<void> {
  const files = filesOf(node, guest);
  if ((await guestProcess(files)) === null) throw new Failure('HotplugError', ['Instance is probably down']);
  await loadRuntime(files);
  await node.sockets.with(files.qmp.file, async () => {});
}

function requirePluggable(kind: DeviceKind, runtime: KvmRuntime): void {
  const type = deviceType(kind, runtime.hvparams);
  if (!isHotpluggable(kind, type)) {
    throw new Failure('HotplugError', [`Hotplug is not supported for device type ${type}`]);
  }
}

/** "driver,key=value" as the arguments of device_add. */
function deviceArguments(option: string): Record<string, string | number> {
  const [driver = '', ...pairs] = option.split(',');
  const entries = pairs.map((pair): [string, string | number] => {
    const [key = '', value = ''] = pair.split('=');
    return [key, /^\d+$/.test(value) ? Number(value) : value];
  });
  return { driver, ...Object.fromEntries(entries) };
}

function freeSlots(runtime: KvmRuntime): Slots {
  const devices = [...runtime.nics, ...runtime.disks.map((entry) => entry.disk)];
  return new Slots(
    runtime.hvparams,
    devices.map((device) => device.hvinfo),
  );
}

async function hasDevice(qmp: QmpConnection, id: string): Promise<boolean> {
  const devices = (await qmp.execute('qom-list', { path: '/machine/peripheral' })) as { name: string }[];
  return devices.some((device) => device.name === id);
}

/** Takes a device out and waits until the guest has let it go. */
async function removeDevice(qmp: QmpConnection, id: string): Promise<void> {
  if (!(await hasDevice(qmp, id))) return;
  await qmp.execute('device_del', { id });
  const event = await qmp.waitForEvent(
    ({ event: name, data }) =>
      (name === 'DEVICE_DELETED' && data.device === id) ||
      (['DEVICE_UNPLUG_GUEST_ERROR', 'MEM_UNPLUG_ERROR'].includes(name) && data.device === id),
    releaseMs,
  );
  if (event?.event === 'DEVICE_DELETED' || !(await hasDevice(qmp, id))) return;
  const why = event === undefined ? `has not let it go in ${releaseMs / 1000} s` : 'refuses to let it go';
  throw new Failure('HotplugError', [
    `Device ${id} should have been removed but is still there: the guest ${why}`,
  ]);
}

/** Gone already: fine. */
async function absent(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!/not found|Cannot find|Failed to find/i.test(String(error))) throw error;
  });
}

async function plugDisk(
  node: KvmNode,
  guest: Guest,
  runtime: KvmRuntime,
  place: DeviceInfo,
  source: DriveSource,
): Promise<void> {
  const files = filesOf(node, guest);
  const { version } = await node.programs.facts(String(guest.hvparams.kvm_path));
  const user = await node.users.of(guest, files);
  const chroot = guest.hvparams.use_chroot === true ? files.chroot : null;
  await node.sockets.with(files.qmp.file, async (qmp) => {
    if (await hasDevice(qmp, place.id)) return;
    await absent(qmp.execute('blockdev-del', { 'node-name': source.id }));
    await lendDisk(source, { user, chroot, folder: node.folders.ctrl }, (seen) =>
      qmp.execute('blockdev-add', blockNode(seen, runtime.hvparams, isAtLeast(version, 4))),
    );
    try {
      await qmp.execute('device_add', deviceArguments(diskDeviceOption(place, source, runtime.hvparams)));
    } catch (error) {
      await absent(qmp.execute('blockdev-del', { 'node-name': source.id })).catch(() => {});
      throw error;
    }
  });
}

async function addDisk(node: KvmNode, guest: Guest, runtime: KvmRuntime, uuid: string): Promise<KvmRuntime> {
  const known = runtime.disks.find((entry) => entry.disk.uuid === uuid);
  const index = guest.disks.findIndex((disk) => disk.uuid === uuid);
  const disk = guest.disks[index];
  if (disk === undefined) throw new Failure('HotplugError', [`Instance ${guest.name} has no disk ${uuid}`]);
  const place = (known && placeOf(known.disk)) ?? freeSlots(runtime).place('disk', uuid, runtime.hvparams);
  const entry = known ?? runtimeDisk(disk, index, diskLink(node.paths, guest.name, index), place);
  await plugDisk(node, guest, runtime, place, await driveSource(guest, entry));
  return known === undefined ? { ...runtime, disks: [...runtime.disks, entry] } : runtime;
}

async function removeDisk(
  node: KvmNode,
  guest: Guest,
  runtime: KvmRuntime,
  uuid: string,
): Promise<KvmRuntime> {
  const known = runtime.disks.find((entry) => entry.disk.uuid === uuid);
  const id = (known && placeOf(known.disk)?.id) ?? deviceId('disk', uuid);
  await node.sockets.with(filesOf(node, guest).qmp.file, async (qmp) => {
    await removeDevice(qmp, id);
    await absent(qmp.execute('blockdev-del', { 'node-name': id }));
  });
  return { ...runtime, disks: runtime.disks.filter((entry) => entry !== known) };
}

/** A card's host end and its device, both or neither. */
async function plugNic(
  node: KvmNode,
  guest: Guest,
  card: { hvparams: KvmRuntime['hvparams']; device: RuntimeDevice; tap: string; vhost: boolean },
): Promise<void> {
  const { hvparams, device, tap, vhost } = card;
  const place = placeOf(device);
  if (place === undefined)
    throw new Failure('HotplugError', [`NIC ${device.uuid} has no place in the guest`]);
  const queues = queueCount(hvparams);
  await node.sockets.with(filesOf(node, guest).qmp.file, async (qmp) => {
    await absent(qmp.execute('netdev_del', { id: place.id }));
    await qmp.execute('netdev_add', netdevOptions(place.id, tap, hvparams, vhost));
    try {
      await qmp.execute('device_add', {
        ...place,
        netdev: place.id,
        mac: device.mac,
        ...(guest.hvparams.use_chroot ? { romfile: '' } : {}),
        ...(queues > 1 ? { mq: true, vectors: 2 * queues + 2 } : {}),
      });
    } catch (error) {
      await absent(qmp.execute('netdev_del', { id: place.id })).catch(() => {});
      throw error;
    }
  });
}

/** QEMU that has given up root's rights can't open vhost-net; the card then works without it. */
async function nicHost(node: KvmNode, guest: Guest): Promise<{ vhost: boolean; owner: number | null }> {
  if (guest.hvparams.use_chroot === true) {
    throw new Failure('HotplugError', ["NICs of a guest in a chroot can't be changed while it runs"]);
  }
  const user = await node.users.of(guest, filesOf(node, guest));
  if (user === null) return { vhost: await hasVhost(), owner: null };
  node.log.warning(`A NIC of '${guest.name}' works without vhost until the guest is started anew`);
  return { vhost: false, owner: user.uid };
}

async function addNic(
  node: KvmNode,
  guest: Guest,
  runtime: KvmRuntime,
  uuid: string,
  where?: DeviceInfo,
): Promise<KvmRuntime> {
  const files = filesOf(node, guest);
  const index = guest.nics.findIndex((nic) => nic.uuid === uuid);
  const nic = guest.nics[index];
  if (nic === undefined) throw new Failure('HotplugError', [`Instance ${guest.name} has no NIC ${uuid}`]);
  const known = runtime.nics.find((device) => device.uuid === uuid);
  if (known !== undefined && where === undefined) return runtime;
  const { hvparams } = runtime;
  const { vhost, owner } = await nicHost(node, guest);
  const device = runtimeNic(nic, where ?? freeSlots(runtime).place('nic', uuid, runtime.hvparams));
  const features = { vnetHdr: usesVnetHeader(hvparams), multiQueue: queueCount(hvparams) > 1, owner };
  const tap = await node.taps.make(files, index, nic, features);
  try {
    await node.taps.connect(guest, index, nic, tap);
    await plugNic(node, guest, { hvparams, device, tap, vhost });
  } catch (error) {
    await node.taps.disconnect(guest, index, nic, tap);
    await node.taps.remove(files, tap);
    throw error;
  }
  return { ...runtime, nics: [...runtime.nics.filter((other) => other.uuid !== uuid), device] };
}

async function removeNic(
  node: KvmNode,
  guest: Guest,
  runtime: KvmRuntime,
  uuid: string,
): Promise<KvmRuntime> {
  const files = filesOf(node, guest);
  const at = runtime.nics.findIndex((device) => device.uuid === uuid);
  const known = runtime.nics[at];
  const id = (known && placeOf(known)?.id) ?? deviceId('nic', uuid);
  await node.sockets.with(files.qmp.file, async (qmp) => {
    await removeDevice(qmp, id);
    await absent(qmp.execute('netdev_del', { id }));
  });
  const tap = known === undefined ? undefined : tapOf(await node.taps.notes(files), at, known);
  if (known !== undefined && tap !== undefined) {
    await node.taps.disconnect(guest, at, nicOfRuntime(known), tap);
    await node.taps.remove(files, tap);
  }
  return { ...runtime, nics: runtime.nics.filter((device) => device !== known) };
}

/**
 * A NIC with the same address keeps its card: only its tap is connected elsewhere. With another address it
 * is taken out and put back in its place.
 */
async function modifyNic(
  node: KvmNode,
  guest: Guest,
  runtime: KvmRuntime,
  uuid: string,
): Promise<KvmRuntime> {
  const at = runtime.nics.findIndex((device) => device.uuid === uuid);
  const known = runtime.nics[at];
  const nic = guest.nics.find((candidate) => candidate.uuid === uuid);
  if (known === undefined || nic === undefined) {
    throw new Failure('HotplugError', [`Cannot find runtime info for nic with UUID ${uuid}`]);
  }
  const place = placeOf(known);
  const tap = tapOf(await node.taps.notes(filesOf(node, guest)), at, known);
  if (nic.mac !== known.mac || tap === undefined || place === undefined) {
    const without = await removeNic(node, guest, runtime, uuid);
    await saveRuntime(filesOf(node, guest), without);
    return addNic(node, guest, without, uuid, place);
  }
  await node.taps.disconnect(guest, at, nicOfRuntime(known), tap);
  await node.taps.connect(guest, at, nic, tap);
  return {
    ...runtime,
    nics: runtime.nics.map((device) => (device === known ? runtimeNic(nic, place) : device)),
  };
}

/** A disk's name and mode are no business of the running guest; the file learns of them. */
function modifyDisk(guest: Guest, runtime: KvmRuntime, uuid: string): KvmRuntime {
  const name = guest.disks.find((disk) => disk.uuid === uuid)?.name ?? null;
  const disks = runtime.disks.map((entry) =>
    entry.disk.uuid === uuid && name !== null ? { ...entry, disk: { ...entry.disk, name } } : entry,
  );
  return { ...runtime, disks };
}

/**
 * @param uuid of the disk or NIC; for "add" and "modify" it must stand in the guest
 * @throws Failure HotplugError or HypervisorError with the reason
 */
export async function hotplug(
  node: KvmNode,
  guest: Guest,
  action: 'add' | 'remove' | 'modify',
  kind: DeviceKind,
  uuid: string,
): Promise<void> {
  const files = filesOf(node, guest);
  const runtime = await loadRuntime(files);
  requirePluggable(kind, runtime);
  const changed = await {
    disk: {
      add: addDisk,
      remove: removeDisk,
      modify: async (_: KvmNode, g: Guest, r: KvmRuntime, u: string) => modifyDisk(g, r, u),
    },
    nic: { add: addNic, remove: removeNic, modify: modifyNic },
  }[kind][action](node, guest, runtime, uuid);
  await saveRuntime(files, changed);
}

/** Tells the guest that a disk has grown. */
export async function resizeDisk(node: KvmNode, guest: Guest, index: number, sizeMiB: number): Promise<void> {
  const files = filesOf(node, guest);
  const uuid = guest.disks[index]?.uuid;
  if (uuid === undefined) throw new Failure('HotplugError', [`Instance ${guest.name} has no disk ${index}`]);
  const runtime = await loadRuntime(files);
  const known = runtime.disks.find((entry) => entry.disk.uuid === uuid);
  const id = (known && placeOf(known.disk)?.id) ?? deviceId('disk', uuid);
  const size = sizeMiB * 1024 ** 2;
  await node.sockets.with(files.qmp.file, async (qmp) => {
    try {
      await qmp.execute('block_resize', { 'node-name': id, size });
    } catch {
      // Guests of older versions have their disks under the name of a drive.
      await qmp.execute('block_resize', { device: id, size });
    }
  });
  if (known === undefined) return;
  const disks = runtime.disks.map((entry) =>
    entry === known ? { ...entry, disk: { ...entry.disk, size: sizeMiB } } : entry,
  );
  await saveRuntime(files, { ...runtime, disks });
}
