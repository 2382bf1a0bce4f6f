/**
 * Moving addresses, as the administrators' handbooks have it: an instance gets another address on its network, one out
 * of another network's pool, a routed one; a node's second network is renumbered; the cluster gets another name and
 * address. A guest runs beside all of it: its card keeps its MAC address, and it is reached where it should be and
 * nowhere else.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { pollUntil } from '../../src/kit/clock.ts';
import { inGuest, uptimeOf, waitForGuest } from '../harness/guest-shell.ts';
import { fullName, UmlCluster } from '../harness/uml-cluster.ts';

const cluster = new UmlCluster('addresses');
const { lab } = cluster;
const web = fullName('web1');
const nodes = ['node1', 'node2', 'node3'] as const;
const first = '10.77.0.120';

/** Does it answer, asked from the nodes' network? */
const answers = async (address: string) => (await lab.lan(['ping', '-c1', '-W2', address])).code === 0;

/** The address answers from there, within the time that a switch or a neighbour may need to learn it. */
async function isReached(address: string): Promise<void> {
  const found = await pollUntil(async () => ((await answers(address)) ? true : undefined), {
    everyMs: 500,
    timeoutMs: 30_000,
  });
  assert.ok(found, `${address} answers`);
}

const modifyNic = (change: string) =>
  cluster.run('gnt-instance', 'modify', '-f', '--net', `0:${change}`, web);
const macInGuest = async () => (await inGuest(lab, 'node2', web, 'cat /sys/class/net/eth0/address')).trim();
/** What an administrator does inside: the interface that runs, and the file that the next boot reads. */
const readdress = (address: string) =>
  inGuest(
    lab,
    'node2',
    web,
    `ip addr flush dev eth0; ip link set eth0 up; ip addr add ${address} dev eth0; echo "${address} " >/etc/guest-network; sync`,
  );

