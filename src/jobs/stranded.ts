/**
 * Stranded steps: their undo has failed, mostly because a node was cut off, and their job has ended, so its locks
 * are gone. What they have left may meanwhile be somebody's. So an undo comes again only by a rule of its own
 * (`LateUndo`), which says what must be locked and judges what is to be done by the world as it is under the locks:
 *
 *   stranded ── nodes answer, locks taken, judged ──▶ undo      ──▶ undone
 *      ▲  │                                      ├──▶ settled   ──▶ undone (nothing of it is left to take away)
 *      │  └─ no rule: an administrator looks     └──▶ later     ─┐
 *      └──────────── failed again, or a node is silent ◀─────────┘
 *
 * It is tried at the start, when one is stranded, and then in rounds for as long as there are any. What a step has
 * reserved stays held, so that nobody chooses the same minor while its device still stands somewhere.
 */
import { sleep } from '../kit/clock.ts';
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { LockRequest } from '../locks/contract.ts';
import type { LockManager } from '../locks/manager.ts';
import type { StepLedger, StrandedStep } from './ledger.ts';
import type { AnyStep } from './steps.ts';

export type Verdict =
  | { readonly kind: 'undo' }
  /** There is nothing to take away any more, or it is somebody's now. */
  | { readonly kind: 'settled'; readonly reason: string }
  /** It can't be told yet. */
  | { readonly kind: 'later'; readonly reason: string };

/** How an undo is done again after its operation has ended. Inputs are what the step's own check made of the journal. */
export interface LateUndo<World> {
  readonly step: AnyStep<World>;
  /** Nodes that must answer first. */
  readonly nodes: (input: unknown) => readonly string[];
  readonly locks: (world: World, input: unknown) => readonly LockRequest[];
  /** Asked under the locks. */
  readonly judge: (world: World, input: unknown, owner: string) => Promise<Verdict> | Verdict;
  /** Keeps reserved, under `owner`, what the step had taken. */
  readonly hold?: (world: World, input: unknown, owner: string) => void;
}

export type Reach = 'answers' | 'silent' | 'gone';

export interface StrandedParts<World> {
  readonly world: World;
  readonly ledger: StepLedger;
  /** By the name of the step. */
  readonly rules: ReadonlyMap<string, LateUndo<World>>;
  readonly locks: Pick<LockManager, 'acquire' | 'release'>;
  readonly log: Log;
  /** 'gone': the node is no longer in the configuration. */
  readonly reach: (node: string) => Promise<Reach>;
  /** What was held under that name is free again. */
  readonly release: (owner: string) => void;
  /** Seconds since the epoch. */
  readonly now: () => number;
}

/** What is told of a stranded step. */
export interface StrandedReport {
  readonly job: number;
  readonly op: number;
  readonly number: number;
  readonly step: string;
  readonly nodes: readonly string[];
  readonly error: string;
  /** False: no rule says how, an administrator must look. */
  readonly retried: boolean;
}

type Key = Pick<StrandedStep, 'job' | 'op' | 'number'>;

/** Milliseconds between two rounds, and seconds until one that failed is tried again: doubled up to the last. */
const roundMs = 5_000;
const firstPause = 5;
const longestPause = 600;
/** It has time: jobs of people go first. */
const priority = 10;

const keyOf = ({ job, op, number }: Key) => `${job}/${op}/${number}`;
/** Shown as the owner of its locks. */
const lockOwner = ({ job, op, number }: Key) => `undo-of-${job}-${op}-${number}`;
/** Steps of one opcode share what they have reserved. */
const holder = ({ job, op }: Key) => `undo-of-${job}-${op}`;

export class StrandedSteps<World> {
  readonly #parts: StrandedParts<World>;
  readonly #closing = new AbortController();
  readonly #pauses = new Map<string, { readonly until: number; readonly seconds: number }>();
  #wake: () => void = () => {};
  #loop: Promise<void> | undefined;

  constructor(parts: StrandedParts<World>) {
    this.#parts = parts;
    for (const entry of parts.ledger.stranded()) this.#hold(entry);
    parts.ledger.onStranded = (entry) => {
      this.#hold(entry);
      this.#wake();
    };
  }

