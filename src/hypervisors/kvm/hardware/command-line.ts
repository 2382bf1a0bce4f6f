/**
 * QEMU's command line, in two parts. `portableCommand` is the guest's hardware: it is written down when
 * the guest starts and is the same on every node that it moves to. `localArguments` is what belongs to
 * the node: taps, monitor sockets, how disks are opened, user and folder. Pure: everything that must be
 * found out on the machine is handed in. Order and form are Ganeti's (hv_kvm).
 */
import { Failure } from '../../../kit/failure.ts';
import type { Parameters } from '../../../model/objects/common.ts';
import type { Guest } from '../../contract.ts';
import type { GuestFiles } from '../host/layout.ts';
import { isAtLeast, type QemuFacts, type QemuVersion } from '../qemu/programs.ts';
import { type DeviceInfo, deviceDriver, deviceOption, deviceType, isScsi } from './devices.ts';
import { type DisplayPlace, displayArguments } from './display.ts';
import {
  blockNode,
  cacheSettings,
  cdromArguments,
  type DriveSource,
  flatOption,
  floppyArguments,
} from './drives.ts';
import { placeOf, type RuntimeDevice } from './runtime.ts';
import { splitWords } from './words.ts';

export interface PortableInput {
  readonly guest: Guest;
  readonly files: GuestFiles;
  readonly qemu: QemuFacts;
  readonly display: DisplayPlace;
  readonly paused: boolean;
}

type Words = (string | number)[];

const started = (file: string) => `unix:${file},server,nowait`;

function processorArguments({ guest, files, qemu }: PortableInput): Words {
  const hv = guest.hvparams;
  const smp = [String(guest.beparams.vcpus)];
  if (hv.cpu_cores) smp.push(`cores=${hv.cpu_cores}`);
  if (hv.cpu_threads) smp.push(`threads=${hv.cpu_threads}`);
  if (hv.cpu_sockets) smp.push(`sockets=${hv.cpu_sockets}`);
  const name = isAtLeast(qemu.version, 11) ? guest.name : `${guest.name},debug-threads=on`;
  const memory = Number(guest.beparams.maxmem);
  return ['-name', name, '-m', memory, '-smp', smp.join(','), '-pidfile', files.pid];
}

function machineArguments({ guest, files, qemu, paused }: PortableInput): Words {
  const hv = guest.hvparams;
  const words: Words = [];
  if (isScsi(hv.disk_type) || isScsi(hv.cdrom_disk_type)) {
    words.push('-device', `${hv.scsi_controller_type},id=scsi`);
  }
  words.push('-device', 'virtio-balloon', '-daemonize', '-D', files.log);
  if (hv.reboot_behavior === 'exit') words.push('-no-reboot');
  const machine = [String(hv.machine_version || qemu.defaultMachine)];
  if (!hv.acpi) {
    if (isAtLeast(qemu.version, 9)) machine.push('acpi=off');
    else words.push('-no-acpi');
  }
  if (hv.kvm_flag === 'enabled') machine.push('accel=kvm');
  words.push('-machine', machine.join(','));
  if (paused) words.push('-S');
  return words;
}

function startArguments({ guest }: PortableInput): Words {
  const hv = guest.hvparams;
  const kernel = String(hv.kernel_path ?? '');
  const from = kernel === '' ? hv.boot_order : 'kernel';
  const cdromType = String(hv.cdrom_disk_type || hv.disk_type);
  const words: Words = [];
  if (hv.cdrom_image_path) {
    words.push(...cdromArguments(String(hv.cdrom_image_path), cdromType, 'cdrom1', from === 'cdrom'));
  }
  if (hv.cdrom2_image_path)
    words.push(...cdromArguments(String(hv.cdrom2_image_path), cdromType, 'cdrom2', false));
  if (hv.floppy_image_path) words.push(...floppyArguments(String(hv.floppy_image_path), from === 'floppy'));
  if (kernel !== '') {
    words.push('-kernel', kernel);
    if (hv.initrd_path) words.push('-initrd', String(hv.initrd_path));
    const append = [`root=${hv.root_path}`, String(hv.kernel_args ?? '')];
    if (hv.serial_console) append.push(`console=ttyS0,${hv.serial_speed}`);
    words.push('-append', append.join(' '));
  }
  if (hv.mem_path) words.push('-mem-path', String(hv.mem_path), '-mem-prealloc');
  return words;
}

