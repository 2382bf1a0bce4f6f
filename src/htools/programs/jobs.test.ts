/** Tools that work on a running cluster, against a master daemon that is only played. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { LuxiClient } from '../../luxi/client.ts';
import { type CapturedContext, capturedContext } from './captured-context.ts';
import { runTool } from './main.ts';
import type { ProgramContext } from './program.ts';

type Opcode = Readonly<Record<string, unknown>>;

interface PlayedInstance {
  readonly name: string;
  readonly primary: string;
  readonly secondary: string;
  readonly tags?: readonly string[];
}

const range = {
  'memory-size': 32768,
  'cpu-count': 8,
  'disk-size': 1048576,
  'disk-count': 16,
  'nic-count': 8,
  'spindle-use': 12,
};
const policy = {
  minmax: [
    {
      min: { ...range, 'memory-size': 128, 'cpu-count': 1, 'disk-size': 1024, 'spindle-use': 1 },
      max: range,
    },
  ],
  std: range,
  'disk-templates': ['drbd'],
  'vcpu-ratio': 4,
  'spindle-ratio': 32,
};

/** A master daemon: answers queries and takes jobs, whose ends the test decides. */
class PlayedMaster {
  readonly submitted: Opcode[][][] = [];
  readonly looks: number[] = [];
  private readonly offline: ReadonlySet<string>;
  private readonly instances: readonly PlayedInstance[];
  private readonly end: (job: number) => [status: string, log: unknown[][], results: unknown[]];

  constructor(
    instances: readonly PlayedInstance[],
    offline: readonly string[] = [],
    end: (job: number) => [string, unknown[][], unknown[]] = () => ['success', [[]], [null]],
  ) {
    this.instances = instances;
    this.offline = new Set(offline);
    this.end = end;
  }

  readonly connect = (): Promise<LuxiClient> =>
    Promise.resolve({ call: (method, args) => Promise.resolve(this.answer(method, args)), close: () => {} });

  private answer(method: string, args: readonly unknown[]): unknown {
    if (method === 'QueryClusterInfo') {
      const tags = ['ganeti:watcher:autorepair:failover'];
      return { tags, ipolicy: policy, master: 'node1', default_hypervisor: 'fake' };
    }
    if (method === 'SubmitManyJobs') {
      const jobs = args[0] as Opcode[][];
      this.submitted.push(jobs);
      const first = this.submitted.flat().length - jobs.length + 1;
      return jobs.map((_, i) => [true, first + i]);
    }
    if (method === 'QueryJobs') {
      const ids = (args[0] as string[]).map(Number);
      this.looks.push(ids.length);
      return ids.map((id) => this.end(id));
    }
    const rows =
      args[0] === 'node' ? this.nodeRows() : args[0] === 'group' ? this.groupRows() : this.instanceRows();
    return { data: rows.map((row) => row.map((value) => [0, value])) };
  }

  private groupRows(): unknown[][] {
    return [['uuid-1', 'default', 'preferred', policy, []]];
  }

  private nodeRows(): unknown[][] {
    return ['node1', 'node2', 'node3', 'node4'].map((name) => [
      ...[name, 32768, 1024, 28000, 900000, 800000, 8, 1, this.offline.has(name), false, true],
      ...[1, 'uuid-1', [], false, 0, 0, 1],
    ]);
  }

  private instanceRows(): unknown[][] {
    return this.instances.map(({ name, primary, secondary, tags = [] }) => [
      ...[
        name,
        10240,
        1024,
        1,
        'running',
        primary,
        [secondary],
        tags,
        true,
        'drbd',
        1,
        [10112],
        [null],
        false,
      ],
    ]);
  }
}

/** Four instances that all sit on the same pair of nodes. */
const crowded = [1, 2, 3, 4].map((i) => ({ name: `inst${i}`, primary: 'node1', secondary: 'node2' }));

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'htools-jobs-'));
});
after(() => rmSync(folder, { recursive: true }));

function contextOf(master: PlayedMaster, changes: Partial<ProgramContext> = {}): CapturedContext {
  return capturedContext({ connect: master.connect, ...changes });
}

test('hbal -X submits a set, waits for it, then submits the next', async () => {
  let looks = 0;
  const master = new PlayedMaster(crowded, [], () => {
    looks++;
    return looks <= 1
      ? ['running', [[[1, [0, 0], 'message', 'copying disks']]], [null]]
      : ['success', [[]], [null]];
  });
  const context = contextOf(master);
  assert.equal(await runTool('hbal', ['-L', '-X', '--reason', 'spread'], context), 0);
  assert.ok(master.submitted.length >= 2);
  const [opcode] = master.submitted[0]![0]!;
  assert.equal(opcode!.OP_ID, 'OP_INSTANCE_MIGRATE');
  assert.equal(opcode!.comment, 'rebalancing via hbal v3.1.0');
  assert.equal((opcode!.reason as unknown[][])[0]![1], 'spread');
  assert.equal(opcode!.priority, 0);
  assert.match(context.stdout(), /^Got job IDs 1/m);
  assert.match(context.stderr(), /^job 1: copying disks$/m);
  assert.match(context.stderr(), /^job 1: success$/m);
});

