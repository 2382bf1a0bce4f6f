/**
 * The contract of storage drivers. A driver has two faces: `about.ts` is data that master, CLI and
 * htools read; `driver.ts` does the I/O and is loaded on nodes only. No driver's name appears outside
 * its folder and its line in `catalog.ts`.
 */

import type { Parameters } from '../model/objects/common.ts';
import type { Disk } from '../model/objects/disk.ts';
import type { ParameterFamily } from '../model/params/family.ts';
import type { StorageHost } from './host.ts';

/** What a new disk's layout is made from. Sizes are MiB. */
export interface LayoutRequest {
  /** Unique beginning of the names of its volumes. */
  readonly unique: string;
  readonly index: number;
  readonly size: number;
  /** Primary node first. */
  readonly nodes: readonly string[];
  /** Volume group of the data, and of DRBD's metadata. */
  readonly vg: string | null;
  readonly metaVg: string | null;
  /** One a node, for drivers that copy between nodes; port and secret of their connection. */
  readonly minors: readonly number[];
  readonly port: number | null;
  readonly secret: string | null;
  /** Of file-based disks: the instance's folder and the driver that opens the file. */
  readonly directory: string | null;
  readonly fileDriver: string | null;
  /** Existing volume or device to take over. */
  readonly adopt: string | null;
  /** Of the ext template. */
  readonly provider: string | null;
}

/** The positional identity of a disk, and the lower volumes that it stands on. */
export interface DiskLayout {
  readonly logicalId: readonly (string | number | null)[];
  readonly children?: readonly {
    readonly template: string;
    readonly size: number;
    readonly logicalId: readonly (string | number | null)[];
  }[];
}

/** What a disk holds that no other disk may hold. */
export interface DiskClaims {
  /** Logical volumes, "vg/name". */
  readonly volumes?: readonly string[];
  /** Numbers that a node gives to one device each. */
  readonly minors?: readonly { readonly node: string; readonly minor: number }[];
  /** TCP port of its connection. */
  readonly port?: number;
  readonly secret?: string;
}

export interface StorageAbout {
  /** The disk template. */
  readonly name: string;
  readonly params: ParameterFamily;
  /** internal: the driver copies between two nodes (DRBD); external: every node sees the same storage. */
  readonly mirrored: 'no' | 'internal' | 'external';
  /** Needs a secondary node. */
  readonly needsSecondary: boolean;
  /** Type in node storage reports: lvm-vg, file, … (constants.ST_*). */
  readonly storageType: string;
  readonly growable: boolean;
  readonly adoptable: 'no' | 'may' | 'must';
  readonly fileBased: boolean;
  /** Lives in a volume group: counted against its free space. */
  readonly volumeGroup: boolean;
  readonly snapshots: boolean;
  readonly exclusiveStorage: boolean;
  readonly userspaceAccess: boolean;
  readonly convertibleFrom: boolean;
  readonly convertibleTo: boolean;
  readonly copyable: boolean;
  /** MiB that the template takes beside the disk itself, on each node. */
  readonly overheadMiB: number;
  /** Names under which hooks are told the first parts of a disk's logical id. */
  readonly idParts: readonly string[];
  /** The same for the disks below it. */
  readonly lowerDisks?: readonly string[];
  /** No disks at all. */
  readonly empty?: boolean;
  /** Each disk names who provides it, and may have parameters that only the provider knows. */
  readonly providers?: boolean;
  /** How a new disk is laid out; pure. Absent for a template without disks. */
  readonly layout?: (request: LayoutRequest) => DiskLayout;
  /** What a disk's logical id holds for itself alone; pure. Absent: nothing. */
  readonly claims?: (logicalId: NonNullable<Disk['logical_id']>) => DiskClaims;
}