function soundArguments(hv: Parameters, version: QemuVersion): Words {
  if (!hv.soundhw) return [];
  if (!isAtLeast(version, 7, 1)) return ['-soundhw', String(hv.soundhw)];
  return ['-audio', `driver=${hv.spice_bind ? 'spice' : 'none'},model=${hv.soundhw},id=soundhw`];
}

/** Devices that QEMU emulates by name; commas join them in old settings. */
export function usbDevices(value: string): string[] {
  return value.split(value.trim().includes(' ') ? /\s+/ : ',').filter((device) => device !== '');
}

function extraArguments({ guest, files, qemu }: PortableInput): Words {
  const hv = guest.hvparams;
  const words: Words = soundArguments(hv, qemu.version);
  if (hv.use_localtime) words.push('-rtc', 'base=localtime');
  if (hv.cpu_type) words.push('-cpu', String(hv.cpu_type));
  if (hv.vga) words.push('-vga', String(hv.vga));
  else if (hv.spice_bind) words.push('-vga', 'qxl');
  for (const device of usbDevices(String(hv.usb_devices ?? ''))) words.push('-usbdevice', device);
  words.push('-uuid', guest.uuid);
  if (hv.use_guest_agent) {
    words.push('-chardev', `socket,path=${files.guestAgent.argument},server,nowait,id=qga0`);
    words.push('-device', 'virtio-serial,id=qga0');
    words.push('-device', 'virtserialport,chardev=qga0,name=org.qemu.guest_agent.0');
  }
  if (hv.kvm_extra) words.push(...splitWords(String(hv.kvm_extra)));
  return words;
}

/**
 * The part that is alike on all nodes, with the program first. The memory is a number, as runtime files
 * have it.
 * @throws Failure HypervisorError when the parameters ask for what can't be
 */
export function portableCommand(input: PortableInput): Words {
  const { guest, files } = input;
  const hv = guest.hvparams;
  return [
    String(hv.kvm_path),
    ...processorArguments(input),
    ...machineArguments(input),
    ...startArguments(input),
    ...['-monitor', started(files.monitor.argument)],
    ...['-serial', hv.serial_console ? started(files.serial.argument) : 'none'],
    '-usb',
    ...displayArguments(hv, input.display),
    ...extraArguments(input),
  ];
}

/** A NIC with the tap that it is connected to. */
export interface TappedNic {
  readonly device: RuntimeDevice;
  readonly tap: string;
}

export interface LocalInput {
  readonly files: GuestFiles;
  readonly qemu: QemuFacts;
  /** As when the guest was started: what the guest can see. */
  readonly hvparams: Parameters;
  /** As they are now: what it can't see. */
  readonly settings: Parameters;
  readonly command: readonly (string | number)[];
  readonly nics: readonly TappedNic[];
  readonly disks: readonly { readonly device: RuntimeDevice; readonly source: DriveSource }[];
  /** Address to receive the guest on, or null for a fresh start. */
  readonly incoming: { readonly address: string; readonly port: number } | null;
  readonly accelerator: 'kvm' | 'tcg';
  /** The kernel of this node has vhost-net. */
  readonly vhost: boolean;
  /** User to run as, and folder to be confined to. */
  readonly user: string | null;
  readonly chroot: string | null;
}

/** Do packets go through the kernel, where it can? */
export function usesVhost(hvparams: Parameters): boolean {
  return hvparams.nic_type === 'paravirtual' && hvparams.vhost_net === true;
}

/** Queues of a card with this type under these parameters; the guest sees them, whatever the node has. */
export function queueCount(hvparams: Parameters): number {
  return usesVhost(hvparams) ? Math.max(1, Number(hvparams.virtio_net_queues ?? 1)) : 1;
}

/** Does the tap carry offloading headers? */
export function usesVnetHeader(hvparams: Parameters): boolean {
  return hvparams.nic_type === 'paravirtual' && hvparams.vnet_hdr !== false;
}

/**
 * Options of the host's end of a card, as -netdev and netdev_add know them. `vhost` says whether this node
 * has it: QEMU 7.2 asked for what isn't there doesn't refuse but crashes.
 */
export function netdevOptions(
  id: string,
  tap: string,
  hvparams: Parameters,
  vhost: boolean,
): Record<string, string | number | boolean> {
  const queues = queueCount(hvparams);
  return {
    type: 'tap',
    id,
    ifname: tap,
    script: 'no',
    downscript: 'no',
    ...(vhost && usesVhost(hvparams) ? { vhost: true } : {}),
    ...(usesVnetHeader(hvparams) ? {} : { vnet_hdr: false }),
    ...(queues > 1 ? { queues } : {}),
  };
}

