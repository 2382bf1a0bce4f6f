/** Operations on instances: each leaves nothing behind, whatever fails and wherever the master dies. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instanceActivateDisks } from '../../src/operations/instance/disks/activate.ts';
import { instanceDeactivateDisks } from '../../src/operations/instance/disks/deactivate.ts';
import { instanceReinstall } from '../../src/operations/instance/reinstall.ts';
import { instanceRename } from '../../src/operations/instance/rename.ts';
import { provesUndo } from '../../src/operations/proves-undo.ts';
import { createMemoryCluster, memoryInstance, memoryWorld, nodeName } from './cluster.ts';
import { runOperation, runSeen } from './run.ts';

const running = memoryInstance('web1.memory.example');
const stopped = memoryInstance('web1.memory.example', { state: 'down' });
const web1 = { instance_name: 'web1.memory.example' };
const withRunning = { instances: [running] };
const withStopped = { instances: [stopped] };

test('activating disks is taken back whole, and tells where they are', async () => {
  await provesUndo(instanceActivateDisks, web1, memoryWorld(withStopped));
  const cluster = createMemoryCluster(withStopped);
  const result = await runOperation(cluster, instanceActivateDisks, { ...web1, ignore_size: true });
  assert.deepEqual(result, [[nodeName(1), 'disk/0', `/memory/${stopped.disks[0]!.uuid}`]]);
});

test('deactivating disks is taken back whole, and by force it goes on whatever happens', async () => {
  const active = { ...stopped, instance: { ...stopped.instance, disks_active: true } };
  await provesUndo(instanceDeactivateDisks, web1, memoryWorld({ instances: [active] }));
  await provesUndo(instanceDeactivateDisks, { ...web1, force: true }, memoryWorld({ instances: [active] }));
  await assert.rejects(
    runOperation(createMemoryCluster(withRunning), instanceDeactivateDisks, web1),
    /^OpPrereqError: Instance 'web1.memory.example' is marked to be up, cannot shutdown disks$/,
  );
});

test('a reinstallation is taken back until the scripts have run', async () => {
  await provesUndo(instanceReinstall, { ...web1, os_type: 'noop+x' }, memoryWorld(withStopped));
  await assert.rejects(
    runOperation(createMemoryCluster(withRunning), instanceReinstall, web1),
    /is marked to be up, cannot reinstall$/,
  );
});

test('a reinstallation changes the OS and its parameters', async () => {
  const cluster = createMemoryCluster(withStopped);
  const { said } = await runSeen(cluster, instanceReinstall, {
    ...web1,
    os_type: 'noop+x',
    osparams: { dhcp: 'no' },
    osparams_secret: { password: 'Xyzzy123' },
  });
  const { os, osparams, disks_active } = cluster.world.config.current.instances.byName(web1.instance_name)!;
  assert.deepEqual(
    { os, osparams, disks_active },
    { os: 'noop+x', osparams: { dhcp: 'no' }, disks_active: false },
  );
  assert.deepEqual(said.slice(0, 2), [
    "Changing OS scripts to 'noop+x'...",
    ' - INFO: Running instance OS create scripts...',
  ]);
  assert.ok(!JSON.stringify(cluster.snapshot()).includes('Xyzzy123'));
});

const renaming = { ...web1, new_name: 'shop1.memory.example' };

test('a rename is taken back whole: files, tags, configuration', async () => {
  await provesUndo(instanceRename, renaming, memoryWorld(withStopped));
  const onFile = memoryInstance('web1.memory.example', { state: 'down', template: 'file' });
  await provesUndo(instanceRename, renaming, memoryWorld({ instances: [onFile] }));
  const cluster = createMemoryCluster({ instances: [onFile] });
  assert.equal(await runOperation(cluster, instanceRename, renaming), 'shop1.memory.example');
  const id = cluster.world.config.current.disks.get(onFile.disks[0]!.uuid)!.logical_id;
  assert.deepEqual(id, ['loop', '/srv/ganeti/file-storage/shop1.memory.example/0.file.disk0']);
});

const refusals = [
  ['of a running instance', withRunning, renaming, /is marked to be up, cannot rename$/],
  ['to a name that is taken', withStopped, { ...web1, new_name: 'web1.memory.example' }, undefined],
  ['to no name', withStopped, { ...web1, new_name: 'bad name' }, /Invalid hostname 'bad name'$/],
  [
    'with an address check alone',
    withStopped,
    { ...renaming, ip_check: true },
    /IP address check requires a name check$/,
  ],
] as const;
for (const [what, options, request, words] of refusals) {
  test(`a rename ${what}`, async () => {
    const done = runOperation(createMemoryCluster(options), instanceRename, request);
    if (words === undefined) await done;
    else await assert.rejects(done, words);
  });
}
