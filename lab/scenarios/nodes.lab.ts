/**
 * The life of nodes, on four real ones in one cluster: keys that open every node, certificates renewed half way,
 * a node rebooted under its instances, a node and a master that die and come back, a split network, a group that is
 * evacuated, addresses that run out, a node that leaves and comes again.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pollUntil } from '../../src/kit/clock.ts';
import type { ProcessResult } from '../../src/kit/process.ts';
import { lostTicks, readGuestConsole } from '../harness/guest-console.ts';
import { UmlLab } from '../harness/uml.ts';

const lab = new UmlLab({ name: 'nodes' });
const full = (node: string) => `${node}.lab.example`;
const nodes = ['node1', 'node2', 'node3', 'node4'];
const name = 'web1.lab.example';
const slow = { timeoutMs: 300_000 };

const bounds =
  'min:memory-size=64,cpu-count=1,disk-count=0,disk-size=16,nic-count=0,spindle-use=1/' +
  'max:memory-size=1024,cpu-count=4,disk-count=16,disk-size=20000,nic-count=8,spindle-use=12';
const init = [
  ...['gnt-cluster', 'init', '--vg-name', 'xenvg', '--secondary-ip', '10.77.1.11', '--master-netdev', 'br0'],
  ...['--enabled-disk-templates', 'drbd,plain,diskless', '--enabled-hypervisors', 'kvm', '-N', 'link=br0'],
  '--hypervisor-parameters',
  'kvm:kernel_args=console=ttyS0,kvm_flag=disabled,vhost_net=False,root_path=/dev/vda,initrd_path=/boot/initrd-3-kvmU',
  // The allocator takes it that a node needs 4 GiB for itself: these have one.
  ...['--default-iallocator-params', 'static-kvm-node-memory=256'],
  ...['--ipolicy-bounds-specs', bounds, '-C', '4', 'cluster.lab.example'],
];

/** A command on a node that must succeed, as one line without quotes. */
const on = (node: string, command: string) => lab.output(node, command.split(' '), slow);
const gnt = (command: string) => on('node1', command);
const tried = (node: string, command: string): Promise<ProcessResult> =>
  lab.run(node, command.split(' '), slow);
const addNode = (node: string, ...more: string[]) =>
  gnt(['gnt-node add --no-ssh-key-check', ...more, '-s', `10.77.1.1${node.slice(-1)}`, full(node)].join(' '));

async function until(what: string, probe: () => Promise<boolean>, seconds = 90): Promise<void> {
  const done = await pollUntil(async () => ((await probe()) ? true : undefined), {
    everyMs: 500,
    timeoutMs: seconds * 1000,
  });
  assert.ok(done, what);
}

/** Everything that the instance writes to its console on a node goes to a file there. */
const watchConsole = (node: string) =>
  lab.script(
    node,
    'nohup sh -c "while :; do socat -u UNIX-CONNECT:/var/run/ganeti/kvm-hypervisor/ctrl/$1.serial - >>/root/console 2>/dev/null; sleep 0.05; done" >/dev/null 2>&1 &',
    name,
  );
const consoleOf = async (node: string) =>
  readGuestConsole((await lab.run(node, ['cat', '/root/console'])).stdout);
const ticksOn = async (node: string) => (await consoleOf(node)).ticks.map(({ count }) => count);
const verified = async (node = 'node1') => {
  const { code, stdout } = await tried(node, 'gnt-cluster verify');
  assert.equal(code, 0, stdout);
};
const primary = async (node = 'node1') =>
  (await on(node, `gnt-instance list --no-headers -o pnode,status ${name}`)).trim();
const inSync = (node = 'node1') => on(node, `gnt-instance activate-disks --wait-for-sync ${name}`);

