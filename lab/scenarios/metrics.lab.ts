/**
 * What is told of real nodes, and a mirrored guest that goes to another cluster: two clusters of two nodes each, their
 * monitoring daemons looked at while a mirror is brought in step and while a QEMU guest works, then the guest moved
 * over the remote API from one mirror to another with everything that is on its disks.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { readGuestConsole } from '../harness/guest-console.ts';
import { UmlLab } from '../harness/uml.ts';

const lab = new UmlLab({ name: 'metrics' });
const name = 'web1.lab.example';
const full = (node: string) => `${node}.lab.example`;
const quiet = { timeoutMs: 400_000 };
const mebibyte = 1024 * 1024;
const dataMiB = 192;

const bounds =
  'min:memory-size=64,cpu-count=1,disk-count=0,disk-size=16,nic-count=0,spindle-use=1/' +
  'max:memory-size=1024,cpu-count=4,disk-count=16,disk-size=4096,nic-count=8,spindle-use=12';
const init = (cluster: string, secondary: string) => [
  ...['gnt-cluster', 'init', '--vg-name', 'xenvg', '--secondary-ip', secondary, '--master-netdev', 'br0'],
  ...['--enabled-disk-templates', 'drbd,plain,diskless', '--enabled-hypervisors', 'kvm', '-N', 'link=br0'],
  '--hypervisor-parameters',
  'kvm:kernel_args=console=ttyS0,kvm_flag=disabled,vhost_net=False,root_path=/dev/vda,initrd_path=/boot/initrd-3-kvmU',
  // Slow enough to be looked at.
  ...['-D', 'drbd:resync-rate=6144'],
  ...['--ipolicy-bounds-specs', bounds, full(cluster)],
];

/** A command on a node, as one line without quotes. */
const on = (node: string, command: string) => lab.output(node, command.split(' '), quiet);

const mond = 'http://127.0.0.1:1815';
const metricsCommand = ['curl', '-sS', `${mond}/metrics`];
const metrics = (node: string) => lab.output(node, metricsCommand);
const report = async (node: string, path: string) =>
  JSON.parse(await lab.output(node, ['curl', '-sS', `${mond}${path}`])) as unknown;

type Labels = Readonly<Record<string, string | number>>;

