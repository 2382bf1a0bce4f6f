/**
 * Node daemons with real LVM and real DRBD on two lab nodes, called as a master calls them, over TLS: the
 * life of a volume, of a mirror, a migration with two primaries, the death of a primary, volumes exchanged
 * under a running device, and a split brain with its way out.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Disk } from '../../src/model/objects/disk.ts';
import { defaultsOf } from '../../src/model/params/family.ts';
import type { DiskStatus } from '../../src/noderpc/calls/disk.ts';
import type { DiskOnNode } from '../../src/noderpc/calls/shapes.ts';
import { makeClientCertificate, makeClusterCertificate } from '../../src/noderpc/certificates.ts';
import { storageAbout } from '../../src/storage/catalog.ts';
import { UmlLab } from '../harness/uml.ts';

const lab = new UmlLab({ name: 'storage' });
const root = resolve(import.meta.dirname, '..', '..');
const directory = mkdtempSync(join(tmpdir(), 'storage-lab-'));
const nodes = { one: { name: 'node1', ip: '10.77.0.11' }, two: { name: 'node2', ip: '10.77.0.12' } } as const;
type Node = keyof typeof nodes;
const addresses = { one: '10.77.1.11', two: '10.77.1.12' };
const info = 'originstname+inst1.lab.example';

async function call<T>(node: Node, name: string, argument: unknown): Promise<T> {
  const input = JSON.stringify({ directory, ...nodes[node], call: name, argument });
  const argv = [process.execPath, join(root, 'lab/harness/node-call.ts')];
  const { stdout, stderr } = await lab.lan(argv, { input, timeoutMs: 300_000 });
  const answer = JSON.parse(stdout || `{"failure":["none",${JSON.stringify(stderr)}]}`) as {
    value: T;
    failure?: [string, string];
  };
  if (answer.failure !== undefined) throw new Error(`${answer.failure[0]}: ${answer.failure[1]}`);
  return answer.value;
}

const onBoth = (work: (node: Node) => Promise<unknown>) => Promise.all([work('one'), work('two')]);

function disk(template: string, logicalId: Disk['logical_id'], more: Partial<Disk> = {}): Disk {
  return {
    ...{ uuid: `uuid-${String(logicalId?.[1])}`, serial_no: 1, ctime: 0, mtime: 0, dev_type: template },
    ...{ logical_id: logicalId, iv_name: 'disk/0', size: 64, mode: 'rw', nodes: ['one', 'two'], ...more },
  };
}

function on(node: Node, of: Disk): DiskOnNode {
  return {
    ...{ disk: of, params: defaultsOf(storageAbout(of.dev_type).params), owner: 'inst1.lab.example' },
    ...{ ownerUuid: 'uuid-inst1', index: 0, self: node, addresses, exclusiveStorage: false },
  };
}

/** A mirror whose volumes begin with `unique`. */
function mirror(unique: string, minor: number, port: number): Disk {
  const volume = (suffix: string, size: number) => disk('plain', ['xenvg', `${unique}_${suffix}`], { size });
  return disk('drbd', ['one', 'two', port, minor, minor, 'a1b2c3d4e5f6a7b8c9d0'], {
    uuid: `uuid-${unique}`,
    children: [volume('data', 64), volume('meta', 128)],
  });
}

const find = (node: Node, of: Disk) => call<DiskStatus | null>(node, 'blockdev_find', { disk: on(node, of) });
const create = (node: Node, of: Disk, onPrimary: boolean) =>
  call(node, 'blockdev_create', { disk: on(node, of), onPrimary, info, mustBeNew: true });
const assemble = (node: Node, of: Disk, asPrimary: boolean) =>
  call<{ path: string; link: string | null }>(node, 'blockdev_assemble', { disk: on(node, of), asPrimary });
const remove = (node: Node, of: Disk) => call(node, 'blockdev_remove', { disk: on(node, of) });
const many = (node: Node, name: string, of: Disk, more = {}) =>
  call(node, name, { disks: [on(node, of)], ...more });

async function inSync(of: Disk): Promise<void> {
  for (;;) {
    const answer = await call<{ done: boolean }>('one', 'drbd_wait_sync', { disks: [on('one', of)] });
    if (answer.done) return;
  }
}

async function fill(node: Node, path: string, seed: string): Promise<string> {
  const script =
    'openssl enc -aes-128-ctr -K 00000000000000000000000000000000 -iv $2 -in /dev/zero 2>/dev/null | dd of=$1 bs=1M count=64 iflag=fullblock oflag=direct 2>/dev/null; md5sum <$1';
  return lab.script(nodes[node].name, script, path, seed.padStart(32, '0'));
}
const sum = (node: Node, path: string) => lab.script(nodes[node].name, 'md5sum <$1', path);
const volumes = (node: Node) =>
  lab.script(nodes[node].name, 'lvs --noheadings -o lv_name xenvg | sort | tr -d " " | tr "\\n" " "');

