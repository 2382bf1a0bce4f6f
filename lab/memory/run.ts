/** Runs one operation in a cluster of memory, through the runner that the master has. */
import { MemoryJournal } from '../../src/jobs/durable.ts';
import { StepLedger } from '../../src/jobs/ledger.ts';
import { LockManager } from '../../src/locks/manager.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import type { ProofWorld } from '../../src/operations/proves-undo.ts';
import { createRunner, type HookRun, type HooksRunner } from '../../src/operations/runner.ts';
import { createMemoryCluster, type MemoryCluster, type MemoryOptions } from './cluster.ts';

export type Request = Readonly<Record<string, unknown>>;

/** What an operation let others see beside its result. */
export interface Seen {
  /** Lines that the watcher of the job got. */
  readonly said: string[];
  readonly hooks: HookRun[];
  /** Log entries of other types, with their type. */
  readonly told: (readonly [string, unknown])[];
  /** Opcodes of jobs that were submitted. */
  readonly submitted: unknown[];
}

/** What the master has beside its cluster; new for each run when not given. */
export interface Surroundings {
  readonly hooks?: HooksRunner;
  readonly locks?: LockManager;
  readonly ledger?: StepLedger;
  /** Number of the job. */
  readonly job?: number;
}

export async function runSeen(
  { world }: Pick<MemoryCluster, 'world'>,
  operation: AnyOperation,
  request: Request,
  watch: (type: string, entry: unknown) => void = () => {},
  { hooks, locks, ledger, job = 1 }: Surroundings = {},
): Promise<Seen & { readonly result: unknown }> {
  const seen: Seen = { said: [], hooks: [], told: [], submitted: [] };
  const execute = createRunner({
    operations: new Map([[operation.opcode.id, operation]]),
    world,
    locks: locks ?? new LockManager(),
    journal: ledger ?? new StepLedger(new MemoryJournal()),
    hooks: hooks ?? {
      runPhase: (run) => {
        seen.hooks.push(run);
        return Promise.resolve([]);
      },
    },
    secrets: new Set(),
    submit: (jobs) => {
      seen.submitted.push(...jobs);
      return Promise.resolve(jobs.map((_, index) => [true, index + 1]));
    },
  });
  const result = await execute({
    job,
    index: 0,
    input: { ...request, OP_ID: operation.opcode.id },
    signal: new AbortController().signal,
    priority: () => 0,
    onPriority: () => {},
    started: () => Promise.resolve(),
    feedback: (entry, type) => {
      if (type === undefined) seen.said.push(String(entry));
      else {
        seen.told.push([type, entry]);
        watch(type, entry);
      }
    },
  });
  return { ...seen, result };
}

export async function runOperation(
  cluster: Pick<MemoryCluster, 'world'>,
  operation: AnyOperation,
  request: Request,
): Promise<unknown> {
  return (await runSeen(cluster, operation, request)).result;
}

/** The same cluster each time, after the same operations. */
export function preparedWorld(
  options: MemoryOptions,
  prepare: readonly (readonly [AnyOperation, Request])[],
): ProofWorld {
  return {
    fresh: async () => {
      const cluster = createMemoryCluster(options);
      for (const [operation, request] of prepare) await runOperation(cluster, operation, request);
      return cluster;
    },
  };
}
