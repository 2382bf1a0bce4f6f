/** Exports, imports and moves: each leaves nothing behind, whatever fails and wherever the master dies. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { InstanceOnNode } from '../../src/noderpc/calls/shapes.ts';
import { backupExport } from '../../src/operations/backup/export.ts';
import { backupPrepare } from '../../src/operations/backup/prepare.ts';
import { backupRemove } from '../../src/operations/backup/remove.ts';
import { instanceCreate } from '../../src/operations/instance/create.ts';
import { instanceMove } from '../../src/operations/instance/move.ts';
import { instanceRemove } from '../../src/operations/instance/remove.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { type ProofWorld, provesUndo } from '../../src/operations/proves-undo.ts';
import {
  makeHandshake,
  signCertificate,
  signDiskTarget,
  signKeyName,
} from '../../src/operations/transfer/authority.ts';
import { memoryCertificate } from './certificate.ts';
import {
  createMemoryCluster,
  type MemoryCluster,
  type MemoryOptions,
  memoryInstance,
  nodeName,
  nodeUuid,
} from './cluster.ts';
import { type Request, runOperation, runSeen } from './run.ts';

const secret = 'the secret of both clusters';
const folder = mkdtempSync(join(tmpdir(), 'gantry-backup-'));
const secretFile = join(folder, 'secret');
writeFileSync(secretFile, `${secret}\n`);
after(() => rmSync(folder, { recursive: true }));

/** A cluster with the secret, after some operations and changes of its nodes. */
async function clusterWith(
  options: MemoryOptions,
  prepare: readonly (readonly [AnyOperation, Request])[] = [],
  change: (cluster: MemoryCluster) => void = () => {},
): Promise<MemoryCluster> {
  const cluster = createMemoryCluster(options);
  const world = { ...cluster.world, paths: { ...cluster.world.paths, clusterDomainSecret: secretFile } };
  const whole = { ...cluster, world };
  for (const [operation, request] of prepare) await runOperation(whole, operation, request);
  change(whole);
  return whole;
}

const worldOf = (...made: Parameters<typeof clusterWith>): ProofWorld => ({
  fresh: () => clusterWith(...made),
});

const web1 = { instance_name: 'web1.memory.example' };
const name = web1.instance_name;
const running = { instances: [memoryInstance(name)] };
const stopped = { instances: [memoryInstance(name, { state: 'down' })] };
const plain = memoryInstance(name, { template: 'plain' });
const onFile = memoryInstance(name, { template: 'file' });
const onFileDown = { instances: [memoryInstance(name, { state: 'down', template: 'file' })] };
const toNode3 = { ...web1, target_node: nodeName(3) };
const exported = [backupExport, toNode3] as const;
const failing = (cluster: MemoryCluster) => {
  for (const machine of cluster.nodes.machines.values()) machine.transfers.failure = 'the script broke';
};

const target = signDiskTarget(secret, 0, { host: '192.0.9.1', port: 4000, magic: 'magic' });
const toCluster = {
  ...web1,
  mode: 'remote',
  target_node: [target],
  x509_key_name: signKeyName(secret, 'x509-key'),
  destination_x509_ca: signCertificate(secret, memoryCertificate),
};
const withKey = (cluster: MemoryCluster) =>
  void cluster.nodes.machine(nodeUuid(1)).transfers.keys.add('x509-key');

const exports: readonly [string, MemoryOptions, Request, readonly (readonly [AnyOperation, Request])[]][] = [
  ['of a running guest by snapshots', running, toNode3, []],
  ['in the place of an older one', running, toNode3, [exported]],
  ['while the guest runs', running, { ...toNode3, shutdown: false }, []],
  ['of a stopped guest', stopped, toNode3, [[backupExport, { ...web1, target_node: nodeName(2) }]]],
  ['that keeps the guest down', { instances: [onFile] }, { ...toNode3, long_sleep: true }, []],
  ['with the instance gone afterwards', running, { ...toNode3, remove_instance: true }, []],
];
for (const [what, options, request, prepare] of exports) {
  test(`an export ${what} is taken back whole`, async () => {
    await provesUndo(backupExport, request, worldOf(options, prepare));
  });
}

