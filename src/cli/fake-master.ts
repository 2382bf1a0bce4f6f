/**
 * A master daemon of memory behind the same interface as a LUXI connection: it checks opcodes against the
 * catalog, keeps jobs with their messages, and answers queries from what a test gives it.
 */
import assert from 'node:assert/strict';
import type { Failure } from '../kit/failure.ts';
import { pathsFor } from '../kit/paths.ts';
import type { LuxiClient } from '../luxi/client.ts';
import { decodeRequest, type LuxiRequest } from '../luxi/methods.ts';
import { opcodes } from '../opcodes/catalog.ts';
import { type AnyOpcode, parseOpcode } from '../opcodes/opcode.ts';
import { type FakeTerminal, fakeTerminal } from './fake-terminal.ts';
import { runProgram } from './main.ts';
import type { Surroundings } from './session.ts';
import { splitWords } from './shell-words.ts';

/** What running an opcode does: its messages, then a result or a failure. */
export interface Outcome {
  readonly messages?: readonly string[];
  readonly result?: unknown;
  readonly failure?: Failure;
}

/** How often `WaitForJobChange` says that nothing has changed before a job begins. */
interface Pace {
  readonly unchanged?: number;
}

interface Job {
  readonly id: number;
  readonly ops: readonly AnyOpcode[];
  readonly outcomes: readonly Outcome[];
  readonly log: [number, [number, number], string, unknown][];
  unchanged: number;
  told: number;
}

export interface FakeMasterScript extends Pace {
  /** By opcode id; others succeed with null. */
  readonly runs?: Readonly<Record<string, (opcode: AnyOpcode) => Outcome>>;
  /** By method; others fail the test. */
  readonly answers?: Partial<Readonly<Record<LuxiRequest['method'], (request: LuxiRequest) => unknown>>>;
}

/** 2026-11-20 17:29:30 UTC and a little. */
const messageTime: [number, number] = [1795195770, 250_000];

export class FakeMaster implements LuxiClient {
  /** Every request, decoded. */
  readonly requests: LuxiRequest[] = [];
  /** Every opcode as it was sent. */
  readonly sent: AnyOpcode[] = [];
  readonly #script: FakeMasterScript;
  readonly #jobs = new Map<number, Job>();
  closed = false;

  constructor(script: FakeMasterScript = {}) {
    this.#script = script;
  }

  call(method: string, args: readonly unknown[]): Promise<unknown> {
    // As on the wire: what JSON can't carry is lost.
    const request = decodeRequest(method, JSON.parse(JSON.stringify(args)));
    this.requests.push(request);
    return Promise.resolve().then(() => this.#answer(request));
  }

  close(): void {
    this.closed = true;
  }

  #answer(request: LuxiRequest): unknown {
    const own = this.#script.answers?.[request.method];
    if (own !== undefined) return own(request);
    switch (request.method) {
      case 'SubmitJob':
        return this.#submit(request.job);
      case 'SubmitJobToDrainedQueue':
        return this.#submit(request.job);
      case 'SubmitManyJobs':
        return request.ops.map((job) => [true, this.#submit(job)]);
      case 'WaitForJobChange':
        return this.#change(request.job, request.prev_log as number | null);
      case 'QueryJobs':
        return request.ids.map((id) => this.#row(id, request.fields));
      default:
        return assert.fail(`nothing was said about ${request.method}`);
    }
  }

  #submit(ops: readonly unknown[]): number {
    const checked = (ops as AnyOpcode[]).map((op) => {
      const definition = opcodes.get(op.OP_ID);
      assert.ok(definition, `${op.OP_ID} is no opcode`);
      parseOpcode(definition, op);
      this.sent.push(op);
      return op;
    });
    const id = this.#jobs.size + 3;
    const outcomes: Outcome[] = [];
    for (const op of checked) {
      const outcome = this.#script.runs?.[op.OP_ID]?.(op) ?? {};
      outcomes.push(outcome);
      if (outcome.failure !== undefined) break;
    }
    const log = outcomes
      .flatMap(({ messages }) => messages ?? [])
      .map((message, index): Job['log'][number] => [index + 1, messageTime, 'message', message]);
    this.#jobs.set(id, { id, ops: checked, outcomes, log, unchanged: this.#script.unchanged ?? 0, told: 0 });
    return id;
  }

  /** One message at a time, then the end. */
  #change(id: number, previous: number | null): unknown {
    const job = this.#jobs.get(id);
    if (job === undefined) return null;
    if (job.unchanged > 0 && job.told > 0) {
      job.unchanged -= 1;
      return 'nochange';
    }
    job.told += 1;
    if (job.unchanged > 0) return [['queued'], []];
    const next = job.log.find(([serial]) => serial > (previous ?? 0));
    return next === undefined ? [[this.#status(job)], []] : [['running'], [next]];
  }

  #status(job: Job): string {
    return job.outcomes.some(({ failure }) => failure !== undefined) ? 'error' : 'success';
  }

  #row(id: number, fields: readonly string[]): unknown[] | null {
    const job = this.#jobs.get(id);
    if (job === undefined) return null;
    const failed = job.outcomes.findIndex(({ failure }) => failure !== undefined);
    const values: Record<string, unknown> = {
      status: this.#status(job),
      opstatus: job.ops.map((_op, index) => (failed >= 0 && index >= failed ? 'error' : 'success')),
      opresult: job.ops.map((_op, index) => {
        const { failure, result } = job.outcomes[index] ?? {};
        return failure === undefined ? (result ?? null) : [failure.errorClass, failure.args];
      }),
      opexec: job.ops.map(() => [id, 0]),
    };
    return fields.map((field) => values[field]);
  }
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: FakeTerminal;
}

/** Surroundings without a cluster's files, on the master. */
function fakeSurroundings(
  master: FakeMaster,
  terminal: FakeTerminal,
  more: Partial<Surroundings> = {},
): Surroundings {
  return {
    terminal,
    env: {},
    paths: pathsFor({ GANETI_ROOTDIR: '/nonexistent' }),
    connect: async () => master,
    ownName: async () => 'node1.example.com',
    run: async ([program]) => assert.fail(`nothing was said about ${program}`),
    interact: async ([program]) => assert.fail(`nothing was said about ${program}`),
    bootstrap: async (verb) => assert.fail(`nothing was said about ${verb}`),
    ...more,
  };
}

/** Runs a command line, words as a shell would part them. */
export async function runLine(
  line: string,
  master: FakeMaster = new FakeMaster(),
  more: Partial<Surroundings> & { readonly typed?: readonly string[] } = {},
): Promise<Ran> {
  const { typed, ...surroundings } = more;
  const terminal = fakeTerminal(typed);
  const [program = '', ...argv] = splitWords(line);
  const code = await runProgram(program, argv, fakeSurroundings(master, terminal, surroundings));
  return { code, stdout: terminal.stdout(), stderr: terminal.stderr(), terminal };
}
