/** A job queue on a folder and a journal in memory, with work that goes on until the test says how it ends. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { silentLog } from '../kit/log.ts';
import type { FilterRule } from '../model/objects/filter-rule.ts';
import { type AnyOpcode, opcode, optional, required } from '../opcodes/opcode.ts';
import * as t from '../opcodes/types.ts';
import { MemoryJournal } from './durable.ts';
import type { ExecuteOpcode, OpcodeExecution } from './execution.ts';
import { JobFiles } from './files.ts';
import { type Job, statusOf } from './job.ts';
import { StepLedger } from './ledger.ts';
import { JobQueue, type QueueParts, type QueueState } from './queue.ts';
import { secretNamesOf } from './redaction.ts';

const Work = opcode({
  id: 'OP_WORK',
  summary: 'name',
  doc: 'Work that a test controls',
  params: {
    name: required(t.string, 'Which'),
    password: optional(t.maybe(t.secret(t.string)), null, 'A secret'),
  },
});
const secrets = secretNamesOf([Work]);

/** Work that goes on until the test says how it ends. */
class Workshop {
  readonly running = new Map<string, OpcodeExecution>();
  readonly order: string[] = [];
  readonly #ends = new Map<string, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>();
  readonly #arrivals = new Set<() => void>();

  readonly execute: ExecuteOpcode = async (execution) => {
    const name = execution.input.name as string;
    if (name.startsWith('lock')) {
      await new Promise((_, reject) => {
        execution.signal.addEventListener('abort', () => reject(execution.signal.reason as Error));
        this.running.set(name, execution);
        this.#arrived();
      });
    }
    await execution.started();
    this.order.push(name);
    if (name === 'quick') return name;
    return await new Promise((resolve, reject) => {
      this.#ends.set(name, { resolve, reject });
      this.running.set(name, execution);
      execution.signal.addEventListener('abort', () => reject(execution.signal.reason as Error));
      this.#arrived();
    });
  };

  async started(...names: string[]): Promise<void> {
    while (!names.every((name) => this.running.has(name))) {
      await new Promise<void>((resolve) => this.#arrivals.add(resolve));
    }
  }

  finish(name: string, value: unknown = null): void {
    this.running.delete(name);
    this.#ends.get(name)!.resolve(value);
  }

  fail(name: string, error: Error): void {
    this.running.delete(name);
    this.#ends.get(name)!.reject(error);
  }

  #arrived(): void {
    for (const resolve of this.#arrivals) resolve();
    this.#arrivals.clear();
  }
}

export interface Bench {
  readonly queue: JobQueue;
  readonly work: Workshop;
  readonly journal: MemoryJournal;
  readonly files: JobFiles;
  readonly ledger: StepLedger;
  readonly directory: string;
  readonly settings: { limit: number; rules: FilterRule[]; now: number };
}

export async function bench(test: TestContext, state?: QueueState, directory?: string): Promise<Bench> {
  const path = directory ?? (await mkdtemp(join(tmpdir(), 'jobs-')));
  const work = new Workshop();
  const journal = new MemoryJournal();
  const ledger = new StepLedger(journal, secrets);
  const files = new JobFiles({ queueDir: path, archiveDir: join(path, 'archive') }, silentLog);
  await files.load();
  const settings = { limit: 20, rules: [] as FilterRule[], now: 1000.25 };
  const parts: QueueParts = {
    findOpcode: (id) => (id === Work.id ? Work : undefined),
    secrets,
    execute: work.execute,
    durable: journal,
    ledger,
    files,
    rules: () => settings.rules,
    evaluate: (filter, fieldOf) => {
      const [operator, field, value] = filter as [string, string, unknown];
      return operator === '>' ? Number(fieldOf(field)) > Number(value) : fieldOf(field) === value;
    },
    runningLimit: () => settings.limit,
    now: () => settings.now,
    log: silentLog,
  };
  const queue = new JobQueue(parts, state);
  queue.unpause();
  test.after(async () => {
    queue.pause();
    await files.flush(false);
    await rm(path, { recursive: true });
  });
  return { queue, work, journal, files, ledger, directory: path, settings };
}

export const op = (name: string, more: Record<string, unknown> = {}): AnyOpcode => ({
  OP_ID: 'OP_WORK',
  name,
  ...more,
});

export async function ended(queue: JobQueue, id: number): Promise<Job> {
  for (;;) {
    const { job } = (await queue.find(id))!;
    if (job.end_timestamp !== null) return job;
    await queue.waitForJobChange(id, {
      read: (seen) => [statusOf(seen)],
      previousFields: [statusOf(job)],
      previousSerial: Number.MAX_SAFE_INTEGER,
      timeout: 20,
    });
  }
}
