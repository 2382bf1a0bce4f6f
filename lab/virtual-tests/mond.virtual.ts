/**
 * The monitoring daemon on a cluster of real daemons: Ganeti's paths, the cluster's settings, figures of node and
 * cluster, and Ganeti's own balancer asking it.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pollUntil } from '../../src/kit/clock.ts';
import { DebianClients } from '../harness/debian-clients.ts';
import { type NodeName, VirtualLab } from '../harness/virtual.ts';

const clients = await DebianClients.find();

describe('ganeti-mond', () => {
  let lab: VirtualLab;
  const text = async (node: NodeName, path: string, accept = '*/*') => {
    const response = await fetch(`http://${lab.address(node)}:1815${path}`, { headers: { accept } });
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: await response.text(),
    };
  };
  const value = async (node: NodeName, path: string) => JSON.parse((await text(node, path)).body) as unknown;
  const until = async (what: string, probe: () => Promise<boolean>) => {
    const reached = await pollUntil(async () => (await probe().catch(() => false)) || undefined, {
      ...{ everyMs: 100, timeoutMs: 40_000 },
    });
    assert.ok(reached, what);
  };
  const listed = async (node: NodeName) =>
    ((await value(node, '/1/list/collectors')) as [string][]).map(([name]) => name);

  before(async () => {
    lab = await VirtualLab.up({ nodes: 2 });
    await lab.output('node1', [
      ...'gnt-instance add -t sharedfile -o noop --disk 0:size=16M --no-nics'.split(' '),
      ...['-n', 'node2.virtual.example', 'inst1.virtual.example'],
    ]);
  });
  after(() => lab.down());

  test('runs on every node, with the collectors that the cluster wants', async () => {
    for (const node of ['node1', 'node2']) {
      await until(`mond on ${node}`, async () => (await listed(node)).length > 0);
      assert.deepEqual(await listed(node), ['cpu-avg-load', 'xen-cpu-avg-load', 'diskstats', 'drbd', 'lv']);
      const reports = (await value(node, '/1/report/all')) as { name: string; version: string }[];
      assert.deepEqual(
        reports.map(({ name, version }) => [name, version]),
        (await listed(node)).map((name) => [name, 'B']),
      );
    }
    const paces = 'cpu-avg-load=1,diskstats=1,drbd=1,inst-status-xen=1,lv=1,xen-cpu-avg-load=1';
    await lab.output('node1', ['gnt-cluster', 'modify', '--data-collector-interval', paces]);
    await lab.output('node1', ['gnt-cluster', 'modify', '--enabled-data-collectors', 'lv=false']);
    // Asked every 15 seconds, and when told to open its log anew.
    await until('lv is no longer there', async () => {
      await lab.output('node2', ['daemon-util', 'rotate-logs', 'ganeti-mond']);
      return !(await listed('node2')).includes('lv');
    });
    assert.equal((await text('node2', '/1/report/storage/lv')).status, 404);
    await until('the load is known', async () => {
      const { data } = (await value('node2', '/1/report/default/cpu-avg-load')) as {
        data: { cpu_total?: number };
      };
      return typeof data.cpu_total === 'number';
    });
  });

  test('figures of a node', async () => {
    const { status, type, body } = await text('node2', '/metrics');
    assert.deepEqual([status, type], [200, 'text/plain; version=0.0.4; charset=utf-8']);
    for (const line of [
      'ganeti_node_is_master 0',
      'ganeti_instance_running{instance_name="inst1.virtual.example",hypervisor="fake"} 1',
      'ganeti_instance_memory_assigned_bytes{instance_name="inst1.virtual.example"} 134217728',
      'ganeti_daemon_up{daemon="ganeti-noded"} 1',
      'ganeti_scrape_success{part="instances"} 1',
    ])
      assert.ok(body.includes(`${line}\n`), `${line}\n${body}`);
    assert.match(body, /^ganeti_certificate_expiry_timestamp_seconds\{certificate="client"\} \d{10}$/m);
    assert.ok(!body.includes('ganeti_jobs'), 'figures of the cluster are told by the master alone');
  });

  test('figures of the cluster, on the master', async () => {
    const { type, body } = await text('node1', '/metrics', 'application/openmetrics-text; version=1.0.0');
    assert.equal(type, 'application/openmetrics-text; version=1.0.0; charset=utf-8');
    assert.ok(body.endsWith('# EOF\n'));
    for (const line of [
      'ganeti_node_is_master 1',
      'ganeti_cluster_nodes{role="candidate"} 1',
      'ganeti_cluster_instances{state="up"} 1',
      'ganeti_jobs{status="error"} 0',
      'ganeti_locks_held 0',
      'ganeti_candidates_behind 0',
      'ganeti_group_n1_failing_nodes{group="default"} 0',
      'ganeti_scrape_success{part="master"} 1',
      'ganeti_scrape_success{part="balance"} 1',
    ])
      assert.ok(body.includes(`${line}\n`), `${line}\n${body}`);
    assert.ok(Number(/^ganeti_commit_seconds_count (\d+)$/m.exec(body)?.[1]) > 3);
    assert.ok(Number(/^ganeti_group_n1_headroom_bytes\{group="default"\} (\d+)$/m.exec(body)?.[1]) > 0);
    assert.match(body, /^ganeti_group_score\{group="default"\} \d/m);
  });

  test('a master daemon that is away hides nothing else', async () => {
    await lab.output('node1', ['daemon-util', 'stop', 'ganeti-masterd']);
    await until('it is told', async () => {
      const { body } = await text('node1', '/metrics');
      return (
        body.includes('ganeti_scrape_success{part="master"} 0\n') &&
        body.includes('ganeti_daemon_up{daemon="ganeti-masterd"} 0\n') &&
        body.includes('ganeti_scrape_success{part="node"} 1\n')
      );
    });
    await lab.output('node1', ['daemon-util', 'start', 'ganeti-masterd']);
    await lab.waitForMaster('node1');
  });

  test('mon-collector runs one by hand', async () => {
    const report = JSON.parse(await lab.output('node1', ['mon-collector', 'diskstats'])) as { name: string };
    assert.equal(report.name, 'diskstats');
    assert.match(await lab.output('node1', ['mon-collector', 'lv', '--help']), /-i FILE +--instances=FILE /);
    const wrong = await lab.run('node1', ['mon-collector', 'lv', 'x']);
    assert.deepEqual(
      [wrong.code, wrong.stderr],
      [1, "Error: This program takes exactly zero arguments, got 'x'\n"],
    );
    assert.equal((await lab.run('node1', ['mon-collector', 'cpu-avg-load'])).code, 1);
  });

  test("Debian's real hbal reads our reports", {
    skip: typeof clients === 'string' ? clients : false,
  }, async () => {
    const reports = await Promise.all(
      ['node1', 'node2'].map(async (node) => ({
        node: lab.hostName(node),
        reports: [await value(node, '/1/report/default/cpu-avg-load')],
      })),
    );
    const file = `${lab.directory}/mond.json`;
    await lab.output('node1', ['tee', file], { input: JSON.stringify(reports) });
    const argv = [
      'hbal',
      `-L${lab.paths('node1').querySocket}`,
      '--mond=yes',
      `--mond-data=${file}`,
      '--exit-on-missing-mond-data',
    ];
    const { stdout, stderr, code } = await (clients as DebianClients).run(lab, 'node1', argv);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /Loaded 2 nodes, 1 instances/);
    assert.doesNotMatch(stdout + stderr, /MonD|mond/i);
  });
});
