/** Exports that fill free space with zeros first: nothing is left of the helper machine that does it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstanceOnNode } from '../../src/noderpc/calls/shapes.ts';
import { backupExport } from '../../src/operations/backup/export.ts';
import { provesUndo } from '../../src/operations/proves-undo.ts';
import { type MemoryOptions, memoryInstance, nodeName } from './cluster.ts';
import { helperWords } from './helper-words.ts';
import { type Request, runOperation, runSeen } from './run.ts';
import {
  clusterWith,
  name,
  onFileDown,
  running,
  stopped,
  worldOf,
  zeroing,
  zeroingImage,
  zeroingOf,
} from './transfer-setting.ts';

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
    ...helperWords(doing, zeroingImage, name),
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
