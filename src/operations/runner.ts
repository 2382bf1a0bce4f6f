/**
 * Runs one opcode of a job: locks → plan → hooks → steps → follow-up jobs → hooks, and the way back when
 * something fails. The order of the parts is Ganeti's (mcpu.Processor), because hooks and clients can
 * tell.
 */
import type { ExecuteOpcode, OpcodeExecution } from '../jobs/execution.ts';
import { requireSecrets, type SecretNames } from '../jobs/redaction.ts';
import type { StepJournal } from '../jobs/steps.ts';
import { describeUnwound, StepRun } from '../jobs/unwind.ts';
import { ErrorCode, Failure, messageOf, notSupportedYet } from '../kit/failure.ts';
import type { LockRequest } from '../locks/contract.ts';
import type { LockManager } from '../locks/manager.ts';
import { parseOpcode } from '../opcodes/opcode.ts';
import { requireExpectedUuids } from './expected-uuids.ts';
import {
  type AnyOperation,
  type HookPlan,
  isFollowUp,
  type JobHandle,
  type PlanContext,
  type World,
} from './operation.ts';
import { type FollowUp, followUpJobs, resultWithJobs } from './runner-jobs.ts';
import { covers, insistent, isOpportunistic, withClusterLock } from './runner-locks.ts';

/** What the hooks runner gets for one phase. */
export interface HookRun {
  readonly phase: 'pre' | 'post';
  /** OP_ID, for GANETI_OP_CODE. */
  readonly opcode: string;
  readonly plan: HookPlan;
  /** In the post phase the state after the operation: its environment gets the prefix GANETI_POST_. */
  readonly after?: HookPlan;
}

export interface HooksRunner {
  /**
   * Runs a phase's scripts on its nodes.
   * @returns lines to warn of: nodes that can't be reached, failed post scripts
   * @throws Failure HooksAbort when a pre script fails
   */
  runPhase(run: HookRun): Promise<readonly string[]>;
  /**
   * The hook that runs on the master after every operation that changed the configuration.
   * @param about what the operation's own hooks are told, when it has any
   */
  configurationChanged?(opcode: string, about?: HookPlan): Promise<void>;
}

export interface RunnerParts {
  /** By OP_ID. */
  readonly operations: ReadonlyMap<string, AnyOperation>;
  readonly world: World;
  readonly locks: LockManager;
  readonly journal: StepJournal;
  readonly hooks: HooksRunner;
  readonly secrets: SecretNames;
  /** Submits jobs as a client would (JobQueue.submitMany). */
  readonly submit: (jobs: readonly FollowUp[]) => Promise<([true, number] | [false, string])[]>;
}

/** The operations of a list by OP_ID. */
export function operationTable(operations: Iterable<AnyOperation>): ReadonlyMap<string, AnyOperation> {
  return new Map([...operations].map((operation) => [operation.opcode.id as string, operation]));
}

/** The step of that name of the operation for an opcode, for unwinding after a restart. */
export function stepFinder(operations: ReadonlyMap<string, AnyOperation>) {
  return (opcodeId: string, name: string) =>
    operations.get(opcodeId)?.steps.find((step) => step.name === name);
}

export function createRunner(parts: RunnerParts): ExecuteOpcode {
  return async (execution) => {
    const { OP_ID } = execution.input;
    const operation = parts.operations.get(OP_ID);
    if (operation === undefined) throw notSupportedYet(OP_ID);
    const { world } = parts;
    const before = world.config.current.serial_no;
    let run: OpcodeRun | undefined;
    try {
      requireSecrets(execution.input, parts.secrets);
      run = new OpcodeRun(parts, operation, execution);
      return await run.run();
    } finally {
      if (world.config.current.serial_no !== before) {
        // Programs on the master, and hooks, know the nodes from there.
        await world.master?.nodesNamedHere();
        await parts.hooks.configurationChanged?.(OP_ID, run?.hookPlan).catch((error: unknown) => {
          world.log.warning(`the hook of a changed configuration failed: ${messageOf(error)}`);
        });
      }
    }
  };
}

interface Held {
  readonly asked: readonly LockRequest[];
  readonly taken: readonly LockRequest[];
}

/** One opcode on its way. */
class OpcodeRun {
  readonly #parts: RunnerParts;
  readonly #operation: AnyOperation;
  readonly #execution: OpcodeExecution;
  readonly #owner: string;
  // biome-ignore lint/suspicious/noExplicitAny: the table holds operations of every opcode; parseOpcode checks for this one.
  readonly #op: any;
  /** What its hooks were told before it began. */
  hookPlan: HookPlan | undefined;

  constructor(parts: RunnerParts, operation: AnyOperation, execution: OpcodeExecution) {
    this.#parts = parts;
    this.#operation = operation;
    this.#execution = execution;
    this.#owner = String(execution.job);
    this.#op = parseOpcode(operation.opcode, execution.input);
  }

