/**
 * The lab itself, tried without a line of the product: three nodes boot, DRBD set up by hand synchronises,
 * a guest boots on it, migrates live, and comes back on the other node after the plug was pulled; cut and
 * join do what they say. When a scenario of the product fails, this one tells whether the lab is to blame.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type GuestConsole, lostTicks, readGuestConsole } from '../harness/guest-console.ts';
import { UmlLab } from '../harness/uml.ts';

const lab = new UmlLab({ name: 'smoke' });

/** DRBD minor 0 between node1 and node2 over the secondary network, as Ganeti's drbd template has it. */
const attachDrbd = `
me=$1 peer=$2
lvs xenvg/data >/dev/null 2>&1 || { lvcreate -q -y -Wn -Zn -L 128M -n data xenvg; lvcreate -q -y -Wn -Zn -L 128M -n meta xenvg; drbdmeta --force /dev/drbd0 v08 /dev/xenvg/meta flex-external create-md; }
drbdmeta /dev/drbd0 v08 /dev/xenvg/meta flex-external apply-al
drbdsetup new-resource r0
drbdsetup new-minor r0 0 0
drbdsetup attach 0 /dev/xenvg/data /dev/xenvg/meta flexible --on-io-error=detach --resync-rate=61440k --c-plan-ahead=0
drbdsetup connect r0 ipv4:$me:7700 ipv4:$peer:7700 --protocol=C --cram-hmac-alg=md5 --shared-secret=smoke --allow-two-primaries=yes --ping-int=1`;

const startGuest = `
ip link del tap0 2>/dev/null || true
ip tuntap add tap0 mode tap vnet_hdr
ip link set tap0 master br0 up
kvm -name smoke -m 96 -machine pc-i440fx-7.2,accel=tcg -display none -daemonize -pidfile /run/guest.pid \
  -kernel /boot/vmlinuz-3-kvmU -initrd /boot/initrd-3-kvmU -append 'root=/dev/vda1 ro console=ttyS0,38400' \
  -serial unix:/run/guest.serial,server,nowait -qmp unix:/run/guest.qmp,server,nowait \
  -netdev type=tap,id=n0,ifname=tap0,script=no,downscript=no,vnet_hdr=on -device virtio-net-pci,netdev=n0,mac=aa:00:00:00:00:01 \
  -drive file=/dev/drbd0,format=raw,if=none,id=d0,cache=none,aio=threads -device virtio-blk-pci,drive=d0 "$@"`;

/** What the guest prints during some seconds. */
async function watchGuest(node: string, seconds: number): Promise<GuestConsole> {
  const argv = ['timeout', String(seconds), 'socat', '-u', 'UNIX-CONNECT:/run/guest.serial', '-'];
  return readGuestConsole((await lab.run(node, argv)).stdout);
}

function qmp(node: string, command: object): Promise<string> {
  const input = `${JSON.stringify({ execute: 'qmp_capabilities' })}\n${JSON.stringify(command)}\n`;
  return lab.output(node, ['socat', '-t', '1', '-', 'UNIX-CONNECT:/run/guest.qmp'], { input });
}

const drbdState = (pattern: RegExp) => (text: string) => (pattern.test(text) ? text : undefined);