test('an export to another cluster is taken back whole, and its key goes when it is done', async () => {
  await provesUndo(backupExport, toCluster, worldOf(running, [], withKey));
  const cluster = await clusterWith(running, [], withKey);
  assert.deepEqual(await runOperation(cluster, backupExport, toCluster), [true, [true]]);
  assert.equal(cluster.nodes.machine(nodeUuid(1)).transfers.keys.size, 0);
});

const zeroingImage = '/helpers/zero.raw';
const zeroing = { ...toNode3, zero_free_space: true };
const zeroingOf = (instance: MemoryOptions, image = zeroingImage): MemoryOptions => ({
  ...instance,
  cluster: { zeroing_image: image },
});

const zeroedExports: readonly [string, MemoryOptions, Request][] = [
  ['of a running guest', running, zeroing],
  ['of a stopped guest', stopped, zeroing],
];
for (const [what, options, request] of zeroedExports) {
  test(`an export ${what} is taken back whole with the machine that zeroes`, async () => {
    await provesUndo(backupExport, request, worldOf(zeroingOf(options)));
  });
}

test('a cluster without a volume group keeps the helper in a file', async () => {
  const files = {
    ...zeroingOf(onFileDown),
    cluster: { zeroing_image: zeroingImage, volume_group_name: null },
  };
  await provesUndo(backupExport, zeroing, worldOf(files));
});

test('zeroing says what Ganeti says, and leaves the disks and the parameters as they were', async () => {
  const cluster = await clusterWith(zeroingOf(running));
  const before = cluster.world.config.current;
  const started: InstanceOnNode[] = [];
  cluster.nodes.watch = (call, argument) => {
    if (call === 'instance_start') started.push((argument as { instance: InstanceOnNode }).instance);
  };
  const { said, result } = await runSeen(cluster, backupExport, zeroing);
  assert.deepEqual(result, [true, [true]]);
  const doing = 'Zeroing free disk space';
  assert.deepEqual(said.slice(0, 15), [
    `Shutting down instance ${name}`,
    `${doing}: Attempting to create temporary disk`,
    `${doing}: Temporary disk created`,
    `${doing}: Activating helper VM's temporary disks`,
    `${doing}: Imaging temporary disks with image ${zeroingImage}`,
    ` - INFO: Imaging disk '0' for instance '${name}' on node '${nodeName(1)}'`,
    `${doing}: Starting helper VM`,
    `${doing}: Helper VM is up`,
    `${doing}: Waiting for helper VM to finish`,
    `${doing}: Regular cleanup of temporary disk`,
    `${doing}: Shutting down instance`,
    `${doing}: Temporary disk removed`,
    `${doing}: Helper VM execution completed`,
    `Creating a snapshot of disk/0 on node ${nodeName(1)}`,
    `Starting instance ${name}`,
  ]);
  const own = before.instances.byName(name)!.disks;
  const [helper, again] = started;
  assert.deepEqual(
    helper!.disks.slice(1).map(({ disk }) => disk.uuid),
    own,
  );
  const [{ disk }] = helper!.disks as [InstanceOnNode['disks'][0]];
  assert.deepEqual([disk.dev_type, disk.logical_id![0], disk.size], ['plain', 'xenvg', 6]);
  assert.deepEqual(helper!.hvparams, again!.hvparams);
  assert.deepEqual(
    again!.disks.map((each) => each.disk.uuid),
    own,
  );
  assert.equal(cluster.world.config.current.disks.values().length, own.length);
});

