/** OP_TEST_JQUEUE: does what tests of the job queue need: tells where it is, logs, fails. */
import { ErrorCode, executionFailure, prerequisiteFailure } from '../../kit/failure.ts';
import { TestJqueue } from '../../opcodes/test.ts';
import { operation } from '../operation.ts';
import { notify } from './notify.ts';

/** What stands before each message that a test has asked for (constants.JQT_MSGPREFIX). */
const messagePrefix = 'TESTMSG=';

export const testJqueue = operation({
  opcode: TestJqueue,
  steps: [],
  beforeLocks: async (op, { tell, info, signal }) => {
    const failure = (text: string) => prerequisiteFailure(text, ErrorCode.environment);
    if (op.notify_waitlock) await notify({ test: 'expandnames', argument: null }, { tell, signal, failure });
    info('Expanding names');
  },
  // Some lock, for no other reason than to have one.
  locks: (_op, { cluster }) => [{ level: 'node', name: cluster.master_node, mode: 'exclusive' }],
  plan: (op) => Promise.resolve(op),
  run: async (op, job) => {
    const parts = {
      tell: (type: string, message: unknown) => job.tell(type, message),
      signal: job.signal,
      failure: executionFailure,
    };
    if (op.notify_exec) await notify({ test: 'exec', argument: null }, parts);
    job.info('Executing');
    const messages = op.log_messages;
    if (messages.length > 0) await notify({ test: 'startmsg', argument: messages.length }, parts);
    for (const [index, message] of messages.entries()) {
      job.info(`Sending log message ${index + 1}`);
      job.say(`${messagePrefix}${message}`);
      await notify({ test: 'logmsg', argument: index + 1 }, parts);
    }
    if (op.fail) throw executionFailure('Opcode failure was requested');
    return true;
  },
});