describe('lab/uml', () => {
  before(() => lab.up({ nodes: 3, memoryMiB: 768, volumeMiB: 4096, fresh: true }));
  after(() => lab.down({ wipe: true }));

  test('passes arguments, standard input, output and exit code as they are', async () => {
    const odd = ['a b', "it's", '$HOME', '', 'new\nline', '*', '\\n', '--', '-n'];
    const printed = await lab.output('node1', ['printf', '<%s>', ...odd]);
    assert.equal(printed, odd.map((argument) => `<${argument}>`).join(''));
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const sum = await lab.output('node2', ['md5sum'], { input: bytes });
    assert.equal(sum, 'e2c865db4162bed963bfaa9ef6ac18f0  -\n');
    const failed = await lab.run('node3', ['sh', '-c', 'echo out; echo err >&2; exit 37']);
    assert.deepEqual([failed.code, failed.stdout, failed.stderr], [37, 'out\n', 'err\n']);
  });

  test('copies files in and out', async () => {
    const folder = await mkdtemp('/var/tmp/lab-smoke-');
    try {
      await writeFile(join(folder, 'in file'), 'text');
      await lab.put('node1', join(folder, 'in file'), '/root/there it is');
      await lab.get('node1', '/root/there it is', join(folder, 'out'));
      assert.equal(await readFile(join(folder, 'out'), 'utf8'), 'text');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('nodes know each other, start clean and have the commands on their PATH', async () => {
    assert.equal(await lab.output('node1', ['ssh', 'node2', 'hostname']), 'node2.lab.example\n');
    assert.equal(
      await lab.output('node3', ['ls', '-A', '/var/lib/ganeti', '/var/log/ganeti']),
      '/var/lib/ganeti:\n\n/var/log/ganeti:\n',
    );
    assert.match(
      await lab.output('node1', ['ssh', 'node3', 'command -v gnt-cluster']),
      /\/bin\/gnt-cluster\n$/,
    );
    assert.match(
      await lab.output('node2', ['vgs', '--noheadings', '-o', 'vg_name,vg_size']),
      /xenvg\s+<?4\.00g/,
    );
  });

  test('DRBD synchronises over the secondary network', async () => {
    await lab.script('node1', attachDrbd, '10.77.1.11', '10.77.1.12');
    await lab.script('node2', attachDrbd, '10.77.1.12', '10.77.1.11');
    await lab.output('node1', ['drbdsetup', 'primary', '0', '--force']);
    const synced = drbdState(/cs:Connected ro:Primary\/Secondary ds:UpToDate\/UpToDate/);
    await lab.waitFor('node1', ['cat', '/proc/drbd'], synced);
  });

  test('a guest boots on it and answers on the bridge', async () => {
    const environment = [
      'INSTANCE_NAME=smoke.lab.example',
      'DISK_COUNT=1',
      'DISK_0_PATH=/dev/drbd0',
      'OSP_IP=10.77.0.111',
    ];
    await lab.output('node1', ['env', ...environment, '/srv/ganeti/os/busybox/create']);
    await lab.script('node1', startGuest);
    await lab.waitFor(
      'node3',
      ['ping', '-c', '1', '-W', '1', '10.77.0.111'],
      drbdState(/ 0% packet loss/),
      90_000,
    );
    const seen = await watchGuest('node1', 4);
    assert.ok(seen.ticks.length > 5, 'the guest ticks');
  });

  test('the guest migrates live and loses no tick', async () => {
    await lab.output('node2', ['drbdsetup', 'primary', '0']);
    await lab.script('node2', startGuest, '-incoming', 'tcp:0.0.0.0:8102');
    const [left, arrived] = await Promise.all([
      watchGuest('node1', 20),
      watchGuest('node2', 25),
      qmp('node1', { execute: 'migrate', arguments: { uri: 'tcp:10.77.1.12:8102' } }),
    ]);
    assert.match(await qmp('node1', { execute: 'query-migrate' }), /"status": "completed"/);
    const counts = [...left.ticks, ...arrived.ticks].map((tick) => tick.count);
    assert.ok(left.ticks.length > 0 && arrived.ticks.length > 0, 'ticks were seen on both nodes');
    assert.deepEqual(lostTicks(counts), []);
    await lab.script('node1', 'kill $(cat /run/guest.pid); sleep 1; drbdsetup secondary 0');
  });

  test('a pulled plug leaves the other node with what the guest had synced', async () => {
    const before = (await watchGuest('node2', 4)).synced.at(-1);
    assert.ok(before !== undefined && before > 0);
    await lab.kill('node2');
    assert.deepEqual(
      (await lab.status()).map((state) => state.kind),
      ['up', 'down', 'up'],
    );
    assert.equal((await lab.run('node2', ['true'])).code, 1);
    await lab.waitFor('node1', ['cat', '/proc/drbd'], drbdState(/cs:WFConnection ro:Secondary\/Unknown/));
    await lab.output('node1', ['drbdsetup', 'primary', '0']);
    await lab.script('node1', startGuest);
    const seen = await watchGuest('node1', 25);
    assert.equal(seen.boots.at(-1)?.name, 'smoke.lab.example');
    assert.ok(
      seen.found !== undefined && seen.found >= before,
      `found ${seen.found}, synced before ${before}`,
    );
    await qmp('node1', { execute: 'system_powerdown' });
    await lab.waitFor('node1', ['sh', '-c', 'pgrep -x qemu-system-x86 || echo gone'], drbdState(/gone/));
  });

  test('a node that boots again has its disks and synchronises', async () => {
    await lab.start('node2');
    await lab.script('node2', attachDrbd, '10.77.1.12', '10.77.1.11');
    await lab.waitFor(
      'node2',
      ['cat', '/proc/drbd'],
      drbdState(/cs:Connected ro:Secondary\/\w+ ds:UpToDate\/UpToDate/),
    );
  });

  test('cut and join', async () => {
    const reaches = async (address: string) =>
      (await lab.run('node1', ['ping', '-c', '1', '-W', '1', address])).code === 0;
    await lab.cut('node2');
    assert.deepEqual([await reaches('10.77.0.12'), await reaches('10.77.1.12')], [false, false]);
    assert.equal(await lab.output('node2', ['hostname']), 'node2.lab.example\n');
    await lab.join('node2', 'primary');
    assert.deepEqual([await reaches('10.77.0.12'), await reaches('10.77.1.12')], [true, false]);
    const node2 = (await lab.status())[1];
    assert.deepEqual(node2, { kind: 'up', node: 'node2', address: '10.77.0.12', cut: 'secondary' });
    await lab.join('node2');
    assert.equal(await reaches('10.77.1.12'), true);
  });
});