const late = { ...zeroing, zeroing_timeout_fixed: 0, zeroing_timeout_per_mib: 0 };
const noHelp: readonly [string, string, Request, RegExp][] = [
  [
    'that is never done',
    '/images/busy.raw',
    late,
    /^OpExecError: Error running helper VM with image \/images\/busy\.raw$/,
  ],
  [
    'whose image is missing',
    '/nowhere/zero.raw',
    zeroing,
    /^OpExecError: Could not create temporary disk: Image '\/nowhere\/zero\.raw' not found$/,
  ],
];
for (const [what, image, request, words] of noHelp) {
  test(`after a helper ${what} the guest runs again, and nothing of it is left`, async () => {
    const cluster = await clusterWith(zeroingOf(running, image));
    const before = cluster.snapshot();
    await assert.rejects(runOperation(cluster, backupExport, request), words);
    assert.deepEqual(cluster.snapshot(), before);
  });
}

test('a helper that is killed where shutdowns are noticed has not done its work', async () => {
  const kvm = memoryInstance(name, { hypervisor: 'kvm' });
  const instance = { ...kvm.instance, hvparams: { user_shutdown: true } };
  const cluster = await clusterWith(zeroingOf({ instances: [{ ...kvm, instance }] }, '/images/killed.raw'));
  const before = cluster.snapshot();
  await assert.rejects(
    runOperation(cluster, backupExport, zeroing),
    /^OpExecError: Zeroing free disk space: Helper VM with image \/images\/killed\.raw ended without having shut down$/,
  );
  assert.deepEqual(cluster.snapshot(), before);
});

test('an export that breaks leaves the guest running and the export before in its place', async () => {
  const cluster = await clusterWith(running, [exported]);
  const before = cluster.snapshot();
  failing(cluster);
  await assert.rejects(
    runOperation(cluster, backupExport, toNode3),
    /^OpExecError: Export failed, errors in export finalization, disk export: disk\(s\) 0$/,
  );
  assert.deepEqual(cluster.snapshot(), before);
});

test('an export says what Ganeti says', async () => {
  const { said, result } = await runSeen(await clusterWith(running), backupExport, toNode3);
  assert.deepEqual(result, [true, [true]]);
  assert.deepEqual(said, [
    `Shutting down instance ${name}`,
    `Creating a snapshot of disk/0 on node ${nodeName(1)}`,
    `Starting instance ${name}`,
    `Exporting snapshot/0 from ${nodeName(1)} to ${nodeName(3)}`,
    'snapshot/0 is now listening, starting export',
    `snapshot/0 is receiving data on ${nodeName(3)}`,
    'snapshot/0 finished receiving data',
    `snapshot/0 is sending data on ${nodeName(1)}`,
    'snapshot/0 finished sending data',
    `Removing snapshot of disk/0 on node ${nodeName(1)}`,
    `Finalizing export on ${nodeName(3)}`,
    `Removing old exports for instance ${name}`,
  ]);
});

const live = /Not all disks could be snapshotted, and you requested a live export; aborting$/;
const sleep =
  /you did not allow the instance to remain offline for a longer time through the --long-sleep option/;
