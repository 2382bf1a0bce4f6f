/**
 * The configuration store over a journal.
 *
 *     edit → rules → accepted ("head") → journal, durable → candidates → published ("current")
 *
 * Commits follow one another from head to head without waiting, so those that come together share one
 * write of the journal; readers see only what is durable. When the journal loses what it was given, head
 * goes back to the last durable commit.
 */
import { Failure, messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Configuration } from '../model/configuration.ts';
import { ClaimIndex } from './claim-index.ts';
import { commitEntry, commitKind } from './commit.ts';
import type { ConfigStore, Draft, Reservations } from './contract.ts';
import { type Edited, OpenDraft } from './draft.ts';
import type { At } from './fold.ts';
import type { Journal, JournalEngine } from './journal/engine.ts';
import { adjustPools } from './pools.ts';
import { noReplicator, type Replicator } from './replicator.ts';
import { JobReservations } from './reservations.ts';
import {
  type Change,
  candidatePoolFault,
  faultsOfChange,
  faultsWithIndex,
  movedFacts,
  moveFacts,
  moveFactsBack,
} from './rules.ts';

export interface StoreOptions {
  readonly engine: JournalEngine;
  readonly configuration: Configuration;
  readonly log: Log;
  /** Seconds since the epoch. */
  readonly now: () => number;
  /** Called when an entry is durable and replicated. */
  readonly published?: (by: 'store' | 'others') => void;
  /** Told of each commit that was made, with the milliseconds that its safety took. */
  readonly committed?: (milliseconds: number) => void;
  /** Brings config.data up to date; a store without a file has nothing to do. */
  readonly flush?: () => Promise<void>;
}

/** Told of published commits, in order: the configuration now, and what is different from the last time. */
export type CommitListener = (configuration: Configuration, changes: readonly Change[]) => void;

interface Accepted extends At {
  readonly changes: readonly Change[];
}

