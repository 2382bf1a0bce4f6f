import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ErrorCode, Failure, prerequisiteFailure } from '../../kit/failure.ts';
import { pathsFor } from '../../kit/paths.ts';
import { FakeMaster, runLine } from '../fake-master.ts';

const root = mkdtempSync(join(tmpdir(), 'gnt-programs-'));
after(() => rmSync(root, { recursive: true }));
const paths = pathsFor({ GANETI_ROOTDIR: root });
for (const folder of [paths.dataDir, paths.logDir, join(root, 'etc')]) mkdirSync(folder, { recursive: true });
writeFileSync(paths.etcHosts, '10.0.0.7 node7.example.com node7\n');

type Verbs = [string, Readonly<Record<string, unknown>>][];

function recorder(result: unknown = null) {
  const verbs: Verbs = [];
  const bootstrap = async (verb: string, parameters: Readonly<Record<string, unknown>>) => {
    verbs.push([verb, parameters]);
    return result;
  };
  return { verbs, bootstrap };
}

const newNodeAnswers = {
  QueryConfigValues: (request: unknown) =>
    (request as { fields: string[] }).fields.map((field) => field === 'modify_ssh_setup'),
  QueryGroups: () => [[2222]],
  QueryNodes: () => [],
};

test('gnt-node add prepares the machine before the job', async () => {
  const master = new FakeMaster({ answers: newNodeAnswers });
  const { verbs, bootstrap } = recorder();
  const ran = await runLine('gnt-node add --no-ssh-key-check -s 10.1.0.7 node7', master, {
    paths,
    bootstrap,
  });
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(ran.stderr, /^-- WARNING -- \nPerforming this operation .*\n.*\(node7\.example\.com\)/);
  const [verb, setup] = verbs[0]!;
  assert.equal(verb, 'node-setup');
  assert.deepEqual(
    [setup.name, setup.ssh_port, setup.ssh_key_check, setup.node_setup],
    ['node7.example.com', 2222, false, true],
  );
  const [opcode] = master.sent;
  assert.deepEqual(
    [opcode!.OP_ID, opcode!.node_name, opcode!.secondary_ip],
    ['OP_NODE_ADD', 'node7', '10.1.0.7'],
  );
});

test('a machine that was not taken in is cleaned again', async () => {
  const failure = prerequisiteFailure('no', ErrorCode.environment);
  const master = new FakeMaster({ answers: newNodeAnswers, runs: { OP_NODE_ADD: () => ({ failure }) } });
  const { verbs, bootstrap } = recorder();
  const { code } = await runLine('gnt-node add node7', master, { paths, bootstrap });
  assert.equal(code, 1);
  assert.deepEqual(
    verbs.map(([verb]) => verb),
    ['node-setup', 'node-undo'],
  );
});

test('a machine is left alone while the job may still be running', async () => {
  const lost = new Failure('ProtocolError', ['Connection closed while reading']);
  const answers = {
    ...newNodeAnswers,
    WaitForJobChange: () => {
      throw lost;
    },
  };
  const { verbs, bootstrap } = recorder();
  await runLine('gnt-node add node7', new FakeMaster({ answers }), { paths, bootstrap });
  assert.deepEqual(
    verbs.map(([verb]) => verb),
    ['node-setup'],
  );
});

test('nodes that are known, unknown or the master', async () => {
  const known = (isMaster: boolean) =>
    new FakeMaster({
      answers: { ...newNodeAnswers, QueryNodes: () => [['node7.example.com', '10.1.0.7', isMaster, 22]] },
    });
  const again = await runLine('gnt-node add node7', known(false), { paths });
  assert.equal(
    again.stderr,
    "Node node7.example.com already in the cluster (as node7.example.com) - please retry with '--readd'\n",
  );
  const master = await runLine('gnt-node add --readd node7', known(true), { paths });
  assert.equal(master.stderr, 'Node node7.example.com is the master, cannot readd\n');
  const { verbs, bootstrap } = recorder();
  const readded = known(false);
  await runLine('gnt-node add --readd node7', readded, { paths, bootstrap });
  assert.equal(verbs.length, 1);
  assert.equal(readded.sent[0]!.secondary_ip, '10.1.0.7');
  const stranger = await runLine('gnt-node add --readd node7', new FakeMaster({ answers: newNodeAnswers }), {
    paths,
  });
  assert.match(stranger.stderr, /not in the cluster - please retry without '--readd'/);
});

test('gnt-cluster init hands on what was asked for, typed, and finishes with a job', async () => {
  const master = new FakeMaster();
  const { verbs, bootstrap } = recorder();
  const line =
    'gnt-cluster init --enabled-hypervisors=fake,kvm --enabled-disk-templates=diskless,file -B memory=1g,vcpus=2' +
    ' -H kvm:serial_console=False,vnc_bind_address=0.0.0.0 --uid-pool=5000-6000,7000 --specs-mem-size=min=64,max=2g cluster';
  const { code, stderr } = await runLine(line, master, { bootstrap });
  assert.deepEqual([code, stderr], [0, '']);
  const [verb, asked] = verbs[0]!;
  assert.equal(verb, 'init');
  assert.deepEqual(asked.enabled_hypervisors, ['fake', 'kvm']);
  assert.deepEqual(asked.beparams, { minmem: 1024, maxmem: 1024, vcpus: 2 });
  assert.deepEqual(asked.hvparams, { kvm: { serial_console: false, vnc_bind_address: '0.0.0.0' } });
  assert.deepEqual(asked.uid_pool, [
    [5000, 6000],
    [7000, 7000],
  ]);
  const { minmax } = asked.ipolicy as { minmax: Record<string, Record<string, number>>[] };
  assert.deepEqual([minmax[0]!.min!['memory-size'], minmax[0]!.max!['memory-size']], [64, 2048]);
  assert.equal(minmax[0]!.max!['cpu-count'], 8);
  assert.deepEqual(
    master.sent.map(({ OP_ID }) => OP_ID),
    ['OP_CLUSTER_POST_INIT'],
  );
});