const refused: readonly [string, MemoryOptions, Request, RegExp][] = [
  ['a live copy of files', { instances: [onFile] }, { ...toNode3, shutdown: false }, live],
  ['a long stop that was not allowed', { instances: [onFile] }, toNode3, sleep],
  [
    'a tool that is not allowed',
    running,
    { ...toNode3, compress: 'lzop' },
    /tools allowed are \[gzip, gzip-fast, gzip-slow\]$/,
  ],
  [
    'a removal of what runs',
    running,
    { ...toNode3, shutdown: false, remove_instance: true },
    /Can not remove instance without shutting it down before$/,
  ],
  [
    'zeroing without an image',
    running,
    { ...toNode3, zero_free_space: true },
    /A zeroing image must be set for zeroing to work$/,
  ],
  [
    'zeroing while the guest runs',
    zeroingOf(running),
    { ...zeroing, shutdown: false },
    /Unless the instance is shut down, zeroing cannot be used\.$/,
  ],
  [
    'zeroing where shutdowns are not noticed',
    zeroingOf({ instances: [memoryInstance(name, { hypervisor: 'kvm' })] }),
    zeroing,
    /Instance shutdown detection must be enabled for zeroing to work$/,
  ],
  [
    'timeouts of zeroing alone',
    running,
    { ...toNode3, zeroing_timeout_fixed: 3 },
    /can only be used only with the --zero-free-space option$/,
  ],
  [
    'fewer places than disks',
    running,
    { ...toCluster, target_node: [] },
    /Received destination information for 0 disks, but instance web1\.memory\.example has 1 disks$/,
  ],
  [
    'a place that was tampered with',
    running,
    { ...toCluster, target_node: [['10.0.0.1', ...target.slice(1)]] },
    /Target info for disk 0: HMAC is wrong$/,
  ],
  [
    'a key of somebody else',
    running,
    { ...toCluster, x509_key_name: signKeyName('other', 'x509-key') },
    /HMAC for X509 key name is wrong$/,
  ],
  [
    'a certificate of somebody else',
    running,
    { ...toCluster, destination_x509_ca: signCertificate('other', memoryCertificate) },
    /Unable to load destination X509 CA \(X509 certificate signature is invalid\)$/,
  ],
];
for (const [what, options, request, words] of refused) {
  test(`an export refuses ${what}, and nothing has happened`, async () => {
    const cluster = await clusterWith(options);
    const before = cluster.snapshot();
    await assert.rejects(runOperation(cluster, backupExport, request), words);
    assert.deepEqual(cluster.snapshot(), before);
  });
}

test('the removal of exports looks on every node, and knows instances that are gone', async () => {
  const gone = [exported, [instanceRemove, web1]] as const;
  await provesUndo(backupRemove, web1, worldOf(running, gone));
  const cluster = await clusterWith(running, gone);
  assert.deepEqual((await runSeen(cluster, backupRemove, web1)).said, []);
  assert.match((await runSeen(cluster, backupRemove, web1)).said[0]!, /^Export not found\. If trying/);
});

test('what another cluster needs is prepared, or taken back', async () => {
  const remote = { ...web1, mode: 'remote' };
  await provesUndo(backupPrepare, remote, worldOf(running));
  const made = (await runOperation(await clusterWith(running), backupPrepare, remote)) as Record<
    string,
    string[]
  >;
  assert.deepEqual(Object.keys(made), ['handshake', 'x509_key_name', 'x509_ca']);
  assert.equal(
    await runOperation(await clusterWith(running), backupPrepare, { ...web1, mode: 'local' }),
    null,
  );
});

const importing = {
  ...web1,
  mode: 'import',
  disks: [],
  nics: [],
  disk_template: 'plain',
  pnode: nodeName(2),
  start: false,
};
const away = [exported, [instanceRemove, web1]] as const;

test('an import is taken back whole', async () => {
  await provesUndo(instanceCreate, importing, worldOf(running, away));
  const mirrored = { ...importing, disk_template: 'drbd', snode: nodeName(1), src_node: nodeName(3) };
  await provesUndo(instanceCreate, mirrored, worldOf(running, away));
});

test('an import brings back what was exported', async () => {
  const cluster = await clusterWith(running, away);
  const { said } = await runSeen(cluster, instanceCreate, { ...importing, identify_defaults: true });
  const { instance } = running.instances[0]!;
  const back = cluster.world.config.current.instances.byName(name)!;
  assert.deepEqual(
    [back.os, back.hypervisor, back.beparams, back.hvparams, back.nics[0]!.mac, back.primary_node],
    [instance.os, instance.hypervisor, {}, {}, instance.nics[0]!.mac, nodeUuid(2)],
  );
  const from = said.indexOf('* running the instance OS import scripts...');
  assert.deepEqual(said.slice(from), [
    '* running the instance OS import scripts...',
    `Exporting disk/0 from ${nodeName(3)} to ${nodeName(2)}`,
    'disk/0 is now listening, starting export',
    `disk/0 is receiving data on ${nodeName(2)}`,
    'disk/0 finished receiving data',
    `disk/0 is sending data on ${nodeName(3)}`,
    'disk/0 finished sending data',
    `Running rename script for ${name}`,
  ]);
});

