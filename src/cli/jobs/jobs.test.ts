import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, executionFailure, Failure, prerequisiteFailure } from '../../kit/failure.ts';
import { FakeMaster, runLine } from '../fake-master.ts';
import { formatCtime } from '../output/time.ts';

const at = formatCtime(1795195770);
const answersNames = {
  QueryInstances: () => [['inst1.example.com'], ['inst2.example.com']],
};

test('messages of a job appear with their time, and the exit code is 0', async () => {
  const master = new FakeMaster({
    runs: { OP_INSTANCE_FAILOVER: () => ({ messages: ['* checking disk consistency', '* shutting down'] }) },
  });
  const { code, stdout, stderr } = await runLine('gnt-instance failover -f inst1', master);
  assert.equal(stdout, `${at} * checking disk consistency\n${at} * shutting down\n`);
  assert.deepEqual([code, stderr], [0, '']);
  assert.ok(master.closed);
});

test('control characters in messages never reach the terminal', async () => {
  const messages = ['a\u001b[2Jb\nc\td\u00e9\u20ac'];
  const master = new FakeMaster({ runs: { OP_INSTANCE_FAILOVER: () => ({ messages }) } });
  const { stdout } = await runLine('gnt-instance failover -f inst1', master);
  assert.equal(stdout, `${at} a\\x1b[2Jb\\nc\\td\\xe9\\u20ac\n`);
});

test('a failed prerequisite is told with its code', async () => {
  const failure = prerequisiteFailure("Instance 'nosuch' not known", ErrorCode.unknown);
  const master = new FakeMaster({ runs: { OP_INSTANCE_REMOVE: () => ({ failure }) } });
  const { code, stderr } = await runLine('gnt-instance remove -f nosuch', master);
  assert.equal(
    stderr,
    'Failure: prerequisites not met for this operation:\n' +
      "error type: unknown_entity, error details:\nInstance 'nosuch' not known\n",
  );
  assert.equal(code, 1);
});

test('--submit ends with the id of the job, --print-jobid tells it first', async () => {
  const submitted = await runLine('gnt-instance failover -f --submit inst1');
  assert.deepEqual([submitted.code, submitted.stdout, submitted.stderr], [0, '', 'JobID: 3\n']);
  const printed = await runLine('gnt-instance failover -f --print-jobid inst1');
  assert.deepEqual([printed.code, printed.stdout, printed.stderr], [0, '3\n', '']);
  const both = await runLine('gnt-instance failover -f --submit --print-jobid inst1');
  assert.deepEqual([both.stdout, both.stderr], ['3\n', 'JobID: 3\n']);
});

test('several jobs are announced, followed one by one, and their failures told', async () => {
  const master = new FakeMaster({
    answers: answersNames,
    runs: {
      OP_INSTANCE_SHUTDOWN: (op) =>
        op.instance_name === 'inst2.example.com'
          ? { failure: executionFailure('Could not shutdown instance') }
          : { messages: ['done'] },
    },
  });
  const { code, stdout, stderr } = await runLine('gnt-instance stop --force-multiple inst1 inst2', master);
  assert.equal(
    stdout,
    'Submitted jobs 3, 4\nWaiting for job 3 for inst1.example.com ...\n' +
      `${at} done\nWaiting for job 4 for inst2.example.com ...\n`,
  );
  assert.equal(
    stderr,
    'Job 4 for inst2.example.com has failed: Failure: command execution error:\nCould not shutdown instance\n',
  );
  assert.equal(code, 1);
});

test('many instances are confirmed; without a terminal nothing happens', async () => {
  const silent = new FakeMaster({ answers: answersNames });
  assert.equal((await runLine('gnt-instance startup inst1 inst2', silent)).code, 1);
  assert.deepEqual(silent.sent, []);
  const master = new FakeMaster({ answers: answersNames });
  const { code, terminal } = await runLine('gnt-instance startup inst1 inst2', master, {
    typed: ['maybe', '?', 'y'],
  });
  const question =
    'The startup will operate on 2 instances.\nDo you want to continue?\nAffected instances:\n' +
    '  inst1.example.com\n  inst2.example.com\ny/[n]/?: ';
  const help = ' y - Yes, execute the startup\n n - No, abort the startup\n\n';
  assert.equal(terminal.asked(), question + question + help + question);
  assert.equal(code, 0);
  assert.equal(master.sent.length, 2);
});

