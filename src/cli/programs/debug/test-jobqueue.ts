/** gnt-debug test-jobqueue: submission, dependencies, order and messages of jobs, tried on the running master. */
import { createConnection } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { executionFailure, Failure } from '../../../kit/failure.ts';
import { TestDelay, TestJqueue } from '../../../opcodes/test.ts';
import { command } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { JobExecutor } from '../../jobs/executor.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { type JobOptions, type Opcode, withJobOptions } from '../../jobs/submit.ts';
import { type JobReporter, printingReporter, waitForJob } from '../../jobs/wait.ts';
import * as o from '../../options/index.ts';
import { pythonText } from '../../output/python-text.ts';
import type { Session } from '../../session.ts';

/** Priorities that a client may ask for; everything beside them has to be refused. */
const submittable = [-10, 0, 10];
const extremes = [-20, 19];
/** How many opcodes stand before and after the wrong one. */
const surroundings = [
  [0, 0],
  [3, 0],
  [0, 3],
  [4, 2],
] as const;

const wait = (duration: number, more: object = {}): Opcode => ({
  ...opcodeOf(TestDelay, { duration }),
  ...more,
});

async function mustBeRefused(session: Session, options: JobOptions, what: string, request: Promise<unknown>) {
  try {
    await request;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (options.debug) session.print(`Ignoring error for '${what}' test: ${error.message}`);
    return;
  }
  throw executionFailure(`Submitting for the '${what}' test did not fail when it should`);
}

async function testSubmission(session: Session, options: JobOptions): Promise<void> {
  session.print('Testing job submission');
  const wrong = [
    ...extremes,
    ...[...submittable, ...extremes].flatMap((priority) => [priority - 1, priority + 1]),
  ];
  for (const priority of wrong.filter((number) => !submittable.includes(number))) {
    for (const [before, after] of surroundings) {
      const opcodes = [
        ...Array.from({ length: before }, () => wait(0)),
        wait(0, { priority }),
        ...Array.from({ length: after }, () => wait(0)),
      ];
      await mustBeRefused(session, options, 'wrong priority', session.call('SubmitJob', [opcodes]));
    }
  }
  session.print('Job submission tests were successful');
}

/** Jobs of which some wait for others: the offsets back to the job each depends on. */
const chain = [undefined, [-1, []], [-2, ['success']], undefined, [-2, ['success']]] as const;

async function testDependencies(session: Session, options: JobOptions): Promise<void> {
  session.print('Testing job dependencies');
  const alone = wait(0, { depends: [[-1, []]] });
  await mustBeRefused(session, options, 'wrong dependencies', session.call('SubmitJob', [[alone]]));
  const executor = new JobExecutor(session, options);
  for (const dependency of chain) {
    executor.queue(null, wait(1, { depends: dependency === undefined ? [] : [dependency] }));
  }
  await executor.submit();
  const ids = executor.ids;
  const outcomes = await executor.results();
  if (!outcomes.every(({ success }) => success)) {
    throw executionFailure(`At least one of the submitted jobs failed: ${pythonText(outcomes)}`);
  }
  const jobs = (await session.call('QueryJobs', [ids, ['opexec']])) as [[number, number][]][];
  const times = jobs.map(([[time]]) => time![0] + time![1] / 1e6);
  chain.forEach((dependency, index) => {
    if (dependency !== undefined && times[index + dependency[0]]! > times[index]!) {
      throw executionFailure(`Jobs did not run in correct order: ${pythonText(times)}`);
    }
  });
  session.print('Job dependency tests were successful');
}

interface Trial {
  readonly title: string;
  /** Whether each opcode is to fail. */
  readonly fails: readonly boolean[];
}

const trials: readonly Trial[] = [
  { title: 'Testing job success', fails: [false] },
  { title: 'Testing multiple successful opcodes', fails: [false, false] },
  { title: 'Testing job failure', fails: [true] },
  { title: 'Testing partial job failure', fails: [false, false, true, false] },
];
const messages = ['Hello World', 'A', '', 'B', 'Foo|bar|baz', ' two  spaces ', 'long '.repeat(200)];
/** What stands before them in the job's log (constants.JQT_MSGPREFIX). */
const messagePrefix = 'TESTMSG=';

/** The job waits at a socket until somebody has come and gone (constants.ELOG_JQUEUE_TEST). */
const noticeType = 'jqueue-test';

function confirm(entry: unknown): void {
  const [path] = entry as [string];
  const socket = createConnection(path, () => socket.end());
  // Somebody else may have been there before.
  socket.on('error', () => {});
}

/** Runs the job of a trial and shows what it says. @returns the messages that it was asked to send, as they came */
async function runTrial(session: Session, options: JobOptions, { fails }: Trial): Promise<string[]> {
  const opcodes = fails.map((fail) => {
    const opcode = opcodeOf(TestJqueue, {
      notify_waitlock: true,
      notify_exec: true,
      log_messages: messages,
      fail,
    });
    return withJobOptions(session, opcode, options);
  });
  const id = await session.call('SubmitJob', [opcodes]);
  const received: string[] = [];
  const shown = printingReporter(session, id);
  const reporter: JobReporter = {
    message: (entry) => {
      const [, , type, text] = entry;
      if (type === noticeType) confirm(text);
      else if (typeof text === 'string' && text.startsWith(messagePrefix))
        received.push(text.slice(messagePrefix.length));
      else shown.message(entry);
    },
    unchanged: (status) => shown.unchanged(status),
  };
  const shouldFail = fails.includes(true);
  try {
    await waitForJob(session, id, reporter);
  } catch (error) {
    if (!shouldFail || !(error instanceof Failure)) throw error;
    session.print(`Ignoring error for 'job fail' test: ${error.message}`);
    return received;
  }
  if (shouldFail) throw executionFailure("Job didn't fail when it should");
  return received;
}

async function testTrial(session: Session, options: JobOptions, trial: Trial): Promise<void> {
  session.print(trial.title);
  const received = await runTrial(session, options, trial);
  const firstFailure = trial.fails.indexOf(true);
  const ran = firstFailure < 0 ? trial.fails.length : firstFailure + 1;
  const expected = Array.from({ length: ran }, () => messages).flat();
  if (!isDeepStrictEqual(received, expected)) {
    throw executionFailure(
      `Received test messages don't match input (input ${pythonText(expected)}, received ${pythonText(received)})`,
    );
  }
}

export const testJobqueue = command({
  arguments: [],
  options: [o.priority],
  usage: '',
  description: 'Test a few aspects of the job queue',
  run: async (session, options) => {
    await testSubmission(session, options);
    await testDependencies(session, options);
    for (const trial of trials) await testTrial(session, options, trial);
    session.print('Job queue test successful');
    return ExitCode.success;
  },
});
