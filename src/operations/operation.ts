/**
 * How an operation is written: `locks` (pure), `plan` (reads only, names everything first, gives a typed
 * result; a dry run stops here), `run` (steps). See docs and jobs/steps.ts.
 */
import type { ConfigStore, Reservations } from '../config/contract.ts';
import type { AlgorithmOptions } from '../htools/core/terms/algorithm-options.ts';
import type { RequestOptions } from '../htools/load/allocator.ts';
import { type AnyStep, type Step, type StepRunner, stepsFor } from '../jobs/steps.ts';
import type { StrandedReport } from '../jobs/stranded.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import type { LockRequest } from '../locks/contract.ts';
import type { Configuration } from '../model/configuration.ts';
import type { NodeCaller } from '../noderpc/call.ts';
import type { OpcodeDefinition, OpcodeOf } from '../opcodes/opcode.ts';
import type { QueryContext } from '../queries/context.ts';
import type { Placements } from './placements.ts';

/** What only the master daemon can do for an operation. */
export interface MasterServices {
  /**
   * Writes configuration and ssconf to every node again.
   * @returns nodes, by uuid, that could not be reached, with the reason
   */
  redistribute(): Promise<ReadonlyMap<string, string>>;
  /** Resolves when the ssconf files on the master name the nodes of the configuration, or can't be written. */
  nodesNamedHere(): Promise<void>;
  /** Everything that a query may read, with the state of the queue. */
  queryContext(): Promise<QueryContext>;
  /** Steps of ended jobs whose undo has failed. */
  stranded(): readonly StrandedReport[];
  /** One of them needs no undo any more: somebody has looked. */
  forgetStranded(key: Pick<StrandedReport, 'job' | 'op' | 'number'>): Promise<void>;
  /**
   * The built-in allocator's response, computed beside the master's own thread.
   * @throws Error with its complaint; the abort reason of the signal
   */
  answerAllocation(call: AllocationCall & { readonly signal: AbortSignal }): Promise<string>;
  /** Where jobs are going to put instances. */
  readonly placements: Placements;
}

/** What the built-in allocator is asked. */
export interface AllocationCall {
  /** The request of the iallocator protocol, as JSON. */
  readonly text: string;
  readonly options: RequestOptions;
  readonly algorithm: AlgorithmOptions;
}

/** What steps work on. Handed in whole, so a restarted master can make one for an old job's undo. */
export interface World {
  readonly config: ConfigStore;
  readonly nodes: NodeCaller;
  readonly paths: Paths;
  readonly log: Log;
  /** Seconds since the epoch. */
  readonly now: () => number;
  /** Absent outside the master daemon. */
  readonly master?: MasterServices;
}

/** What a plan may use: reads, and reservations under the job. */
export interface PlanContext {
  /** The configuration when the plan began; locks hold what matters of it still. */
  readonly configuration: Configuration;
  readonly nodes: NodeCaller;
  readonly reservations: Reservations;
  /** Name under which reservations are made. */
  readonly owner: string;
  readonly paths: Paths;
  readonly log: Log;
  readonly now: () => number;
  /** Absent outside the master daemon. */
  readonly master?: MasterServices;
  /** Locks that were taken, for opportunistic requests. */
  readonly held: readonly LockRequest[];
  say(text: string): void;
  info(text: string): void;
  warn(text: string, hint?: string): void;
  readonly signal: AbortSignal;
}

/** Jobs that an operation hands over to be submitted: the result shows their ids (ResultWithJobs). */
export interface FollowUpJobs {
  readonly jobs: readonly (readonly Readonly<Record<string, unknown>>[])[];
  /** Further keys of the result. */
  readonly other?: Readonly<Record<string, unknown>>;
}

/** What the hooks of an operation need: name, environment (without GANETI_ prefix), nodes by phase. */
export interface HookPlan {
  readonly path: string;
  readonly objectType: 'CLUSTER' | 'NODE' | 'GROUP' | 'NETWORK' | 'INSTANCE';
  readonly env: Readonly<Record<string, string>>;
  readonly preNodes: readonly string[];
  readonly postNodes: readonly string[];
}

export type JobHandle = StepRunner<World> & {
  readonly world: World;
  /** Waits until the guard's work is done or the job is cancelled. */
  readonly owner: string;
};

/** What an operation has in hand before it has locks. */
export interface BeforeLocks {
  readonly tell: (type: string, message: unknown) => void;
  readonly info: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface Operation<D extends OpcodeDefinition = OpcodeDefinition, Plan = unknown, Result = unknown> {
  readonly opcode: D;
  readonly steps: readonly AnyStep<World>[];
  /** Before any lock is waited for, once; for tests of clients that look at waiting jobs. */
  readonly beforeLocks?: (op: OpcodeOf<D>, handle: BeforeLocks) => Promise<void>;
  /** Pure. Asked again under the locks; when the answer has changed the runner goes round. */
  readonly locks: (op: OpcodeOf<D>, configuration: Configuration) => readonly LockRequest[];
  readonly plan: (op: OpcodeOf<D>, context: PlanContext) => Promise<Plan>;
  readonly hooks?: (op: OpcodeOf<D>, plan: Plan, configuration: Configuration) => HookPlan | undefined;
  readonly run: (plan: Plan, job: JobHandle) => Promise<Result | FollowUpJobs>;
  /** What a dry run answers with; without it a dry run gives null. */
  readonly dryRunResult?: (plan: Plan) => Result;
}

/** A step over the operations' world. */
export const step: <Input, Output>(definition: Step<World, Input, Output>) => Step<World, Input, Output> =
  stepsFor<World>();

// biome-ignore lint/suspicious/noExplicitAny: a list of operations has plans of many types; each keeps its own.
export type AnyOperation = Operation<any, any, any>;

export function operation<D extends OpcodeDefinition, Plan, Result>(
  definition: Operation<D, Plan, Result>,
): Operation<D, Plan, Result> {
  return definition;
}

export function isFollowUp(result: unknown): result is FollowUpJobs {
  return typeof result === 'object' && result !== null && Array.isArray((result as { jobs?: unknown }).jobs);
}