test('the reason, the command as it was written and the job options reach the opcode', async () => {
  const master = new FakeMaster({ answers: { QueryInstances: () => [['inst1.example.com']] } });
  await runLine("gnt-instance stop -d --reason='too hot' --priority=high --dry-run inst1", master);
  const [opcode] = master.sent;
  const trail = opcode!.reason as [string, string, number][];
  assert.deepEqual(
    trail.map(([source, text]) => [source, text]),
    [
      ['gnt:user', 'too hot'],
      ['gnt:client:gnt-instance', 'stop'],
    ],
  );
  assert.ok(trail.every(([, , time]) => Number.isInteger(time)));
  assert.deepEqual([opcode!.priority, opcode!.dry_run, opcode!.debug_level], [-10, true, 1]);
});

test('a job that waits is told once', async () => {
  const master = new FakeMaster({ unchanged: 3 });
  const { stderr } = await runLine('gnt-instance failover -f inst1', master);
  assert.equal(stderr, 'Job 3 is waiting in queue\n');
});

test('jobs that are gone, cancelled, or failed in the middle', async () => {
  const gone = await runLine('gnt-job watch 99');
  const title = 'Output from job 99 follows';
  assert.equal(gone.stdout, `${title}\n${'-'.repeat(title.length)}\n`);
  assert.equal(gone.stderr, 'Job 99 failed: Error checking job status: Job with id 99 lost\n');
  assert.equal(gone.code, 1);
  const cancelled = new FakeMaster({
    answers: {
      WaitForJobChange: () => [['canceled'], []],
      QueryJobs: () => [['canceled', ['canceled'], [null]]],
    },
  });
  const waited = await runLine('gnt-job wait 7', cancelled);
  assert.equal(waited.stderr, 'Job 7 failed: Unhandled Ganeti error: Job was canceled\n');
  const partial = new FakeMaster({
    answers: {
      WaitForJobChange: () => [['error'], []],
      QueryJobs: () => [['error', ['success', 'error'], [null, 'disk is full']]],
    },
  });
  assert.equal(
    (await runLine('gnt-job wait 7', partial)).stderr,
    'Job 7 failed: Failure: command execution error:\npartial failure (opcode 1): disk is full\n',
  );
});

test('jobs of a verification are followed and their verdicts give the exit code', async () => {
  const jobs = {
    jobs: [
      [true, 19],
      [true, 20],
    ],
  };
  const script = (verdict: boolean) => ({
    runs: { OP_CLUSTER_VERIFY: () => ({ result: jobs }) },
    answers: {
      WaitForJobChange: () => [['success'], []],
      QueryJobs: (request: { ids: number[]; fields: string[] }) =>
        request.fields.length === 1
          ? request.ids.map(() => ['success'])
          : request.ids.map((id) => ['success', ['success'], id === 3 ? [jobs] : [id === 19 || verdict]]),
    } as never,
  });
  const fine = await runLine('gnt-cluster verify', new FakeMaster(script(true)));
  assert.equal(fine.stdout, 'Submitted jobs 19, 20\nWaiting for job 19 ...\nWaiting for job 20 ...\n');
  assert.equal(fine.code, 0);
  assert.equal((await runLine('gnt-cluster verify', new FakeMaster(script(false)))).code, 1);
});

test('who the master is, when nobody listens', async () => {
  const nobody = async () => {
    throw new Failure('NoMasterError', ['/var/run/ganeti/socket/ganeti-query']);
  };
  const { code, stderr } = await runLine('gnt-instance list', undefined, { connect: nobody });
  assert.equal(
    stderr,
    'Failure: prerequisites not met for this operation:\nerror type: wrong_input, error details:\n' +
      'Cluster not initialized or this machine is not part of a cluster\n',
  );
  assert.equal(code, 1);
});
