/**
 * The journal on the master candidates: who they are, who keeps step, and how long a commit waits for
 * them. A candidate that is slower than the deadline falls out of step and holds nobody up any more.
 */
import { Failure } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Configuration } from '../model/configuration.ts';
import type { NodeCaller } from '../noderpc/call.ts';
import { Candidate } from './candidate.ts';
import type { Snapshot } from './fold.ts';
import type { JournalEngine, JournalEntry } from './journal/engine.ts';
import type { Replicator } from './replicator.ts';

export interface ReplicationOptions {
  readonly nodes: NodeCaller;
  readonly engine: JournalEngine;
  readonly snapshot: () => Promise<Snapshot>;
  readonly files: (since: number | null) => Promise<Readonly<Record<string, string | null>>>;
  readonly log: Log;
  /** A newer master exists: this one must stop. */
  readonly superseded: (reason: Failure) => void;
  /** Milliseconds that a commit waits for candidates in step. */
  readonly deadlineMs?: number;
  readonly pauseMs?: readonly [number, number];
}

export interface CandidateState {
  readonly node: string;
  readonly inStep: boolean;
  readonly acknowledged: number;
  readonly fault: string | undefined;
}

/** Entries that stay in memory for candidates that keep step. */
const recentCount = 8192;

interface Waiter {
  readonly number: number;
  readonly since: number;
  readonly resolve: () => void;
  readonly reject: (reason: Failure) => void;
}

export class Replication implements Replicator {
  readonly #options: ReplicationOptions;
  readonly #candidates = new Map<string, Candidate>();
  readonly #closing = new Set<Promise<void>>();
  #recent: JournalEntry[] = [];
  #waiters: Waiter[] = [];
  #timer: NodeJS.Timeout | undefined;
  #superseded: Failure | undefined;
  /** Candidates of the start are waited for; later ones join when they are ready. */
  #began = false;

  constructor(options: ReplicationOptions) {
    this.#options = options;
    options.engine.onDurable((entries) => {
      this.#remember(entries);
      for (const candidate of this.#candidates.values()) candidate.wake();
    });
  }

  /** Candidates are those of this configuration; an offline node is none. */
  follow(configuration: Configuration): void {
    const { master_node: master } = configuration.cluster;
    const wanted = new Set(
      configuration.nodes
        .filter((node) => node.master_candidate && !node.offline && node.uuid !== master)
        .map((node) => node.uuid),
    );
    for (const [uuid, candidate] of this.#candidates) {
      if (wanted.has(uuid)) continue;
      this.#candidates.delete(uuid);
      this.#close(candidate);
    }
    for (const uuid of wanted) {
      if (!this.#candidates.has(uuid)) this.#candidates.set(uuid, this.#begin(uuid, !this.#began));
    }
    this.#began = true;
    this.#progress();
  }

  reached(number: number): Promise<void> {
    if (this.#superseded !== undefined) return Promise.reject(this.#superseded);
    if (this.#floor() >= number) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ number, since: performance.now(), resolve, reject });
      this.#watch();
    });
  }

  oldestWanted(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...[...this.#candidates.values()].map((each) => each.pinned));
  }

  /** config.data was folded: candidates get it too. */
  async refresh(): Promise<void> {
    await Promise.all([...this.#candidates.values()].map((candidate) => candidate.refresh()));
  }

  retry(): void {
    for (const candidate of this.#candidates.values()) candidate.retry();
  }

  states(): CandidateState[] {
    return [...this.#candidates].map(([node, { inStep, acknowledged, fault }]) => ({
      node,
      inStep,
      acknowledged,
      fault,
    }));
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    for (const candidate of this.#candidates.values()) this.#close(candidate);
    this.#candidates.clear();
    this.#progress();
    await Promise.all(this.#closing);
  }

  #begin(node: string, awaited: boolean): Candidate {
    const { nodes, engine, snapshot, files, log, pauseMs = [1000, 60_000] } = this.#options;
    return new Candidate({
      node,
      nodes,
      engine,
      recent: (from) => this.#since(from),
      snapshot,
      files,
      log,
      progress: () => this.#progress(),
      superseded: (reason) => this.#stop(reason),
      pauseMs,
      awaited,
    });
  }

  #close(candidate: Candidate): void {
    const closed = candidate.close().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  #remember(entries: readonly JournalEntry[]): void {
    this.#recent.push(...entries);
    if (this.#recent.length > 2 * recentCount) this.#recent = this.#recent.slice(-recentCount);
  }

  #since(from: number): readonly JournalEntry[] | undefined {
    const first = this.#recent[0]?.number;
    if (first === undefined || from < first) return undefined;
    return this.#recent.slice(from - first);
  }

  /** The newest entry that every candidate in step has. */
  #floor(): number {
    let floor = Number.POSITIVE_INFINITY;
    for (const candidate of this.#candidates.values()) {
      if (candidate.awaited && candidate.acknowledged < floor) floor = candidate.acknowledged;
    }
    return floor;
  }

  #progress(): void {
    const floor = this.#floor();
    let done = 0;
    while (done < this.#waiters.length && this.#waiters[done]!.number <= floor) done += 1;
    for (const waiter of this.#waiters.splice(0, done)) waiter.resolve();
  }

  #watch(): void {
    if (this.#timer !== undefined || this.#waiters.length === 0) return;
    const deadline = this.#options.deadlineMs ?? 2000;
    const left = this.#waiters[0]!.since + deadline - performance.now();
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#dropSlow(deadline);
        this.#watch();
      },
      Math.max(1, left),
    );
  }

  #dropSlow(deadline: number): void {
    const oldest = this.#waiters[0];
    if (oldest === undefined || performance.now() - oldest.since < deadline) return;
    for (const candidate of this.#candidates.values()) {
      if (candidate.awaited && candidate.acknowledged < oldest.number)
        candidate.fallBehind(`no answer within ${deadline / 1000} s`);
    }
  }

  #stop(reason: Failure): void {
    this.#superseded ??= new Failure('ConfigurationError', [...reason.args], { cause: reason });
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#superseded);
    this.#options.superseded(this.#superseded);
  }
}
