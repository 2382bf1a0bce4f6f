/** What the store asks of whoever brings its entries to the master candidates (distributor.ts). */

export interface Replicator {
  /**
   * Resolves when every candidate that keeps step has the entry, or has been waited for long enough.
   * @throws Failure ConfigurationError when a newer master exists: this one must stop
   */
  reached(number: number): Promise<void>;
  /** Entries from this number on are still wanted; Infinity when none is. */
  oldestWanted(): number;
  /** Tries again at once with candidates that failed. */
  retry(): void;
}

/** A cluster of one node. */
export const noReplicator: Replicator = {
  reached: () => Promise.resolve(),
  oldestWanted: () => Number.POSITIVE_INFINITY,
  retry: () => {},
};
