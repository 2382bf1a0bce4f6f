/** What the parts of the KVM driver share on one node: folders, programs, sockets, taps, users. */
import { open } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import type { Log } from '../../../kit/log.ts';
import type { Paths } from '../../../kit/paths.ts';
import type { DriverContext, Guest } from '../../contract.ts';
import type { DisplayPlace, InterfaceAddresses } from '../hardware/display.ts';
import { Accelerators } from '../qemu/accel.ts';
import { QemuPrograms } from '../qemu/programs.ts';
import { QmpSockets } from '../qemu/qmp.ts';
import { type GuestFiles, guestFiles, type KvmFolders, kvmFolders } from './layout.ts';
import { Taps } from './taps.ts';
import { GuestUsers } from './users.ts';

export interface KvmNode {
  readonly paths: Paths;
  readonly log: Log;
  readonly folders: KvmFolders;
  readonly programs: QemuPrograms;
  readonly accelerators: Accelerators;
  readonly sockets: QmpSockets;
  readonly taps: Taps;
  readonly users: GuestUsers;
}

export function kvmNode(context: DriverContext): KvmNode {
  const folders = kvmFolders(context.paths);
  return {
    paths: context.paths,
    log: context.log,
    folders,
    programs: new QemuPrograms(),
    accelerators: new Accelerators(context.log),
    sockets: new QmpSockets(),
    taps: new Taps(context, folders),
    users: new GuestUsers(folders),
  };
}

export function filesOf(node: KvmNode, guest: { readonly name: string }): GuestFiles {
  return guestFiles(node.paths, guest.name);
}

/** Addresses of this machine's interfaces, without those that mean something on one link only. */
export function interfaceAddresses(): InterfaceAddresses {
  const result: Record<string, { 4: string[]; 6: string[] }> = {};
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    const of = (family: string) =>
      (addresses ?? [])
        .filter((found) => found.family === family && !found.address.startsWith('fe80:'))
        .map((found) => found.address);
    result[name] = { 4: of('IPv4'), 6: of('IPv6') };
  }
  return result;
}

export function displayPlace(node: KvmNode, guest: Guest): DisplayPlace {
  return {
    instance: guest.name,
    networkPort: guest.networkPort,
    interfaces: interfaceAddresses(),
    spiceCertificate: node.paths.spiceCertificate,
    spiceCaCertificate: node.paths.spiceCaCertificate,
  };
}

/** Has this machine vhost-net? Opening the device loads its module where there is one. */
export async function hasVhost(): Promise<boolean> {
  try {
    await (await open('/dev/vhost-net', 'r+')).close();
    return true;
  } catch {
    return false;
  }
}
