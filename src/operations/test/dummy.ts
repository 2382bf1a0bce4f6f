/**
 * OP_TEST_DUMMY: logs, submits jobs, fails or succeeds as it is told; for tests of clients. Ganeti knows the
 * opcode in its unit tests alone; the meaning of the parameters is that of those.
 */
import { executionFailure } from '../../kit/failure.ts';
import { TestDummy } from '../../opcodes/test.ts';
import { type FollowUpJobs, operation } from '../operation.ts';

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A message alone, or with its type before it. */
function messagesOf(given: unknown): [string | undefined, unknown][] {
  if (given === null || given === undefined) return [];
  const all = Array.isArray(given) ? (given as unknown[]) : [given];
  return all.map((one) => {
    if (!Array.isArray(one)) return [undefined, one];
    const [type, message] = one as unknown[];
    return one.length > 1 ? [asText(type), message] : [undefined, type];
  });
}

export const testDummy = operation({
  opcode: TestDummy,
  steps: [],
  locks: () => [],
  plan: (op) => Promise.resolve(op),
  run: async (op, job): Promise<FollowUpJobs | null> => {
    for (const [type, message] of messagesOf(op.messages)) {
      if (type === undefined) job.say(asText(message));
      else job.tell(type, message);
    }
    if (op.fail !== null && op.fail !== false)
      throw executionFailure(op.fail === true ? 'Failure was requested' : asText(op.fail));
    if (Array.isArray(op.submit_jobs)) return { jobs: op.submit_jobs as FollowUpJobs['jobs'] };
    return (op.result ?? null) as null;
  },
});
