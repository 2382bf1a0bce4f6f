/**
 * The engine of steps: runs them with the journal written first, and takes their effects away again in
 * reverse order. The same unwind serves a failure, a cancel, a restart of the master and a failover.
 */
import { Failure, messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import { patiently } from './durable.ts';
import type { BegunStep, StepLedger } from './ledger.ts';
import type { AnyStep, Step, StepEntry, StepJournal, StepRunner } from './steps.ts';

/** A step by its name within the operation of an opcode id; undefined when there is none (any more). */
export type FindStep<World> = (opcodeId: string, step: string) => AnyStep<World> | undefined;

export interface Unwound {
  readonly undone: readonly string[];
  /** Steps whose undo failed, with the error. */
  readonly stranded: readonly { readonly step: string; readonly error: string }[];
}

interface Undoable<World> {
  readonly number: number;
  readonly step: AnyStep<World>;
  readonly input: unknown;
}

/** What a job says of an unwind: nothing when there was nothing to undo. */
export function describeUnwound({ undone, stranded }: Unwound): string {
  const parts: string[] = [];
  if (undone.length > 0) parts.push(`undone: ${undone.join(', ')}`);
  if (stranded.length > 0) {
    const list = stranded.map(({ step, error }) => `${step} (${error})`).join(', ');
    parts.push(`could not be undone and may have left something behind: ${list}`);
  }
  return parts.join('; ');
}

/** The reason with which a job's signal is aborted. */
export function cancelFailure(): Failure {
  return new Failure('JobCanceled', ['Job canceled by request']);
}

export interface StepRunOptions<World> {
  readonly world: World;
  readonly journal: StepJournal;
  readonly log: Log;
  readonly job: number;
  readonly op: number;
  readonly signal: AbortSignal;
  readonly feedback: (message: unknown, type?: string) => void;
}

/** The steps of one opcode while it runs. */
export class StepRun<World> implements StepRunner<World> {
  readonly signal: AbortSignal;
  readonly jobId: number;
  readonly #options: StepRunOptions<World>;
  readonly #flying = new Set<Promise<unknown>>();
  #undoable: Undoable<World>[] = [];
  #count = 0;
  #isClosed = false;

  constructor(options: StepRunOptions<World>) {
    this.#options = options;
    this.signal = options.signal;
    this.jobId = options.job;
  }

  do<Input, Output>(step: Step<World, Input, Output>, input: Input): Promise<Output> {
    const work = this.#do(step, input);
    this.#flying.add(work);
    const landed = () => this.#flying.delete(work);
    work.then(landed, landed);
    return work;
  }

  async #do<Input, Output>(step: Step<World, Input, Output>, input: Input): Promise<Output> {
    this.#mustBeOpen();
    const { journal, world, job, op } = this.#options;
    const checked = step.input.parse(input);
    this.#count += 1;
    const number = this.#count;
    this.#undoable.push({ number, step, input: checked });
    await journal.append({ kind: 'begun', job, op, number, step: step.name, input: checked });
    const output = await step.run(world, checked);
    // Not waited for: an undo needs no knowledge of whether its step had finished.
    journal.append({ kind: 'done', job, op, number }).catch((error: unknown) => {
      this.#options.log.error(
        `job ${job}: the end of step ${step.name} is not journalled: ${messageOf(error)}`,
      );
    });
    return output;
  }

  async keep(): Promise<void> {
    this.#mustBeOpen();
    await this.#keep();
  }

  /**
   * The opcode's work is done and stays done.
   * @param ended with this result; left out when the result isn't known yet: a restart then finds an opcode
   *   that was interrupted, though with nothing to undo
   */
  async finish(ended?: { readonly result: unknown }): Promise<void> {
    await Promise.allSettled(this.#flying);
    this.#isClosed = true;
    const isUndoable = this.#undoable.some(({ step }) => step.undo !== 'none');
    if (isUndoable || (ended !== undefined && this.#count > 0)) await this.#keep(ended);
  }

  async #keep(ended?: { readonly result: unknown }): Promise<void> {
    const { journal, job, op } = this.#options;
    await journal.append({ kind: 'kept', job, op, ...(ended !== undefined && { ended }) });
    this.#undoable = [];
  }

  /** The opcode has failed: waits for steps that are still under way, then undoes all since the last `keep`. */
  async unwind(): Promise<Unwound> {
    this.#isClosed = true;
    while (this.#flying.size > 0) await Promise.allSettled(this.#flying);
    const { world, journal, log, job, op } = this.#options;
    return await undoAll(world, journal, log, { job, op }, this.#undoable);
  }

  say(text: string): void {
    this.#options.feedback(text);
  }

  tell(type: string, message: unknown): void {
    this.#options.feedback(message, type);
  }

  info(text: string): void {
    this.#options.log.info(`job ${this.jobId}: ${text}`);
    this.#options.feedback(` - INFO: ${text}`);
  }

  warn(text: string, hint?: string): void {
    if (text !== '') {
      this.#options.log.warning(`job ${this.jobId}: ${text}`);
      this.#options.feedback(` - WARNING: ${text}`);
    }
    if (hint !== undefined) this.#options.feedback(`      Hint: ${hint}`);
  }

  #mustBeOpen(): void {
    if (this.signal.aborted) throw this.signal.reason;
    if (this.#isClosed)
      throw new Failure('ProgrammerError', ['a step was begun after its operation had ended']);
  }
}

async function undoAll<World>(
  world: World,
  journal: StepJournal,
  log: Log,
  { job, op }: { readonly job: number; readonly op: number },
  undoable: readonly Undoable<World>[],
): Promise<Unwound> {
  const undone: string[] = [];
  const stranded: { step: string; error: string }[] = [];
  for (const { number, step, input } of [...undoable].reverse()) {
    if (step.undo === 'none') continue;
    const { undo } = step;
    const error = await patiently(() => undo(world, input));
    if (error === undefined) {
      undone.push(step.name);
    } else {
      log.error(`job ${job}: step ${step.name} can't be undone: ${error}`);
      stranded.push({ step: step.name, error });
    }
    const entry: StepEntry =
      error === undefined
        ? { kind: 'undone', job, op, number }
        : { kind: 'stranded', job, op, number, error };
    await journal.append(entry).catch((reason: unknown) => {
      log.error(`job ${job}: the undo of step ${step.name} is not journalled: ${messageOf(reason)}`);
    });
  }
  return { undone, stranded };
}

export interface UnwindParts<World> {
  readonly world: World;
  readonly ledger: StepLedger;
  readonly findStep: FindStep<World>;
  readonly log: Log;
}

/** A journalled step, made ready to be undone without what ran it. */
function revived<World>(entry: BegunStep, opcodeId: string, findStep: FindStep<World>): Undoable<World> {
  const step = findStep(opcodeId, entry.step);
  if (step === undefined) {
    const missing: AnyStep<World> = {
      name: entry.step,
      input: undefined as never,
      run: () => Promise.resolve(),
      undo: () => Promise.reject(new Failure('ProgrammerError', [`${opcodeId} has no step ${entry.step}`])),
    };
    return { number: entry.number, step: missing, input: entry.input };
  }
  if (step.undo === 'none') return { number: entry.number, step, input: entry.input };
  const { undo } = step;
  // The input is checked where its failure counts as a failure of the undo.
  const checking = async (world: World, input: unknown) => await undo(world, step.input.parse(input));
  return { number: entry.number, step: { ...step, undo: checking }, input: entry.input };
}

/** Undoes what the journal says is open of an opcode that no longer runs. */
export async function unwindFromJournal<World>(
  parts: UnwindParts<World>,
  opcodeId: string,
  job: number,
  op: number,
): Promise<Unwound> {
  const undoable = parts.ledger.open(job, op).map((entry) => revived(entry, opcodeId, parts.findStep));
  const result = await undoAll(parts.world, parts.ledger, parts.log, { job, op }, undoable);
  parts.ledger.close(job, op);
  return result;
}
