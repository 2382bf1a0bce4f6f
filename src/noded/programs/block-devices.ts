/** The disks of a machine as lsblk(8) shows them, and which of them nobody uses. Pure. */
import * as z from 'zod';

interface Device {
  readonly name: string;
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  readonly rm: boolean;
  readonly ro: boolean;
  readonly mountpoints: readonly (string | null)[];
  readonly fstype: string | null;
  readonly children?: readonly Device[] | undefined;
}

const Device: z.ZodType<Device> = z.object({
  name: z.string().regex(/^[A-Za-z0-9!_.-]+$/),
  type: z.string(),
  size: z.number(),
  rm: z.boolean(),
  ro: z.boolean(),
  mountpoints: z.array(z.string().nullable()).default([]),
  fstype: z.string().nullable().default(null),
  children: z.lazy(() => z.array(Device)).optional(),
});

export const lsblkArguments = [
  'lsblk',
  '--json',
  '--bytes',
  '--output',
  'NAME,TYPE,SIZE,RM,RO,MOUNTPOINTS,FSTYPE',
];

export interface Disk {
  readonly name: string;
  readonly sizeBytes: number;
  readonly isRemovable: boolean;
  readonly partitions: readonly string[];
  /** Where it or a part of it is mounted. */
  readonly mounted: readonly string[];
  /** What uses it, in words; nothing when it is free. */
  readonly use: string | undefined;
}

function* withParts(device: Device): IterableIterator<Device> {
  yield device;
  for (const child of device.children ?? []) yield* withParts(child);
}

function useOf(device: Device): string | undefined {
  if (device.ro) return 'read-only';
  for (const part of withParts(device)) {
    const place = part.mountpoints.find((point) => point !== null);
    if (place !== undefined) return place === '[SWAP]' ? 'swap' : `mounted on ${place}`;
    if (part !== device && part.type !== 'part') return `${part.type} ${part.name}`;
    if (part.fstype === 'LVM2_member') return 'physical volume';
  }
  return undefined;
}

/** @param text what lsblk printed @throws ZodError when it is something else */
export function disksIn(text: string): Disk[] {
  const { blockdevices } = z.object({ blockdevices: z.array(Device) }).parse(JSON.parse(text));
  return blockdevices
    .filter(({ type, size }) => type === 'disk' && size > 0)
    .map((device) => ({
      name: device.name,
      sizeBytes: device.size,
      isRemovable: device.rm,
      partitions: (device.children ?? []).filter(({ type }) => type === 'part').map(({ name }) => name),
      mounted: [...withParts(device)].flatMap(({ mountpoints }) =>
        mountpoints.filter((point) => point !== null),
      ),
      use: useOf(device),
    }));
}

/** The first partition of a disk: sda1, nvme0n1p1. */
export const firstPartition = (disk: string) => (/\d$/.test(disk) ? `${disk}p1` : `${disk}1`);