export class Store implements ConfigStore, Journal {
  readonly reservations: Reservations;
  readonly #options: StoreOptions;
  readonly #listeners: CommitListener[] = [];
  #replicator: Replicator = noReplicator;
  #head: Configuration;
  #durable: Configuration;
  #current: Configuration;
  #number: number;
  #index: ClaimIndex;
  /** Accepted commits that are not durable yet, and those that are not published yet; oldest first. */
  #pending: Accepted[] = [];
  #unpublished: Accepted[] = [];
  #newest: Promise<void> = Promise.resolve();
  #stopped: Failure | undefined;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#head = options.configuration;
    this.#durable = options.configuration;
    this.#current = options.configuration;
    this.#number = options.engine.last;
    this.#index = ClaimIndex.of(options.configuration);
    this.reservations = new JobReservations(() => ({ configuration: this.#head, index: this.#index }));
    options.engine.onDurable((entries) => this.#settle(entries.at(-1)!.number));
    options.engine.onLoss(() => this.#goBack());
  }

  get current(): Configuration {
    return this.#current;
  }

  /** The published configuration and the newest published entry. */
  get at(): At {
    return { configuration: this.#current, number: this.#number };
  }

  /** Sentences about everything that is wrong now; takes time that grows with the cluster. */
  faults(): string[] {
    return faultsWithIndex(this.#head, this.#index);
  }

  set replicator(replicator: Replicator) {
    this.#replicator = replicator;
  }

  onCommit(listener: CommitListener): void {
    this.#listeners.push(listener);
  }

  async change<T>(cause: string, edit: (draft: Draft) => T): Promise<T> {
    this.#check();
    const before = this.#head;
    const draft = new OpenDraft(before, this.#options.now());
    const result = edit(draft);
    if (result instanceof Promise) {
      throw new Failure('ProgrammerError', ['An edit of the configuration must be done when it returns']);
    }
    adjustPools(draft, before, this.#index);
    const edited = draft.close();
    if (edited === undefined) {
      await this.#newest;
      return result;
    }
    const began = performance.now();
    this.#accept(edited);
    const { number, durable } = this.#options.engine.append(
      commitKind,
      JSON.stringify(commitEntry(cause, edited)),
    );
    const accepted = { configuration: edited.after, number, changes: edited.changes };
    this.#pending.push(accepted);
    this.#unpublished.push(accepted);
    await this.#kept(number, durable);
    this.#options.committed?.(performance.now() - began);
    return result;
  }

  async append(kind: string, data: unknown): Promise<void> {
    this.#check();
    if (kind === commitKind)
      throw new Failure('ProgrammerError', ['Commits go through change, not through append']);
    const { number, durable } = this.#options.engine.append(kind, JSON.stringify(data));
    await this.#kept(number, durable);
  }

  async flush(): Promise<void> {
    await this.#options.flush?.();
  }

  /** Nothing is taken any more, for this reason. */
  stop(reason: Failure): void {
    this.#stopped ??= reason;
  }

  /** Was it stopped because a newer master exists? */
  get superseded(): boolean {
    return this.#stopped?.args[1] === 'stale_epoch';
  }

  #check(): void {
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  /** @throws Failure ConfigurationError naming the rules that don't hold */
  #accept(edited: Edited): void {
    const { before, after, changes } = edited;
    if (!sameNicDefaults(before, after)) {
      this.#acceptAll(edited);
      return;
    }
    const moved = movedFacts(before, after, changes);
    moveFacts(this.#index, moved);
    const faults = faultsOfChange(this.#index, before, after, changes, moved);
    if (faults.length > 0) {
      moveFactsBack(this.#index, moved);
      throw refused(faults);
    }
    this.#head = after;
  }

  /** Default NIC parameters say what an address means, so everything is looked at again. */
  #acceptAll({ before, after }: Edited): void {
    const index = ClaimIndex.of(after);
    const known = new Set(faultsWithIndex(before, this.#index));
    // The candidate pool is refilled by a commit of its own.
    const pool = candidatePoolFault(after);
    const faults = faultsWithIndex(after, index).filter((fault) => !known.has(fault) && fault !== pool);
    if (faults.length > 0) throw refused(faults);
    this.#index = index;
    this.#head = after;
  }

  async #kept(number: number, durable: Promise<void>): Promise<void> {
    const done = durable.then(() => this.#replicator.reached(number));
    this.#newest = done;
    await done;
    this.#publish(number);
  }

  /** Everything up to the entry is visible: what is kept of it is kept of all before it. */
  #publish(number: number): void {
    if (number <= this.#number) return;
    this.#number = number;
    const next = this.#unpublished.findIndex((accepted) => accepted.number > number);
    const commits = this.#unpublished.splice(0, next === -1 ? this.#unpublished.length : next);
    for (const { configuration, changes } of commits) {
      this.#current = configuration;
      for (const listener of this.#listeners) this.#tell(listener, changes);
    }
    this.#options.published?.(commits.length > 0 ? 'store' : 'others');
  }

  #tell(listener: CommitListener, changes: readonly Change[]): void {
    try {
      listener(this.#current, changes);
    } catch (error) {
      this.#options.log.error(`A listener of commits failed: ${messageOf(error)}`);
    }
  }

  #settle(number: number): void {
    const done = this.#pending.findIndex((pending) => pending.number > number);
    const settled = this.#pending.splice(0, done === -1 ? this.#pending.length : done);
    this.#durable = settled.at(-1)?.configuration ?? this.#durable;
  }

  #goBack(): void {
    this.#pending = [];
    this.#unpublished = this.#unpublished.filter(({ number }) => number <= this.#options.engine.last);
    this.#head = this.#durable;
    this.#index = ClaimIndex.of(this.#durable);
  }
}

function sameNicDefaults(before: Configuration, after: Configuration): boolean {
  const [was, is] = [before.cluster.nicparams, after.cluster.nicparams];
  return was === is || JSON.stringify(was) === JSON.stringify(is);
}

function refused(faults: readonly string[]): Failure {
  return new Failure('ConfigurationError', [`Configuration data is not consistent: ${faults.join(', ')}`]);
}
