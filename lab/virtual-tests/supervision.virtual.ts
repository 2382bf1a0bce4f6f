/** Daemons that are killed come back by themselves; those that are stopped, or don't belong here, stay away. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { sleep } from '../../src/kit/clock.ts';
import { VirtualLab } from '../harness/virtual.ts';

describe('daemons outside systemd', () => {
  let lab: VirtualLab;
  before(async () => {
    lab = await VirtualLab.up({ nodes: 1 });
  });
  after(() => lab.down());
  const supervisorOf = (daemon: string) => `${lab.paths('node1').runDir}/supervisors/${daemon}.pid`;

  test('come back after kill -9, again and again, and say why', async () => {
    for (const daemon of ['ganeti-masterd', 'ganeti-noded', 'ganeti-masterd']) {
      const before = lab.killDaemon('node1', daemon);
      await lab.waitForDaemon('node1', daemon, before);
    }
    await lab.waitForMaster('node1');
    assert.match(
      await lab.log('node1', 'master-daemon'),
      /WARNING Started again: the process before this one ended with signal 9/,
    );
    assert.equal((await lab.run('node1', ['gnt-cluster', 'verify-disks'])).code, 0);
  });

  test('are started at once by daemon-util, whoever would have done it later', async () => {
    const before = lab.killDaemon('node1', 'ganeti-masterd');
    await lab.output('node1', ['daemon-util', 'start', 'ganeti-masterd']);
    const now = lab.daemonPid('node1', 'ganeti-masterd');
    assert.notEqual(now, undefined);
    assert.notEqual(now, before);
    await sleep(700);
    assert.equal(lab.daemonPid('node1', 'ganeti-masterd'), now, 'only one of them runs');
  });

  test('stay away when they were stopped', async () => {
    await lab.output('node1', ['daemon-util', 'stop', 'ganeti-masterd']);
    await sleep(700);
    assert.equal(lab.daemonPid('node1', 'ganeti-masterd'), undefined);
    assert.equal(existsSync(supervisorOf('ganeti-masterd')), false);
    assert.equal((await lab.run('node1', ['daemon-util', 'check', 'ganeti-masterd'])).code, 1);
    await lab.output('node1', ['daemon-util', 'check-and-start', 'ganeti-masterd']);
    await lab.waitForMaster('node1');
    process.kill(lab.daemonPid('node1', 'ganeti-masterd')!, 'SIGTERM');
    await sleep(1000);
    assert.equal(lab.daemonPid('node1', 'ganeti-masterd'), undefined, 'SIGTERM is a wish to end');
  });

  test('that can not start say so and are not tried again', async () => {
    const result = await lab.run('node1', ['ganeti-noded', '-b', '127.0.0.1', '-p', 'no']);
    assert.notEqual(result.code, 0);
    assert.equal(existsSync(supervisorOf('ganeti-masterd')), false);
  });
});