test('hbal -X stops at a failing job and tells its message', async () => {
  const master = new PlayedMaster(crowded, [], () => [
    'error',
    [[]],
    [['OpExecError', ["Can't create the mirror"]]],
  ]);
  const context = contextOf(master);
  assert.equal(await runTool('hbal', ['-L', '-X'], context), 1);
  assert.equal(master.submitted.length, 1);
  assert.match(context.stderr(), /^job 1: error: Can't create the mirror$/m);
  assert.match(
    context.stderr(),
    /^Error: hbal: Not all jobs completed successfully: \[\(JobId \{fromJobId = 1\},JOB_STATUS_ERROR\)/m,
  );
});

test('hbal -X asked to stop lets the running set end and submits no more', async () => {
  const master = new PlayedMaster(crowded);
  let asked = () => {};
  const context = contextOf(master, {
    onStop: ({ first }) => {
      asked = first;
      return () => {};
    },
    sleep: () => {
      asked();
      return Promise.resolve();
    },
  });
  assert.equal(await runTool('hbal', ['-L', '-X'], context), 0);
  assert.equal(master.submitted.length, 1);
  assert.match(context.stdout(), /^Exiting early due to user request, $/m);
  assert.match(context.stdout(), /^\d+ jobset\(s\) not submitted:$/m);
});

test('hbal without a master daemon says so', async () => {
  const context = capturedContext();
  assert.equal(await runTool('hbal', ['-L/no/such/socket'], context), 1);
  assert.match(
    context.stderr(),
    /^Error: failed to load data, aborting: \/no\/such\/socket: connect: does not/,
  );
});

test('harep fails an instance over off a dead primary and notes the repair in a tag', async () => {
  const master = new PlayedMaster([{ name: 'inst1', primary: 'node2', secondary: 'node3' }], ['node2']);
  const context = contextOf(master);
  assert.equal(await runTool('harep', ['--job-delay', '0'], context), 0);
  const [[repair], [tagging]] = master.submitted as [[Opcode[]], [Opcode[]]];
  assert.equal(repair[0]!.OP_ID, 'OP_INSTANCE_FAILOVER');
  assert.equal(tagging[0]!.OP_ID, 'OP_TAGS_SET');
  assert.deepEqual(tagging[0]!.tags, [
    'ganeti:watcher:autorepair:pending:failover:11111111-2222-3333-4444-555555555555:1700000000:1',
  ]);
  assert.match(context.stdout(), /^Executing ArFailover repair on inst1$/m);
  assert.match(context.stdout(), /^Pending repair: 1$/m);
});

test('harep turns a pending repair into its result when the jobs have ended', async () => {
  const pending = 'ganeti:watcher:autorepair:pending:failover:aaaa:1600000000:7';
  const master = new PlayedMaster([{ name: 'inst1', primary: 'node1', secondary: 'node3', tags: [pending] }]);
  const context = contextOf(master);
  assert.equal(await runTool('harep', [], context), 0);
  const opcodes = master.submitted.flat(2);
  assert.deepEqual(
    opcodes.map(({ OP_ID, tags }) => [OP_ID, tags]),
    [
      ['OP_TAGS_SET', ['ganeti:watcher:autorepair:result:failover:aaaa:1700000000:success:7']],
      ['OP_TAGS_DEL', [pending]],
    ],
  );
  assert.match(context.stdout(), /^Moving inst1 from "Pending repair" to "Healthy"$/m);
});

test('harep does no more than the tags allow', async () => {
  const master = new PlayedMaster(
    [{ name: 'inst1', primary: 'node2', secondary: 'node3' }],
    ['node2', 'node3'],
  );
  const context = contextOf(master);
  assert.equal(await runTool('harep', [], context), 0);
  assert.match(
    context.stdout(),
    /^Not performing a repair of type ArReinstall on inst1 because only repairs up to ArFailover are allowed$/m,
  );
  assert.equal(master.submitted.flat(2)[0]!.OP_ID, 'OP_TAGS_SET');
  assert.match(context.stdout(), /^Needs repair: 1$/m);
});

test('hscan saves the local cluster', async () => {
  const master = new PlayedMaster(crowded);
  const context = contextOf(master);
  assert.equal(await runTool('hscan', ['-d', folder], context), 0);
  assert.match(context.stdout(), /^LOCAL {5}4 {5}4 /m);
  const again = capturedContext();
  assert.equal(await runTool('hinfo', ['-t', join(folder, 'LOCAL.data')], again), 0);
  assert.match(again.stdout(), /^Loaded 4 nodes, 4 instances, 1 node group$/m);
});

test('a request that is none ends with a message', async () => {
  const file = join(folder, 'request.json');
  for (const [text, message] of [
    ['[]', /^Error: Parsing input IAllocator message: Unable to read JSObject/],
    ['{"request": {}}', /^Error: invalid iallocator message: key 'nodegroups' not found/],
    ['{"request": ', /^Error: Parsing input IAllocator message: Malformed JSON: /],
  ] as const) {
    writeFileSync(file, text);
    const context = capturedContext();
    assert.equal(await runTool('hail', [file], context), 1);
    assert.match(context.stderr(), message);
  }
});