describe('addresses move', () => {
  let mac = '';
  let uptime = 0;
  before(async () => {
    await cluster.up();
    await cluster.addInstance('web1', 'drbd', 'node2:node3', '--net', `0:ip=${first}`);
    await waitForGuest(lab, 'node2', web);
    mac = await cluster.field('web1', 'nic.mac/0');
    assert.equal(await macInGuest(), mac);
    await isReached(first);
  });
  after(() => cluster.down());
  afterEach(async () => {
    assert.equal(await cluster.field('web1', 'nic.mac/0'), mac);
    assert.equal(await macInGuest(), mac);
    const now = await uptimeOf(lab, 'node2', web);
    assert.ok(now > uptime, 'the guest was not started anew');
    uptime = now;
    await cluster.isSound();
  });

  test('an instance has another one on its network, and has it again after a reboot', async () => {
    const [old, fresh] = [first, '10.77.0.180'];
    assert.match(await modifyNic(`ip=${fresh}`), /nic\.ip\/0 -> 10\.77\.0\.180/);
    assert.equal(await cluster.field('web1', 'nic.ip/0'), fresh);
    await readdress(`${fresh}/24`);
    await isReached(fresh);
    assert.equal(await answers(old), false);
    assert.ok((await uptimeOf(lab, 'node2', web)) > uptime, 'the guest was not started anew');
    await cluster.run('gnt-instance', 'reboot', web);
    await waitForGuest(lab, 'node2', web);
    await isReached(fresh);
    uptime = 0;
  });

  test('an instance is renumbered into another network, whose pool has its address then', async () => {
    for (const [name, range] of [
      ['front', '10.77.0.192/28'],
      ['back', '10.77.0.208/28'],
    ] as const) {
      await cluster.run('gnt-network', 'add', `--network=${range}`, name);
      await cluster.run('gnt-network', 'connect', '-N', 'mode=bridged,link=br0', name);
    }
    const free = async (name: string) =>
      Number(await cluster.run('gnt-network', 'list', '--no-headers', '-o', 'free_count', name));
    const unused = [await free('front'), await free('back')] as const;
    await modifyNic('ip=pool,network=front');
    const before = await cluster.field('web1', 'nic.ip/0');
    assert.match(before, /^10\.77\.0\.(19[2-9]|20[0-7])$/);
    assert.deepEqual([await free('front'), await free('back')], [unused[0] - 1, unused[1]]);
    await readdress(`${before}/24`);
    await isReached(before);
    await modifyNic('ip=pool,network=back');
    const now = await cluster.field('web1', 'nic.ip/0');
    assert.match(now, /^10\.77\.0\.(20[89]|21\d|22[0-3])$/);
    assert.deepEqual([await free('front'), await free('back')], [unused[0], unused[1] - 1]);
    await readdress(`${now}/24`);
    await isReached(now);
    assert.equal(await answers(before), false);
    await modifyNic(`network=none,ip=${first}`);
    assert.deepEqual([await free('front'), await free('back')], unused);
    await readdress(`${first}/24`);
    await isReached(first);
    for (const name of ['front', 'back']) {
      await cluster.run('gnt-network', 'disconnect', name);
      await cluster.run('gnt-network', 'remove', name);
    }
  });

  test('the route to an instance goes with its address', async () => {
    const [one, two] = ['10.88.0.5', '10.88.0.6'];
    const routes = () => lab.output('node2', ['ip', 'route', 'show', 'table', '100']);
    await lab.script('node2', 'ip rule add to 10.88.0.0/16 table 100');
    await modifyNic(`mode=routed,link=100,ip=${one}`);
    const inside = (address: string) =>
      inGuest(
        lab,
        'node2',
        web,
        `ip addr flush dev eth0; ip link set eth0 up; ip addr add ${address}/32 dev eth0; ip route add default dev eth0`,
      );
    await inside(one);
    assert.match(await routes(), /^10\.88\.0\.5 dev \S+/m);
    await lab.waitFor('node2', ['ping', '-c1', '-W2', one], (text) =>
      / 1 received/.test(text) ? true : undefined,
    );
    await modifyNic(`ip=${two}`);
    await inside(two);
    assert.match(await routes(), /^10\.88\.0\.6 dev \S+/m);
    assert.doesNotMatch(await routes(), /10\.88\.0\.5/);
    await lab.waitFor('node2', ['ping', '-c1', '-W2', two], (text) =>
      / 1 received/.test(text) ? true : undefined,
    );
    await modifyNic(`mode=bridged,link=br0,ip=${first}`);
    assert.equal((await routes()).trim(), '');
    await readdress(`${first}/24`);
    await isReached(first);
  });

  test('a node is renumbered on the second network, over which its mirrors go then', async () => {
    const [old, fresh] = ['10.77.1.12', '10.77.1.42'];
    const modify = ['gnt-node', 'modify', '-s', fresh, fullName('node2')];
    await cluster.refuses(/marked to be up, cannot change secondary ip/, ...modify);
    await inGuest(lab, 'node2', web, 'dd if=/dev/urandom of=/data bs=64k count=16 2>/dev/null; sync');
    const sum = await inGuest(lab, 'node2', web, 'md5sum </data');
    await cluster.run('gnt-instance', 'shutdown', web);
    await cluster.refuses(/Node claims it doesn't have the secondary ip you gave/, ...modify);
    await lab.script(
      'node2',
      'sysctl -qw net.ipv4.conf.vec1.promote_secondaries=1; ip addr add $1/24 dev vec1',
      fresh,
    );
    await cluster.run(...modify);
    await lab.script('node2', 'ip addr del $1/24 dev vec1', old);
    for (const node of nodes) {
      const known = await lab.output(node, ['cat', '/var/lib/ganeti/ssconf_node_secondary_ips']);
      assert.match(known, /^node2\.lab\.example 10\.77\.1\.42$/m, node);
    }
    await cluster.run('gnt-instance', 'startup', web);
    await waitForGuest(lab, 'node2', web);
    assert.equal(await inGuest(lab, 'node2', web, 'md5sum </data'), sum);
    await lab.waitFor('node3', ['cat', '/proc/drbd'], (text) =>
      /cs:Connected ro:Secondary\/Primary ds:UpToDate\/UpToDate/.test(text) ? true : undefined,
    );
    for (const node of ['node2', 'node3']) {
      const shown = await lab.output(node, ['drbdsetup', 'show']);
      assert.ok(shown.includes(fresh) && !shown.includes(old), shown);
    }
    uptime = 0;
    await isReached(first);
  });

  test('the cluster has another name and address, wherever its master is', async () => {
    const [old, fresh] = ['10.77.0.100', '10.77.0.101'];
    const name = fullName('cluster2');
    await isReached(old);
    for (const node of nodes) await lab.script(node, 'echo "$1 $2 cluster2" >>/etc/hosts', fresh, name);
    await cluster.run('gnt-cluster', 'rename', '-f', name);
    await isReached(fresh);
    assert.equal(await answers(old), false);
    assert.match(await cluster.run('gnt-cluster', 'info'), /^Cluster name: cluster2\.lab\.example$/m);
    for (const node of nodes) {
      assert.equal((await lab.output(node, ['cat', '/var/lib/ganeti/ssconf_cluster_name'])).trim(), name);
      assert.equal((await lab.output(node, ['cat', '/var/lib/ganeti/ssconf_master_ip'])).trim(), fresh);
    }
    const holders = async () => {
      const found: string[] = [];
      for (const node of nodes) {
        if ((await lab.output(node, ['ip', '-o', 'addr'])).includes(` ${fresh}/`)) found.push(node);
      }
      return found;
    };
    assert.deepEqual(await holders(), ['node1']);
    assert.match(await cluster.run('gnt-cluster', 'command', '-n', 'node3', 'hostname'), /node3/);
    await cluster.run('gnt-cluster', 'deactivate-master-ip', '--yes');
    assert.equal(await answers(fresh), false);
    await cluster.run('gnt-cluster', 'activate-master-ip');
    await isReached(fresh);
    await lab.output('node2', ['gnt-cluster', 'master-failover'], { timeoutMs: 300_000 });
    await isReached(fresh);
    assert.deepEqual(await holders(), ['node2']);
    await lab.output('node1', ['gnt-cluster', 'master-failover'], { timeoutMs: 300_000 });
    await isReached(fresh);
    assert.deepEqual(await holders(), ['node1']);
    await isReached(first);
  });
});
