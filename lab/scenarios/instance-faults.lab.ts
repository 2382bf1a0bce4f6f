/**
 * Bad luck of instances on real nodes: daemons, QEMU and networks die or stand still, volume groups are full, nodes
 * lose their power, each in the middle of what is being done with disks and guests. Afterwards what the guest wrote
 * is there, every volume and every mirror belongs to an instance, no lock is held, and `gnt-cluster verify` finds
 * nothing.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { BadLuck } from '../harness/bad-luck.ts';
import { inGuest, uptimeOf, waitForGuest } from '../harness/guest-shell.ts';
import { fullName, UmlCluster } from '../harness/uml-cluster.ts';

const cluster = new UmlCluster('ifaults');
const { lab } = cluster;
const web = fullName('web1');
const data = fullName('data1');
const nodes = ['node1', 'node2', 'node3'] as const;
const luck = new BadLuck(cluster, nodes);
/** Copied at this many KiB a second a disk of this many MiB takes about a minute: time to break something. */
const slowRate = 4096;
const largeMiB = 256;

const sumInGuest = (node: string) => inGuest(lab, node, web, 'md5sum </data');
const qemuOf = async (node: string) =>
  (await lab.output(node, ['cat', `/var/run/ganeti/kvm-hypervisor/pid/${web}`])).trim();
const killDaemon = (node: string, daemon: string) =>
  lab.script(node, 'kill -9 $(cat /var/run/ganeti/$1.pid)', daemon);

