/**
 * Names and places of disks and NICs inside a guest: ids that QEMU knows them by and slots on its buses
 * (hv_kvm bus_manager). They are the guest's hardware, so they stay the same for as long as it runs, on
 * whichever node. Pure.
 */
import { Failure } from '../../../kit/failure.ts';
import type { Parameters } from '../../../model/objects/common.ts';
import { pciSlots } from '../parameters.ts';

export type DeviceKind = 'disk' | 'nic';

/** Where a device sits; written into runtime files. Devices that QEMU places itself have no bus. */
export interface DeviceInfo {
  readonly driver: string;
  readonly id: string;
  readonly bus?: string;
  /** PCI slot, hexadecimal. */
  readonly addr?: string;
  readonly channel?: number;
  readonly 'scsi-id'?: number;
  readonly lun?: number;
}

export const pciBus = 'pci.0';
const scsiBus = 'scsi.0';
const scsiSlots = 16;

const scsiTypes = ['scsi-block', 'scsi-cd', 'scsi-generic', 'scsi-hd'];

/** Kinds of devices that can come and go while the guest runs. */
const hotpluggable: Readonly<Record<DeviceKind, readonly string[]>> = {
  disk: ['paravirtual', ...scsiTypes],
  nic: ['e1000', 'i82551', 'i82557b', 'i82559er', 'ne2k_pci', 'paravirtual', 'pcnet', 'rtl8139'],
};

export function isScsi(type: unknown): boolean {
  return scsiTypes.includes(String(type));
}

export function isHotpluggable(kind: DeviceKind, type: unknown): boolean {
  return hotpluggable[kind].includes(String(type));
}

/** The type that the parameters give to devices of a kind. */
export function deviceType(kind: DeviceKind, hvparams: Parameters): string {
  return String(kind === 'disk' ? hvparams.disk_type : hvparams.nic_type);
}

/** QEMU's driver for a type. */
export function deviceDriver(kind: DeviceKind, type: string): string {
  if (type === 'paravirtual') return kind === 'disk' ? 'virtio-blk-pci' : 'virtio-net-pci';
  return type === 'ide' ? 'ide-hd' : type;
}

/** "disk-" or "nic-" and the uuid up to its third dash: QEMU takes 30 characters. */
export function deviceId(kind: DeviceKind, uuid: string): string {
  return `${kind}-${uuid.split('-').slice(0, 3).join('-')}`;
}

/** Slots of a guest's buses that are taken. */
export class Slots {
  readonly #pci = new Set<number>();
  readonly #scsi = new Set<number>();

  /** Leaves the first slots to QEMU, and those of `present` to the devices that are there. */
  constructor(hvparams: Parameters, present: readonly Partial<DeviceInfo>[] = []) {
    for (let slot = 0; slot < Number(hvparams.kvm_pci_reservations ?? 12); slot += 1) this.#pci.add(slot);
    for (const info of present) {
      if (info.bus === pciBus && info.addr !== undefined) this.#pci.add(Number.parseInt(info.addr, 16));
      if (info.bus === scsiBus && info['scsi-id'] !== undefined) this.#scsi.add(Number(info['scsi-id']));
    }
  }

  #take(taken: Set<number>, count: number, bus: string): number {
    for (let slot = 0; slot < count; slot += 1) {
      if (!taken.has(slot)) {
        taken.add(slot);
        return slot;
      }
    }
    throw new Failure('HypervisorError', [`No free slots available on bus ${bus}`]);
  }

  /**
   * Places one more device.
   * @throws Failure HypervisorError when the bus is full
   */
  place(kind: DeviceKind, uuid: string, hvparams: Parameters): DeviceInfo {
    const type = deviceType(kind, hvparams);
    const common = { driver: deviceDriver(kind, type), id: deviceId(kind, uuid) };
    if (kind === 'disk' && isScsi(type)) {
      const target = this.#take(this.#scsi, scsiSlots, scsiBus);
      return { ...common, bus: scsiBus, channel: 0, 'scsi-id': target, lun: 0 };
    }
    if (type === 'ide' || type === 'ne2k_isa') return common;
    return { ...common, bus: pciBus, addr: `0x${this.#take(this.#pci, pciSlots, pciBus).toString(16)}` };
  }
}

/** "virtio-blk-pci,id=disk-1234,bus=pci.0,addr=0x9", the beginning of a -device option. */
export function deviceOption(info: DeviceInfo): string {
  const { driver, ...rest } = info;
  return [driver, ...Object.entries(rest).map(([key, value]) => `${key}=${value}`)].join(',');
}
