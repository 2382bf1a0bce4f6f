/**
 * The contract of hypervisor drivers. `about.ts` is data for master and CLI; `driver.ts` runs on nodes.
 * No driver's name appears outside its folder and its line in `catalog.ts`.
 */
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import type { Parameters } from '../model/objects/common.ts';
import type { ParameterFamily } from '../model/params/family.ts';
import type { NicOnHost } from '../networks/contract.ts';

export interface HypervisorAbout {
  readonly name: string;
  readonly params: ParameterFamily;
  /** Can move a running guest. */
  readonly migration: boolean;
  readonly hotplug: boolean;
  /** Needs a TCP port of the cluster's pool (VNC, SPICE). */
  readonly needsPort: boolean;
  readonly ballooning: boolean;
  /** May a running guest move between nodes of these versions? Where nothing is said, only between like ones. */
  readonly movesBetween?: (source: string, target: string) => boolean;
  /** Opens network storage by itself, past the kernel (disk parameter access=userspace). */
  readonly userspaceDisks?: boolean;
  /** What names of disks begin with inside a Linux guest ("/dev/vd"); absent where none runs. */
  readonly guestDiskPrefix?: (values: Parameters) => string;
  /** Faults of a filled set of parameters that no single parameter's check can see. */
  readonly crossCheck?: (values: Parameters) => string | undefined;
  /** Files that must be alike on all nodes (constants of the hypervisor's ANCILLARY_FILES). */
  readonly ancillaryFiles: readonly string[];
  /** Those of `ancillaryFiles` that need not exist. */
  readonly optionalAncillaryFiles?: readonly string[];
  /** Sentences about values that work but are unwise, for `gnt-cluster verify` (AssessParameters). */
  readonly assess?: (values: Parameters) => readonly string[];
}

/** What a driver needs of the node it runs on. */
export interface DriverContext {
  readonly paths: Paths;
  readonly log: Log;
}

/** A block device as the guest gets it. */
export interface GuestDisk {
  readonly uuid: string;
  readonly name: string | null;
  /** Device or file, or the URI when `access` is userspace. */
  readonly path: string;
  readonly mode: 'rw' | 'ro';
  readonly template: string;
  readonly sizeMiB: number;
  /** How a file is attached (loop, blktap, …), for file-based templates. */
  readonly driver?: string | null;
  /** `path` is a file, not a device. */
  readonly isFile?: boolean;
  /** As config.data has them, for files that other tools read. */
  readonly logicalId?: readonly (string | number | null)[] | null;
  readonly params?: Parameters;
  /** Other nodes reach the same storage past this one, so the host must not cache it. */
  readonly seenElsewhere?: boolean;
}

export type GuestNic = NicOnHost;

/** An instance as a driver sees it: everything filled, devices active. */
export interface Guest {
  readonly uuid: string;
  readonly name: string;
  readonly hvparams: Parameters;
  readonly beparams: Parameters;
  readonly disks: readonly GuestDisk[];
  readonly nics: readonly GuestNic[];
  readonly networkPort: number | null;
  readonly tags: readonly string[];
  readonly primaryNode: string;
  /** Its name and SSH port, for consoles. */
  readonly primaryNodeName?: string | undefined;
  readonly sshPort?: number | undefined;
  readonly uidPool: readonly (readonly number[])[];
  readonly clusterName: string;
}

export interface RunningGuest {
  readonly name: string;
  /** MiB. */
  readonly memory: number;
  readonly vcpus: number;
  readonly state: 'running' | 'paused' | 'shutdown';
  /** Seconds of processor time. */
  readonly time: number;
}

/** Memory in MiB. */
export interface HostFacts {
  readonly version: string | null;
  readonly memoryTotal: number;
  readonly memoryFree: number;
  readonly memoryNode: number;
  readonly cpuTotal: number;
  readonly cpuNodes: number;
  readonly cpuSockets: number;
  readonly cpuNode: number;
}

export interface MigrationProgress {
  readonly status: 'active' | 'completed' | 'failed' | 'cancelled' | 'postcopy';
  readonly transferredMiB: number | null;
  readonly totalMiB: number | null;
  readonly downtimeMs: number | null;
  readonly message: string | null;
}

export interface ConsoleInfo {
  readonly kind: 'ssh' | 'vnc' | 'spice' | 'msg';
  readonly message: string | null;
  readonly host: string | null;
  readonly port: number | null;
  readonly user: string | null;
  readonly command: readonly string[] | null;
  readonly display: string | number | null;
}

/** Calls that change something are ensure or absent, as in storage. */
export interface HypervisorDriver {
  readonly about: HypervisorAbout;
  list(hvparams: Parameters): Promise<RunningGuest[]>;
  info(name: string, hvparams: Parameters): Promise<RunningGuest | null>;
  start(guest: Guest, options: { readonly paused: boolean }): Promise<void>;
  /** Asks the guest to end and waits `timeoutSeconds`, then ends it by force; 0 is force at once. */
  stop(guest: Guest, timeoutSeconds: number): Promise<void>;
  reboot(guest: Guest): Promise<void>;
  /** Files, sockets and interfaces of a guest that isn't running are taken away. */
  cleanUp(guest: Guest): Promise<void>;
  hostFacts(hvparams: Parameters): Promise<HostFacts>;
  /** What hinders it on this machine, or nothing. */
  verify(hvparams: Parameters): Promise<string | undefined>;
  validate(hvparams: Parameters): Promise<void>;
  console(guest: Guest): ConsoleInfo | Promise<ConsoleInfo>;

  migratable(guest: Guest): Promise<void>;
  migrationInfo(guest: Guest): Promise<string>;
  accept(guest: Guest, info: string, address: string): Promise<void>;
  migrate(guest: Guest, address: string, live: boolean): Promise<void>;
  migrationStatus(guest: Guest): Promise<MigrationProgress>;
  cancelMigration(guest: Guest): Promise<void>;
  finalizeSource(guest: Guest, success: boolean, live: boolean): Promise<void>;
  finalizeTarget(guest: Guest, info: string, success: boolean): Promise<void>;

  balloon(guest: Guest, memoryMiB: number): Promise<void>;
  hotplugSupported(guest: Guest): Promise<void>;
  hotplug(
    guest: Guest,
    action: 'add' | 'remove' | 'modify',
    target: 'disk' | 'nic',
    device: string,
    index: number,
  ): Promise<void>;
  resizeDisk(guest: Guest, index: number, sizeMiB: number): Promise<void>;
}
