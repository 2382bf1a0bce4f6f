/**
 * The administrators' handbook on real nodes: what people do to the disks and interfaces of instances, with what
 * the guest wrote compared before and after. One cluster serves all of it; each story leaves its instance to the
 * next.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { inGuest, uptimeOf, waitForGuest } from '../harness/guest-shell.ts';
import { fullName, UmlCluster } from '../harness/uml-cluster.ts';

const cluster = new UmlCluster('handbook');
const { lab } = cluster;
const web = fullName('web1');
const old = fullName('old1');

const write = (device: string, blocks: number) =>
  `dd if=/dev/urandom of=${device} bs=64k count=${blocks} 2>/dev/null; sync`;
const sumOfFile = (node: string) => inGuest(lab, node, web, 'md5sum </data');
const sumOfDisk = (node: string) =>
  inGuest(lab, node, web, 'dd if=/dev/vdb bs=64k count=256 2>/dev/null | md5sum');
const devices = (node: string) =>
  inGuest(lab, node, web, 'cd /sys/block; ls -d vd* | tr "\\n" " "; cat vd*/size | tr "\\n" " "');

/** The same with the disks of a stopped instance, read on a node. */
async function sumOnNode(
  instance: string,
  device: (paths: string) => string = (path) => path,
): Promise<string> {
  const shown = await cluster.run('gnt-instance', 'activate-disks', instance);
  const [, node, path] = /^(\S+):disk\/0:(\S+)$/m.exec(shown) ?? [];
  assert.ok(node !== undefined && path !== undefined, shown);
  const sum = await lab.script(node, 'dd if=$1 bs=1M count=64 2>/dev/null | md5sum', device(path));
  await cluster.run('gnt-instance', 'deactivate-disks', instance);
  return sum;
}

