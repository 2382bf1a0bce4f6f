/**
 * The master's role moves: on demand, when the master has lost its power, when it only stands still and comes
 * back believing that it is master. What was acknowledged is there afterwards, what ran is undone, and of two
 * masters one ends.
 */
import assert from 'node:assert/strict';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pollUntil } from '../../src/kit/clock.ts';
import { connectLuxi } from '../../src/luxi/client.ts';
import { VirtualLab } from '../harness/virtual.ts';

const addArguments = (name: string, options: string) =>
  `gnt-instance add -t sharedfile --disk 0:size=16M -B memory=64M,vcpus=1 --no-nics ${options} ${name}`.split(
    ' ',
  );

/** An OS whose create script takes a minute. */
async function addSlowOs(lab: VirtualLab, nodes: number): Promise<void> {
  for (let number = 1; number <= nodes; number += 1) {
    const folder = join(lab.root(number), 'srv/ganeti/os');
    await cp(join(folder, 'noop'), join(folder, 'slow'), { recursive: true });
    await writeFile(join(folder, 'slow/create'), '#!/bin/sh\necho begun\nexec sleep 60\n', { mode: 0o755 });
  }
}

const fieldsOf = async (lab: VirtualLab, node: string, fields: string) =>
  await lab.output(node, ['gnt-job', 'list', '--no-headers', '-o', fields]);

async function until(what: string, probe: () => Promise<boolean>): Promise<void> {
  const found = await pollUntil(async () => ((await probe()) ? true : undefined), {
    everyMs: 100,
    timeoutMs: 30_000,
  });
  assert.equal(found, true, what);
}

/** Every candidate keeps step with the master on this node. */
const inStep = (lab: VirtualLab, node: string, ...others: string[]) =>
  until(`${others.join(' and ')} in step`, async () => {
    const uuids = (
      await lab.output(node, ['gnt-node', 'list', '--no-headers', '-o', 'uuid', ...others])
    ).trim();
    const log = await lab.log(node, 'master-daemon');
    const started = log.slice(log.lastIndexOf('Configuration read'));
    return uuids.split('\n').every((uuid) => {
      const last = started.split('\n').findLast((line) => line.includes(`Master candidate ${uuid}`));
      return last?.includes('is in step') ?? false;
    });
  });