  list(): StrandedReport[] {
    return this.#parts.ledger.stranded().map((entry) => {
      const { job, op, number, step, error } = entry;
      const rule = this.#parts.rules.get(step);
      const input = this.#inputOf(entry);
      const nodes = rule === undefined || input === undefined ? [] : rule.nodes(input.value);
      return { job, op, number, step, nodes, error, retried: rule !== undefined && input !== undefined };
    });
  }

  /** Begins to try in rounds, the first one now. */
  start(): void {
    this.#loop = this.#run().catch((error: unknown) => {
      if (!this.#closing.signal.aborted)
        this.#parts.log.error(`stranded steps are no longer tried again: ${messageOf(error)}`);
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake();
    await this.#loop;
  }

  /** Somebody has looked: nothing of it is left, or it is left on purpose. Not there: fine. */
  async forget(key: Key): Promise<void> {
    const entry = this.#parts.ledger.stranded().find((each) => keyOf(each) === keyOf(key));
    if (entry !== undefined) await this.#settle(entry, 'as an administrator says');
  }

  /** One round: each that is due and whose nodes answer. Steps of one opcode one by one, the last first. */
  async round(): Promise<void> {
    const reached = new Map<string, Promise<Reach>>();
    const reach = (node: string) => {
      const asked = reached.get(node) ?? this.#parts.reach(node).catch((): Reach => 'silent');
      reached.set(node, asked);
      return asked;
    };
    const byOpcode = Map.groupBy(this.#parts.ledger.stranded(), ({ job, op }) => `${job}/${op}`);
    await Promise.all(
      [...byOpcode.values()].map(async (entries) => {
        for (const entry of entries.sort((a, b) => b.number - a.number)) await this.#attempt(entry, reach);
      }),
    );
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      if (this.#parts.ledger.stranded().length === 0) {
        await woken;
        continue;
      }
      await this.round();
      await sleep(roundMs, signal);
    }
  }

  async #attempt(entry: StrandedStep, reach: (node: string) => Promise<Reach>): Promise<void> {
    const rule = this.#parts.rules.get(entry.step);
    const input = this.#inputOf(entry);
    const pause = this.#pauses.get(keyOf(entry));
    if (rule === undefined || input === undefined) return;
    if (pause !== undefined && pause.until > this.#parts.now()) return;
    const reaches = await Promise.all(rule.nodes(input.value).map(reach));
    if (this.#closing.signal.aborted || reaches.includes('silent')) return;
    try {
      await this.#underLocks(entry, rule, input.value);
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#postpone(entry, messageOf(error));
    }
  }

  async #underLocks(entry: StrandedStep, rule: LateUndo<World>, input: unknown): Promise<void> {
    const { locks, world } = this.#parts;
    const owner = lockOwner(entry);
    const { signal } = this.#closing;
    try {
      for (let asked = rule.locks(world, input); ; ) {
        await locks.acquire(owner, asked, { priority, signal });
        const again = rule.locks(world, input);
        if (JSON.stringify(again) === JSON.stringify(asked)) break;
        locks.release(owner);
        asked = again;
      }
      const verdict = await rule.judge(world, input, holder(entry));
      if (verdict.kind === 'later') {
        this.#postpone(entry, verdict.reason);
        return;
      }
      if (verdict.kind === 'undo' && rule.step.undo !== 'none') await rule.step.undo(world, input);
      await this.#settle(entry, verdict.kind === 'undo' ? 'it is undone' : verdict.reason);
    } finally {
      locks.release(owner);
    }
  }

  #postpone(entry: StrandedStep, reason: string): void {
    const key = keyOf(entry);
    const seconds = Math.min(longestPause, (this.#pauses.get(key)?.seconds ?? firstPause / 2) * 2);
    this.#pauses.set(key, { until: this.#parts.now() + seconds, seconds });
    this.#parts.log.warning(
      `job ${entry.job}: step ${entry.step} can't be undone yet, next try in ${seconds} s: ${reason}`,
    );
  }

  async #settle(entry: StrandedStep, how: string): Promise<void> {
    const { job, op, number, step } = entry;
    await this.#parts.ledger.append({ kind: 'undone', job, op, number });
    this.#pauses.delete(keyOf(entry));
    const isLast = !this.#parts.ledger.stranded().some((each) => holder(each) === holder(entry));
    if (isLast) this.#parts.release(holder(entry));
    this.#parts.log.info(`job ${job}: stranded step ${step} is done with: ${how}`);
  }

  #hold(entry: StrandedStep): void {
    const input = this.#inputOf(entry);
    if (input !== undefined)
      this.#parts.rules.get(entry.step)?.hold?.(this.#parts.world, input.value, holder(entry));
  }

  /** Undefined when it isn't what the step takes (any more). */
  #inputOf(entry: StrandedStep): { readonly value: unknown } | undefined {
    const parsed = this.#parts.rules.get(entry.step)?.step.input.safeParse(entry.input);
    return parsed?.success ? { value: parsed.data } : undefined;
  }
}
