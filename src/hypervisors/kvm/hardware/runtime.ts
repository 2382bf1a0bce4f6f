/**
 * Runtime files: how a guest was started, so that it can be started alike again, receive devices and move
 * to another node. The format is Ganeti's (kvm_runtime.py): a JSON list of the command line, the NICs, the
 * hypervisor parameters and the disks, each with its place in the guest. Files of older versions are
 * brought up to date when read. Pure.
 */
import { dirname } from 'node:path';
import { Failure, messageOf } from '../../../kit/failure.ts';
import type { Parameters, ParameterValue } from '../../../model/objects/common.ts';
import type { NicOnHost } from '../../../networks/contract.ts';
import type { GuestDisk } from '../../contract.ts';
import { type DeviceInfo, deviceDriver, deviceType, pciBus } from './devices.ts';

type Loose = Readonly<Record<string, unknown>>;

/** A NIC or disk as it stands in the file; devices of old guests have no place that is known. */
export interface RuntimeDevice extends Loose {
  readonly uuid: string;
  readonly hvinfo: DeviceInfo | Readonly<Record<string, never>>;
}

export interface RuntimeDisk {
  readonly disk: RuntimeDevice;
  /** Stable name under instance-disks. */
  readonly link: string | null;
  readonly uri: string | null;
}

export interface KvmRuntime {
  /** What is alike on all nodes; the rest is added where the guest starts. */
  readonly command: readonly (string | number)[];
  readonly nics: readonly RuntimeDevice[];
  /** As they were when the guest started. */
  readonly hvparams: Parameters;
  readonly disks: readonly RuntimeDisk[];
}

/** The device's place, or undefined for one that QEMU placed itself. */
export function placeOf(device: RuntimeDevice): DeviceInfo | undefined {
  return 'id' in device.hvinfo ? (device.hvinfo as DeviceInfo) : undefined;
}

function object(value: unknown): Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Loose) : {};
}

