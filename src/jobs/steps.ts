/**
 * Steps: the parts of an operation that have effects. A step's checked input is journalled before it
 * runs; its undo gets that input and nothing else, and is right whether the step never began, stopped
 * half way or finished, once or twice. `keep` marks the point of no undo.
 *
 * One unwind serves a failure, a cancel, a restart of the master and a master failover.
 */
import type * as z from 'zod';

export interface Step<World, Input, Output = void> {
  /** Unique within its operation; stands in the journal. */
  readonly name: string;
  readonly input: z.ZodType<Input>;
  readonly run: (world: World, input: Input) => Promise<Output>;
  /**
   * Takes the effect away. 'none' is for steps whose effect vanishes by itself or is wanted in any case
   * (waiting, an ensure of what was true before).
   */
  readonly undo: ((world: World, input: Input) => Promise<void>) | 'none';
}

/** A step of any input, as lists of steps hold them. */
// biome-ignore lint/suspicious/noExplicitAny: a list of steps has inputs of many types; each step checks its own.
export type AnyStep<World> = Step<World, any, any>;

export function stepsFor<World>(): <Input, Output>(
  definition: Step<World, Input, Output>,
) => Step<World, Input, Output> {
  return (definition) => definition;
}

/** What a running operation has in hand. */
export interface StepRunner<World> {
  /** Journals the input, runs the step, journals its end. On failure everything since the last `keep` is undone by the runner. */
  do<Input, Output>(step: Step<World, Input, Output>, input: Input): Promise<Output>;
  /** What was done so far stays, whatever happens next. */
  keep(): Promise<void>;
  /** A line for whoever watches the job (ELOG_MESSAGE). */
  say(text: string): void;
  /** A log entry of another type, for programs that watch the job (constants.ELOG_*). */
  tell(type: string, message: unknown): void;
  /** " - INFO: …" and " - WARNING: …" in the watcher's terminal. */
  info(text: string): void;
  warn(text: string, hint?: string): void;
  /** Aborted when the job is cancelled. */
  readonly signal: AbortSignal;
  readonly jobId: number;
}

/** One line of the step journal. */
export type StepEntry =
  | {
      readonly kind: 'begun';
      readonly job: number;
      readonly op: number;
      readonly number: number;
      readonly step: string;
      readonly input: unknown;
    }
  | { readonly kind: 'done'; readonly job: number; readonly op: number; readonly number: number }
  | {
      readonly kind: 'kept';
      readonly job: number;
      readonly op: number;
      /** The opcode's work is done, with this result: it has succeeded, whatever happens before its job is told. */
      readonly ended?: { readonly result: unknown };
    }
  | { readonly kind: 'undone'; readonly job: number; readonly op: number; readonly number: number }
  | {
      readonly kind: 'stranded';
      readonly job: number;
      readonly op: number;
      readonly number: number;
      readonly error: string;
    };

/** Where step entries go; resolves once durable. */
export interface StepJournal {
  append(entry: StepEntry): Promise<void>;
}
