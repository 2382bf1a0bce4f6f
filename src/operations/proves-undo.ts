/**
 * The proof that an operation leaves nothing behind, whatever goes wrong:
 *
 *   1. it runs once without a fault; its effects and the lines of its step journal are counted;
 *   2. for every effect it runs in a fresh world where that effect fails, or the master dies at it,
 *      before and after it takes hold;
 *   3. for every journal line it runs in a fresh world where the master dies instead of writing it;
 *   4. after each, what must be unwound is unwound, then unwound once more as if nobody had noted the
 *      first time, and each time the world must be what it was.
 *
 * "What it was" is the world before the operation, or at its last `keep`. A step without an undo has
 * effects that are wanted in any case, so what it does when nothing else is open moves that mark along;
 * while something else is open it may do only what an undo of that takes away with it.
 */
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { type Durable, MemoryJournal } from '../jobs/durable.ts';
import { StepLedger } from '../jobs/ledger.ts';
import type { StepEntry } from '../jobs/steps.ts';
import { unwindFromJournal } from '../jobs/unwind.ts';
import { silentLog } from '../kit/log.ts';
import { LockManager } from '../locks/manager.ts';
import type { AnyOpcode } from '../opcodes/opcode.ts';
import type { AnyOperation, World } from './operation.ts';
import { Faults, faultyWorld, type Strike } from './proves-undo-faults.ts';
import { createRunner, type HooksRunner, stepFinder } from './runner.ts';

/** A cluster made for one run. */
export interface ProofSetting {
  readonly world: World;
  /**
   * All that an operation may change, as plain data: the configuration without serial numbers and times,
   * what is on the nodes. Not what is reserved: that goes with the job or with the master.
   */
  snapshot(): unknown;
}

export interface ProofWorld {
  /** The same cluster each time, sharing nothing with earlier ones. */
  fresh(): Promise<ProofSetting>;
}

export interface ProofOptions {
  /**
   * Some things can't be taken back once they have happened, and their undo completes them instead (a
   * guest that has arrived on another node). Then the world may also be the one after the operation.
   */
  readonly orCompleted?: boolean;
}

export interface Proof {
  readonly effects: number;
  readonly journalLines: number;
  /** Runs in which something went wrong. */
  readonly runs: number;
}

/** Where the master dies instead of writing this line of the journal, from 1. */
interface Cut {
  readonly line: number;
}

const noHooks: HooksRunner = { runPhase: () => Promise.resolve([]) };

/** The step journal of one run, which knows what the world must be if everything ended now. */
class WatchedJournal implements Durable {
  readonly entries: StepEntry[] = [];
  /** What an unwind must lead to. */
  baseline: unknown;
  readonly #setting: ProofSetting;
  readonly #operation: AnyOperation;
  readonly #faults: Faults;
  readonly #cut: Cut | undefined;
  readonly #undoable = new Set<number>();
  readonly #flying = new Set<number>();
  #lines = 0;
  /** The strike hit a step whose effects are wanted in any case, with nothing else open. */
  #struckWanted = false;

  constructor(setting: ProofSetting, operation: AnyOperation, faults: Faults, cut?: Cut) {
    this.#setting = setting;
    this.#operation = operation;
    this.#faults = faults;
    this.#cut = cut;
    this.baseline = setting.snapshot();
    faults.onStrike = () => {
      this.#struckWanted = this.#flying.size > 0 && this.#undoable.size === 0;
    };
  }

