/**
 * Exports, imports and moves on real nodes: a QEMU guest on DRBD is exported while it runs, comes back on plain
 * volumes, moves to another node, and to another cluster and back onto a mirror. Each time its second disk has the
 * checksum that it was given, and its system finds on the first what it had written there.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { readGuestConsole } from '../harness/guest-console.ts';
import { UmlLab } from '../harness/uml.ts';

const lab = new UmlLab({ name: 'backup' });
const name = 'web1.lab.example';
const quiet = 300_000;

const bounds =
  'min:memory-size=64,cpu-count=1,disk-count=0,disk-size=16,nic-count=0,spindle-use=1/' +
  'max:memory-size=1024,cpu-count=4,disk-count=16,disk-size=4096,nic-count=8,spindle-use=12';

const init = (cluster: string, secondary: string) => [
  ...['gnt-cluster', 'init', '--vg-name', 'xenvg', '--secondary-ip', secondary, '--master-netdev', 'br0'],
  ...[
    '--enabled-disk-templates',
    'drbd,plain,file,diskless',
    '--enabled-hypervisors',
    'kvm',
    '-N',
    'link=br0',
  ],
  '--hypervisor-parameters',
  'kvm:kernel_args=console=ttyS0,kvm_flag=disabled,vhost_net=False,root_path=/dev/vda,initrd_path=/boot/initrd-3-kvmU',
  ...['--ipolicy-bounds-specs', bounds, cluster],
];

/** A command on the master of one of the clusters: node1 of the first, node3 of the second. */
const gnt = (node: string, command: string) => lab.output(node, command.split(' '), { timeoutMs: quiet });

/** Where the second disk of the stopped instance is on its primary node. */
async function secondDisk(master: string, node: string): Promise<string> {
  const lines = (await gnt(master, `gnt-instance activate-disks ${name}`)).trim().split('\n');
  const path = lines
    .find((line) => line.includes('disk/1'))
    ?.split(':')
    .at(-1);
  assert.ok(path !== undefined, `${node}: ${lines.join('|')}`);
  return path;
}

async function checksum(master: string, node: string): Promise<string> {
  const path = await secondDisk(master, node);
  const [sum] = (await lab.output(node, ['sha256sum', path], { timeoutMs: quiet })).split(' ');
  await gnt(master, `gnt-instance deactivate-disks ${name}`);
  return sum!;
}

const consoleFile = '/root/web1.console';
let boots = 0;

/** Starts it and waits until its system tells what it found on its disk and has written further. */
async function boot(master: string, node: string): Promise<{ found: number; synced: number }> {
  boots += 1;
  const file = `${consoleFile}.${boots}`;
  const socket = `/var/run/ganeti/kvm-hypervisor/ctrl/${name}.serial`;
  await lab.script(
    node,
    'nohup sh -c "while :; do socat -u UNIX-CONNECT:$1 - >>$2 2>/dev/null; sleep 0.05; done" >/dev/null 2>&1 &',
    socket,
    file,
  );
  await gnt(master, `gnt-instance start ${name}`);
  return await lab.waitFor(
    node,
    ['cat', file],
    (text) => {
      const { found, synced } = readGuestConsole(text);
      return found === undefined || synced.length < 2 ? undefined : { found, synced: synced.at(-1)! };
    },
    180_000,
  );
}

const stop = (master: string) => gnt(master, `gnt-instance stop --timeout=60 ${name}`);

/** Snapshots, halves of exports, ends of transfers, keys: nothing of them is left. */
async function isTidy(...nodes: readonly string[]): Promise<void> {
  for (const node of nodes) {
    const traces = await lab.script(
      node,
      'lvs --noheadings -o lv_name xenvg | grep snap || :; ls -A /var/run/ganeti/import-export /var/run/ganeti/crypto' +
        ' | grep -v ":$" | grep . || :; ls /var/lib/ganeti/export | grep -E "[.](new|old)$" || :; pgrep -fa "import-expor[t]" || :',
    );
    assert.equal(traces, '', node);
  }
}

/** Volumes on a node, without snapshots. */
const volumes = async (node: string) =>
  (await lab.output(node, ['lvs', '--noheadings', '-o', 'lv_name', 'xenvg']))
    .trim()
    .split('\n')
    .filter(Boolean);

