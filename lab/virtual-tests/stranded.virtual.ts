/**
 * A node loses its power while a job makes a disk on it. The job fails and can't take the disk back; when the node is
 * there again what was left goes by itself, also when the master was started anew meanwhile. (One that stands still
 * instead takes the same way, after the half minute that it needs to count as gone.)
 */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sleep } from '../../src/kit/clock.ts';
import { fakeInstance } from '../harness/fake-instance.ts';
import { VirtualLab } from '../harness/virtual.ts';

let lab: VirtualLab;
before(async () => {
  lab = await VirtualLab.up({ nodes: 3 });
});
after(() => lab.down());

async function until(what: string, probe: () => Promise<boolean>, seconds = 60): Promise<void> {
  for (let tries = 0; tries < seconds * 10; tries += 1) {
    if (await probe()) return;
    await sleep(100);
  }
  assert.fail(what);
}

/** Files of disks on the node. */
async function disksOn(node: string): Promise<string[]> {
  const folder = join(lab.root(node), 'srv/ganeti/file-storage');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

test('what a node kept that was cut off mid-job goes when it is back', { timeout: 120_000 }, async () => {
  const client = await lab.luxi('node1');
  const create = { ...fakeInstance('inst1.virtual.example', 'file'), disks: [{ size: 64 }] };
  const job = (await client.call('SubmitJob', [[create]])) as number;
  await until('the disk is there', async () => (await disksOn('node2')).length > 0);
  await lab.kill('node2');
  assert.equal(await lab.waitForJob('node1', job, 90_000), 'error');
  const verified = await lab.run('node1', ['gnt-cluster', 'verify', '--error-codes']);
  assert.match(
    verified.stdout,
    new RegExp(`WARNING:ECLUSTERCFG:cluster:None:step create-volume of job ${job} on node2.virtual.example`),
  );
  const pid = lab.killDaemon('node1', 'ganeti-masterd');
  await lab.waitForDaemon('node1', 'ganeti-masterd', pid);
  await lab.waitForMaster('node1', 60_000);
  assert.equal((await disksOn('node2')).length, 1);
  await lab.start('node2');
  await until('the disk has gone', async () => (await disksOn('node2')).length === 0);
  const log = await lab.log('node1', 'master-daemon');
  assert.match(log, new RegExp(`job ${job}: stranded step create-volume is done with: it is undone`));
  await until('nothing is named any more', async () => {
    const { stdout } = await lab.run('node1', ['gnt-cluster', 'verify']);
    return !stdout.includes('could not be undone');
  });
});
