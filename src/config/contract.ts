/**
 * What the rest of the master knows of the configuration store: a value to read, and one way to change
 * it. store.ts implements this over a journal; tests may use a store without a disk.
 */
import type { Configuration, Objects, TableName } from '../model/configuration.ts';
import type { Cluster } from '../model/objects/cluster.ts';
import type { Disk } from '../model/objects/disk.ts';

/** The configuration while it is being changed: reads see what was put before. */
export interface Draft extends Configuration {
  /**
   * Adds or replaces an object. Its serial number and times are set here: 1 and now for a new one,
   * one more than before and now for a changed one.
   */
  put<K extends TableName>(table: K, object: Objects[K]): void;
  /** Takes an object out; not there: fine. */
  remove(table: TableName, uuid: string): void;
  /** Changes fields of the cluster. */
  changeCluster(change: Partial<Cluster>): void;
}

/** Values that a job has chosen but not yet written into the configuration. They go when the job ends. */
export interface Reservations {
  /** A MAC address under the prefix (the network's, or the cluster's) that nobody has. */
  generateMac(job: string, prefix?: string): string;
  /** @throws Failure ReservationError when it is taken */
  reserveMac(job: string, mac: string): void;
  /** A port of the pool for a VNC display or a DRBD connection. */
  allocatePort(job: string): number;
  /** The lowest free DRBD minor on each node, in the order asked; the same node twice gives two. */
  allocateMinors(job: string, nodes: readonly string[]): number[];
  /** A secret for a DRBD connection. */
  generateDrbdSecret(job: string): string;
  /** @throws Failure ReservationError when the volume ("vg/name") is taken */
  reserveVolume(job: string, volume: string): void;
  /**
   * @param network uuid or name
   * @param allowExternal take it even when it is reserved for something outside the cluster
   * @throws Failure ReservationError when the address is taken or not in the network
   */
  reserveIp(job: string, network: string, address: string, allowExternal?: boolean): void;
  /** The next free address of the network. */
  generateIp(job: string, network: string): string;
  generateUuid(job: string): string;
  /**
   * What the disk claims for itself (minors, volumes, port) stays taken for `owner`, whichever job had it: of a
   * disk that couldn't be taken away. What an object of the configuration has is left to it.
   */
  hold(owner: string, disk: Disk): void;
  /** Claims of the disk that a job other than `owner` has reserved. */
  othersOf(owner: string, disk: Disk): readonly string[];
  /** Everything that the job had reserved is free again. */
  release(job: string): void;
}

export interface ConfigStore {
  /** The newest committed configuration. Never changes under its reader. */
  readonly current: Configuration;
  readonly reservations: Reservations;
  /**
   * One commit: `edit` runs at once on a draft of the newest accepted configuration, the result is checked
   * by every rule, journalled durably and replicated before this resolves. When `edit` throws or a rule
   * doesn't hold nothing is changed. Free ports and the addresses of networks follow from what objects use:
   * no edit needs to keep those pools.
   * @param cause job or part of the daemon that asks, for the journal
   * @throws Failure ConfigurationError naming the rule
   */
  change<T>(cause: string, edit: (draft: Draft) => T): Promise<T>;
  /** config.data on this node is brought up to the newest commit before this resolves. */
  flush(): Promise<void>;
}
