/** hbal on a cluster that works: plans are made from what the daemons say, and carried out as jobs. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pollUntil } from '../../src/kit/clock.ts';
import { VirtualLab } from '../harness/virtual.ts';

let lab: VirtualLab;

const hbalProgram = resolve(import.meta.dirname, '../../bin/hbal');
const names = ['inst1', 'inst2', 'inst3', 'inst4'];

const hbal = (...options: string[]) => lab.run('node1', ['hbal', ...options]);
const gnt = (command: string) => lab.output('node1', command.split(' '));

/** Node by instance, both without their domain. */
async function places(): Promise<Record<string, string>> {
  const text = await gnt('gnt-instance list --no-headers --separator=| -o name,pnode');
  const short = (name: string) => name.split('.')[0]!;
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => line.split('|').map(short)),
  ) as Record<string, string>;
}

const hookFolder = () => join(lab.root('node1'), 'etc/ganeti/hooks/instance-migrate-pre.d');

/** Runs before each migration. */
async function beforeMigrations(body: string): Promise<void> {
  await mkdir(hookFolder(), { recursive: true });
  await writeFile(join(hookFolder(), '10-test'), `#!/bin/sh\n${body}\n`);
  await chmod(join(hookFolder(), '10-test'), 0o755);
}

describe('hbal', () => {
  before(async () => {
    lab = await VirtualLab.up({ nodes: 3 });
    const definitions = names.map((name) => ({
      instance_name: `${name}.virtual.example`,
      pnode: 'node1',
      mode: 'create',
      disk_template: 'sharedfile',
      disks: [{ size: 64 }],
      nics: [],
      os_type: 'noop',
      beparams: { maxmem: 1024, minmem: 1024 },
    }));
    const file = join(lab.root('node1'), 'instances.json');
    await writeFile(file, JSON.stringify(definitions));
    await gnt(`gnt-instance batch-create ${file}`);
  });
  after(() => lab.down());

  test('plans the same over LUXI and over the remote API', async () => {
    const luxi = await hbal('-L');
    assert.equal(luxi.code, 0, luxi.stderr);
    assert.match(luxi.stdout, /^Loaded 3 nodes, 4 instances$/m);
    assert.match(luxi.stdout, /^ {4}1\. inst\d node1 +=> node([23]) +\d+\.\d{8} a=fa:node\1$/m);
    assert.match(luxi.stdout, /^Solution length=[234]$/m);
    // What nodes have free changes from moment to moment, and decides between equals.
    const planned = async (...from: string[]) =>
      (await hbal(...from)).stdout.replace(/\d+\.\d{8}/g, '<score>');
    const same = await pollUntil(
      async () => (await planned('-m', lab.address('node1'))) === (await planned('-L')) || undefined,
      { everyMs: 100, timeoutMs: 30_000 },
    );
    assert.ok(same, 'two plans at the same moment are equal');
    const refused = await hbal('-m', lab.address('node1'), '-X');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /Error: hbal: Execution of commands possible only on LUXI$/m);
  });

  test('explains which moves an instance has', async () => {
    const { stderr, code } = await hbal('-L', '--explain=inst1');
    assert.equal(code, 0);
    assert.match(stderr, /^Moves of inst1\.virtual\.example \(sharedfile, 1024 MiB memory/m);
    assert.match(stderr, /^ {2}node\d\.virtual\.example \(fa\): score \d+\.\d{8}, (?:no )?better$/m);
  });

  test('tells why a job failed, and submits no more', async () => {
    await beforeMigrations('echo "not today" >&2; exit 1');
    const { code, stdout, stderr } = await hbal('-L', '-X');
    assert.equal(code, 1);
    assert.match(stderr, /^job \d+: error: .*instance-migrate-pre\.d\/10-test/m);
    assert.match(stderr, /^Error: hbal: Not all jobs completed successfully: \[\(JobId {fromJobId = \d+},/m);
    assert.equal(stdout.match(/^Got job IDs/gm)?.length, 1);
    assert.deepEqual(new Set(Object.values(await places())), new Set(['node1']));
  });

  test('asked to stop, lets the running jobs end and leaves the rest', async () => {
    await beforeMigrations('sleep 1');
    const child = spawn(hbalProgram, ['-L', '-X'], {
      env: { ...process.env, ...lab.nodeEnvironment('node1') },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const isFirst = !stdout.includes('Got job IDs');
      stdout += chunk.toString();
      if (isFirst && stdout.includes('Got job IDs')) child.kill('SIGINT');
    });
    const code = await new Promise<number | null>((done) => child.on('close', done));
    assert.equal(code, 0, stdout);
    assert.match(stdout, /Cancel request registered, will exit at the end of the current job set\.\.\./);
    assert.match(
      stdout,
      /Exiting early due to user request, \n1jobset\(s\) submitted: \n.*JOB_STATUS_SUCCESS/,
    );
    assert.match(stdout, /^\d jobset\(s\) not submitted:\nExecuting jobset for instances inst\d\.virtual/m);
    assert.equal(Object.values(await places()).filter((node) => node !== 'node1').length, 1);
    await rm(join(hookFolder(), '10-test'));
  });

  test('shows jobs as they run, and the cluster is balanced after it', async () => {
    const { code, stderr } = await hbal('-L', '-X');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^job \d+: Migrating instance inst\d\.virtual\.example$/m);
    assert.match(stderr, /^job \d+: success$/m);
    assert.equal(new Set(Object.values(await places())).size, 3);
    // What nodes have free changes from moment to moment, and with it the last digits of scores.
    const again = await hbal('-L', '--min-gain=0.1', '--min-gain-limit=100');
    assert.match(again.stdout, /^(No solution found|Nothing to do, exiting)$/m);
  });

  test('keeps instances that share an exclusion tag apart', async () => {
    const at = await places();
    const [one, other] = names.filter((name) => names.some((twin) => twin !== name && at[twin] === at[name]));
    await gnt('gnt-cluster add-tags htools:iextags:service');
    for (const name of [one, other]) await gnt(`gnt-instance add-tags ${name} service:dns`);
    const { code, stderr } = await hbal('-L', '-X');
    assert.equal(code, 0, stderr);
    const now = await places();
    assert.notEqual(now[one!], now[other!]);
    for (const name of [one, other]) await gnt(`gnt-instance remove-tags ${name} service:dns`);
    await gnt('gnt-cluster remove-tags htools:iextags:service');
  });

  test('brings instances to the locations that they want', async () => {
    const [name] = Object.entries(await places()).find(([, node]) => node !== 'node3')!;
    await gnt('gnt-cluster add-tags htools:desiredlocation:power htools:nlocation:power');
    await gnt('gnt-node add-tags node3 power:b');
    await gnt(`gnt-instance add-tags ${name} power:b`);
    const { code, stderr } = await hbal('-L', '-X');
    assert.equal(code, 0, stderr);
    assert.equal((await places())[name], 'node3');
    await gnt('gnt-node remove-tags node3 power:b');
    await gnt(`gnt-instance remove-tags ${name} power:b`);
    await gnt('gnt-cluster remove-tags htools:desiredlocation:power htools:nlocation:power');
  });

  test('empties a drained node to where its migration tags are accepted', async () => {
    const [name, from] = Object.entries(await places()).find(([, node]) => node !== 'node1')! as [
      string,
      string,
    ];
    const [first, second] = ['node1', 'node2', 'node3'].filter((node) => node !== from) as [string, string];
    await gnt('gnt-cluster add-tags htools:migration:cpu');
    await gnt(`gnt-node add-tags ${from} cpu:old`);
    const refusal = (node: string) =>
      new RegExp(
        `^ {2}${node}\\.virtual\\.example \\(fa\\): FailMig, .* has the migration tag cpu:old$`,
        'm',
      );
    const before = await hbal('-L', `--explain=${name}`);
    assert.match(before.stderr, refusal(first));
    assert.match(before.stderr, refusal(second));
    await gnt('gnt-cluster add-tags htools:allowmigration:cpu:old::cpu:new');
    await gnt(`gnt-node add-tags ${first} cpu:new`);
    const after = await hbal('-L', '-l', '0', `--explain=${name}`);
    assert.doesNotMatch(after.stderr, refusal(first));
    assert.match(after.stderr, refusal(second));
    const moved = Object.entries(await places()).filter(([, node]) => node === from);
    await gnt(`gnt-node modify --drained=yes ${from}`);
    const { code, stderr } = await hbal('-L', '-E', '-X');
    assert.equal(code, 0, stderr);
    const now = await places();
    for (const [each] of moved) assert.equal(now[each], first);
    await gnt(`gnt-node modify --drained=no ${from}`);
    await gnt('gnt-cluster remove-tags htools:migration:cpu htools:allowmigration:cpu:old::cpu:new');
  });

  test('takes the load from the monitoring daemons, and misses what is silent', async () => {
    const strict = ['-L', '--mond=yes', '--exit-on-missing-mond-data'];
    const all = await hbal(...strict);
    assert.equal(all.code, 0, all.stderr);
    await lab.output('node3', ['daemon-util', 'stop', 'ganeti-mond']);
    const { code, stderr } = await hbal(...strict);
    assert.equal(code, 1);
    assert.match(stderr, /^Failed to contact node's node3\.virtual\.example MonD for DC cpu-avg-load$/m);
    assert.match(stderr, /^Error: Not all required data available$/m);
    assert.equal((await hbal('-L', '--mond=yes')).code, 0);
  });

  test('the other tools read the cluster too', async () => {
    assert.equal((await hbal('-L', '-X')).code, 0);
    const file = join(lab.root('node1'), 'LOCAL.data');
    await gnt(`hscan -L -d ${lab.root('node1')}`);
    assert.match(await readFile(file, 'utf8'), /^inst1\.virtual\.example\|1024\|/m);
    for (const tool of ['hinfo', 'hspace', 'hcheck', 'hroller', 'hsqueeze']) {
      const { code, stdout, stderr } = await lab.run('node1', [tool, '-L']);
      assert.equal(code, 0, `${tool}: ${stderr}${stdout}`);
    }
    assert.equal((await lab.run('node1', ['harep', '-L'])).code, 0);
  });
});