describe('backups and moves on real nodes', () => {
  let data = '';
  let counter = 0;

  before(async () => {
    await lab.up({ nodes: 3, fresh: true });
    for (const node of ['node1', 'node2', 'node3'])
      await lab.script(node, 'echo "10.77.0.101 cluster2.lab.example cluster2" >>/etc/hosts');
    await gnt('node1', init('cluster.lab.example', '10.77.1.11').join(' '));
    await gnt('node1', 'gnt-node add --no-ssh-key-check --secondary-ip 10.77.1.12 node2.lab.example');
    await gnt('node3', init('cluster2.lab.example', '10.77.1.13').join(' '));
    for (const node of ['node1', 'node3']) {
      await lab.script(node, 'echo "one secret for both" >/var/lib/ganeti/cluster-domain-secret');
      await lab.script(
        node,
        'mkdir -p /var/lib/ganeti/rapi; echo "mover geheim write" >/var/lib/ganeti/rapi/users',
      );
      await lab.script(node, 'pgrep -f "dist/rapi[.]js" || daemon-util start ganeti-rapi');
    }
    await lab.script('node1', 'echo geheim >/root/password');
    const ca = await lab.output('node3', ['cat', '/var/lib/ganeti/rapi.pem']);
    await lab.output('node1', ['sh', '-c', 'cat >/root/rapi2.pem'], { input: ca });
  });
  after(() => lab.down({ wipe: true }));

  test('a guest on DRBD is exported by snapshots: it stands still for a moment only', async () => {
    const disks = '--disk 0:size=64M --disk 1:size=96M';
    await gnt(
      'node1',
      `gnt-instance add -t drbd -o busybox+default ${disks} -B memory=96M,vcpus=1 -n node1.lab.example:node2.lab.example --no-start ${name}`,
    );
    const path = await secondDisk('node1', 'node1');
    await lab.script('node1', 'dd if=/dev/urandom of="$1" bs=1M count=96 oflag=direct 2>/dev/null', path);
    await gnt('node1', `gnt-instance deactivate-disks ${name}`);
    data = await checksum('node1', 'node1');
    counter = (await boot('node1', 'node1')).synced;
    const told = await gnt('node1', `gnt-backup export -n node2.lab.example ${name}`);
    const order = [
      'Shutting down',
      'Creating a snapshot of disk/1',
      'Starting instance',
      'Exporting snapshot/0',
      'Finalizing',
    ];
    const places = order.map((text) => told.indexOf(text));
    assert.ok(
      places.every((place, at) => place > (places[at - 1] ?? -1)),
      told,
    );
    const status = await gnt('node1', `gnt-instance list --no-headers -o status ${name}`);
    assert.equal(status.trim(), 'running');
    const folder = `/var/lib/ganeti/export/${name}`;
    const sums = await lab.script('node2', 'cd "$1"; sha256sum *-*', folder);
    assert.ok(sums.includes(data), `${sums} has no ${data}`);
    await isTidy('node1', 'node2');
  });

  test('it comes back from the export on a plain volume of another node', async () => {
    await gnt('node1', `gnt-instance remove -f ${name}`);
    assert.deepEqual([await volumes('node1'), await volumes('node2')], [[], []]);
    await gnt('node1', `gnt-backup import -t plain -n node1.lab.example --compress=gzip ${name}`);
    assert.equal(await checksum('node1', 'node1'), data);
    const { found, synced } = await boot('node1', 'node1');
    assert.ok(found >= counter, `${counter} was written before, ${found} is there`);
    counter = synced;
    await gnt('node1', `gnt-backup remove ${name}`);
    assert.equal(await gnt('node1', 'gnt-backup list --no-headers'), '');
    await isTidy('node1', 'node2');
  });

  test('it moves to the other node with its volumes', async () => {
    await gnt('node1', `gnt-instance move -f -n node2.lab.example ${name}`);
    const facts = await gnt('node1', `gnt-instance list --no-headers --separator=: -o pnode,status ${name}`);
    assert.equal(facts.trim(), 'node2.lab.example:running');
    await stop('node1');
    assert.equal(await checksum('node1', 'node2'), data);
    assert.deepEqual(await volumes('node1'), []);
    const { found, synced } = await boot('node1', 'node2');
    assert.ok(found >= counter, `${counter} was written before, ${found} is there`);
    counter = synced;
    await isTidy('node1', 'node2');
  });

  const mover = (...words: readonly string[]) => [
    ...['move-instance', '--verbose', '--src-username=mover', '--src-password-file=/root/password', ...words],
  ];

  test('it moves to another cluster while nobody but the two clusters is trusted', async () => {
    const there = mover(
      ...['--src-ca-file=/var/lib/ganeti/rapi.pem', '--dest-ca-file=/root/rapi2.pem', '--compress=gzip'],
      ...['--dest-primary-node=node3.lab.example', 'cluster.lab.example', 'cluster2.lab.example', name],
    );
    const told = await lab.run('node1', there, { timeoutMs: quiet });
    assert.equal(told.code, 0, told.stderr);
    assert.deepEqual(await volumes('node2'), []);
    assert.equal(await gnt('node1', 'gnt-instance list --no-headers -o name'), '');
    await stop('node3');
    assert.equal(await checksum('node3', 'node3'), data);
    const { found, synced } = await boot('node3', 'node3');
    assert.ok(found >= counter, `${counter} was written before, ${found} is there`);
    counter = synced;
    await isTidy('node1', 'node2', 'node3');
  });

  test('and back, onto a mirror', async () => {
    const back = mover(
      ...[
        '--src-ca-file=/root/rapi2.pem',
        '--dest-ca-file=/var/lib/ganeti/rapi.pem',
        '--dest-disk-template=drbd',
      ],
      ...['--dest-primary-node=node2.lab.example', '--dest-secondary-node=node1.lab.example'],
      ...['cluster2.lab.example', 'cluster.lab.example', name],
    );
    const told = await lab.run('node1', back, { timeoutMs: quiet });
    assert.equal(told.code, 0, told.stderr);
    await stop('node1');
    assert.equal(await checksum('node1', 'node2'), data);
    const { found } = await boot('node1', 'node2');
    assert.ok(found >= counter, `${counter} was written before, ${found} is there`);
    assert.deepEqual(await volumes('node3'), []);
    await isTidy('node1', 'node2', 'node3');
  });

  test('a broken export leaves the guest running and nothing else', async () => {
    await gnt('node1', `gnt-instance modify -O fail=export ${name}`);
    const told = await lab.run('node1', ['gnt-backup', 'export', '-n', 'node1.lab.example', name], {
      timeoutMs: quiet,
    });
    assert.equal(told.code, 1, told.stdout);
    assert.match(told.stderr, /Export failed, errors in export finalization, disk export: disk\(s\) 0, 1/);
    const status = await gnt('node1', `gnt-instance list --no-headers -o status ${name}`);
    assert.equal(status.trim(), 'running');
    assert.equal(await gnt('node1', 'gnt-backup list --no-headers'), '');
    await isTidy('node1', 'node2');
  });
});