async function bootNode(node: Node, cluster: string, digest: string): Promise<void> {
  const data = {
    cluster_name: 'cluster.lab.example',
    node_name: `${nodes[node].name}.lab.example`,
    node_daemon_certificate: cluster,
    ssconf: {
      cluster_name: 'cluster.lab.example',
      master_node: 'node1.lab.example',
      master_candidates_certs: `one=${digest}`,
    },
    ssconf_serial: 1,
  };
  const input = JSON.stringify(data);
  await lab.output(nodes[node].name, [join(root, 'bin/gantry-node-setup'), '-v'], { input });
}

describe('storage on real nodes', () => {
  before(async () => {
    await lab.up({ nodes: 2, memoryMiB: 768, volumeMiB: 4096, fresh: true });
    const cluster = await makeClusterCertificate();
    const client = await makeClientCertificate(cluster, { commonName: 'node1.lab.example' });
    writeFileSync(join(directory, 'server.pem'), cluster);
    writeFileSync(join(directory, 'client.pem'), client);
    const { certificateIn, digestOf } = await import('../../src/noderpc/pem.ts');
    await onBoth((node) => bootNode(node, cluster, digestOf(certificateIn(client))));
  });
  after(async () => {
    await lab.down({ wipe: true });
    rmSync(directory, { recursive: true });
  });

  test('the node says what it is and has', async () => {
    const verified = await call<Record<string, unknown>>('one', 'node_verify', {
      volumeGroups: ['xenvg'],
      drbd: true,
      addresses: ['10.77.0.11', '10.77.1.11', '10.77.9.9'],
      bridges: [{ mode: 'bridged', link: 'br0' }],
      peers: Object.entries(nodes).map(([key, { name, ip }]) => ({
        name: `${name}.lab.example`,
        primary: ip,
        secondary: addresses[key as Node],
      })),
    });
    assert.deepEqual(verified.faults, {});
    assert.deepEqual(verified.missingAddresses, ['10.77.9.9']);
    assert.deepEqual(verified.unreachablePeers, []);
    assert.deepEqual(verified.missingBridges, []);
    assert.match((verified.drbd as { version: string }).version, /^8\.4\.\d+ \(api:1\/proto:\d+-\d+\)$/);
    assert.deepEqual((verified.drbd as { minors: number[] }).minors, []);
    const groups = verified.volumeGroups as Record<string, { size: number; free: number }>;
    assert.ok(groups.xenvg!.size > 4000 && groups.xenvg!.free === groups.xenvg!.size);
  });

  test('a logical volume lives, grows, is renamed and goes, every step twice', async () => {
    const before = await volumes('one');
    const volume = disk('plain', ['xenvg', 'v1.disk0']);
    const renamed = { ...volume, logical_id: ['xenvg', 'v2.disk0'] };
    const twice = async (work: () => Promise<unknown>) => {
      await work();
      await work();
    };
    await twice(() => create('one', volume, true));
    const device = await assemble('one', volume, true);
    assert.deepEqual(device, {
      path: '/dev/xenvg/v1.disk0',
      link: '/var/run/ganeti/instance-disks/inst1.lab.example:0',
      uri: null,
    });
    const grow = { disk: on('one', volume), amount: 32, dryRun: false, backingStore: true };
    await call('one', 'blockdev_grow', { ...grow, dryRun: true });
    await twice(() => call('one', 'blockdev_grow', grow));
    const dimensions = await many('one', 'blockdev_getdimensions', volume);
    assert.deepEqual(dimensions, [{ bytes: 96 * 1024 * 1024, spindles: null }]);
    await call('one', 'blockdev_wipe', { disk: on('one', volume), offset: 0, size: 64 });
    const snapshot = { disk: on('one', volume), snapshotName: 'v1.snap', snapshotSize: 32 };
    await twice(() => call('one', 'blockdev_snapshot', snapshot));
    await remove('one', { ...volume, logical_id: ['xenvg', 'v1.snap'] });
    const rename = { renames: [{ disk: on('one', volume), logicalId: renamed.logical_id }] };
    await twice(() => call('one', 'blockdev_rename', rename));
    const list = await call<{ name: string; tags: string[] }[]>('one', 'lv_list', { vgs: ['xenvg'] });
    assert.deepEqual(
      list.map(({ name, tags }) => ({ name, tags })),
      [{ name: 'v2.disk0', tags: [info] }],
    );
    await twice(() => remove('one', renamed));
    assert.equal(await volumes('one'), before);
  });

  test('a mirror is made, copied, written, migrated with two primaries, and goes without a trace', async () => {
    const made = mirror('m1', 0, 11000);
    const before = await volumes('two');
    await create('one', made, true);
    await create('two', made, false);
    await create('two', made, false);
    await inSync(made);
    const { path } = await assemble('one', made, true);
    const written = await fill('one', path, '1');
    await assert.rejects(assemble('two', made, true), /the other node is primary/);
    await onBoth((node) => many(node, 'drbd_disconnect_net', made));
    await onBoth((node) => many(node, 'drbd_attach_net', made, { multiMaster: true }));
    await onBoth((node) => many(node, 'blockdev_open', made, { exclusive: false }));
    const both = await find('one', made);
    assert.deepEqual([both?.details.localRole, both?.details.peerRole], ['Primary', 'Primary']);
    await many('one', 'blockdev_close', made);
    await onBoth((node) => many(node, 'drbd_disconnect_net', made));
    await onBoth((node) => many(node, 'drbd_attach_net', made, { multiMaster: false }));
    assert.equal(await sum('two', path), written);
    await call('one', 'blockdev_grow', {
      disk: on('one', made),
      amount: 32,
      dryRun: false,
      backingStore: true,
    });
    await call('two', 'blockdev_grow', {
      disk: on('two', made),
      amount: 32,
      dryRun: false,
      backingStore: true,
    });
    await call('two', 'blockdev_grow', {
      disk: on('two', made),
      amount: 32,
      dryRun: false,
      backingStore: false,
    });
    const [size] = (await many('two', 'blockdev_getdimensions', made)) as [{ bytes: number }];
    assert.equal(size.bytes, 96 * 1024 * 1024);
    assert.deepEqual(await call('two', 'drbd_minors', {}), [0]);
    await many('two', 'blockdev_close', made);
    await onBoth((node) => remove(node, made));
    await onBoth((node) => remove(node, made));
    assert.equal(await volumes('two'), before);
    assert.deepEqual(await call('two', 'drbd_minors', {}), []);
  });

  test('the primary dies: the other takes over, and the dead one catches up when it is back', async () => {
    const made = mirror('m2', 1, 11001);
    await create('one', made, true);
    await create('two', made, false);
    await inSync(made);
    const { path } = await assemble('one', made, true);
    const written = await fill('one', path, '2');
    await lab.kill('node1');
    await lab.waitFor('node2', ['cat', '/proc/drbd'], (text) =>
      /cs:WFConnection/.test(text) ? text : undefined,
    );
    await assemble('two', made, true);
    assert.equal(await sum('two', path), written);
    const later = await fill('two', path, '3');
    await lab.start('node1');
    await lab.output('node1', [join(root, 'bin/daemon-util'), 'start', 'ganeti-noded']);
    await assemble('one', made, false);
    await inSync(made);
    await many('two', 'blockdev_close', made);
    await many('one', 'blockdev_open', made, { exclusive: true });
    assert.equal(await sum('one', path), later);
    await onBoth((node) => remove(node, made));
  });

  test('the volumes under a primary are exchanged', async () => {
    const made = mirror('m3', 2, 11002);
    await create('one', made, true);
    await create('two', made, false);
    await inSync(made);
    const { path } = await assemble('one', made, true);
    const written = await fill('one', path, '4');
    const fresh = mirror('m4', 2, 11002).children!;
    const changed = { ...made, children: fresh };
    for (const child of fresh) await create('one', child, true);
    await call('one', 'blockdev_removechildren', {
      disk: on('one', made),
      children: made.children!.map((child) => on('one', child)),
    });
    assert.equal((await find('one', made))?.localDisk, 'faulty');
    await call('one', 'blockdev_addchildren', {
      disk: on('one', changed),
      children: fresh.map((child) => on('one', child)),
    });
    for (const child of made.children!) await remove('one', child);
    await inSync(changed);
    assert.equal(await sum('one', path), written);
    assert.equal((await find('one', changed))?.localDisk, 'okay');
    await many('one', 'blockdev_close', changed);
    await remove('one', changed);
    await remove('two', made);
  });

  test('a split brain is named, and the way out leads out', async () => {
    const made = mirror('m5', 3, 11003);
    await create('one', made, true);
    await create('two', made, false);
    await inSync(made);
    const { path } = await assemble('one', made, true);
    await lab.cut('node2', 'secondary');
    await lab.waitFor('node1', ['cat', '/proc/drbd'], (text) =>
      /cs:WFConnection/.test(text) ? text : undefined,
    );
    await lab.waitFor('node2', ['cat', '/proc/drbd'], (text) =>
      /cs:WFConnection/.test(text) ? text : undefined,
    );
    await assemble('two', made, true);
    const kept = await fill('one', path, '5');
    await fill('two', path, '6');
    await lab.join('node2', 'secondary');
    await lab.waitFor('node1', ['cat', '/proc/drbd'], (text) =>
      /cs:StandAlone/.test(text) ? text : undefined,
    );
    assert.match(
      String((await find('one', made))?.details.trouble),
      /split brain.*gnt-instance replace-disks -s inst1\.lab\.example/,
    );
    await many('two', 'blockdev_close', made);
    await remove('two', made);
    await create('two', made, false);
    await onBoth((node) => assemble(node, made, node === 'one'));
    await inSync(made);
    await many('one', 'blockdev_close', made);
    await many('two', 'blockdev_open', made, { exclusive: true });
    assert.equal(await sum('two', path), kept);
    await onBoth((node) => remove(node, made));
    assert.equal((await volumes('one')).trim(), '');
  });
});