test('what init can not do is refused before anything happens', async () => {
  const says = async (options: string) => (await runLine(`gnt-cluster init ${options} c`)).stderr;
  assert.equal(
    await says('--enabled-disk-templates=plain --vg-name='),
    'LVM disk templates are enabled, but vg name not set.\n',
  );
  assert.match(await says('--master-netmask=x'), /^Invalid master netmask value/);
  assert.match(
    await says('--specs-nic-count=min=1 --ipolicy-std-specs=nic-count=1'),
    /A --specs-xxx option cannot be specified together/,
  );
  assert.equal(await says('-B bogus=1'), "Parameter Error: Unknown parameter 'bogus'\n");
});

test('a cluster is destroyed with --yes-do-it only', async () => {
  const refused = await runLine('gnt-cluster destroy');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /supply the --yes-do-it option/);
  const { verbs, bootstrap } = recorder();
  const master = new FakeMaster({ runs: { OP_CLUSTER_DESTROY: () => ({ result: 'uuid1' }) } });
  assert.equal((await runLine('gnt-cluster destroy --yes-do-it', master, { bootstrap })).code, 0);
  assert.deepEqual(verbs, [['destroy-finish', { master: 'uuid1' }]]);
});

const consoleOf = (data: unknown) =>
  new FakeMaster({
    answers: { QueryInstances: () => [[data, true]], QueryConfigValues: () => ['cluster.example.com'] },
  });

test('consoles: a message, an address, or a command on the node', async () => {
  const message = consoleOf({
    instance: 'inst1',
    kind: 'msg',
    message: 'Console not available for fake hypervisor',
  });
  assert.equal(
    (await runLine('gnt-instance console inst1', message)).stdout,
    'Console not available for fake hypervisor\n',
  );
  const vnc = consoleOf({ instance: 'inst1', kind: 'vnc', host: 'node1', port: 5901, display: 1 });
  assert.equal(
    (await runLine('gnt-instance console inst1', vnc)).stdout,
    'Instance inst1 has VNC listening on node1:5901 (display 1), URL <vnc://node1:5901/>\n',
  );
  const ssh = consoleOf({
    instance: 'inst1',
    kind: 'ssh',
    host: 'node1',
    user: 'root',
    command: ['socat', "it's"],
  });
  const shown = await runLine('gnt-instance console --show-cmd inst1', ssh, { paths });
  assert.equal(
    shown.stdout,
    `ssh -oEscapeChar=none -oHashKnownHosts=no -oGlobalKnownHostsFile=${paths.knownHosts}` +
      ' -oUserKnownHostsFile=/dev/null -oCheckHostIp=no -oConnectTimeout=10 -oHostKeyAlias=cluster.example.com' +
      ` -oBatchMode=yes -oStrictHostKeyChecking=yes -t -t root@node1 'socat '\\''it'\\''\\'\\'''\\''s'\\'''\n`,
  );
});

test('a console that ends badly is told', async () => {
  const ssh = consoleOf({ instance: 'inst1', kind: 'ssh', host: 'node1', user: 'root', command: 'cat' });
  const { code, stderr } = await runLine('gnt-instance console inst1', ssh, { interact: async () => 255 });
  assert.match(stderr, /Connection to console of instance inst1 failed/);
  assert.equal(code, 1);
  const off = new FakeMaster({ answers: { QueryInstances: () => [[null, false]] } });
  assert.match(
    (await runLine('gnt-instance console inst1', off)).stderr,
    /is not running, can't get console/,
  );
});

test('unknown nodes and groups are errors', async () => {
  const answers = {
    QueryNodes: () => [['node1.example.com', ...Array(12).fill(null)]],
    QueryGroups: () => [],
  };
  const node = await runLine('gnt-node info node1 nosuch', new FakeMaster({ answers }));
  assert.match(node.stderr, /error type: unknown_entity, error details:\nNode 'nosuch' not known/);
  const group = await runLine('gnt-group info nosuch', new FakeMaster({ answers }));
  assert.match(group.stderr, /Group 'nosuch' not known/);
});

test('secrets reach the opcode and neither the log nor the terminal', async () => {
  const master = new FakeMaster();
  const line =
    "gnt-instance add -d -t diskless --os-parameters-secret=key=hunter2 --os-parameters-priv 'pin=4711' --submit inst1";
  const { stderr } = await runLine(line, master, { paths });
  assert.deepEqual(master.sent[0]!.osparams_secret, { key: 'hunter2' });
  const log = readFileSync(join(paths.logDir, 'commands.log'), 'utf8');
  for (const text of [stderr, log]) {
    assert.match(text, /--os-parameters-secret='<redacted>'|--os-parameters-secret=<redacted>/);
    assert.doesNotMatch(text, /hunter2|4711/);
  }
});

test('failures stand in commands.log', async () => {
  const failure = prerequisiteFailure('told in the log', ErrorCode.state);
  const master = new FakeMaster({ runs: { OP_INSTANCE_REMOVE: () => ({ failure }) } });
  await runLine('gnt-instance remove -f inst1', master, { paths });
  const log = readFileSync(join(paths.logDir, 'commands.log'), 'utf8');
  assert.match(log, /gnt-instance remove pid=\d+ ERROR Error during command processing: .*told in the log\n/);
});
