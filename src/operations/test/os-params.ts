/**
 * OP_TEST_OS_PARAMS: shows that secret OS parameters have arrived. Ganeti logs their values; here names are
 * enough, since logs of jobs are stored and secrets never are.
 */
import { executionFailure } from '../../kit/failure.ts';
import { TestOsParams } from '../../opcodes/test.ts';
import { operation } from '../operation.ts';

export const testOsParams = operation({
  opcode: TestOsParams,
  steps: [],
  locks: () => [],
  plan: (op) => Promise.resolve(Object.keys(op.osparams_secret ?? {}).sort()),
  run: async (names, job) => {
    if (names.length === 0) throw executionFailure('Opcode needs secret parameters');
    const shown = names.map((name) => `'${name}': '<redacted>'`);
    job.say(`Secret OS parameters: {${shown.join(', ')}}`);
    return null;
  },
});