function texts(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Adds the place of devices whose file knows only a PCI slot (Ganeti before 2.16). */
function upgradedDevice(
  raw: unknown,
  kind: 'disk' | 'nic',
  hvparams: Parameters,
  index: number,
): RuntimeDevice {
  const { pci, ...rest } = object(raw);
  const uuid =
    typeof rest.uuid === 'string' ? rest.uuid : `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
  if (typeof rest.hvinfo === 'object' && rest.hvinfo !== null)
    return { ...rest, uuid, hvinfo: rest.hvinfo } as RuntimeDevice;
  if (typeof pci !== 'number') return { ...rest, uuid, hvinfo: {} };
  const hvinfo: DeviceInfo = {
    driver: deviceDriver(kind, deviceType(kind, hvparams)),
    id: `hot${kind}-${uuid.split('-')[0]}-pci-${pci}`,
    addr: `0x${pci.toString(16)}`,
    bus: pciBus,
  };
  return { ...rest, uuid, hvinfo };
}

function replaced(command: (string | number)[], at: number, count: number, by: (string | number)[]): void {
  command.splice(at, count, ...by);
}

/** -vnc with its TLS settings inside, as before QEMU 2.5, becomes an object of its own. */
function upgradeVnc(command: (string | number)[]): void {
  const at = command.indexOf('-vnc');
  if (at < 0) return;
  const kept: string[] = [];
  let credentials: string[] | undefined;
  for (const part of String(command[at + 1]).split(',')) {
    const [key = '', path = ''] = part.split('=');
    if (part === 'tls') {
      credentials ??= ['tls-creds-anon'];
      kept.push('tls-creds=vnctls0');
    } else if (key === 'x509' || key === 'x509verify') {
      credentials = ['tls-creds-x509', `dir=${path}`, `verify-peer=${key === 'x509' ? 'no' : 'yes'}`];
    } else kept.push(part);
  }
  if (credentials === undefined) return;
  const [type, ...options] = credentials;
  const tls = [type, 'id=vnctls0', 'endpoint=server', ...options].join(',');
  replaced(command, at, 2, ['-object', tls, '-vnc', kept.join(',')]);
}

function upgradedCommand(raw: unknown): (string | number)[] {
  if (!Array.isArray(raw))
    throw new Failure('HypervisorError', ['Failed to load KVM runtime file: no command line']);
  const command = raw.map((word) => (typeof word === 'number' ? word : String(word)));
  const local = command.indexOf('-localtime');
  if (local >= 0) replaced(command, local, 1, ['-rtc', 'base=localtime']);
  const balloon = command.indexOf('-balloon');
  if (balloon >= 0) {
    const options = String(command[balloon + 1])
      .split(',')
      .slice(1);
    replaced(command, balloon, 2, ['-device', ['virtio-balloon', ...options].join(',')]);
  }
  upgradeVnc(command);
  // Folder and user are this node's business and are added where the guest starts.
  const chroot = command.indexOf('-chroot');
  if (chroot >= 0) replaced(command, chroot, 2, []);
  return command;
}

function parsedParameters(raw: unknown): Parameters {
  const values = Object.entries(object(raw)).filter(
    (entry): entry is [string, ParameterValue] => entry[1] === null || typeof entry[1] !== 'object',
  );
  const hvparams = Object.fromEntries(values);
  return hvparams.disk_discard === 'default' ? { ...hvparams, disk_discard: 'ignore' } : hvparams;
}

/** @throws Failure HypervisorError when the text isn't a runtime file */
export function parseRuntime(text: string): KvmRuntime {
  let parts: unknown;
  try {
    parts = JSON.parse(text);
  } catch (error) {
    throw new Failure('HypervisorError', [`Failed to load KVM runtime file: ${messageOf(error)}`], {
      cause: error,
    });
  }
  if (!Array.isArray(parts) || parts.length < 3) {
    throw new Failure('HypervisorError', ['Failed to load KVM runtime file: not a list of four parts']);
  }
  const [command, nics, rawParameters, disks] = parts as unknown[];
  const hvparams = parsedParameters(rawParameters);
  return {
    command: upgradedCommand(command),
    hvparams,
    nics: (Array.isArray(nics) ? nics : []).map((nic, i) => upgradedDevice(nic, 'nic', hvparams, i)),
    disks: (Array.isArray(disks) ? disks : []).map((entry: unknown, i) => {
      const [disk, link, uri] = Array.isArray(entry) ? entry : [];
      return { disk: upgradedDevice(disk, 'disk', hvparams, i), link: texts(link), uri: texts(uri) };
    }),
  };
}

export function serialiseRuntime(runtime: KvmRuntime): string {
  const disks = runtime.disks.map(({ disk, link, uri }) => [disk, link, uri]);
  return JSON.stringify([runtime.command, runtime.nics, runtime.hvparams, disks]);
}

/** A NIC for the file, in the shape of Ganeti's objects.NIC. */
export function runtimeNic(nic: NicOnHost, hvinfo: DeviceInfo): RuntimeDevice {
  const { mode, link, vlan } = nic;
  const known = nic.network;
  const network =
    known === null
      ? {}
      : {
          network: known.uuid,
          netinfo: {
            uuid: known.uuid,
            name: known.name,
            network: known.subnet,
            gateway: known.gateway ?? null,
            network6: known.subnet6 ?? null,
            gateway6: known.gateway6 ?? null,
            mac_prefix: known.macPrefix ?? null,
            tags: known.tags ?? [],
          },
        };
  return {
    uuid: nic.uuid,
    mac: nic.mac,
    ...(nic.ip === null ? {} : { ip: nic.ip }),
    ...(nic.name === null ? {} : { name: nic.name }),
    nicparams: { mode, link, vlan },
    ...network,
    hvinfo,
  };
}

/** The NIC that the file describes. */
export function nicOfRuntime(device: RuntimeDevice): NicOnHost {
  const params = object(device.nicparams);
  const info = object(device.netinfo);
  const network =
    typeof info.name === 'string'
      ? {
          uuid: info.uuid ?? device.network,
          name: info.name,
          subnet: info.network ?? '',
          gateway: info.gateway ?? null,
          subnet6: info.network6 ?? null,
          gateway6: info.gateway6 ?? null,
          macPrefix: info.mac_prefix ?? null,
          tags: info.tags ?? [],
        }
      : null;
  return {
    uuid: device.uuid,
    mac: texts(device.mac) ?? '',
    ip: texts(device.ip),
    name: texts(device.name),
    mode: texts(params.mode) ?? 'bridged',
    link: texts(params.link) ?? '',
    vlan: texts(params.vlan) ?? '',
    network,
  };
}

/** A disk for the file, in the shape of Ganeti's objects.Disk with its link and URI. */
export function runtimeDisk(disk: GuestDisk, index: number, link: string, hvinfo: DeviceInfo): RuntimeDisk {
  const uri = disk.params?.access === 'userspace' ? disk.path : null;
  return {
    disk: {
      uuid: disk.uuid,
      dev_type: disk.template,
      iv_name: `disk/${index}`,
      mode: disk.mode,
      size: disk.sizeMiB,
      logical_id: disk.logicalId ?? null,
      ...(disk.name === null ? {} : { name: disk.name }),
      params: disk.params ?? {},
      hvinfo,
    },
    link: uri === null ? link : null,
    uri,
  };
}

/** The argument of an option of the command line. */
export function argumentOf(command: readonly (string | number)[], option: string): string | undefined {
  const at = command.indexOf(option);
  return at < 0 ? undefined : String(command[at + 1]);
}

/**
 * The runtime with the paths of this node. All nodes of a cluster have the same ones, except where several
 * virtual nodes share a machine and each has a root of its own.
 */
export function relocated(
  runtime: KvmRuntime,
  here: { readonly runDir: string; readonly logDir: string },
): KvmRuntime {
  const pidFile = argumentOf(runtime.command, '-pidfile');
  const suffix = '/kvm-hypervisor/pid';
  if (pidFile === undefined || !dirname(pidFile).endsWith(suffix)) return runtime;
  const runDir = dirname(pidFile).slice(0, -suffix.length);
  const usual = '/var/run/ganeti';
  const logDir = runDir.endsWith(usual) ? `${runDir.slice(0, -usual.length)}/var/log/ganeti` : null;
  const move = (text: string) => {
    const moved = text.replaceAll(`${runDir}/`, `${here.runDir}/`);
    return logDir === null ? moved : moved.replaceAll(`${logDir}/`, `${here.logDir}/`);
  };
  if (runDir === here.runDir) return runtime;
  return {
    ...runtime,
    command: runtime.command.map((word) => (typeof word === 'string' ? move(word) : word)),
    disks: runtime.disks.map((disk) => ({ ...disk, link: disk.link === null ? null : move(disk.link) })),
  };
}

/**
 * The runtime with the stable names that the guest's disks have now: they go by position, and positions
 * change when disks come and go.
 */
export function withCurrentLinks(runtime: KvmRuntime, disks: readonly GuestDisk[]): KvmRuntime {
  const current = (entry: RuntimeDisk): RuntimeDisk => {
    const disk = disks.find(({ uuid }) => uuid === entry.disk.uuid);
    return entry.link === null || disk === undefined ? entry : { ...entry, link: disk.path };
  };
  return { ...runtime, disks: runtime.disks.map(current) };
}
