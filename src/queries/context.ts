/**
 * What a query reads: the configuration, the nodes, and what only the master process knows (jobs, locks, the
 * state of the queue). Handed in whole; a caller leaves out what its resources don't need.
 */
import { notSupportedYet } from '../kit/failure.ts';
import type { Configuration } from '../model/configuration.ts';
import type { Instance } from '../model/objects/instance.ts';
import type { NodeCaller } from '../noderpc/call.ts';
import type { InstanceOnNode } from '../noderpc/calls/shapes.ts';

/** Seconds and microseconds since the epoch. */
export type JobTime = readonly [seconds: number, microseconds: number];

export interface JobOpcode {
  readonly input: { readonly OP_ID: string; readonly [parameter: string]: unknown };
  readonly status: string;
  readonly result: unknown;
  readonly log: readonly unknown[];
  readonly priority: number;
  readonly start_timestamp: JobTime | null;
  readonly exec_timestamp: JobTime | null;
  readonly end_timestamp: JobTime | null;
}

/** A job as the queue has it; the names are those of job files. */
export interface JobRecord {
  readonly id: number;
  readonly ops: readonly JobOpcode[];
  readonly received_timestamp: JobTime | null;
  readonly start_timestamp: JobTime | null;
  readonly end_timestamp: JobTime | null;
}

export interface FoundJob {
  readonly job: JobRecord;
  readonly archived: boolean;
}

export interface JobSource {
  /** Ids of the jobs in the queue, and of archived ones when wanted, in any order. */
  ids(withArchived: boolean): Promise<readonly number[]> | readonly number[];
  /** One job wherever it is; undefined when there is none. */
  find(id: number): Promise<FoundJob | undefined> | FoundJob | undefined;
  statusOf(job: JobRecord): string;
  priorityOf(job: JobRecord): number;
}

/** A lock that somebody has or waits for. Names are Ganeti's: "node/<uuid>", "node/[lockset]". */
export interface LockRecord {
  readonly name: string;
  readonly mode: string | null;
  readonly owner: readonly string[] | null;
  readonly pending: readonly (readonly [mode: string, owners: readonly string[]])[] | null;
}

export interface LockSource {
  describe(): readonly LockRecord[];
}

export interface MasterState {
  /** No jobs are taken in. */
  readonly queueDrained: boolean;
  /** Seconds since the epoch until which the watcher rests, null when it doesn't. */
  readonly watcherPausedUntil: number | null;
}

export interface QueryContext {
  readonly configuration: Configuration;
  readonly nodes: NodeCaller;
  readonly jobs?: JobSource;
  readonly locks?: LockSource;
  readonly state?: MasterState;
  /** An instance as its node must see it, for questions about its console. */
  readonly instanceOnNode?: (instance: Instance, node: string) => InstanceOnNode;
}

/** A part of the context that a resource can't do without. */
export function needed<K extends 'jobs' | 'locks' | 'state'>(
  context: QueryContext,
  part: K,
): NonNullable<QueryContext[K]> {
  const value = context[part];
  if (value === undefined) throw notSupportedYet(`A query for ${part} outside the master daemon`);
  return value as NonNullable<QueryContext[K]>;
}