function nicArguments({ nics, hvparams, vhost }: LocalInput): Words {
  if (nics.length === 0) return ['-net', 'none'];
  const queues = queueCount(hvparams);
  const multiQueue = queues > 1 ? `,mq=on,vectors=${2 * queues + 2}` : '';
  const bootFromNetwork = !hvparams.kernel_path && hvparams.boot_order === 'network';
  return nics.flatMap(({ device, tap }, index) => {
    const place = placeOf(device);
    const id = place?.id ?? `netdev${index}`;
    const option =
      place === undefined ? deviceDriver('nic', deviceType('nic', hvparams)) : deviceOption(place);
    const boot = bootFromNetwork && index === 0 ? ',bootindex=1' : '';
    return [
      ...['-netdev', flatOption(netdevOptions(id, tap, hvparams, vhost))],
      ...['-device', `${option},netdev=${id},mac=${String(device.mac)}${multiQueue}${boot}`],
    ];
  });
}

/** The guest's end of a disk, as -device knows it. */
export function diskDeviceOption(place: DeviceInfo, source: DriveSource, hvparams: Parameters): string {
  const { writeback } = cacheSettings(hvparams.disk_cache, source.seenElsewhere && source.uri === null);
  const ide = hvparams.disk_type === 'ide';
  const option = ide ? deviceDriver('disk', 'ide') : deviceOption(place);
  return `${option},drive=${source.id},write-cache=${writeback ? 'on' : 'off'}`;
}

function diskArguments({ disks, hvparams, qemu }: LocalInput): Words {
  const driver = deviceDriver('disk', deviceType('disk', hvparams));
  if (disks.length > 0 && !qemu.deviceDrivers.has(driver)) {
    throw new Failure('HypervisorError', [`QEMU does not support disk driver '${driver}'`]);
  }
  const bootFromDisk = !hvparams.kernel_path && hvparams.boot_order === 'disk';
  return disks.flatMap(({ device, source }, index) => {
    if (source.readOnly && hvparams.disk_type === 'ide') {
      throw new Failure('HypervisorError', [
        'Instance has read-only disks, which disk type ide does not support',
      ]);
    }
    const place = placeOf(device) ?? { driver, id: source.id };
    const boot = bootFromDisk && index === 0 ? ',bootindex=1' : '';
    const node = blockNode(source, hvparams, isAtLeast(qemu.version, 4));
    return ['-device', `${diskDeviceOption(place, source, hvparams)}${boot}`, '-blockdev', flatOption(node)];
  });
}

function confinementArguments({ user, chroot, qemu }: LocalInput): Words {
  if (user === null && chroot === null) return [];
  if (!isAtLeast(qemu.version, 9)) {
    return [...(user === null ? [] : ['-runas', user]), ...(chroot === null ? [] : ['-chroot', chroot])];
  }
  const options = [
    ...(user === null ? [] : [`user=${user}`]),
    ...(chroot === null ? [] : [`chroot=${chroot}`]),
  ];
  return ['-run-with', options.join(',')];
}

const hostPart = (address: string) => (address.includes(':') ? `[${address}]` : address);

/** Where a migration goes, as QEMU writes it. */
export function migrationUri(address: string, port: number): string {
  return `tcp:${hostPart(address)}:${port}`;
}

/** What this node adds to the portable part. */
export function localArguments(input: LocalInput): Words {
  const { settings, files, incoming, command } = input;
  const names = [files.qmp, files.events].map((socket) => started(socket.argument));
  const waits = incoming === null && !command.includes('-S');
  const chosen = /(^|,)accel=/.test(String(command[command.indexOf('-machine') + 1] ?? ''));
  return [
    ...(settings.keymap ? ['-k', String(settings.keymap)] : []),
    ...nicArguments(input),
    ...(incoming === null ? [] : ['-incoming', migrationUri(incoming.address, incoming.port)]),
    ...names.flatMap((name) => ['-qmp', name]),
    ...diskArguments(input),
    ...(waits ? ['-S'] : []),
    ...confinementArguments(input),
    ...(chosen || command.includes('-accel') || command.includes('-enable-kvm')
      ? []
      : ['-accel', input.accelerator]),
  ];
}