const jobTells = (id: string, words: RegExp) => luck.waitForText('node1', ['gnt-job', 'info', id], words);
const copying = (node: string) => luck.waitForText(node, ['cat', '/proc/drbd'], /sync'ed/);
const masterAnswers = () => luck.waitForText('node1', ['gnt-cluster', 'info'], /Cluster name/);

const rate = (kibibytes: number) =>
  cluster.run('gnt-cluster', 'modify', '-D', `drbd:resync-rate=${kibibytes},dynamic-resync=False`);
const bandwidth = (mebibytes: number) =>
  cluster.run('gnt-cluster', 'modify', '-H', `kvm:migration_bandwidth=${mebibytes}`);

const addLarge = (name: string, template: string, place: string) =>
  luck.submit(
    ...['gnt-instance', 'add', '-t', template, '-o', 'busybox+default', '-B', 'memory=96M,vcpus=1'],
    ...['--disk', `0:size=${largeMiB}M`, '--no-start', '--no-install', '-n', place, fullName(name)],
  );
const onNodes = (...numbers: readonly number[]) =>
  numbers.map((number) => fullName(`node${number}`)).join(':');

describe('bad luck of instances on real nodes', () => {
  before(async () => {
    await cluster.up();
    await cluster.addInstance('web1', 'drbd', 'node1:node2');
    await waitForGuest(lab, 'node1', web);
    await inGuest(lab, 'node1', web, 'dd if=/dev/urandom of=/data bs=64k count=32 2>/dev/null; sync');
    await rate(slowRate);
  });
  after(() => cluster.down());
  afterEach(async () => {
    await luck.isUnlocked();
    await cluster.isSound();
  });

  test('the node daemon dies beside a guest, which notices nothing', async () => {
    const [sum, uptime, pid] = [
      await sumInGuest('node1'),
      await uptimeOf(lab, 'node1', web),
      await qemuOf('node1'),
    ];
    await killDaemon('node1', 'ganeti-noded');
    const listed = ['gnt-instance', 'list', '--no-headers', '-o', 'status', web];
    await luck.waitForText('node1', listed, /^running/);
    const modify = (change: string) => cluster.run('gnt-instance', 'modify', '-f', '--disk', change, web);
    assert.match(await modify('add:size=64M,name=extra'), /disk\/1 -> hotplug:done/);
    assert.match(await inGuest(lab, 'node1', web, 'cat /proc/partitions'), /vdb/);
    assert.match(await modify('extra:remove'), /hotplug:done/);
    assert.equal(await sumInGuest('node1'), sum);
    assert.equal(await qemuOf('node1'), pid);
    assert.ok((await uptimeOf(lab, 'node1', web)) > uptime);
  });

  test('QEMU stands still, then dies: commands answer, and the instance starts again with its data', async () => {
    const [sum, pid] = [await sumInGuest('node1'), await qemuOf('node1')];
    await lab.script('node1', 'kill -STOP $1', pid);
    const began = Date.now();
    await cluster.tries('gnt-instance', 'list', '-o', 'name,status,oper_ram', web);
    await cluster.tries('gnt-instance', 'info', web);
    assert.ok(Date.now() - began < 90_000, 'it was not waited for');
    await lab.script('node1', 'kill -CONT $1', pid);
    assert.match(await inGuest(lab, 'node1', web, 'hostname; echo up'), /up/);
    await lab.script('node1', 'kill -9 $1', pid);
    assert.equal(await cluster.field('web1', 'status'), 'ERROR_down');
    await cluster.run('gnt-instance', 'startup', web);
    await waitForGuest(lab, 'node1', web);
    assert.equal(await sumInGuest('node1'), sum);
  });

  test('a full volume group refuses what needs room, and nothing has changed', async () => {
    await lab.script('node2', 'lvcreate -qqy -Wn -n filler -l 100%FREE xenvg');
    const before = await luck.storage();
    for (const command of [
      ['grow-disk', web, '0', '64M'],
      ['replace-disks', '-s', web],
      ['modify', '--disk', 'add:size=64M', web],
    ]) {
      await cluster.refuses(/node2/, 'gnt-instance', ...command);
    }
    assert.deepEqual(await luck.storage(), before);
    assert.equal(await cluster.field('web1', 'disk.sizes'), '64');
    await lab.script('node2', 'lvremove -qqy xenvg/filler');
  });

  test('a migration that is called off leaves the guest running where it was', async () => {
    const uptime = await uptimeOf(lab, 'node1', web);
    await bandwidth(1);
    const job = await luck.submit('gnt-instance', 'migrate', '-f', web);
    await jobTells(job, /starting memory transfer/);
    await cluster.tries('gnt-job', 'cancel', job);
    await luck.ended(job, /canceled/);
    assert.equal(await cluster.field('web1', 'pnode'), fullName('node1'));
    assert.ok((await uptimeOf(lab, 'node1', web)) > uptime);
    assert.equal((await lab.run('node2', ['pgrep', 'qemu'])).stdout, '');
    assert.match((await cluster.mirrors('node1')).join(), /cs:Connected ro:Primary\/Secondary/);
  });

  test('the master dies in the middle of a migration: the guest runs once, with one primary', async () => {
    const [sum, uptime] = [await sumInGuest('node1'), await uptimeOf(lab, 'node1', web)];
    const job = await luck.submit('gnt-instance', 'migrate', '-f', web);
    await jobTells(job, /starting memory transfer/);
    await killDaemon('node1', 'ganeti-masterd');
    await masterAnswers();
    await luck.ended(job, /error/);
    await bandwidth(32);
    const at = (await cluster.field('web1', 'pnode')).split('.')[0]!;
    assert.ok((await uptimeOf(lab, at, web)) > uptime);
    assert.equal(await sumInGuest(at), sum);
    const running: string[] = [];
    for (const node of nodes) {
      if ((await lab.run(node, ['pgrep', 'qemu'])).stdout.trim() !== '') running.push(node);
    }
    assert.deepEqual(running, [at]);
    await luck.waitForText(
      at,
      ['cat', '/proc/drbd'],
      /cs:Connected ro:Primary\/Secondary ds:UpToDate\/UpToDate/,
    );
    if (at !== 'node1') await cluster.run('gnt-instance', 'migrate', '-f', web);
  });

  test('the master dies while an instance is made: nothing of it stays', async () => {
    const before = await luck.storage();
    const job = await addLarge('new1', 'drbd', onNodes(1, 3));
    await copying('node1');
    await killDaemon('node1', 'ganeti-masterd');
    await masterAnswers();
    await luck.ended(job, /error/);
    await luck.isStorage(before);
    assert.doesNotMatch(await cluster.run('gnt-instance', 'list'), /new1/);
  });

  test('the secondary loses its network while a disk is copied: it is said, and nothing stays', async () => {
    const before = await luck.storage();
    const job = await addLarge('new1', 'drbd', onNodes(1, 3));
    await copying('node1');
    await lab.cut('node3', 'secondary');
    assert.match(
      await luck.ended(job, /error/),
      /disk\/0 of instance new1\S+ is degraded: its other side does not answer/,
    );
    await lab.join('node3', 'secondary');
    await luck.isStorage(before);
    assert.doesNotMatch(await cluster.run('gnt-instance', 'list'), /new1/);
  });

  test('the node daemon dies while the new secondary is filled: the copy goes on', async () => {
    const sum = await sumInGuest('node1');
    const job = await luck.submit('gnt-instance', 'replace-disks', '-n', fullName('node3'), web);
    await copying('node3');
    await killDaemon('node1', 'ganeti-noded');
    await killDaemon('node3', 'ganeti-noded');
    await luck.ended(job, /success/);
    assert.equal(await cluster.field('web1', 'snodes'), fullName('node3'));
    assert.equal(await sumInGuest('node1'), sum);
    assert.deepEqual(await cluster.volumes('node2'), []);
  });

  test('the master dies while the new secondary is filled: the old one is the secondary again', async () => {
    const [sum, before] = [await sumInGuest('node1'), await luck.storage()];
    const job = await luck.submit('gnt-instance', 'replace-disks', '-n', fullName('node2'), web);
    await copying('node2');
    await killDaemon('node1', 'ganeti-masterd');
    await masterAnswers();
    await luck.ended(job, /error/);
    await luck.isStorage(before);
    assert.equal(await cluster.field('web1', 'snodes'), fullName('node3'));
    const whole = /cs:Connected ro:Primary\/Secondary ds:UpToDate\/UpToDate/;
    await luck.waitForText('node1', ['cat', '/proc/drbd'], whole);
    assert.equal(await sumInGuest('node1'), sum);
  });

  test('the new secondary loses its power during a conversion: the volume is what it was', async () => {
    await luck.ended(await addLarge('data1', 'plain', onNodes(1)), /success/);
    const volume = (await cluster.volumes('node1')).find((name) => name.endsWith('.disk0'))!;
    const fill =
      'lvchange -ay xenvg/$1; dd if=/dev/urandom of=/dev/xenvg/$1 bs=1M count=32 oflag=direct 2>/dev/null';
    const read =
      'lvchange -ay xenvg/$1; dd if=/dev/xenvg/$1 bs=1M count=32 2>/dev/null | md5sum; lvchange -an xenvg/$1';
    await lab.script('node1', fill, volume);
    const [sum, before] = [await lab.script('node1', read, volume), await luck.storage()];
    const job = await luck.submit('gnt-instance', 'modify', '-t', 'drbd', '-n', fullName('node2'), data);
    await copying('node1');
    await lab.kill('node2');
    await luck.ended(job, /error/);
    assert.equal(await cluster.field('data1', 'disk_template'), 'plain');
    assert.ok((await cluster.volumes('node1')).includes(volume), 'it has its name again');
    assert.equal(await lab.script('node1', read, volume), sum);
    await lab.start('node2');
    await luck.waitForText(
      'node1',
      ['gnt-node', 'list', '--no-headers', '-o', 'dfree', fullName('node2')],
      /\d/,
    );
    await luck.isStorage(before);
    await cluster.run('gnt-instance', 'remove', '-f', data);
  });
});
