/**
 * Real Ganeti's own commands and its balancer, unchanged, against our master daemon: they speak LUXI as Debian's
 * ganeti-3.0 does, and must print what they print there. Its own code also reads the files that the daemon leaves.
 */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { downgradeConfiguration } from '../../src/config/upgrades/downgrade.ts';
import { sleep } from '../../src/kit/clock.ts';
import { DebianClients } from '../harness/debian-clients.ts';
import { recorded } from '../harness/recorded.ts';
import { VirtualLab } from '../harness/virtual.ts';

const clients = await DebianClients.find();

describe("Debian's real ganeti-3.0", { skip: typeof clients === 'string' ? clients : false }, () => {
  let lab: VirtualLab;
  const real = clients as DebianClients;
  const run = async (command: string) => {
    const result = await real.run(lab, 'node1', command.split(' '));
    return { ...result, stdout: recorded(result.stdout, lab.directory) };
  };
  /** What the command prints; it must succeed without a word on standard error. */
  const output = async (command: string) => {
    const { stdout, stderr, code } = await run(command);
    assert.deepEqual([stderr, code], ['', 0], `${command}: ${stdout}`);
    return stdout;
  };
  const add = (name: string) =>
    output(
      `gnt-instance add -t sharedfile -o noop --disk 0:size=16M -B memory=512M,vcpus=1 --no-nics --no-ip-check` +
        ` --no-name-check -n node1.virtual.example ${name}.virtual.example`,
    );
  before(async () => {
    lab = await VirtualLab.up({ nodes: 3 });
  });
  after(() => lab.down());

  test('lists nodes, instances and jobs', async () => {
    assert.equal(
      await output('gnt-node list -o name,role,pip,group'),
      `Node                  Role PrimaryIP    Group
node1.virtual.example M    ${lab.address('node1')} default
node2.virtual.example C    ${lab.address('node2')} default
node3.virtual.example C    ${lab.address('node3')} default
`,
    );
    assert.match(await output('gnt-node list'), /^Node +DTotal +DFree MTotal MNode MFree Pinst Sinst\nnode1/);
    assert.equal(await output('gnt-instance list'), 'Instance Hypervisor OS Primary_node Status Memory\n');
    assert.equal(
      await output('gnt-job list'),
      `ID Status  Summary
 1 success CLUSTER_POST_INIT
 2 success NODE_ADD(node2.virtual.example)
 3 success NODE_ADD(node3.virtual.example)
`,
    );
  });

  test('adds instances, follows their jobs, stops, starts and removes one', async () => {
    assert.equal(
      await add('inst1'),
      `<time> * disk 0, size 16M
<time> * creating instance disks...
<time> adding instance inst1.virtual.example to cluster config
<time> adding disks to cluster config
<time>  - INFO: Waiting for instance inst1.virtual.example to sync disks
<time>  - INFO: Instance inst1.virtual.example's disks are in sync
<time>  - INFO: Waiting for instance inst1.virtual.example to sync disks
<time>  - INFO: Instance inst1.virtual.example's disks are in sync
<time> * running the instance OS create scripts...
<time> * starting instance...
`,
    );
    const waiting = 'Waiting for job <id> for inst1.virtual.example ...\n';
    assert.equal(await output('gnt-instance shutdown inst1.virtual.example'), waiting);
    assert.match(
      await output('gnt-instance list'),
      /^inst1\.virtual\.example fake +noop node1\.virtual\.example ADMIN_down +-$/m,
    );
    assert.equal(await output('gnt-instance startup inst1.virtual.example'), waiting);
    assert.match(
      await output('gnt-instance info inst1.virtual.example'),
      /State: configured to be up, actual state is up/,
    );
    const refused = await run(
      'gnt-instance add -t diskless -o noop --no-nics --no-ip-check --no-name-check -n node1 inst1.virtual.example',
    );
    assert.match(
      refused.stderr,
      /error type: already_exists, error details:\nInstance 'inst1\.virtual\.example' is already in the cluster/,
    );
    assert.equal(await output('gnt-instance remove -f inst1.virtual.example'), '');
    assert.equal(await output('gnt-instance list --no-headers'), '');
  });

  test('asks for whatever else its commands show', async () => {
    assert.match(await output('gnt-cluster info'), /^Master node: node1\.virtual\.example$/m);
    assert.equal((await output('gnt-cluster getmaster')).trim(), 'node1.virtual.example');
    assert.match(await output('gnt-group list -o name,node_cnt'), /^default +3$/m);
    assert.equal(await output('gnt-os list'), 'Name\nnoop\n');
    assert.match(await output('gnt-job info 1'), /^- Job ID: <id>$|^- Job ID: 1$/m);
    assert.equal(await output('gnt-debug delay 0.01'), '');
    assert.match(await output('gnt-debug locks'), /^Name/);
    assert.match(await output('gnt-node info node2.virtual.example'), /master candidate: True/);
    assert.equal(await output('gnt-cluster queue info'), 'The drain flag is unset\n');
    assert.match(await output('gnt-filter add --priority 10 --action=CONTINUE'), /./);
    assert.match(await output('gnt-filter list --no-headers'), /CONTINUE/);
  });

  test('balances the cluster: real hbal reads it over LUXI and runs its moves', async () => {
    for (const name of ['inst1', 'inst2', 'inst3', 'inst4']) await add(name);
    // On standard error it wonders at the disk of this machine, which holds more than instances.
    const planned = await run('hbal -L -C');
    assert.match(planned.stdout, /Loaded 3 nodes, 4 instances/);
    assert.match(planned.stdout, /Solution length=[23]/);
    const socket = lab.paths('node1').querySocket;
    const done = await run(`hbal -L${socket} -X`);
    assert.equal(done.code, 0, done.stdout + done.stderr);
    // How the machine's own memory is used decides whether one more move pays.
    const nodes = (await output('gnt-instance list --no-headers -o pnode')).trim().split('\n');
    assert.equal(new Set(nodes).size, 3, nodes.join(' '));
    assert.match(
      await lab.output('node1', ['gnt-job', 'list', '--no-headers', '-o', 'status,summary']),
      /success INSTANCE_MIGRATE/,
    );
    assert.match(await output('gnt-instance list --no-headers -o status'), /^(running\n){4}$/);
  });

  test('reads the job files that are left, and finds nothing wrong with config.data', async () => {
    await output('gnt-job archive 1');
    await output('gnt-cluster redist-conf');
    await sleep(200);
    const listed = (await output('gnt-job list --no-headers -o id,status'))
      .trim()
      .split('\n')
      .map((row) => row.trim().split(/ +/) as [string, string]);
    const written = JSON.parse(await readFile(lab.paths('node1').configFile, 'utf8')) as Record<
      string,
      unknown
    >;
    const older = join(lab.directory, 'config-3.0');
    await writeFile(older, JSON.stringify(downgradeConfiguration(written, 3_000_000)));
    const { jobs, faults, instances } = await real.readBack(lab, 'node1', older);
    assert.deepEqual(faults, []);
    assert.deepEqual(
      instances,
      [1, 2, 3, 4].map((number) => `inst${number}.virtual.example`),
    );
    assert.deepEqual(jobs[0], [1, 'success', ['CLUSTER_POST_INIT']]);
    assert.deepEqual(
      jobs.slice(1).map(([id, status]) => [String(id), status]),
      listed,
    );
    assert.ok(jobs.some(([, , [summary]]) => summary === 'INSTANCE_CREATE(inst4.virtual.example)'));
  });
});