/** Value of the line with these labels among its own; undefined when there is none. */
function figure(text: string, metric: string, labels: Labels = {}): number | undefined {
  for (const line of text.split('\n')) {
    const [, found, inner = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (found !== metric) continue;
    if (Object.entries(labels).every(([key, wanted]) => inner.includes(`${key}="${wanted}"`)))
      return Number(value);
  }
  return undefined;
}

const needed = (text: string, metric: string, labels: Labels = {}): number => {
  const value = figure(text, metric, labels);
  assert.ok(value !== undefined && !Number.isNaN(value), `${metric} ${JSON.stringify(labels)}\n${text}`);
  return value;
};

interface Report {
  readonly name: string;
  readonly version: string;
  readonly format_version: number;
  readonly timestamp: number;
  readonly category: string | null;
  readonly kind: number;
  readonly data: unknown;
}

interface Mirror {
  readonly minor: number;
  readonly connectionState: string;
  readonly instance?: string | null;
  readonly perfIndicators?: Readonly<Record<string, unknown>>;
  readonly syncStatus?: Readonly<Record<string, unknown>>;
}

const mirrorsOf = async (node: string) =>
  ((await report(node, '/1/report/storage/drbd')) as Report & { data: { deviceInfos: Mirror[] } }).data
    .deviceInfos;

async function secondDisk(master: string): Promise<string> {
  const lines = (await on(master, `gnt-instance activate-disks ${name}`)).trim().split('\n');
  const path = lines
    .find((line) => line.includes('disk/1'))
    ?.split(':')
    .at(-1);
  assert.ok(path !== undefined, lines.join('|'));
  return path;
}

const sumOf = async (node: string, path: string) =>
  (await lab.script(node, 'head -c "$2" "$1" | sha256sum', path, String(dataMiB * mebibyte))).split(' ')[0]!;

/** Checksum of the second disk of the stopped instance, by its mirror. */
async function checksum(master: string, node: string): Promise<string> {
  const sum = await sumOf(node, await secondDisk(master));
  await on(master, `gnt-instance deactivate-disks ${name}`);
  return sum;
}

let boots = 0;

/** Starts it and waits until its system tells what it found on its disk and has written further. */
async function boot(master: string, node: string): Promise<{ found: number; synced: number }> {
  boots += 1;
  const file = `/root/web1.console.${boots}`;
  await lab.script(
    node,
    'nohup sh -c "while :; do socat -u UNIX-CONNECT:$1 - >>$2 2>/dev/null; sleep 0.05; done" >/dev/null 2>&1 &',
    `/var/run/ganeti/kvm-hypervisor/ctrl/${name}.serial`,
    file,
  );
  await on(master, `gnt-instance start ${name}`);
  const read = (text: string) => {
    const { found, synced } = readGuestConsole(text);
    return found === undefined || synced.length < 2 ? undefined : { found, synced: synced.at(-1)! };
  };
  return await lab.waitFor(node, ['cat', file], read, 240_000);
}

const volumes = async (node: string) =>
  (await lab.output(node, ['lvs', '--noheadings', '-o', 'lv_name', 'xenvg'])).split(/\s+/).filter(Boolean);

describe('figures of real nodes, and a mirrored guest that changes its cluster', () => {
  let data = '';
  let counter = 0;
  const nodes = ['node1', 'node2', 'node3', 'node4'];

  before(async () => {
    await lab.up({ nodes: nodes.length, fresh: true });
    for (const node of nodes)
      await lab.script(node, 'echo "10.77.0.101 cluster2.lab.example cluster2" >>/etc/hosts');
    for (const [cluster, master, other, addresses] of [
      ['cluster', 'node1', 'node2', ['10.77.1.11', '10.77.1.12']],
      ['cluster2', 'node3', 'node4', ['10.77.1.13', '10.77.1.14']],
    ] as const) {
      await lab.output(master, init(cluster, addresses[0]), quiet);
      await on(master, `gnt-node add --no-ssh-key-check -s ${addresses[1]} ${full(other)}`);
      await lab.script(master, 'echo "one secret for both" >/var/lib/ganeti/cluster-domain-secret');
      await lab.script(
        master,
        'mkdir -p /var/lib/ganeti/rapi; echo "mover geheim write" >/var/lib/ganeti/rapi/users',
      );
      await lab.script(master, 'pgrep -f "dist/rapi[.]js" || daemon-util start ganeti-rapi');
      await on(master, 'gnt-cluster modify --data-collector-interval cpu-avg-load=1');
    }
    await lab.script('node1', 'echo geheim >/root/password');
    const ca = await lab.output('node3', ['cat', '/var/lib/ganeti/rapi.pem']);
    await lab.output('node1', ['sh', '-c', 'cat >/root/rapi2.pem'], { input: ca });
  });
  after(() => lab.down({ wipe: true }));

  test('every node tells of itself and its volume group what its kernel and LVM say', async () => {
    for (const node of nodes) {
      const text = await lab.waitFor(node, metricsCommand, (found) =>
        found.includes('_size_bytes{') ? found : undefined,
      );
      const kernel = await lab.output(node, ['cat', '/proc/meminfo']);
      const total = Number(/^MemTotal: +(\d+) kB$/m.exec(kernel)?.[1]) * 1024;
      assert.equal(needed(text, 'ganeti_node_memory_bytes', { state: 'total' }), total);
      assert.equal(needed(text, 'ganeti_node_is_master'), ['node1', 'node3'].includes(node) ? 1 : 0);
      assert.ok(needed(text, 'ganeti_node_cpu_seconds_total', { mode: 'idle' }) > 0);
      const group = { group: 'xenvg' };
      const [size, free] = (
        await lab.output(node, 'vgs --noheadings --nosuffix --units b -o vg_size,vg_free xenvg'.split(' '))
      )
        .trim()
        .split(/\s+/)
        .map(Number);
      assert.equal(needed(text, 'ganeti_volume_group_size_bytes', group), size);
      assert.equal(needed(text, 'ganeti_volume_group_free_bytes', group), free);
      assert.equal(needed(text, 'ganeti_daemon_up', { daemon: 'ganeti-noded' }), 1);
      assert.equal(
        figure(text, 'ganeti_jobs', { status: 'success' }) !== undefined,
        node === 'node1' || node === 'node3',
      );
    }
  });

  test('a mirror that is brought in step says how far it is, on both sides', async () => {
    const disks = `--disk 0:size=64M --disk 1:size=${dataMiB}M`;
    await on(
      'node1',
      `gnt-instance add -t drbd -o busybox+default ${disks} -B memory=96M,vcpus=1 --no-wait-for-sync --no-start ` +
        `-n node1.lab.example:node2.lab.example ${name}`,
    );
    await on('node1', `gnt-instance activate-disks ${name}`);
    const labels = { instance_name: name, minor: 1 };
    const way = async (node: string) =>
      await lab.waitFor(
        node,
        metricsCommand,
        (text) => {
          const percent = figure(text, 'ganeti_drbd_sync_percent', labels);
          return percent !== undefined && percent > 0 && percent < 100 ? { percent, text } : undefined;
        },
        90_000,
      );
    const first = await way('node1');
    const left = needed(first.text, 'ganeti_drbd_out_of_sync_bytes', labels);
    assert.ok(left > 0 && left <= dataMiB * mebibyte, String(left));
    assert.equal(needed(first.text, 'ganeti_drbd_up_to_date', labels), 0);
    assert.equal(needed(first.text, 'ganeti_drbd_connected', labels), 1);
    const mirror = (await mirrorsOf('node1')).find(({ syncStatus }) => syncStatus !== undefined);
    assert.ok(mirror !== undefined, 'the collector tells it too');
    assert.equal(mirror.instance, name);
    assert.equal(mirror.connectionState, 'SyncSource');
    const syncKeys = Object.keys(mirror.syncStatus!);
    assert.deepEqual(syncKeys.slice(0, 3), ['percentage', 'progress', 'progressUnit']);
    for (const key of syncKeys.slice(3))
      assert.ok(['timeToFinish', 'speed', 'want', 'speedUnit'].includes(key), key);
    assert.deepEqual(Object.keys(mirror.perfIndicators!), [
      ...[
        'networkSend',
        'networkReceive',
        'diskWrite',
        'diskRead',
        'activityLog',
        'bitMap',
        'localCount',
        'pending',
      ],
      ...['unacknowledged', 'applicationPending', 'epochs', 'writeOrder', 'outOfSync'],
    ]);
    const other = await way('node2');
    assert.match(other.text, /ganeti_drbd_info\{[^}]*connection="SyncTarget"/);
    await lab.waitFor('node1', metricsCommand, (text) => {
      const percent = figure(text, 'ganeti_drbd_sync_percent', labels);
      return percent !== undefined && percent > first.percent ? percent : undefined;
    });
    const done = await lab.waitFor(
      'node1',
      metricsCommand,
      (text) => (figure(text, 'ganeti_drbd_up_to_date', labels) === 1 ? text : undefined),
      180_000,
    );
    assert.equal(needed(done, 'ganeti_drbd_sync_percent', labels), 100);
    assert.equal(needed(done, 'ganeti_drbd_out_of_sync_bytes', labels), 0);
    await on('node1', `gnt-instance activate-disks --wait-for-sync ${name}`);
  });

  test('a guest that works is seen to: processor, memory, disks, network', async () => {
    const path = await secondDisk('node1');
    await lab.script(
      'node1',
      'dd if=/dev/urandom of="$1" bs=1M count="$2" oflag=direct 2>/dev/null',
      path,
      String(dataMiB),
    );
    await on('node1', `gnt-instance deactivate-disks ${name}`);
    data = await checksum('node1', 'node1');
    counter = (await boot('node1', 'node1')).synced;
    const of = { instance_name: name };
    const text = await metrics('node1');
    assert.equal(needed(text, 'ganeti_instance_running', { ...of, hypervisor: 'kvm' }), 1);
    assert.equal(needed(text, 'ganeti_instance_vcpus', of), 1);
    assert.equal(needed(text, 'ganeti_instance_memory_assigned_bytes', of), 96 * mebibyte);
    const resident = needed(text, 'ganeti_instance_memory_resident_bytes', of);
    assert.ok(resident > 16 * mebibyte && resident < 1024 * mebibyte, String(resident));
    const busy = needed(text, 'ganeti_instance_cpu_seconds_total', of);
    assert.ok(busy > 0.5, String(busy));
    assert.ok(needed(text, 'ganeti_instance_disk_read_bytes_total', { ...of, disk: 0 }) > 4096);
    const written = needed(text, 'ganeti_instance_disk_written_bytes_total', { ...of, disk: 0 });
    assert.ok(written > 0, String(written));
    const received = needed(text, 'ganeti_instance_network_received_packets_total', { ...of, nic: 0 });
    needed(text, 'ganeti_instance_network_sent_bytes_total', { ...of, nic: 0 });
    // Nobody has this address: the question goes to everybody on the bridge.
    await lab.run('node1', ['ping', '-c', '2', '-W', '1', '10.77.0.250']);
    await lab.waitFor('node1', metricsCommand, (later) => {
      const grown = (metric: string, before: number, more: Labels) =>
        (figure(later, metric, { ...of, ...more }) ?? 0) > before;
      return grown('ganeti_instance_cpu_seconds_total', busy, {}) &&
        grown('ganeti_instance_disk_written_bytes_total', written, { disk: 0 }) &&
        grown('ganeti_instance_network_received_packets_total', received, { nic: 0 })
        ? later
        : undefined;
    });
    assert.equal(figure(await metrics('node2'), 'ganeti_instance_running', of), undefined);
  });

  test("the collectors answer in Ganeti's formats", async () => {
    assert.deepEqual(
      ((await report('node1', '/1/list/collectors')) as [string, string, string[]][]).map(
        ([collector]) => collector,
      ),
      ['cpu-avg-load', 'xen-cpu-avg-load', 'diskstats', 'drbd', 'lv'],
    );
    const all = (await report('node1', '/1/report/all')) as Report[];
    for (const one of all) {
      assert.deepEqual(
        Object.keys(one).sort(),
        ['category', 'data', 'format_version', 'kind', 'name', 'timestamp', 'version'],
        one.name,
      );
      assert.equal(one.version, 'B');
      // Nanoseconds.
      assert.ok(one.timestamp > 1e18, one.name);
    }
    const rows = all.find((one) => one.name === 'lv')!.data as {
      readonly instance: string;
      readonly size: number;
      readonly vg_name: string;
    }[];
    const mine = rows.filter(({ instance }) => instance === name);
    assert.deepEqual(
      mine
        .map(({ vg_name: group, size }) => [group, size / mebibyte])
        .sort((a, b) => Number(a[1]) - Number(b[1])),
      [
        ['xenvg', 64],
        ['xenvg', 128],
        ['xenvg', 128],
        ['xenvg', dataMiB],
      ],
    );
    const load = await lab.waitFor(
      'node1',
      ['curl', '-sS', `${mond}/1/report/default/cpu-avg-load`],
      (found) => {
        const { data: told } = JSON.parse(found) as {
          data: { cpu_total?: number; cpu_number?: number; cpus?: number[] };
        };
        return typeof told.cpu_total === 'number' ? told : undefined;
      },
    );
    assert.equal(load.cpus?.length, load.cpu_number);
    const disks = JSON.parse(await on('node1', 'mon-collector diskstats')) as Report & {
      data: { name: string }[];
    };
    assert.ok(
      disks.data.some((disk) => disk.name.startsWith('drbd')),
      JSON.stringify(disks),
    );
    const byHand = JSON.parse(await on('node1', 'mon-collector drbd')) as Report;
    assert.deepEqual([byHand.name, byHand.category], ['drbd', 'storage']);
    assert.match(await on('node1', 'mon-collector lv'), new RegExp(name));
  });

  test('the master tells of the cluster: jobs, commits, redundancy, balance', async () => {
    for (const master of ['node1', 'node3']) {
      const text = await metrics(master);
      assert.ok(needed(text, 'ganeti_jobs', { status: 'success' }) > 0);
      assert.ok(needed(text, 'ganeti_commit_seconds_count') > 0);
      assert.equal(
        figure(text, 'ganeti_cluster_instances', { state: 'up' }) ?? 0,
        master === 'node1' ? 1 : 0,
      );
      needed(text, 'ganeti_group_n1_headroom_bytes', { group: 'default' });
      needed(text, 'ganeti_group_score', { group: 'default' });
      assert.equal(needed(text, 'ganeti_scrape_success', { part: 'master' }), 1);
    }
  });

  test('the guest moves to the mirror of another cluster, with all that is on its disks', async () => {
    const argv = [
      ...['move-instance', '--verbose', '--src-username=mover', '--src-password-file=/root/password'],
      ...['--src-ca-file=/var/lib/ganeti/rapi.pem', '--dest-ca-file=/root/rapi2.pem'],
      ...[`--dest-primary-node=${full('node3')}`, `--dest-secondary-node=${full('node4')}`],
      ...[full('cluster'), full('cluster2'), name],
    ];
    const told = await lab.run('node1', argv, quiet);
    assert.equal(told.code, 0, `${told.stdout}${told.stderr}`);
    assert.deepEqual([await volumes('node1'), await volumes('node2')], [[], []]);
    assert.equal(await on('node1', 'gnt-instance list --no-headers -o name'), '');
    const facts = await on(
      'node3',
      `gnt-instance list --no-headers --separator=: -o disk_template,pnode,snodes ${name}`,
    );
    assert.equal(facts.trim(), `drbd:${full('node3')}:${full('node4')}`);
    await on('node3', `gnt-instance stop --timeout=90 ${name}`);
    await on('node3', `gnt-instance activate-disks --wait-for-sync ${name}`);
    assert.equal(await sumOf('node3', await secondDisk('node3')), data);
    await on('node3', `gnt-instance deactivate-disks ${name}`);
    // The other side of the mirror, without the mirror.
    const copy = (await volumes('node4')).find((volume) => volume.endsWith('.disk1_data'));
    assert.ok(copy !== undefined);
    assert.equal(await sumOf('node4', `/dev/xenvg/${copy}`), data);
    const { found } = await boot('node3', 'node3');
    assert.ok(found >= counter, `${counter} was written before, ${found} is there`);
    assert.equal(needed(await metrics('node3'), 'ganeti_instance_running', { instance_name: name }), 1);
    const left = await lab.script(
      'node1',
      'ls -A /var/run/ganeti/import-export /var/run/ganeti/crypto 2>/dev/null | grep -v ":$" | grep . || :',
    );
    assert.equal(left, '');
  });
});