describe('nodes', () => {
  before(async () => {
    await lab.up({ nodes: 4, fresh: true });
    await lab.output('node1', init, slow);
    for (const node of ['node2', 'node3', 'node4']) await addNode(node);
  });
  after(() => lab.down({ wipe: true }));

  test('open their doors to every candidate, and to the cluster by its own name', async () => {
    for (const [from, to] of [
      ['node1', 'node3'],
      ['node3', 'node1'],
      ['node2', 'node4'],
    ] as const) {
      const key = '-F none -i /root/.ssh/id_rsa -o IdentitiesOnly=yes -o BatchMode=yes';
      const host =
        '-o StrictHostKeyChecking=yes -o HostKeyAlias=cluster.lab.example -o UserKnownHostsFile=/var/lib/ganeti/known_hosts';
      assert.equal(await on(from, `ssh ${key} ${host} root@${full(to)} hostname`), `${full(to)}\n`);
    }
    const told = await gnt('gnt-cluster command -M hostname');
    for (const node of nodes) assert.match(told, new RegExp(`${full(node)}: ${full(node)}`));
    await lab.script('node1', 'echo hello >/root/greeting');
    await gnt('gnt-cluster copyfile /root/greeting');
    for (const node of nodes) assert.equal(await on(node, 'cat /root/greeting'), 'hello\n');
  });

  test('get new certificates and keys although the master dies half way', async () => {
    const command =
      'gnt-cluster renew-crypto -f --new-cluster-certificate --new-rapi-certificate --new-confd-hmac-key --new-ssh-keys';
    // Asked from here, a renewal that takes a second would be missed.
    const struck = lab.script(
      'node1',
      'new=/var/lib/ganeti/client.pem.new; i=0; while [ $i -lt 6000 ] && [ ! -e $new ]; do sleep 0.01; i=$((i + 1)); done; [ -e $new ]; kill -9 $(cat /var/run/ganeti/ganeti-masterd.pid)',
    );
    const running = tried('node1', command);
    await struck;
    await running;
    await until('the master is back', async () => (await tried('node1', 'gnt-cluster info')).code === 0);
    await gnt(command);
    await verified();
    const sums = await Promise.all(nodes.map((node) => on(node, 'md5sum /var/lib/ganeti/server.pem')));
    assert.equal(new Set(sums).size, 1);
    assert.match(await gnt('gnt-cluster command -n node4 hostname'), /node4\.lab\.example/);
  });

  test('are rebooted without a tick of their instances being lost', async () => {
    await gnt(
      `gnt-instance add -t drbd -o busybox+default --disk 0:size=64M -B memory=96M,vcpus=1 -n node2.lab.example:node3.lab.example ${name}`,
    );
    await Promise.all(['node2', 'node3'].map(watchConsole));
    await until('the guest counts', async () => (await ticksOn('node2')).length > 2);
    // The steps of docs/guide/nodes.md.
    await gnt('gnt-node modify --drained=yes node2');
    await gnt('gnt-node migrate -f node2');
    assert.equal(await primary(), 'node3.lab.example running');
    assert.match(await gnt('gnt-node list --no-headers -o name,pinst_cnt node2'), / 0$/m);
    const before = await ticksOn('node2');
    await lab.kill('node2');
    await lab.start('node2');
    await lab.script('node2', 'rm -f /root/console');
    await watchConsole('node2');
    await until(
      'node2 is back',
      async () => (await tried('node1', 'gnt-cluster command -n node2 true')).code === 0,
    );
    await gnt('gnt-cluster verify-disks');
    await inSync();
    await gnt('gnt-node modify --drained=no --auto-promote node2');
    assert.equal(await gnt('gnt-node list --no-headers -o role node2'), 'C\n');
    await gnt('gnt-node migrate -f node3');
    assert.equal(await primary(), 'node2.lab.example running');
    const first = (await ticksOn('node3')).at(-1)!;
    await until('it counts on node2', async () => (await ticksOn('node2')).some((tick) => tick > first + 2));
    const seen = [...before, ...(await ticksOn('node3')), ...(await ticksOn('node2'))];
    // What it prints while nobody listens on a new node's console yet is not seen.
    assert.ok(lostTicks(seen).length < 5, `${lostTicks(seen).join(' ')} are missing`);
    for (const node of ['node2', 'node3'])
      assert.equal((await consoleOf(node)).boots.length, 0, 'it never booted again');
    await verified();
  });

  test('die, are failed over, come back without their old guests, and are members again', async () => {
    await lab.kill('node2');
    await gnt('gnt-node modify --offline=yes --auto-promote node2');
    await gnt('gnt-node failover -f node2');
    assert.equal(await primary(), 'node3.lab.example running');
    await lab.start('node2');
    const guests = await lab.script('node2', 'pgrep -c qemu || true');
    assert.equal(guests.trim(), '0', 'it starts nothing by itself');
    await addNode('node2', '--readd');
    await inSync();
    assert.equal(await gnt('gnt-node list --no-headers -o role node2'), 'C\n');
    await verified();
  });

  test('give up what they hold to a node that is named', async () => {
    const seconds = () => gnt(`gnt-instance list --no-headers -o snodes ${name}`);
    await gnt('gnt-node evacuate -f -s -n node4 node2');
    assert.equal(await seconds(), 'node4.lab.example\n');
    await gnt('gnt-node evacuate -f -s -I hail node4');
    assert.doesNotMatch(await seconds(), /node[34]/);
    const now = (await seconds()).trim();
    if (now !== full('node2')) await gnt(`gnt-node evacuate -f -s -n node2 ${now}`);
    assert.equal(await primary(), 'node3.lab.example running');
    await verified();
  });

  test('show every volume group, and what is done to its parts', async () => {
    const device = (
      await lab.script(
        'node4',
        'truncate -s 256M /root/pv; d=$(losetup -f --show /root/pv); pvcreate -q $d >/dev/null; vgcreate -q fast $d >/dev/null; echo $d',
      )
    ).trim();
    const listed = await gnt('gnt-node list-storage --no-headers -o name,size --storage-type lvm-vg node4');
    assert.match(listed, /^fast +252M$/m);
    assert.match(listed, /^xenvg /m);
    await gnt(`gnt-node modify-storage --allocatable no node4 lvm-pv ${device}`);
    assert.match(
      await gnt('gnt-node list-storage --no-headers -o name,allocatable --storage-type lvm-pv node4'),
      new RegExp(`^${device} +N$`, 'm'),
    );
    await gnt('gnt-node repair-storage node4 lvm-vg fast');
    assert.match(await gnt('gnt-node volumes --no-headers node3'), /xenvg .*web1\.lab\.example/);
    await lab.script('node4', 'vgremove -q -y fast; pvremove -q $1; losetup -d $1; rm /root/pv', device);
  });

  test('are freed of what is provably nobody’s, and of nothing else', async () => {
    const make = (volume: string, more = '') =>
      on('node4', `lvcreate -y -Wn -L64m -n ${volume} ${more} xenvg`.replaceAll(/ +/g, ' '));
    await make('lost.disk0_data', '--addtag originstname+lost.lab.example');
    await make('lost.disk0_meta', '--addtag originstname+lost.lab.example');
    await make('mine');
    // A mirror as one that an interrupted job has left: on marked volumes, and nobody's.
    await lab.script(
      'node4',
      'drbdmeta --force /dev/drbd77 v08 /dev/xenvg/lost.disk0_meta flex-external create-md >/dev/null; drbdsetup new-resource resource77; drbdsetup new-minor resource77 77 0; drbdsetup attach 77 /dev/xenvg/lost.disk0_data /dev/xenvg/lost.disk0_meta flexible --size 32m',
    );
    assert.match(
      await tried('node1', 'gnt-cluster verify').then(({ stdout }) => stdout),
      /gnt-cluster repair/,
    );
    const shown = await gnt('gnt-cluster repair --dry-run');
    for (const what of ['mirror node4.lab.example 77', 'volume node4.lab.example xenvg/lost.disk0_data'])
      assert.ok(shown.includes(what), shown);
    assert.match(shown, /volume node4\.lab\.example xenvg\/mine: it has no mark of an instance/);
    assert.match(await gnt('gnt-cluster repair -f'), /^Removed 3 of 3\.$/m);
    assert.doesNotMatch(await on('node4', 'lvs --noheadings -o lv_name xenvg'), /lost/);
    assert.doesNotMatch(await on('node4', 'cat /proc/drbd'), /^ *77: cs:(?!Unconfigured)/m);
    await on('node4', 'lvremove -f xenvg/mine');
    await verified();
  });

  test('follow another master when theirs dies, and so does the old one', async () => {
    await lab.kill('node1');
    await on('node4', 'gnt-cluster master-failover');
    assert.equal(await on('node4', 'gnt-cluster getmaster'), 'node4.lab.example\n');
    assert.equal(await primary('node4'), 'node3.lab.example running');
    await lab.start('node1');
    await until('the old master follows', async () =>
      (await lab.run('node1', ['cat', '/var/lib/ganeti/ssconf_master_node'])).stdout.startsWith('node4'),
    );
    const refused = await tried('node1', 'gnt-node list');
    assert.notEqual(refused.code, 0, 'the old master is none');
    await until('all is well', async () => (await tried('node4', 'gnt-cluster verify')).code === 0, 60);
    await on('node1', 'gnt-cluster master-failover');
    await verified();
  });

  test('that are cut off hold nobody up, and are in step when they are back', async () => {
    await lab.cut('node4');
    const added = await tried('node1', 'gnt-cluster add-tags split');
    assert.equal(added.code, 0, added.stderr);
    const here = await tried('node1', 'gnt-node list --no-headers -o name,mfree node4');
    assert.match(here.stdout, /\?/);
    assert.notEqual(
      (await tried('node4', 'gnt-cluster master-failover')).code,
      0,
      'one alone is no majority',
    );
    await lab.join('node4');
    await until('all is well', async () => (await tried('node1', 'gnt-cluster verify')).code === 0, 60);
    assert.match(await gnt('gnt-cluster list-tags'), /split/);
  });

  test('of a group give their instances to another group', async () => {
    await gnt('gnt-group add rack2');
    await gnt('gnt-group assign-nodes rack2 node1 node4');
    await gnt('gnt-group evacuate --to rack2 default');
    const found = await gnt(`gnt-instance list --no-headers -o pnode,snodes,status ${name}`);
    assert.match(found, /node[14]\.lab\.example node[14]\.lab\.example running/);
    await gnt('gnt-group assign-nodes --force default node1 node4');
    await gnt('gnt-group remove rack2');
  });

  test('give addresses until there are none, and again those that came back', async () => {
    await gnt('gnt-network add --network 192.0.2.0/30 --gateway 192.0.2.1 small');
    await gnt('gnt-network connect -N mode=bridged,link=br0 small');
    const add = (instance: string) =>
      tried(
        'node1',
        `gnt-instance add -t diskless -o busybox+default --no-install --no-start --no-name-check --no-ip-check -B memory=96M -n node4.lab.example --net 0:ip=pool,network=small ${instance}`,
      );
    assert.equal((await add('pool1.lab.example')).code, 0);
    const second = await add('pool2.lab.example');
    assert.equal(second.code, 1);
    assert.match(second.stderr, /192\.0\.2\.0\/30|small|free/i);
    await gnt('gnt-instance remove -f pool1.lab.example');
    assert.equal((await add('pool3.lab.example')).code, 0);
    await gnt('gnt-instance remove -f pool3.lab.example');
  });

  test('leave without a trace, and come again with a switch of their own', async () => {
    await gnt(`gnt-instance remove -f ${name}`);
    await gnt('gnt-node remove node4');
    const running = () => lab.run('node4', ['pgrep', '-f', 'dist/[n]oded.js']);
    await until('its node daemon has ended', async () => (await running()).code === 1, 30);
    const left = await lab.script(
      'node4',
      'find /var/lib/ganeti -type f; ls /root/.ssh/id_rsa /root/.ssh/id_ecdsa 2>/dev/null || true; grep -c . /root/.ssh/authorized_keys',
    );
    assert.equal(left.trim(), '1', "what is left is the machine's own key");
    // Its name has gone from the hosts file with it, which is all the name service that there is here.
    await lab.script('node1', 'echo "10.77.0.14 node4.lab.example node4" >>/etc/hosts');
    await on('node4', '/etc/init.d/openvswitch-switch start');
    await addNode('node4', '--node-parameters', 'ovs=true,ovs_name=gantry0');
    assert.match(await on('node4', 'ovs-vsctl list-br'), /gantry0/);
    await verified();
  });
});
