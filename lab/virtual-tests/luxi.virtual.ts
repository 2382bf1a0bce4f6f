/** LUXI as other programs speak it: every method of the real master daemon, its answers and its refusals. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import type { LuxiClient } from '../../src/luxi/client.ts';
import { luxiMethods } from '../../src/luxi/methods.ts';
import { VirtualLab } from '../harness/virtual.ts';

const delay = (duration: number, more: object = {}) => ({
  OP_ID: 'OP_TEST_DELAY',
  duration,
  on_master: true,
  ...more,
});

describe('LUXI', () => {
  let lab: VirtualLab;
  let client: LuxiClient;
  const asked = new Set<string>();
  const call = (method: string, ...args: unknown[]) => {
    asked.add(method);
    return client.call(method, args);
  };
  /** Submits and waits. */
  const done = async (...ops: object[]) => {
    const id = (await call('SubmitJob', ops)) as number;
    assert.equal(await lab.waitForJob('node1', id), 'success');
    return id;
  };
  before(async () => {
    lab = await VirtualLab.up({ nodes: 2 });
    client = await lab.luxi('node1');
  });
  after(() => lab.down());

  test('answers queries in the newer and the older form', async () => {
    const { data } = (await call('Query', 'node', ['name', 'offline'], null)) as { data: unknown };
    assert.deepEqual(data, [
      [
        [0, 'node1.virtual.example'],
        [0, false],
      ],
      [
        [0, 'node2.virtual.example'],
        [0, false],
      ],
    ]);
    const { fields } = (await call('QueryFields', 'job', ['id'])) as {
      fields: { name: string; kind: string }[];
    };
    assert.deepEqual([fields[0]!.name, fields[0]!.kind], ['id', 'number']);
    assert.deepEqual(await call('QueryNodes', ['node2.virtual.example'], ['name', 'role'], false), [
      ['node2.virtual.example', 'C'],
    ]);
    assert.deepEqual(await call('QueryGroups', [], ['name', 'node_cnt'], false), [['default', 2]]);
    assert.deepEqual(await call('QueryNetworks', null, ['name'], false), []);
    assert.deepEqual(await call('QueryInstances', [], ['name'], false), []);
    assert.deepEqual(await call('QueryConfigValues', ['cluster_name', 'drain_flag', 'master_node']), [
      'cluster.virtual.example',
      false,
      'node1.virtual.example',
    ]);
    assert.equal(((await call('QueryClusterInfo')) as { name: string }).name, 'cluster.virtual.example');
    assert.deepEqual(await call('QueryTags', 'cluster', ''), []);
    assert.deepEqual(await call('QueryExports', [], false), {});
  });

  test('refuses queries under locks, as Ganeti does', async () => {
    for (const method of ['QueryNodes', 'QueryGroups', 'QueryNetworks', 'QueryInstances']) {
      await assert.rejects(call(method, [], ['name'], true), {
        errorClass: 'OpPrereqError',
        args: ['Sync queries are not allowed', 'wrong_input'],
      });
    }
    await assert.rejects(call('QueryExports', [], true), /Sync queries are not allowed/);
  });

  test('takes jobs in and tells of their changes', async () => {
    const id = (await call('SubmitJob', [delay(30)])) as number;
    const first = (await call('WaitForJobChange', id, ['status'], null, null, 10)) as [string[], unknown[]];
    assert.match(first[0][0]!, /queued|waiting|running/);
    for (let status = first[0]; status[0] !== 'running'; )
      [status] = (await call('WaitForJobChange', id, ['status'], status, null, 10)) as [string[], unknown[]];
    assert.equal(await call('WaitForJobChange', id, ['status'], ['running'], null, 0.1), 'nochange');
    assert.deepEqual(await call('QueryJobs', [id, 999], ['id', 'status']), [
      [id, 'running'],
      [999, null],
    ]);
    const waiting = await lab.luxi('node1');
    const changed = waiting.call('WaitForJobChange', [id, ['status'], ['running'], null, 60]);
    const [, text] = (await call('CancelJob', id, false)) as [boolean, string];
    assert.equal(text, "Job no longer waiting, can't cancel (informed it anyway)");
    assert.deepEqual(await changed, [['canceled'], []]);
    assert.deepEqual(await call('WaitForJobChange', id, ['status'], ['canceled'], null, 60), [
      ['canceled'],
      [],
    ]);
    await assert.rejects(call('WaitForJobChange', 999, ['status'], null, null, 1), {
      errorClass: 'JobLost',
      args: ["Can't load job file"],
    });
  });

  test('gives log entries once: those after the number that the caller has seen', async () => {
    const id = (await call('SubmitJob', [{ OP_ID: 'OP_INSTANCE_CREATE', ...instance }])) as number;
    assert.equal(await lab.waitForJob('node1', id), 'success');
    const [, log] = (await call('WaitForJobChange', id, ['status'], null, null, 10)) as [
      unknown,
      unknown[][],
    ];
    assert.deepEqual(
      log.map(([serial]) => serial),
      log.map((_, index) => index + 1),
    );
    assert.ok(
      log.every(
        ([, time, type, message]) => Array.isArray(time) && type === 'message' && typeof message === 'string',
      ),
    );
    const [, rest] = (await call('WaitForJobChange', id, ['status'], null, log.length - 1, 10)) as [
      unknown,
      unknown[],
    ];
    assert.deepEqual(rest, log.slice(-1));
  });

  test('takes several jobs that depend on each other, and jobs for a drained queue', async () => {
    const many = (await call('SubmitManyJobs', [
      [delay(0.01)],
      [delay(0.01, { depends: [[-1, ['success']]] })],
    ])) as [boolean, number][];
    assert.deepEqual(
      many.map(([isTaken]) => isTaken),
      [true, true],
    );
    assert.equal(await lab.waitForJob('node1', many[1]![1]), 'success');
    assert.equal(await call('SetDrainFlag', true), true);
    await assert.rejects(call('SubmitJob', [delay(0.01)]), /Queue drained/);
    const evenSo = (await call('SubmitJobToDrainedQueue', [delay(0.01)])) as number;
    assert.equal(await lab.waitForJob('node1', evenSo), 'success');
    await call('SetDrainFlag', false);
  });

  test('changes, archives and picks up jobs', async () => {
    const busy = (await call('SubmitJob', [delay(30), delay(30)])) as number;
    assert.deepEqual(await call('ChangeJobPriority', busy, 10), [
      true,
      `Priorities of pending opcodes for job ${busy} have been changed to 10`,
    ]);
    assert.equal(await call('ArchiveJob', busy), false);
    await call('CancelJob', busy);
    await lab.waitForJob('node1', busy);
    assert.equal(await call('ArchiveJob', busy), true);
    const [archived, left] = (await call('AutoArchiveJobs', -1, 10)) as [number, number];
    assert.ok(archived > 3);
    assert.equal(left, 0);

    const template = await done(delay(0.01));
    const { queueDir } = lab.paths('node1');
    const written = JSON.parse(await readFile(`${queueDir}/job-${template}`, 'utf8')) as {
      id: number;
      ops: { status: string; log: unknown[]; result: unknown }[];
    };
    const id = template + 1;
    const ops = written.ops.map((each) => ({ ...each, status: 'queued', result: null, log: [] }));
    await writeFile(`${queueDir}/job-${id}`, JSON.stringify({ ...written, id, ops }));
    assert.equal(await call('PickupJob', id), true);
    assert.equal(await lab.waitForJob('node1', id), 'success');
    assert.ok((await done(delay(0.01))) > id);
    await assert.rejects(call('PickupJob', 12345), { errorClass: 'JobLost' });
  });

  test('keeps filter rules and the pause of the watcher', async () => {
    const uuid = (await call('ReplaceFilter', null, 5, [['jobid', ['>', 'id', 1e6]]], 'PAUSE', [])) as string;
    assert.deepEqual(await call('QueryFilters', [uuid], ['priority', 'action']), [[5, 'PAUSE']]);
    assert.equal(await call('DeleteFilter', uuid), null);
    await assert.rejects(call('DeleteFilter', uuid), /does not exist/);
    const until = Math.floor(Date.now() / 1000) + 3600;
    assert.equal(await call('SetWatcherPause', until), until);
    assert.deepEqual(await call('QueryConfigValues', ['watcher_pause']), [until]);
    assert.equal(await call('SetWatcherPause', null), null);
    await assert.rejects(call('SetWatcherPause', 5), /Unable to set pause end time in the past/);
  });

  test('has two methods of its own: what has happened, and how much of it', async () => {
    const { last } = (await call('WaitForEvents', null, null, 0)) as { last: number };
    assert.ok(last > 0);
    assert.equal(typeof (await call('QueryStatistics')), 'object');
  });

  test('has every method', () => {
    assert.equal(luxiMethods.length, 27);
    assert.deepEqual(
      luxiMethods.filter((method) => !asked.has(method)),
      [],
    );
  });

  test('says no in the way of Ganeti', async () => {
    await assert.rejects(client.call('Bogus', []), {
      errorClass: 'ProtocolError',
      message:
        'Failed to parse request: Unable to parse LUXI request method: Invalid string value for type LuxiReq: "Bogus"',
    });
    await assert.rejects(call('SubmitJob', [{ OP_ID: 'OP_NO_SUCH' }]), { errorClass: 'OpCodeUnknown' });
    await assert.rejects(call('QueryNodes', [], ['nosuch'], false), /Unknown output fields selected: nosuch/);
    for (const [kind, noun] of [
      ['node', 'Node'],
      ['instance', 'Instance'],
      ['nodegroup', 'NodeGroup'],
      ['network', 'Network'],
    ] as const) {
      const message = `${noun} name nosuch not found`;
      await assert.rejects(call('QueryTags', kind, 'nosuch'), { errorClass: 'OpPrereqError', message });
    }
  });

  test("passes Ganeti's test of the job queue, in Ganeti's words", async () => {
    const { stdout, code } = await lab.run('node1', ['gnt-debug', 'test-jobqueue']);
    assert.equal(code, 0);
    assert.match(stdout, /\nJob queue test successful\n$/);
    // Seven messages of each of seven opcodes: the last of the fourth job does not run.
    assert.equal(stdout.match(/ {2}- INFO: Sending log message \d\n/g)?.length, 7 * 7);
    assert.equal(
      stdout.match(/^Ignoring error for 'job fail' test: Opcode failure was requested$/gm)?.length,
      2,
    );
  });
});

const instance = {
  instance_name: 'inst1.virtual.example',
  mode: 'create',
  disk_template: 'diskless',
  os_type: 'noop',
  disks: [],
  nics: [],
  pnode: 'node2.virtual.example',
  hypervisor: 'fake',
  beparams: { memory: 64 },
  name_check: false,
  ip_check: false,
};
