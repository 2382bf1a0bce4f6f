/**
 * Several jobs of one command: submitted together, then followed one after the other, first those that
 * already run (cli.JobExecutor).
 */
import { Failure } from '../../kit/failure.ts';
import { ExitCode } from '../exit-codes.ts';
import { reportError } from '../output/errors.ts';
import { pythonText } from '../output/python-text.ts';
import type { Session } from '../session.ts';
import { type JobOptions, type Opcode, withJobOptions } from './submit.ts';
import { waitForJob } from './wait.ts';

export interface JobOutcome {
  /** Whether the master took the job at all. */
  readonly submitted: boolean;
  readonly success: boolean;
  /** Results of the job's opcodes, or the error's text. */
  readonly result: unknown;
}

interface Job {
  readonly index: number;
  /** What the job works on; null when it has no name of its own. */
  readonly name: string | null;
  /** Whether it was taken; then `id` is its id, otherwise the reason why not. */
  readonly submitted: boolean;
  readonly id: unknown;
}

interface Pending {
  readonly name: string | null;
  readonly opcodes: readonly Opcode[];
}

/** How many jobs are asked about at once when choosing which to follow. */
const chooseBatch = 25;
const waitingStates = ['queued', 'waiting', 'canceling'];

export class JobExecutor {
  readonly #session: Session;
  readonly #options: JobOptions;
  readonly #announce: boolean;
  readonly #pending: Pending[] = [];
  #jobs: Job[] = [];
  #count = 0;

  /** @param announce says which jobs were submitted */
  constructor(session: Session, options: JobOptions, announce = true) {
    this.#session = session;
    this.#options = options;
    this.#announce = announce;
  }

  /** Keeps a job for `submit`. */
  queue(name: string | null, ...opcodes: Opcode[]): void {
    this.#pending.push({
      name,
      opcodes: opcodes.map((opcode) => withJobOptions(this.#session, opcode, this.#options)),
    });
  }

  /** A job that the master has submitted itself, as a result of another one. */
  add(submitted: boolean, id: unknown): void {
    this.#jobs.push({ index: this.#nextIndex(), name: null, submitted, id });
  }

  /** Of the jobs that were taken and are not followed yet, in the order of submission. */
  get ids(): number[] {
    return this.#jobs.filter(({ submitted }) => submitted).map(({ id }) => Number(id));
  }

  #nextIndex(): number {
    this.#count += 1;
    return this.#count;
  }

  /** @param each one request a job; the first that is refused ends the command */
  async submit(each = false): Promise<void> {
    const jobs = this.#pending.splice(0);
    const answers: [boolean, unknown][] = [];
    if (each) {
      for (const { opcodes } of jobs) answers.push([true, await this.#session.call('SubmitJob', [opcodes])]);
    } else {
      const all = jobs.map(({ opcodes }) => opcodes);
      answers.push(...((await this.#session.call('SubmitManyJobs', [all])) as [boolean, unknown][]));
    }
    jobs.forEach(({ name }, position) => {
      const [submitted, id] = answers[position]!;
      this.#jobs.push({ index: this.#nextIndex(), name, submitted, id });
      if (submitted && this.#options.print_jobid) this.#session.print(pythonText(id));
    });
  }

  async #choose(): Promise<Job> {
    if (this.#jobs.length > 1) {
      const asked = this.#jobs.slice(0, chooseBatch);
      const states = (await this.#session.call('QueryJobs', [
        asked.map(({ id }) => Number(id)),
        ['status'],
      ])) as ([string] | null)[];
      const chosen = asked.find((_job, position) => {
        const status = states[position]?.[0];
        return status === undefined || !waitingStates.includes(status);
      });
      if (chosen !== undefined) {
        this.#jobs = this.#jobs.filter((job) => job !== chosen);
        return chosen;
      }
    }
    return this.#jobs.shift()!;
  }

  async #follow(job: Job): Promise<JobOutcome> {
    const label = `${pythonText(job.id)}${job.name ? ` for ${job.name}` : ''}`;
    this.#session.print(`Waiting for job ${label} ...`);
    try {
      return { submitted: true, success: true, result: await waitForJob(this.#session, job.id) };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const { text } = reportError(error);
      this.#session.warn(
        error.errorClass === 'JobLost'
          ? `Job ${label} has been archived, cannot check its result`
          : `Job ${label} has failed: ${text}`,
      );
      return { submitted: true, success: false, result: text };
    }
  }

  /** Follows all jobs; their outcomes in the order of submission. */
  async results(): Promise<JobOutcome[]> {
    if (this.#jobs.length === 0) await this.submit();
    const taken = this.#jobs.filter(({ submitted }) => submitted).map(({ id }) => pythonText(id));
    if (this.#announce && taken.length > 0) this.#session.print(`Submitted jobs ${taken.join(', ')}`);
    const outcomes: [number, JobOutcome][] = [];
    for (const { index, name, id } of this.#jobs.filter(({ submitted }) => !submitted)) {
      this.#session.warn(`Failed to submit job${name ? ` for ${name}` : ''}: ${pythonText(id)}`);
      outcomes.push([index, { submitted: false, success: false, result: id }]);
    }
    this.#jobs = this.#jobs.filter(({ submitted }) => submitted);
    while (this.#jobs.length > 0) {
      const job = await this.#choose();
      outcomes.push([job.index, await this.#follow(job)]);
    }
    return outcomes.sort(([left], [right]) => left - right).map(([, outcome]) => outcome);
  }

  /** Follows all jobs, or only shows their ids, with `--submit`. */
  async waitOrShow(wait: boolean): Promise<JobOutcome[]> {
    if (wait) return await this.results();
    if (this.#jobs.length === 0) await this.submit();
    for (const { submitted, id, name } of this.#jobs) {
      if (submitted) this.#session.print(`${pythonText(id)}: ${pythonText(name)}`);
      else this.#session.warn(`Failure for ${pythonText(name)}: ${pythonText(id)}`);
    }
    return this.#jobs.map(({ submitted, id }) => ({ submitted, success: submitted, result: id }));
  }
}

/** 0 when every job succeeded, otherwise 1. */
export function exitCodeOf(outcomes: readonly JobOutcome[]): number {
  return outcomes.every(({ success }) => success) ? ExitCode.success : ExitCode.failure;
}

/** Whether an opcode's result is a list of jobs that it has submitted. */
function isJobList(result: unknown): result is { jobs: [boolean, unknown][] } {
  return (
    typeof result === 'object' &&
    result !== null &&
    Array.isArray((result as { jobs?: unknown }).jobs) &&
    (result as { jobs: unknown[] }).jobs.every((job) => Array.isArray(job) && job.length === 2)
  );
}

/** Follows the jobs that an opcode has submitted. */
export async function followJobsOf(
  session: Session,
  result: unknown,
  options: JobOptions,
): Promise<JobOutcome[]> {
  const executor = new JobExecutor(session, options);
  if (isJobList(result)) for (const [submitted, id] of result.jobs) executor.add(submitted, id);
  return isJobList(result) && result.jobs.length > 0 ? await executor.results() : [];
}