describe("the administrators' handbook", () => {
  before(() => cluster.up());
  after(() => cluster.down());

  test('a disk grows while the guest runs, which sees it at once', async () => {
    await cluster.addInstance('web1', 'drbd', 'node1:node2');
    await waitForGuest(lab, 'node1', web);
    await inGuest(lab, 'node1', web, write('/data', 64));
    const [sum, uptime] = [await sumOfFile('node1'), await uptimeOf(lab, 'node1', web)];
    const told = await cluster.run('gnt-instance', 'grow-disk', web, '0', '64M');
    assert.match(told, /Growing disk 0 of instance 'web1.lab.example' by 64M to 128M/);
    assert.match(await devices('node1'), /^vda 262144 $/);
    await cluster.run('gnt-instance', 'grow-disk', '--absolute', web, '0', '160M');
    assert.match(await devices('node1'), /^vda 327680 $/);
    assert.equal(await sumOfFile('node1'), sum);
    assert.ok((await uptimeOf(lab, 'node1', web)) > uptime, 'it was not started anew');
    assert.equal(await cluster.field('web1', 'disk.sizes'), '160');
  });

  test('a disk on a second volume group comes, goes and comes again with its data', async () => {
    for (const node of ['node1', 'node2']) {
      await lab.script(
        node,
        'truncate -s 1G /var/lib/second.img; d=$(losetup -f --show /var/lib/second.img); pvcreate -qq $d; vgcreate -q second $d',
      );
    }
    const modify = (...change: string[]) => cluster.run('gnt-instance', 'modify', ...change, web);
    assert.match(await modify('--disk', 'add:size=64M,vg=second,name=data'), /disk\/1 -> hotplug:done/);
    assert.match(await devices('node1'), /^vda vdb 327680 131072 $/);
    const groups = await lab.output('node2', ['lvs', '--noheadings', '-o', 'vg_name,lv_name']);
    assert.match(groups, /second +\S+\.disk1_data/);
    assert.match(groups, /xenvg +\S+\.disk1_meta/);
    await inGuest(lab, 'node1', web, write('/dev/vdb', 256));
    const sum = await sumOfDisk('node1');
    const uuid = (await cluster.field('web1', 'disk.uuid/1')).trim();

    assert.match(await modify('--disk', 'data:detach'), /disk\/1 -> detach/);
    assert.match(await devices('node1'), /^vda 327680 $/);
    assert.match(await modify('--disk', 'attach:name=data'), /disk\/1 -> attach:size=64,mode=rw/);
    assert.equal(await sumOfDisk('node1'), sum);
    await modify('--disk', `${uuid}:detach`);
    await modify('--disk', `attach:uuid=${uuid}`);
    assert.equal(await sumOfDisk('node1'), sum);
    await modify('--disk', 'data:remove');
    assert.doesNotMatch(await lab.output('node2', ['lvs', '--noheadings']), /disk1/);
  });

  test('a second interface speaks on its VLAN and on no other', async () => {
    await lab.script(
      'node1',
      `/etc/init.d/openvswitch-switch start >/dev/null 2>&1
      ovs-vsctl add-br ovs0
      for tag in 100 200; do
        ovs-vsctl add-port ovs0 v$tag tag=$tag -- set interface v$tag type=internal
        ip addr add 10.$tag.0.1/24 dev v$tag; ip link set v$tag up
      done`,
    );
    const nic = 'add:mode=openvswitch,link=ovs0,vlan=.100,name=back';
    assert.match(await cluster.run('gnt-instance', 'modify', '--net', nic, web), /nic.1 -> hotplug:done/);
    const ask = 'for n in 100 200; do ip addr add 10.$n.0.2/24 dev eth1; done; ip link set eth1 up; ';
    await inGuest(lab, 'node1', web, `${ask} ping -c1 -W5 10.100.0.1`);
    await inGuest(lab, 'node1', web, '! ping -c1 -W2 10.200.0.1');
    await cluster.run('gnt-instance', 'modify', '-f', '--net', 'back:remove', web);
    assert.doesNotMatch(await lab.output('node1', ['ovs-vsctl', 'list-ports', 'ovs0']), /tap/);
  });

  test('a split brain is named, keeps the guest where it is, and is mended from its data', async () => {
    await lab.cut('node2', 'secondary');
    const apart = (text: string) => (/ 0: cs:WFConnection/.test(text) ? true : undefined);
    for (const node of ['node1', 'node2']) await lab.waitFor(node, ['cat', '/proc/drbd'], apart);
    await lab.script(
      'node2',
      'drbdsetup primary 0; dd if=/dev/urandom of=/dev/drbd0 bs=4k count=1 seek=9000 oflag=direct 2>/dev/null; drbdsetup secondary 0',
    );
    await inGuest(lab, 'node1', web, write('/data', 32));
    const sum = await sumOfFile('node1');
    await lab.join('node2', 'secondary');
    await lab.waitFor('node1', ['cat', '/proc/drbd'], (text) =>
      / 0: cs:StandAlone/.test(text) ? true : undefined,
    );
    assert.match(
      await cluster.run('gnt-instance', 'activate-disks', web),
      /WARNING: drbd0 \(disk\/0 of web1\.lab\.example\): split brain.*replace-disks -s web1/s,
    );
    await cluster.refuses(
      /not fully synchronized on target node, aborting migration: .*split brain/,
      ...['gnt-instance', 'migrate', '-f', web],
    );
    const mended = await cluster.run('gnt-instance', 'replace-disks', '-s', web);
    assert.match(mended, /STEP 6\/6 Removing old storage/);
    await cluster.isSound();
    await cluster.run('gnt-instance', 'migrate', '-f', web);
    assert.equal(await sumOfFile('node2'), sum);
    await cluster.run('gnt-instance', 'migrate', '-f', web);
  });

  test('a secondary that has died is replaced, and what it kept is found when it is back', async () => {
    const [sum, uptime] = [await sumOfFile('node1'), await uptimeOf(lab, 'node1', web)];
    await lab.kill('node2');
    await cluster.run('gnt-node', 'modify', '--offline=yes', fullName('node2'));
    const told = await cluster.run('gnt-instance', 'replace-disks', '-n', fullName('node3'), web);
    assert.match(told, /automatically enabling early-release mode/);
    assert.match(
      (await cluster.mirrors('node1')).join(),
      /cs:Connected ro:Primary\/Secondary ds:UpToDate\/UpToDate/,
    );
    assert.ok((await uptimeOf(lab, 'node1', web)) > uptime, 'the guest was not touched');
    await cluster.run('gnt-instance', 'migrate', '-f', web);
    assert.equal(await sumOfFile('node3'), sum);
    await lab.start('node2');
    await cluster.addNode(2, '--readd');
    const { stdout } = await cluster.tries('gnt-cluster', 'verify');
    assert.match(stdout, /node2\.lab\.example: volume xenvg\/\S+\.disk0_data is unknown/);
    await lab.script('node2', 'lvremove -qqy xenvg');
    await cluster.isSound();
  });

  test('a mirror becomes a volume and a mirror again, elsewhere, with the same data', async () => {
    const sum = await sumOfFile('node3');
    await cluster.run('gnt-instance', 'shutdown', web);
    await cluster.run('gnt-instance', 'modify', '-t', 'plain', web);
    assert.deepEqual(await cluster.volumes('node1'), []);
    await cluster.run('gnt-instance', 'modify', '-t', 'drbd', '-n', fullName('node2'), web);
    await cluster.run('gnt-instance', 'failover', '-f', web);
    await cluster.run('gnt-instance', 'startup', web);
    await waitForGuest(lab, 'node2', web);
    assert.equal(await sumOfFile('node2'), sum);
    await cluster.run('gnt-instance', 'remove', '-f', '--shutdown-timeout=0', web);
    for (const node of ['node1', 'node2', 'node3']) {
      assert.deepEqual([await cluster.volumes(node), await cluster.mirrors(node)], [[], []], node);
    }
  });

  test('an instance gets another name, another system, and disks anew when they are lost', async () => {
    const [one, two] = [fullName('one1'), fullName('two1')];
    const tags = () => lab.output('node3', ['lvs', '--noheadings', '-o', 'lv_tags', 'xenvg']);
    await cluster.addInstance('one1', 'plain', 'node3', '--no-start');
    const [volume] = await cluster.volumes('node3');
    const rename = ['gnt-instance', 'rename', one, two];
    assert.match(await cluster.run(...rename), /renamed to 'two1.lab.example'/);
    assert.match(await tags(), /originstname\+two1\.lab\.example/);
    assert.deepEqual(await cluster.volumes('node3'), [volume]);
    await cluster.run('gnt-instance', 'reinstall', '-f', two);
    await lab.script('node3', 'lvremove -qqfy xenvg/$1', volume!);
    const { stdout } = await cluster.tries('gnt-cluster', 'verify');
    assert.match(stdout, /instance two1\.lab\.example: volume xenvg\/\S+ missing on node node3/);
    await cluster.run('gnt-instance', 'recreate-disks', two);
    assert.deepEqual(await cluster.volumes('node3'), [volume], 'under the name that the configuration has');
    await cluster.run('gnt-instance', 'reinstall', '-f', two);
    await cluster.run('gnt-instance', 'startup', two);
    await waitForGuest(lab, 'node3', two);
    await cluster.run('gnt-instance', 'remove', '-f', '--shutdown-timeout=0', two);
    await cluster.isSound();
  });

  test('a foreign volume is adopted, mirrored, copied to a file and back', async () => {
    const sum = await lab.script(
      'node3',
      `lvcreate -qqy -Wn -n foreign -L 64M xenvg
      dd if=/dev/urandom of=/dev/xenvg/foreign bs=1M count=64 oflag=direct 2>/dev/null
      md5sum </dev/xenvg/foreign
      lvchange -an xenvg/foreign`,
    );
    const change = (...words: string[]) => cluster.run('gnt-instance', 'modify', ...words, old);
    await cluster.addInstance('old1', 'plain', 'node3', '--no-start', '--disk', '0:adopt=foreign');
    assert.equal(await sumOnNode(old), sum);
    await change('-t', 'drbd', '-n', fullName('node2'));
    assert.equal(await sumOnNode(old), sum);
    await cluster.run('gnt-instance', 'failover', '-f', old);
    assert.equal(await sumOnNode(old), sum);
    await change('-t', 'file');
    assert.deepEqual(await cluster.volumes('node3'), []);
    assert.equal(await sumOnNode(old), sum);
    await change('-t', 'drbd', '-n', fullName('node1'));
    assert.equal(await sumOnNode(old), sum);
    await change('-t', 'plain');
    assert.equal(await sumOnNode(old), sum);
    await cluster.run('gnt-instance', 'remove', '-f', old);
    await cluster.isSound();
  });
});