export interface DeviceState {
  readonly path: string;
  readonly major: number | null;
  readonly minor: number | null;
  readonly syncPercent: number | null;
  readonly estimatedTime: number | null;
  readonly degraded: boolean;
  readonly localDisk: 'okay' | 'unknown' | 'faulty' | 'sync';
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

/** What a driver is told of a disk; the shape of noderpc's DiskOnNode. */
export interface DiskRequest {
  readonly disk: Disk;
  readonly params: Parameters;
  readonly owner: string;
  readonly ownerUuid: string;
  readonly index: number;
  readonly self: string;
  readonly addresses: Readonly<Record<string, string>>;
  readonly exclusiveStorage: boolean;
}

export interface AssembledDevice {
  readonly path: string;
  /** For userspace access, else null. */
  readonly uri: string | null;
}

/**
 * Each call that changes something is *ensure* or *absent*: right whether it never happened, stopped
 * half way or is done already. Sizes are MiB. Lower devices (a DRBD disk's volumes) are the driver's
 * own business: it asks for their driver by `children[i].dev_type`.
 */
export interface StorageDriver {
  readonly about: StorageAbout;
  /**
   * Makes a new disk with its lower volumes. What an earlier try of the same request has made is gone on
   * with; a mirror that doesn't run yet begins with fresh metadata, so this is nothing for a disk with data.
   */
  create(
    request: DiskRequest,
    options: { readonly info: string; readonly onPrimary: boolean; readonly mustBeNew: boolean },
  ): Promise<void>;
  remove(request: DiskRequest): Promise<void>;
  /** Activates; `asPrimary` also makes it usable for a guest on this node. */
  assemble(request: DiskRequest, asPrimary: boolean): Promise<AssembledDevice>;
  shutdown(request: DiskRequest): Promise<void>;
  /** Write access, for drivers that give it to one node at a time. */
  open(request: DiskRequest, exclusive: boolean): Promise<void>;
  close(request: DiskRequest): Promise<void>;
  /** null when it isn't active or can't be found. */
  find(request: DiskRequest): Promise<DeviceState | null>;
  /**
   * The request has the size of before; the disk ends with that size and `amount` more, however often it
   * is asked. First the backing storage on every node, then (`backingStore` false) the device itself.
   */
  grow(
    request: DiskRequest,
    amount: number,
    options: { readonly dryRun: boolean; readonly backingStore: boolean },
  ): Promise<void>;
  dimensions(
    request: DiskRequest,
  ): Promise<{ readonly bytes: number; readonly spindles: number | null } | null>;
  setInfo(request: DiskRequest, info: string): Promise<void>;
  rename(request: DiskRequest, logicalId: Disk['logical_id']): Promise<void>;
  /** Logical id of the snapshot. */
  snapshot(request: DiskRequest, name: string, size: number | null): Promise<NonNullable<Disk['logical_id']>>;
}

/** A configured minor as the kernel shows it. */
export interface MinorFacts {
  readonly minor: number;
  /** Somebody may write to it here. */
  readonly isPrimary: boolean;
  /** Paths of the volumes below it; null where it has none. */
  readonly dataDevice: string | null;
  readonly metaDevice: string | null;
}

/** Drivers whose two sides speak to each other. */
export interface MirroringDriver extends StorageDriver {
  /** Version of the kernel's part, as `gnt-cluster verify` compares it between nodes. */
  version(): Promise<string>;
  /** Program that the kernel calls on events of a mirror. */
  usermodeHelper(): Promise<string>;
  /** Minors that are configured on this node. */
  usedMinors(): Promise<readonly number[]>;
  /** What each of them is, for those who ask whose it is. */
  minorFacts(): Promise<readonly MinorFacts[]>;
  /** Takes a device down, whoever's it is; its volumes stay. */
  forceDown(minor: number): Promise<void>;
  disconnectNet(request: DiskRequest): Promise<void>;
  /** Waits until both sides have found each other, or `signal` ends the waiting: ask both nodes at once. */
  attachNet(request: DiskRequest, multiMaster: boolean, signal?: AbortSignal): Promise<void>;
  pauseResumeSync(request: DiskRequest, pause: boolean): Promise<void>;
  addChildren(request: DiskRequest, children: readonly DiskRequest[]): Promise<void>;
  removeChildren(request: DiskRequest, children: readonly DiskRequest[]): Promise<void>;
}

/** What a driver is made with on a node. */
export interface DriverContext {
  readonly host: StorageHost;
  /** The driver of another template, for disks that stand on lower ones. */
  readonly lower: (template: string) => Promise<StorageDriver>;
}