const noImports: readonly [string, Request, RegExp][] = [
  ['from nowhere', { src_path: 'nosuch' }, /No export found for relative path nosuch$/],
  [
    'from a path of any node',
    { src_path: '/srv/x' },
    /Importing an instance from a path requires a source node option$/,
  ],
  [
    'of what is none',
    { src_node: nodeName(1) },
    /^OpExecError: No export or invalid export found in dir \/var\/lib\/ganeti\/export\/web1\.memory\.example: Export info file doesn't have the required fields$/,
  ],
];
for (const [what, request, words] of noImports) {
  test(`no import ${what}`, async () => {
    const cluster = await clusterWith(running, away);
    await assert.rejects(runOperation(cluster, instanceCreate, { ...importing, ...request }), words);
  });
}

test('an import that breaks leaves no instance', async () => {
  const cluster = await clusterWith(running, away);
  const before = cluster.snapshot();
  failing(cluster);
  await assert.rejects(
    runOperation(cluster, instanceCreate, importing),
    /^OpExecError: Some disks for instance web1\.memory\.example on node node2\.memory\.example were not imported successfully$/,
  );
  assert.deepEqual(cluster.snapshot(), before);
});

const arriving = {
  ...importing,
  mode: 'remote-import',
  disks: [{ size: 128 }],
  os_type: 'noop',
  source_handshake: makeHandshake(secret),
  source_x509_ca: signCertificate(secret, memoryCertificate),
  source_instance_name: 'old.example',
};

test('only who knows the secret may send an instance', async () => {
  const wrong = { ...arriving, source_handshake: makeHandshake('another') };
  await assert.rejects(
    runOperation(await clusterWith({}), instanceCreate, wrong),
    /Invalid handshake: Hash didn't match, clusters don't share the same domain secret$/,
  );
  const none = { ...arriving, source_x509_ca: null };
  await assert.rejects(runOperation(await clusterWith({}), instanceCreate, none), /Missing source X509 CA$/);
});

test('a move to another node is taken back until the guest runs there', async () => {
  for (const instances of [[plain], [onFile]])
    await provesUndo(instanceMove, toNode3, worldOf({ instances }));
  await provesUndo(instanceMove, toNode3, worldOf(onFileDown));
});

test('a move takes everything along', async () => {
  const cluster = await clusterWith({ instances: [plain] });
  const { said } = await runSeen(cluster, instanceMove, toNode3);
  assert.deepEqual(said.slice(-3), [
    'disk/0 finished sending data',
    ` - INFO: Starting instance ${name} on node ${nodeName(3)}`,
    ' - INFO: Removing the disks on the original node',
  ]);
  const [from, to] = [1, 3].map((number) => cluster.nodes.machine(nodeUuid(number)));
  assert.deepEqual([from!.volumes.size, from!.guests.size, to!.volumes.size, to!.guests.size], [0, 0, 1, 1]);
  const moved = cluster.world.config.current;
  assert.equal(moved.instances.byName(name)!.primary_node, nodeUuid(3));
  assert.deepEqual(moved.disks.values()[0]!.nodes, [nodeUuid(3)]);
});

const noMoves: readonly [string, MemoryOptions, Request, RegExp][] = [
  ['of a mirror', running, toNode3, /Instance disk 0 has disk type drbd and is not suitable for copying$/],
  [
    'to where it is',
    { instances: [plain] },
    { ...web1, target_node: nodeName(1) },
    /is already on the node node1\.memory\.example$/,
  ],
];
for (const [what, options, request, words] of noMoves) {
  test(`no move ${what}`, async () => {
    await assert.rejects(runOperation(await clusterWith(options), instanceMove, request), words);
  });
}
