/** Jobs that an operation hands over (cmdlib.ResultWithJobs, mcpu._SetBaseOpParams). */
import { ErrorCode, prerequisiteFailure } from '../kit/failure.ts';
import type { AnyOpcode } from '../opcodes/opcode.ts';
import type { FollowUpJobs } from './operation.ts';

export type FollowUp = readonly AnyOpcode[];

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

function inherited(opcode: Readonly<Record<string, unknown>>, parent: AnyOpcode): AnyOpcode {
  if (typeof opcode.OP_ID !== 'string') {
    throw prerequisiteFailure(`${parent.OP_ID} handed over an opcode without OP_ID`, ErrorCode.fault);
  }
  return {
    ...opcode,
    OP_ID: opcode.OP_ID,
    debug_level: parent.debug_level ?? null,
    priority: opcode.priority ?? parent.priority ?? 0,
    comment: opcode.comment ?? `Submitted by ${parent.OP_ID}`,
    reason: [...listOf(opcode.reason), ...listOf(parent.reason)],
  };
}

/** The jobs with what they inherit of the opcode: priority, debug level, comment, reason trail. */
export function followUpJobs(made: FollowUpJobs, parent: AnyOpcode): FollowUp[] {
  return made.jobs.map((ops) => ops.map((op) => inherited(op, parent)));
}

/** The opcode's result: what else there is, and under "jobs" what became of each submission. */
export function resultWithJobs(
  made: FollowUpJobs,
  submitted: readonly (readonly [true, number] | readonly [false, string])[],
): Record<string, unknown> {
  return { ...made.other, jobs: submitted };
}
