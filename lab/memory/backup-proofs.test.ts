/** Exports: each leaves nothing behind, whatever fails and wherever the master dies. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backupExport } from '../../src/operations/backup/export.ts';
import { backupPrepare } from '../../src/operations/backup/prepare.ts';
import { backupRemove } from '../../src/operations/backup/remove.ts';
import { instanceRemove } from '../../src/operations/instance/remove.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { provesUndo } from '../../src/operations/proves-undo.ts';
import { signCertificate, signKeyName } from '../../src/operations/transfer/authority.ts';
import { memoryCertificate } from './certificate.ts';
import { type MemoryOptions, memoryInstance, nodeName, nodeUuid } from './cluster.ts';
import { type Request, runOperation, runSeen } from './run.ts';
import {
  clusterWith,
  exported,
  failing,
  name,
  onFile,
  running,
  stopped,
  target,
  toCluster,
  toNode3,
  web1,
  withKey,
  worldOf,
  zeroing,
  zeroingOf,
} from './transfer-setting.ts';

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
