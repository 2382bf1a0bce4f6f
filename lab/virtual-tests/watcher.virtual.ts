/** ganeti-watcher on real daemons: what should run is started again, and people's pauses and shutdowns are respected. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pollUntil, sleep } from '../../src/kit/clock.ts';
import type { LuxiClient } from '../../src/luxi/client.ts';
import { fakeInstance } from '../harness/fake-instance.ts';
import { VirtualLab } from '../harness/virtual.ts';

let lab: VirtualLab;
let client: LuxiClient;

const name = 'inst1.virtual.example';
const guest = (node: string, instance = name) =>
  join(lab.root(node), 'var/run/ganeti/fake-hypervisor', instance);
const watch = async (node = 'node1', ...args: string[]) =>
  await lab.output(node, ['ganeti-watcher', ...args]);
const log = () => lab.log('node1', 'watcher');
const waited = async (opcode: object) =>
  await lab.waitForJob('node1', (await client.call('SubmitJob', [[opcode]])) as number);

async function state(): Promise<{
  instance: Record<string, { restart_count: number }>;
  node: Record<string, unknown>;
}> {
  const [[uuid]] = (await client.call('QueryGroups', [[], ['uuid'], false])) as [[string]];
  return JSON.parse(await readFile(`${lab.paths('node1').dataDir}/watcher.${uuid}.data`, 'utf8')) as never;
}

describe('the watcher', () => {
  before(async () => {
    lab = await VirtualLab.up({ nodes: 3 });
    client = await lab.luxi('node1');
    assert.equal(await waited(fakeInstance(name, 'file')), 'success');
  });
  after(() => lab.down());

  test('starts what has crashed, and the daemons of master and node', async () => {
    await rm(guest('node2'));
    await lab.output('node1', ['daemon-util', 'stop', 'ganeti-rapi']);
    await watch();
    assert.ok(existsSync(guest('node2')));
    assert.ok(lab.daemonPid('node1', 'ganeti-rapi') !== undefined);
    assert.match(await log(), /Restarting instance 'inst1.virtual.example' \(attempt #1\)/);
    assert.deepEqual(Object.keys((await state()).node).length, 3);
    const status = await readFile(`${lab.paths('node1').dataDir}/instance-status`, 'utf8');
    assert.equal(status, `${name} ERROR_down`);
    await watch();
    assert.match(await log(), /Restart of instance 'inst1.virtual.example' succeeded/);
    assert.deepEqual((await state()).instance, {});
    const reason = await lab.output('node1', [
      'gnt-job',
      'list',
      '--no-headers',
      '-o',
      'summary',
      '--separator=:',
    ]);
    assert.match(reason, /INSTANCE_STARTUP\(inst1/);
  });

  test('rests while it is paused, unless told not to', async () => {
    await lab.output('node1', ['gnt-cluster', 'watcher', 'pause', '1h']);
    await rm(guest('node2'));
    await watch();
    assert.ok(!existsSync(guest('node2')));
    await watch('node1', '--ignore-pause');
    assert.ok(existsSync(guest('node2')));
    await lab.output('node1', ['gnt-cluster', 'watcher', 'continue']);
  });

  test('leaves alone what was shut down', async () => {
    await lab.output('node1', ['gnt-instance', 'shutdown', name]);
    await watch();
    assert.ok(!existsSync(guest('node2')));
    await lab.output('node1', ['gnt-instance', 'startup', name]);
  });

  test('gives up after five tries in vain', async () => {
    await rm(guest('node2'));
    const folder = join(lab.root('node2'), 'var/run/ganeti/fake-hypervisor');
    await rm(folder, { recursive: true });
    await writeFile(folder, 'no folder: nothing can be started here');
    const [[uuid]] = (await client.call('QueryGroups', [[], ['uuid'], false])) as [[string]];
    const watchGroup = () => watch('node1', `--node-group=${uuid}`, '--no-verify-disks');
    for (let run = 0; run < 6; run += 1) await watchGroup();
    assert.match(
      await log(),
      /Could not restart instance 'inst1.virtual.example' after 5 attempts, giving up/,
    );
    assert.equal((await state()).instance[name]?.restart_count, 6);
    await rm(folder);
    await watchGroup();
    assert.ok(!existsSync(guest('node2')));
    await lab.output('node1', ['gnt-instance', 'startup', name]);
  });

  test('runs the scripts of its hook on any node, and archives old jobs on the master', async () => {
    const hook = join(lab.root('node3'), 'etc/ganeti/hooks/watcher/10-note');
    await mkdir(join(hook, '..'), { recursive: true });
    await writeFile(hook, `#!/bin/sh\ntouch '${lab.directory}/noted'\n`);
    await chmod(hook, 0o755);
    await watch('node3');
    assert.ok(existsSync(join(lab.directory, 'noted')));
    await watch('node1', '--job-age=0');
    const jobs = (await client.call('QueryJobs', [[], ['id']])) as unknown[];
    assert.ok(jobs.length <= 1, `jobs left: ${jobs.length}`);
  });

  test('takes down what runs on a node that the cluster has given up', async () => {
    await lab.output('node1', ['gnt-cluster', 'modify', '--maintain-node-health=yes']);
    const told = join(lab.paths('node3').dataDir, 'ssconf_maintain_node_health');
    const isTold = async () => ((await readFile(told, 'utf8')).trim() === 'True' ? true : undefined);
    assert.ok(await pollUntil(isTold, { everyMs: 50, timeoutMs: 30_000 }));
    await mkdir(join(guest('node3'), '..'), { recursive: true });
    await writeFile(guest('node3', 'web1.virtual.example'), '0\n16\n1\n');
    await watch('node3');
    assert.ok(existsSync(guest('node3', 'web1.virtual.example')), 'it is a member in good standing');
    await lab.output('node1', ['gnt-node', 'modify', '--offline=yes', 'node3']);
    // The candidates' configuration daemons learn it a moment later.
    for (let run = 0; run < 40 && existsSync(guest('node3', 'web1.virtual.example')); run += 1) {
      await watch('node3');
      await sleep(500);
    }
    assert.ok(!existsSync(guest('node3', 'web1.virtual.example')), await lab.log('node3', 'watcher'));
  });
});
