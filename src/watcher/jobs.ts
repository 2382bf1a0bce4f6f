/** Jobs as the watcher sends them: with its reason, and waited for. */
import { sleep } from '../kit/clock.ts';
import { decodeFailure, Failure } from '../kit/failure.ts';
import type { LuxiClient } from '../luxi/client.ts';

export interface Opcode {
  readonly OP_ID: string;
  readonly [parameter: string]: unknown;
}

/** constants.OPCODE_REASON_SRC_WATCHER. */
const source = 'gnt:watcher';
const nanosecondsPerMillisecond = 1e6;
const pollMs = 200;
const slowestPollMs = 2_000;

/** The opcode with the watcher's reason in its trail. */
export function because(reason: string, opcode: Opcode): Opcode {
  return { ...opcode, reason: [[source, reason, Date.now() * nanosecondsPerMillisecond]] };
}

export async function submit(client: LuxiClient, opcodes: readonly Opcode[]): Promise<number> {
  return (await client.call('SubmitJob', [opcodes])) as number;
}

/**
 * Waits for the end of a job.
 * @returns the results of its opcodes
 * @throws the failure of the opcode that failed; JobCanceled
 */
export async function resultsOf(client: LuxiClient, job: number): Promise<readonly unknown[]> {
  for (let pause = pollMs; ; pause = Math.min(slowestPollMs, pause * 2)) {
    const rows = (await client.call('QueryJobs', [[job], ['status', 'opresult']])) as (
      | [string, unknown[]]
      | null
    )[];
    const [row] = rows;
    if (row == null) throw new Failure('JobLost', [`Job with id ${job} lost`]);
    const [status, results] = row;
    if (status === 'success') return results;
    if (status === 'canceled') throw new Failure('JobCanceled', [`Job ${job} was canceled`]);
    if (status === 'error') {
      const fault = results.find((result) => Array.isArray(result) && Array.isArray(result[1]));
      throw fault === undefined ? new Failure('OpExecError', [`job ${job} failed`]) : decodeFailure(fault);
    }
    await sleep(pause);
  }
}

/** Sends one opcode and waits for it. */
export async function carryOut(client: LuxiClient, opcode: Opcode): Promise<unknown> {
  const [result] = await resultsOf(client, await submit(client, [opcode]));
  return result;
}