  /** To be called when the run is over: what a struck step has done of its wanted effects stays. */
  settle(): void {
    if (this.#struckWanted) this.baseline = this.#setting.snapshot();
  }

  get lines(): number {
    return this.#lines;
  }

  append(_kind: string, data: unknown): Promise<void> {
    return this.#append(structuredClone(data) as StepEntry);
  }

  async #append(entry: StepEntry): Promise<void> {
    this.#lines += 1;
    if (this.#faults.isDead || this.#cut?.line === this.#lines) {
      this.#faults.die(`line ${this.#lines} of the journal (${entry.kind})`);
    }
    this.entries.push(entry);
    switch (entry.kind) {
      case 'begun':
        if (this.#isWantedAnyway(entry.step)) this.#flying.add(entry.number);
        else this.#undoable.add(entry.number);
        break;
      case 'done':
        if (this.#flying.delete(entry.number)) this.#move();
        break;
      case 'kept':
        this.#undoable.clear();
        this.#move();
        break;
      case 'undone':
      case 'stranded':
        break;
    }
  }

  #isWantedAnyway(name: string): boolean {
    const step = this.#operation.steps.find((each) => each.name === name);
    assert.ok(
      step !== undefined,
      `${this.#operation.opcode.id}: step ${name} is missing in its list of steps`,
    );
    return step.undo === 'none';
  }

  #move(): void {
    if (this.#undoable.size === 0) this.baseline = this.#setting.snapshot();
  }
}

interface Run {
  readonly setting: ProofSetting;
  readonly journal: WatchedJournal;
  readonly faults: Faults;
  readonly error: unknown;
}

async function runOnce(
  operation: AnyOperation,
  request: AnyOpcode,
  proofWorld: ProofWorld,
  strike?: Strike,
  cut?: Cut,
): Promise<Run> {
  const setting = await proofWorld.fresh();
  const faults = new Faults(strike);
  const journal = new WatchedJournal(setting, operation, faults, cut);
  const execute = createRunner({
    operations: new Map([[operation.opcode.id, operation]]),
    world: { ...faultyWorld(setting.world, faults), log: silentLog },
    locks: new LockManager(),
    journal: new StepLedger(journal),
    hooks: noHooks,
    secrets: new Set(),
    submit: (jobs) => Promise.resolve(jobs.map((_, index) => [true, index + 1])),
  });
  const error: unknown = await execute({
    job: 1,
    index: 0,
    input: request,
    signal: new AbortController().signal,
    priority: () => 0,
    onPriority: () => {},
    started: () => Promise.resolve(),
    feedback: () => {},
  }).then(
    () => undefined,
    (reason: unknown) => reason ?? new Error('rejected with nothing'),
  );
  return { setting, journal, faults, error };
}

/** What a restarted master does with the journal that it finds. */
async function restart(operation: AnyOperation, run: Run, entries: readonly StepEntry[]): Promise<void> {
  const ledger = new StepLedger(new MemoryJournal());
  for (const entry of entries) ledger.fold(entry);
  const unwound = await unwindFromJournal(
    {
      world: { ...run.setting.world, log: silentLog },
      ledger,
      findStep: stepFinder(new Map([[operation.opcode.id, operation]])),
      log: silentLog,
    },
    operation.opcode.id,
    1,
    0,
  );
  assert.deepEqual(unwound.stranded, [], 'an undo failed');
}

async function checkRun(operation: AnyOperation, run: Run, what: string, completed: unknown): Promise<void> {
  const { journal, setting, faults, error } = run;
  const same = (when: string) => {
    if (completed !== undefined && isDeepStrictEqual(setting.snapshot(), completed)) return;
    assert.deepStrictEqual(setting.snapshot(), journal.baseline, `${operation.opcode.id}: ${what}, ${when}`);
  };
  // An operation may bear with a failed effect and succeed.
  if (error === undefined && !faults.isDead) return;
  journal.settle();
  const written = [...journal.entries];
  if (faults.isDead) {
    await restart(operation, run, written);
    same('and a restart unwound it: the world differs');
  } else {
    const stranded = written.filter((entry) => entry.kind === 'stranded');
    assert.deepEqual(stranded, [], `${operation.opcode.id}: ${what}, and an undo failed`);
    same('and it was unwound: the world differs');
  }
  const unnoticed = written.filter((entry) => entry.kind !== 'undone');
  await restart(operation, run, unnoticed);
  same('and it was unwound twice: the world differs');
}

/**
 * @param request the opcode; parameters that it leaves out have their defaults
 * @throws AssertionError naming the effect or journal line, and how the world differs
 */
export async function provesUndo(
  operation: AnyOperation,
  request: Readonly<Record<string, unknown>>,
  proofWorld: ProofWorld,
  options: ProofOptions = {},
): Promise<Proof> {
  const id: string = operation.opcode.id;
  const opcode: AnyOpcode = { ...request, OP_ID: id };
  const good = await runOnce(operation, opcode, proofWorld);
  if (good.error !== undefined) throw good.error;
  const completed = options.orCompleted ? good.setting.snapshot() : undefined;
  const { effects } = good.faults;
  const journalLines = good.journal.lines;
  assert.ok(effects > 0, `${id} has no effect, so there is nothing to prove`);
  let runs = 0;
  for (let at = 1; at <= effects; at += 1) {
    for (const when of ['before', 'after'] as const) {
      for (const manner of ['fail', 'die'] as const) {
        const run = await runOnce(operation, opcode, proofWorld, { at, when, manner });
        const verb = manner === 'fail' ? 'failed' : 'met the death of the master';
        await checkRun(
          operation,
          run,
          `effect ${at} (${run.faults.struck}) ${verb} ${when} it took hold`,
          completed,
        );
        runs += 1;
      }
    }
  }
  for (let line = 1; line <= journalLines; line += 1) {
    const run = await runOnce(operation, opcode, proofWorld, undefined, { line });
    await checkRun(operation, run, `the master died at ${run.faults.struck}`, completed);
    runs += 1;
  }
  return { effects, journalLines, runs };
}