describe('the master role moves', () => {
  let lab: VirtualLab;
  before(async () => {
    lab = await VirtualLab.up({ nodes: 3 });
    await addSlowOs(lab, 3);
  });
  after(() => lab.down());

  test('on demand, with the words and checks of Ganeti', async () => {
    await lab.output('node1', addArguments('inst1.virtual.example', '-o noop -n node3'));
    const refused = await lab.run('node1', ['gnt-cluster', 'master-failover']);
    assert.match(
      refused.stderr,
      /where you want the new master to be\. node1\.virtual\.example is already the master/,
    );
    assert.equal((await lab.run('node2', ['gnt-cluster', 'master-ping'])).code, 1);

    await inStep(lab, 'node1', 'node2', 'node3');
    const moved = await lab.run('node2', ['gnt-cluster', 'master-failover']);
    assert.deepEqual([moved.stdout, moved.stderr, moved.code], ['', '', 0]);
    assert.equal((await lab.run('node2', ['gnt-cluster', 'master-ping'])).code, 0);
    await until('every node knows its master', async () => {
      const masters = await Promise.all(
        ['node1', 'node2', 'node3'].map((node) => lab.output(node, ['gnt-cluster', 'getmaster'])),
      );
      return masters.every((master) => master === 'node2.virtual.example\n');
    });
    const elsewhere = await lab.run('node1', ['gnt-instance', 'list']);
    assert.match(
      elsewhere.stderr,
      /This is not the master node, please connect to node 'node2\.virtual\.example'/,
    );
    assert.equal(await fieldsOf(lab, 'node2', 'id,status'), '1 success\n2 success\n3 success\n4 success\n');
    assert.equal(
      await lab.output('node2', ['gnt-instance', 'list', '--no-headers', '-o', 'name,status']),
      'inst1.virtual.example running\n',
    );
    await inStep(lab, 'node2', 'node1', 'node3');
  });

  test('from a master without power: what ran is undone, what was done is there', async () => {
    await lab.output('node2', ['gnt-debug', 'delay', '--submit', '60']);
    await lab.output('node2', addArguments('inst2.virtual.example', '-o slow -n node3 --submit'));
    const made = () =>
      lab.output('node3', ['find', `${lab.directory}/shared-file-storage`, '-name', '*.disk0']);
    await until('its disk is made', async () => (await made()).includes('inst2.virtual.example'));
    await lab.kill('node2');

    const moved = await lab.run('node1', ['gnt-cluster', 'master-failover']);
    assert.equal(moved.code, 0, moved.stderr);
    assert.match(
      moved.stderr,
      /^Could not disable the master role on the old master node2\.virtual\.example, please/m,
    );
    assert.match(moved.stderr, /^Could not disable the master IP: /m);
    await lab.waitForMaster('node1');
    assert.equal(
      await fieldsOf(lab, 'node1', 'id,status,summary'),
      `1 success CLUSTER_POST_INIT
2 success NODE_ADD(node2.virtual.example)
3 success NODE_ADD(node3.virtual.example)
4 success INSTANCE_CREATE(inst1.virtual.example)
5 error   TEST_DELAY(60.0)
6 error   INSTANCE_CREATE(inst2.virtual.example)
`,
    );
    assert.match(
      await lab.output('node1', ['gnt-job', 'info', '6']),
      /Job was interrupted by a restart of the master daemon; undone: /,
    );
    assert.equal(
      await lab.output('node1', ['gnt-instance', 'list', '--no-headers', '-o', 'name']),
      'inst1.virtual.example\n',
    );
    assert.doesNotMatch(await made(), /inst2/);
  });

  test('to where it stays when the old master comes back', async () => {
    await lab.start('node2');
    assert.equal(
      lab.daemonPid('node2', 'ganeti-masterd'),
      undefined,
      await lab.log('node2', 'master-daemon'),
    );
    assert.notEqual(lab.daemonPid('node2', 'ganeti-noded'), undefined);
    await until('the old master knows the new one', async () =>
      (await lab.output('node2', ['gnt-cluster', 'getmaster'])).includes('node1'),
    );
    await inStep(lab, 'node1', 'node2', 'node3');
    const started = await lab.run('node2', ['ganeti-masterd']);
    assert.equal(started.code, 11);
    // And it takes over again with all that happened meanwhile.
    await lab.output('node1', ['gnt-cluster', 'add-tags', 'meanwhile']);
    assert.equal((await lab.run('node2', ['gnt-cluster', 'master-failover'])).code, 0);
    assert.equal(await lab.output('node2', ['gnt-cluster', 'list-tags']), 'meanwhile\n');
    await inStep(lab, 'node2', 'node1', 'node3');
  });

  test('from a master that stands still: when it goes on, its writes are refused and it ends', async () => {
    const before = lab.daemonPid('node2', 'ganeti-masterd');
    const client = await connectLuxi(lab.paths('node2').querySocket);
    await lab.cut('node2');
    const submitted = client
      .call('SubmitJob', [[{ OP_ID: 'OP_TEST_DELAY', duration: 0.000001, on_master: true }]])
      .then(
        () => 'taken',
        () => 'refused',
      );
    const moved = await lab.run('node3', ['gnt-cluster', 'master-failover']);
    assert.equal(moved.code, 0, moved.stderr);
    const jobs = await fieldsOf(lab, 'node3', 'id,status');
    await lab.join('node2');
    assert.equal(await submitted, 'refused');
    client.close();
    await until(
      'the older master has ended',
      async () => lab.daemonPid('node2', 'ganeti-masterd') === undefined,
    );
    assert.notEqual(before, undefined);
    assert.equal(await fieldsOf(lab, 'node3', 'id,status'), jobs);
    await inStep(lab, 'node3', 'node1', 'node2');
  });

  test('to a candidate that was behind: it takes what it lacks from another', async () => {
    await lab.cut('node1');
    await lab.output('node3', ['gnt-cluster', 'add-tags', 'unseen'], { timeoutMs: 30_000 });
    await lab.kill('node3');
    await lab.join('node1');
    const moved = await lab.run('node1', ['gnt-cluster', 'master-failover']);
    assert.equal(moved.code, 0, moved.stderr);
    assert.match(await lab.output('node1', ['gnt-cluster', 'list-tags']), /^unseen$/m);
    await lab.start('node3');
    await inStep(lab, 'node1', 'node2', 'node3');
  });

  test('without a majority only by force', async () => {
    await lab.kill('node1');
    await lab.kill('node3');
    const refused = await lab.run('node2', ['gnt-cluster', 'master-failover']);
    assert.equal(refused.code, 1);
    assert.equal(
      refused.stderr,
      'Master-failover with voting is only possible if the majority of nodes are still healthy; use the --no-voting' +
        " option after ensuring by other means that you won't end up in a dual-master scenario. Unhealthy nodes:" +
        " ['node1.virtual.example', 'node3.virtual.example']\n",
    );
    const asked = await lab.run('node2', ['gnt-cluster', 'master-failover', '--no-voting']);
    assert.equal(asked.code, 1);
    const forced = await lab.run('node2', ['gnt-cluster', 'master-failover', '--no-voting', '--yes-do-it']);
    assert.equal(forced.code, 0, forced.stderr);
    assert.match(await lab.output('node2', ['gnt-cluster', 'list-tags']), /^unseen$/m);
  });

  test('a master that can hear nobody waits, and serves when it can', async () => {
    await lab.kill('node2');
    await lab.start('node2');
    const waiting = await lab.run('node2', ['gnt-instance', 'list']);
    assert.equal(waiting.code, 1);
    assert.match(waiting.stderr, /waiting for the votes of other nodes: Only 1 of 3 nodes can be heard/);
    await lab.start('node3');
    await lab.waitForMaster('node2');
    await lab.start('node1');
    assert.equal(lab.daemonPid('node1', 'ganeti-masterd'), undefined);
    await inStep(lab, 'node2', 'node1', 'node3');
  });
});