  async run(): Promise<unknown> {
    const { locks } = this.#parts;
    this.#execution.onPriority((priority) => locks.setPriority(this.#owner, priority));
    if (this.#operation.beforeLocks !== undefined) await this.#beforeLocks();
    try {
      return await this.#attempt(false);
    } catch (error) {
      if (!(error instanceof LacksPassedOver)) throw error;
      return await this.#attempt(true);
    }
  }

  async #beforeLocks(): Promise<void> {
    const { signal, feedback } = this.#execution;
    await this.#operation.beforeLocks?.(this.#op, {
      tell: (type, message) => feedback(message, type),
      info: (text) => feedback(` - INFO: ${text}`),
      signal,
    });
  }

  /**
   * @param insists opportunistic locks are waited for as well
   * @throws LacksPassedOver when it might do with the locks that were passed over
   */
  async #attempt(insists: boolean): Promise<unknown> {
    const { locks, world } = this.#parts;
    const steps = this.#newSteps();
    let isPlanned = false;
    try {
      const held = await this.#lock(insists);
      try {
        await this.#execution.started();
        requireExpectedUuids(this.#op, world.config.current);
        const plan: unknown = await this.#operation.plan(this.#op, this.#planContext(steps, held.taken));
        isPlanned = true;
        return await this.#work(plan, steps);
      } catch (error) {
        if (!isPlanned && isTemporary(error) && !insists && isOpportunistic(held.asked)) {
          steps.info('Not enough resources under the locks that were free; waiting for all of them');
          throw new LacksPassedOver();
        }
        await this.#unwind(steps);
        throw error;
      }
    } finally {
      world.config.reservations.release(this.#owner);
      world.master?.placements.release(this.#owner);
      locks.release(this.#owner);
    }
  }

  /** Takes the locks that the operation names, until what it names under them is covered by them. */
  async #lock(insists: boolean): Promise<Held> {
    const { locks, world } = this.#parts;
    const { signal } = this.#execution;
    const ask = () => {
      const asked = this.#operation.locks(this.#op, world.config.current);
      return withClusterLock(insists ? insistent(asked) : asked);
    };
    let asked = ask();
    for (;;) {
      const taken = await locks.acquire(this.#owner, asked, { priority: this.#execution.priority(), signal });
      const again = ask();
      if (covers(asked, again)) return { asked, taken };
      locks.release(this.#owner);
      asked = again;
    }
  }

  /** From the plan to the result. */
  async #work(plan: unknown, steps: StepRun<World>): Promise<unknown> {
    const hookPlan = await this.#runHooks('pre', plan, steps);
    if (this.#op.dry_run === true) {
      steps.info('dry-run mode requested, not actually executing the operation');
      return this.#operation.dryRunResult?.(plan) ?? null;
    }
    this.#execution.signal.throwIfAborted();
    const made: unknown = await this.#operation.run(plan, this.#handle(steps));
    // The result of follow-up jobs is their ids: it isn't known before they are submitted.
    await steps.finish(isFollowUp(made) ? undefined : { result: made ?? null });
    const result = await this.#submitFollowUps(made);
    // The work is done and stays: whatever hooks do now, the opcode has succeeded.
    await this.#runHooks('post', plan, steps, hookPlan).catch((error: unknown) => {
      steps.warn(`Hooks after the operation could not be run: ${messageOf(error)}`);
    });
    return result;
  }

  /** @returns the hooks' plan, with which the post phase is told what it was before */
  async #runHooks(
    phase: 'pre' | 'post',
    plan: unknown,
    steps: StepRun<World>,
    before?: HookPlan,
  ): Promise<HookPlan | undefined> {
    const { world, hooks } = this.#parts;
    if (phase === 'post' && before === undefined) return undefined;
    const now = this.#operation.hooks?.(this.#op, plan, world.config.current);
    if (now === undefined && before === undefined) return undefined;
    this.hookPlan = before ?? now;
    const run: HookRun = {
      phase,
      opcode: this.#execution.input.OP_ID,
      plan: (before ?? now)!,
      ...(phase === 'post' && now !== undefined && { after: now }),
    };
    for (const line of await hooks.runPhase(run)) steps.warn(line);
    return run.plan;
  }

  async #submitFollowUps(made: unknown): Promise<unknown> {
    if (!isFollowUp(made)) return made;
    const jobs = followUpJobs(made, this.#execution.input);
    return resultWithJobs(made, await this.#parts.submit(jobs));
  }

  async #unwind(steps: StepRun<World>): Promise<void> {
    const unwound = await steps.unwind();
    const text = describeUnwound(unwound);
    if (text === '') return;
    if (unwound.stranded.length > 0) steps.warn(text);
    else this.#parts.world.log.info(`job ${this.#owner}: ${text}`);
  }

  #newSteps(): StepRun<World> {
    const { world, journal } = this.#parts;
    const { job, index, signal, feedback } = this.#execution;
    return new StepRun({ world, journal, log: world.log, job, op: index, signal, feedback });
  }

  #handle(steps: StepRun<World>): JobHandle {
    return {
      world: this.#parts.world,
      owner: this.#owner,
      signal: steps.signal,
      jobId: steps.jobId,
      do: (step, input) => steps.do(step, input),
      keep: () => steps.keep(),
      say: (text) => steps.say(text),
      tell: (type, message) => steps.tell(type, message),
      info: (text) => steps.info(text),
      warn: (text, hint) => steps.warn(text, hint),
    };
  }

  #planContext(steps: StepRun<World>, held: readonly LockRequest[]): PlanContext {
    const { world } = this.#parts;
    return {
      configuration: world.config.current,
      nodes: world.nodes,
      reservations: world.config.reservations,
      owner: this.#owner,
      paths: world.paths,
      log: world.log,
      now: world.now,
      ...(world.master === undefined ? {} : { master: world.master }),
      held,
      say: (text) => steps.say(text),
      info: (text) => steps.info(text),
      warn: (text, hint) => steps.warn(text, hint),
      signal: this.#execution.signal,
    };
  }
}

/** The plan failed for want of resources that may lie under locks which were not waited for. */
class LacksPassedOver extends Error {}

function isTemporary(error: unknown): boolean {
  return error instanceof Failure && error.code === ErrorCode.temporaryResources;
}
