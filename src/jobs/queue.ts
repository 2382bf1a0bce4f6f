/**
 * The job queue of the master: takes jobs in, starts them when their turn comes, and answers for them.
 *
 *   submit ─▶ queued ─▶ waiting (for locks) ─▶ running ─▶ success | error
 *               │           └─▶ canceling ─▶ canceled ◀─┘ (a running one is undone first)
 *               └─▶ canceled (cancelled, or rejected by a filter rule)
 *
 * Every method that changes something resolves when the change is durable. Texts in the answers are
 * Ganeti's, because its commands print them.
 */
import { Failure, messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { FilterRule } from '../model/objects/filter-rule.ts';
import type { AnyOpcode } from '../opcodes/opcode.ts';
import { isExpired } from './archive.ts';
import { type ChangeWish, type JobChange, JobChanges } from './changes.ts';
import { type Durable, type JobState, patiently } from './durable.ts';
import { type Answer, awaitCancel, canceledResult, endRest, markDead } from './ending.ts';
import {
  type ActiveJob,
  changedStates,
  type ExecuteOpcode,
  type ExecutionParts,
  type JobTimes,
  runJob,
} from './execution.ts';
import type { JobFiles } from './files.ts';
import type { EvaluateFilter } from './filters.ts';
import { isFinal, type Job, type JobStatus, type OpcodeChange, statusOf, timestampOf } from './job.ts';
import type { StepLedger } from './ledger.ts';
import { ReadyList } from './ready.ts';
import type { SecretNames } from './redaction.ts';
import { chooseJobs, FilterChain } from './schedule.ts';
import { checkOpcode, checkPriority, type FindOpcode, type NewJob, newJobs, pickedUp } from './submission.ts';
import { cancelFailure } from './unwind.ts';

/** So many jobs are archived with one line of the journal. */
const archiveBatch = 100;

export interface QueueParts {
  readonly findOpcode: FindOpcode;
  readonly secrets: SecretNames;
  readonly execute: ExecuteOpcode;
  readonly durable: Durable;
  readonly ledger: StepLedger;
  readonly files: JobFiles;
  /** The rules in force; the same object as long as they are the same. */
  readonly rules: () => Iterable<FilterRule>;
  readonly evaluate: EvaluateFilter;
  /** How many jobs may run at once (the cluster's max_running_jobs). Asked whenever a job could start. */
  readonly runningLimit: () => number;
  /** Seconds since the epoch. */
  readonly now: () => number;
  readonly log: Log;
}

/** What a start of the queue begins with (recover.ts). */
export interface QueueState {
  readonly jobs: Iterable<Job>;
  /** The highest id given out. */
  readonly serial: number;
  readonly drained: boolean;
}

export class JobQueue {
  readonly #parts: QueueParts;
  readonly #execution: ExecutionParts;
  readonly #jobs = new Map<number, Job>();
  readonly #ready = new ReadyList();
  readonly #active = new Map<number, ActiveJob>();
  readonly #inputs = new Map<number, readonly AnyOpcode[]>();
  readonly #changes = new JobChanges();
  readonly #ends = new Set<() => void>();
  readonly #committing = new Set<Promise<void>>();
  #chain: FilterChain;
  #rules: Iterable<FilterRule>;
  #serial: number;
  #isDrained: boolean;
  #isPaused = true;
  #isScheduled = false;

  /** The queue takes jobs in but starts none until `unpause`. */
  constructor(parts: QueueParts, state: QueueState = { jobs: [], serial: 0, drained: false }) {
    this.#parts = parts;
    this.#execution = {
      execute: parts.execute,
      log: parts.log,
      now: parts.now,
      commit: (job, changes, times) => this.#commit(job, changes, times),
      show: (job) => this.#show(job),
      statusOf: (id) => this.#statusOf(id),
      closeSteps: (job, index) => parts.ledger.close(job, index),
    };
    this.#serial = state.serial;
    this.#isDrained = state.drained;
    this.#rules = parts.rules();
    this.#chain = new FilterChain(this.#rules, parts.evaluate);
    for (const job of state.jobs) this.#jobs.set(job.id, job);
    for (const job of this.#jobs.values()) if (!isFinal(statusOf(job))) this.#enqueue(job);
  }

  // ── looking ──

  /** Every job that isn't archived, by id. */
  get jobs(): ReadonlyMap<number, Job> {
    return this.#jobs;
  }

  /** The highest id given out: the watermark of a filter rule made now. */
  get serial(): number {
    return this.#serial;
  }

  get isDrained(): boolean {
    return this.#isDrained;
  }

  get runningCount(): number {
    return this.#active.size;
  }

  /** A job wherever it is. */
  async find(id: number): Promise<{ readonly job: Job; readonly archived: boolean } | undefined> {
    const job = this.#jobs.get(id);
    if (job !== undefined) return { job, archived: false };
    const old = await this.#parts.files.readArchived(id);
    return old === undefined ? undefined : { job: old, archived: true };
  }

  archivedIds(): Promise<number[]> {
    return this.#parts.files.archivedIds();
  }

  /**
   * LUXI's WaitForJobChange.
   * @returns undefined when there is no such job
   */
  async waitForJobChange(id: number, wish: ChangeWish): Promise<JobChange | 'nochange' | undefined> {
    const found = await this.find(id);
    return found === undefined ? undefined : await this.#changes.wait(found.job, wish);
  }

  /** Calls `watcher` at every change of any job; it must not throw. */
  onChange(watcher: (job: Job) => void): void {
    this.#changes.watch(watcher);
  }

  /** Resolves when no job is running. */
  async idle(): Promise<void> {
    while (this.#active.size > 0) await new Promise<void>((resolve) => this.#ends.add(resolve));
  }

  // ── taking in ──

  /**
   * @returns the job's id, once it can't be lost any more
   * @throws Failure OpPrereqError for a wrong opcode, GenericError "Queue drained"
   */
  async submit(
    opcodes: readonly AnyOpcode[],
    options: { readonly evenDrained?: boolean } = {},
  ): Promise<number> {
    const [answer] = await this.submitMany([opcodes], options);
    if (answer?.[0] !== true) throw new Failure('GenericError', [answer?.[1]]);
    return answer[1];
  }

  /**
   * Jobs that may refer to each other by relative ids.
   * @returns for each its id, or why it was not taken
   * @throws Failure when any opcode is wrong: then none is taken
   */
  async submitMany(
    batch: readonly (readonly AnyOpcode[])[],
    options: { readonly evenDrained?: boolean } = {},
  ): Promise<([true, number] | [false, string])[]> {
    if (this.#isDrained && options.evenDrained !== true) throw new Failure('GenericError', ['Queue drained']);
    const { findOpcode, secrets, now } = this.#parts;
    const checked = batch.map((ops) => ops.map((op) => checkOpcode(op, findOpcode)));
    const { fresh, answers } = newJobs(checked, this.#serial, secrets, now());
    this.#serial += fresh.length;
    const work = this.#takeIn(fresh);
    this.#committing.add(work);
    await work.finally(() => this.#committing.delete(work));
    return answers;
  }

  /** Takes in a job whose file somebody else has put into the folder; here already: fine. @throws as `pickedUp` */
  async pickUp(id: number): Promise<void> {
    if (this.#jobs.has(id)) return;
    const job = await this.#parts.files.readQueued(id);
    this.#serial = Math.max(this.#serial, job?.id ?? 0);
    await this.#takeIn([pickedUp(id, job, this.#parts.now())]);
  }

  async setDrained(isDrained: boolean): Promise<void> {
    await this.#parts.files.setDrained(isDrained);
    this.#isDrained = isDrained;
  }

  /** No job starts until `unpause`; running ones go on. */
  pause(): void {
    this.#isPaused = true;
  }

  unpause(): void {
    this.#isPaused = false;
    this.reschedule();
  }

  /** To be called when the filter rules or the running-jobs limit have changed. */
  reschedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#schedule();
    });
  }

  // ── changing ──

  /**
   * Cancels at any moment: a queued job at once, a waiting one when it has given up its place, a running
   * one by undoing what it did. `kill` ends the job now, whatever it does; it is undone behind the scenes.
   */
  async cancel(id: number, kill = false): Promise<Answer> {
    const job = this.#jobs.get(id);
    if (job === undefined || isFinal(statusOf(job))) return [false, `Job ${id} not found in queue`];
    const active = this.#active.get(id);
    if (active === undefined) {
      if (!this.#ready.remove(job)) return [false, `Job ${id} not found in queue`];
      await this.#end(job, endRest(job, 0, 'canceled', canceledResult));
      return [true, `Dequeued job ${id}`];
    }
    if (kill) {
      await this.#kill(active);
      return [true, 'SIGKILL send to the process'];
    }
    const wasRunning = job.ops.some((op) => op.status === 'running');
    if (!wasRunning) {
      for (const op of job.ops) if (!isFinal(op.status)) op.status = 'canceling';
      this.#show(job);
    }
    active.controller.abort(cancelFailure());
    if (wasRunning) return [false, "Job no longer waiting, can't cancel (informed it anyway)"];
    return await awaitCancel(job, this.#changes, this.#parts.now);
  }

  async changePriority(id: number, priority: number): Promise<Answer> {
    checkPriority(priority);
    const job = this.#jobs.get(id);
    if (job === undefined || isFinal(statusOf(job))) return [false, `Job ${id} not found in queue`];
    const changes = job.ops.flatMap((op, index) =>
      op.status === 'queued' || op.status === 'waiting' ? [{ index, state: { priority } }] : [],
    );
    if (changes.length === 0) return [false, `Job ${id} had no pending opcodes`];
    await this.#commit(job, changes);
    this.#ready.replace(job);
    for (const listener of this.#active.get(id)?.priorityListeners ?? []) listener(priority);
    this.reschedule();
    return [true, `Priorities of pending opcodes for job ${id} have been changed to ${priority}`];
  }

  /** @returns whether the job was finished and is in the archive now */
  async archive(id: number): Promise<boolean> {
    const job = this.#jobs.get(id);
    return job !== undefined && (await this.#archiveAll([job])) === 1;
  }

  /**
   * Archives what has been finished for `age` seconds (negative: everything finished), for at most
   * `timeout` seconds.
   * @returns how many were archived, and how many weren't looked at
   */
  async autoArchive(age: number, timeout: number): Promise<[archived: number, left: number]> {
    const start = this.#parts.now();
    const candidates = [...this.#jobs.values()];
    let archived = 0;
    for (let looked = 0; looked < candidates.length; looked += archiveBatch) {
      if (this.#parts.now() - start > timeout) return [archived, candidates.length - looked];
      const batch = candidates.slice(looked, looked + archiveBatch);
      archived += await this.#archiveAll(batch.filter((job) => isExpired(job, age, start)));
    }
    return [archived, 0];
  }

  /** Resolves when every change that is being made durable now is visible too, and so in the files' next flush. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#committing]);
  }

  // ── inside ──

  async #takeIn(fresh: readonly NewJob[]): Promise<void> {
    await Promise.all(fresh.map(({ job }) => this.#parts.durable.append('job', job)));
    this.#parts.files.writeSerial(this.#serial);
    for (const { job, inputs } of fresh) {
      this.#jobs.set(job.id, job);
      this.#inputs.set(job.id, inputs);
      this.#enqueue(job);
      this.#show(job);
    }
    this.reschedule();
  }

  /** Archives those of the jobs that have ended. @returns how many */
  async #archiveAll(jobs: readonly Job[]): Promise<number> {
    const ended = jobs.filter((job) => isFinal(statusOf(job)) && !this.#active.has(job.id));
    if (ended.length === 0) return 0;
    for (const job of ended) this.#jobs.delete(job.id);
    await this.#parts.durable.append('job-archived', { ids: ended.map((job) => job.id) });
    for (const job of ended) await this.#parts.files.archive(job);
    return ended.length;
  }

  #enqueue(job: Job): void {
    this.#ready.add(job, (id) => {
      const other = this.#jobs.get(id);
      return other !== undefined && !isFinal(statusOf(other));
    });
  }

  #schedule(): void {
    const rules = this.#parts.rules();
    if (rules !== this.#rules) {
      this.#rules = rules;
      this.#chain = new FilterChain(rules, this.#parts.evaluate);
    }
    if (this.#isPaused) return;
    this.#rejectByRule();
    const free = this.#parts.runningLimit() - this.#active.size;
    if (free <= 0) return;
    const running = [...this.#active.values()].map(({ job }) => job);
    for (const job of chooseJobs(this.#ready, running, free, this.#chain)) this.#start(job);
  }

  #rejectByRule(): void {
    if (!this.#chain.canReject) return;
    for (const job of [...this.#ready]) {
      const rule = this.#chain.rejects(job);
      if (rule === undefined) continue;
      this.#ready.remove(job);
      this.#parts.log.info(`Cancelling job ${job.id}: because it was REJECTed by filter rule ${rule.uuid}`);
      void this.#end(job, endRest(job, 0, 'canceled', canceledResult));
    }
  }

  #start(job: Job): void {
    this.#ready.remove(job);
    const active: ActiveJob = {
      job,
      inputs: this.#inputs.get(job.id) ?? job.ops.map((op) => op.input),
      controller: new AbortController(),
      priorityListeners: new Set(),
      isAbandoned: false,
    };
    this.#active.set(job.id, active);
    void runJob(active, this.#execution)
      .catch((error: unknown) => {
        this.#parts.log.error(`job ${job.id} ended in an unforeseen way: ${messageOf(error)}`);
      })
      .finally(() => {
        this.#active.delete(job.id);
        this.#over(job);
      });
  }

  /** Ends a job that isn't running. */
  async #end(job: Job, changes: readonly OpcodeChange[]): Promise<void> {
    await this.#commit(job, changes, { end_timestamp: timestampOf(this.#parts.now()) });
    this.#over(job);
  }

  #over(job: Job): void {
    this.#inputs.delete(job.id);
    this.#ready.ended(job.id);
    const ends = [...this.#ends];
    this.#ends.clear();
    for (const end of ends) end();
    this.#changes.announce(job);
    this.reschedule();
  }

  async #kill(active: ActiveJob): Promise<void> {
    const { job } = active;
    active.isAbandoned = true;
    markDead(job, this.#parts.now());
    active.controller.abort(cancelFailure());
    this.#show(job);
    await this.#parts.durable.append('job', job);
  }

  async #commit(job: Job, changes: readonly OpcodeChange[], times: JobTimes = {}): Promise<void> {
    const work = this.#commitNow(job, changes, times);
    this.#committing.add(work);
    await work.finally(() => this.#committing.delete(work));
  }

  async #commitNow(job: Job, changes: readonly OpcodeChange[], times: JobTimes): Promise<void> {
    const state: JobState = {
      id: job.id,
      start_timestamp: job.start_timestamp,
      end_timestamp: times.end_timestamp ?? job.end_timestamp,
      ops: changedStates(job, changes),
    };
    const { durable, log } = this.#parts;
    const say = (fault: string) => log.error(`job ${job.id}: a change is not journalled: ${fault}`);
    await patiently(() => durable.append('job-state', state), say);
    for (const { index, state: opcode } of changes) {
      const op = job.ops[index]!;
      // A job that was killed meanwhile keeps that end.
      if (!isFinal(op.status)) Object.assign(op, opcode);
    }
    Object.assign(job, times);
    this.#show(job);
  }

  #show(job: Job): void {
    this.#parts.files.write(job);
    this.#changes.announce(job);
  }

  async #statusOf(id: number): Promise<JobStatus | undefined> {
    const found = await this.find(id);
    return found === undefined ? undefined : statusOf(found.job);
  }
}
