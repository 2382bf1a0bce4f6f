/** A machine in memory: what it holds that can outlive an operation, as plain values, and its picture to compare. */
import type { MinorFacts } from '../../../src/noderpc/calls/remains.ts';
import { newTransfers, type TransferState, transfersSeen } from './transfers.ts';

/** What a machine holds that can outlive an operation. */
export interface MachineState {
  /** Volumes by their logical id. */
  readonly volumes: Map<string, number>;
  /** What the storage keeps beside a volume, by its logical id. */
  readonly info: Map<string, string>;
  /** Volumes that something works on, by their logical id. */
  readonly open: Set<string>;
  /** Mirrors that run here without being a disk of an instance. */
  readonly ghosts: Map<number, MinorFacts>;
  /** Active disks by uuid. */
  readonly active: Map<string, 'primary' | 'secondary'>;
  /**
   * How mirrored disks are connected, by uuid; one that isn't here is connected the usual way. One that is
   * `looking` goes on looking, one that is `refused` was refused by its other side.
   */
  readonly connection: Map<string, 'standalone' | 'dual' | 'looking' | 'refused'>;
  /** Images that disks begin with, by the disk's uuid. */
  readonly images: Map<string, string>;
  /** Uuids of instances that an OS install package was made for. */
  readonly packages: Set<string>;
  /** Mirrored disks that don't copy, by uuid. */
  readonly paused: Set<string>;
  readonly guests: Map<string, 'running' | 'paused' | 'shutdown'>;
  /** What happened to it that can't be seen in what it holds: restarts, repairs, programs of the site. */
  readonly events: string[];
  /** What guests have now: memory in MiB, uuids of disks and interfaces. */
  readonly hardware: Map<string, { memory: number; readonly devices: Set<string> }>;
  /** Instances that this machine is ready to receive. */
  readonly accepting: Set<string>;
  readonly hosts: Set<string>;
  /** Open vSwitches with their interfaces. */
  readonly switches: Map<string, Set<string>>;
  /** Physical volumes on which new volumes may be put. */
  readonly allocatable: Set<string>;
  /** Contents of files that were written from outside, by path. */
  readonly files: Map<string, string>;
  readonly transfers: TransferState;
  /** The cluster's address where it is up here: "ip/netmask netdev". */
  masterIp: string | null;
  /** Certificates, as words that say what they are. */
  readonly certificates: Certificates;
  readonly ssh: SshState;
  /** Belongs to the cluster: has its certificate. */
  member: boolean;
  reachable: boolean;
  /** MiB. */
  memoryFree: number;
}

/** root's SSH keys, as words. */
export interface SshState {
  key: string | null;
  prepared: string | null;
  authorized: Set<string>;
  /** The list of the nodes' keys; null where there is none. */
  known: Readonly<Record<string, readonly string[]>> | null;
}

export interface Certificates {
  cluster: string;
  client: string;
  stagedCluster: string | null;
  stagedClient: string | null;
  replaced: string | null;
}

export function newMachine(member = true): MachineState {
  return {
    volumes: new Map(),
    info: new Map(),
    open: new Set(),
    ghosts: new Map(),
    active: new Map(),
    connection: new Map(),
    images: new Map(),
    packages: new Set(),
    paused: new Set(),
    guests: new Map(),
    events: [],
    hardware: new Map(),
    accepting: new Set(),
    hosts: new Set(),
    switches: new Map(),
    allocatable: new Set(['/dev/sda5']),
    files: new Map(),
    transfers: newTransfers(),
    masterIp: null,
    certificates: {
      cluster: 'cluster',
      client: 'aa:bb',
      stagedCluster: null,
      stagedClient: null,
      replaced: null,
    },
    ssh: { key: null, prepared: null, authorized: new Set(), known: null },
    member,
    reachable: true,
    memoryFree: 60_000,
  };
}

/** How machines find each other by their addresses. */
export interface Neighbours {
  at(address: string): MachineState;
}

/** Answers one node call; its argument was checked against the call's definition. */
export type Handler = (machine: MachineState, argument: never, neighbours: Neighbours) => unknown;

/** Everything that the machine holds, as a value to compare. */
export function machineSeen(machine: MachineState): unknown {
  return {
    volumes: [...machine.volumes].sort(),
    info: [...machine.info].sort(),
    open: [...machine.open].sort(),
    active: [...machine.active].sort(),
    connection: [...machine.connection].sort(),
    packages: [...machine.packages].sort(),
    paused: [...machine.paused].sort(),
    guests: [...machine.guests].sort(),
    events: [...machine.events],
    hardware: [...machine.hardware].map(([name, { memory, devices }]) => [name, memory, [...devices].sort()]),
    accepting: [...machine.accepting].sort(),
    hosts: [...machine.hosts].sort(),
    switches: [...machine.switches].map(([name, ports]) => [name, [...ports].sort()]),
    allocatable: [...machine.allocatable].sort(),
    transfers: transfersSeen(machine.transfers),
    masterIp: machine.masterIp,
    certificates: { ...machine.certificates },
    ssh: { ...machine.ssh, authorized: [...machine.ssh.authorized].sort() },
    member: machine.member,
  };
}
