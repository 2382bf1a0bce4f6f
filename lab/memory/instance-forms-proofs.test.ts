/** Instances in their less usual forms: reserved, adopted, not waited for, short of memory, half migrated. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instanceCreate } from '../../src/operations/instance/create.ts';
import { instanceFailover } from '../../src/operations/instance/failover.ts';
import { instanceMigrate } from '../../src/operations/instance/migrate.ts';
import { instanceReboot } from '../../src/operations/instance/reboot.ts';
import { instanceReinstall } from '../../src/operations/instance/reinstall.ts';
import { instanceRemove } from '../../src/operations/instance/remove.ts';
import { instanceReplaceDisks } from '../../src/operations/instance/replace/replace-disks.ts';
import { instanceStartup } from '../../src/operations/instance/startup.ts';
import { type ProofWorld, provesUndo } from '../../src/operations/proves-undo.ts';
import {
  createMemoryCluster,
  type MemoryCluster,
  type MemoryOptions,
  memoryWorld,
  nodeName,
  nodeUuid,
} from './cluster.ts';
import { preparedWorld, runOperation, runSeen } from './run.ts';
import { running, stopped, web1, withRunning } from './web1.ts';

const create = {
  instance_name: 'new1.memory.example',
  mode: 'create',
  os_type: 'noop',
  pnode: nodeName(1),
  disk_template: 'plain',
  disks: [{ size: 1024 }],
  nics: [{}],
};
const mirrored = { ...create, disk_template: 'drbd', snode: nodeName(2) };
const reservation = { ...mirrored, forthcoming: true };

/** The same cluster each time, after a change of its machines. */
function changedWorld(options: MemoryOptions, change: (cluster: MemoryCluster) => void): ProofWorld {
  return {
    fresh: () => {
      const cluster = createMemoryCluster(options);
      change(cluster);
      return Promise.resolve(cluster);
    },
  };
}

test('a reservation leaves nothing behind, and what is made of it goes back to it', async () => {
  await provesUndo(instanceCreate, reservation, memoryWorld());
  const made = { ...mirrored, commit: true };
  await provesUndo(instanceCreate, made, preparedWorld({}, [[instanceCreate, reservation]]));
});

test('a reserved instance moves and goes without touching a node', async () => {
  const world = preparedWorld({}, [[instanceCreate, reservation]]);
  const { instance_name } = create;
  await provesUndo(instanceFailover, { instance_name }, world);
  await provesUndo(instanceRemove, { instance_name }, world);
  const change = { instance_name, mode: 'replace_new_secondary', remote_node: nodeName(3) };
  await provesUndo(instanceReplaceDisks, change, world);
});

test('a mirror that is not waited for, and disks that are wiped, leave nothing behind', async () => {
  await provesUndo(instanceCreate, { ...mirrored, wait_for_sync: false }, memoryWorld());
  const cluster = { prealloc_wipe_disks: true };
  await provesUndo(instanceCreate, { ...mirrored, disks: [{ size: 64 }] }, memoryWorld({ cluster }));
});

const foreign = JSON.stringify(['xenvg', 'old']);
const adopting = { ...create, disks: [{ adopt: 'old' }] };

test('an adopted volume has its old name again, and keeps its data', async () => {
  const world = changedWorld({}, ({ nodes }) => nodes.machine(nodeUuid(1)).volumes.set(foreign, 512));
  await provesUndo(instanceCreate, adopting, world);
});

test('an adopted volume belongs to the instance, with the size that it has', async () => {
  const cluster = createMemoryCluster();
  cluster.nodes.machine(nodeUuid(1)).volumes.set(foreign, 512);
  await runOperation(cluster, instanceCreate, adopting);
  const { current } = cluster.world.config;
  const [disk] = current.disks.values();
  assert.equal(disk?.size, 512);
  assert.deepEqual(
    [...cluster.nodes.machine(nodeUuid(1)).volumes],
    [[JSON.stringify(disk?.logical_id), 512]],
  );
  await assert.rejects(
    runOperation(cluster, instanceCreate, { ...adopting, instance_name: 'new2.memory.example' }),
    /Missing logical volume\(s\): xenvg\/old$/,
  );
});

const cramped = { ...withRunning, memoryFree: { 2: 100 } };
const small = { ...running.instance, beparams: { minmem: 64, maxmem: 128 } };
const crampedSmall = { ...cramped, instances: [{ ...running, instance: small }] };

test('a guest that is too large for its new node comes down to what is there, and back', async () => {
  await provesUndo(instanceMigrate, web1, memoryWorld(crampedSmall), { orCompleted: true });
  const { said } = await runSeen(createMemoryCluster(crampedSmall), instanceMigrate, web1);
  assert.ok(said.includes('* setting instance memory to 100'), said.join('\n'));
});

test('a guest that may not be changed, or not so far, stays where it is', async () => {
  await assert.rejects(
    runOperation(createMemoryCluster(crampedSmall), instanceMigrate, {
      ...web1,
      allow_runtime_changes: false,
    }),
    /Memory ballooning not allowed and not enough free memory .* \(have 100MB, need 128MB\)$/,
  );
  await assert.rejects(
    runOperation(createMemoryCluster(cramped), instanceMigrate, web1),
    /Not enough memory on node node2.memory.example .*: needed 128 MiB, available 100 MiB$/,
  );
});

test('an instance that is not running fails over where that is allowed', async () => {
  const world = memoryWorld({ instances: [stopped] });
  await provesUndo(instanceMigrate, { ...web1, allow_failover: true }, world);
  await provesUndo(instanceFailover, web1, world);
  await assert.rejects(
    runOperation((await world.fresh()) as MemoryCluster, instanceMigrate, web1),
    /please use failover/,
  );
});

test('a copy that still waits on the other node is taken away by a cleanup', async () => {
  const cluster = createMemoryCluster(withRunning);
  const target = cluster.nodes.machine(nodeUuid(2));
  target.guests.set(web1.instance_name, 'paused');
  target.accepting.add(web1.instance_name);
  const { said } = await runSeen(cluster, instanceMigrate, { ...web1, cleanup: true });
  assert.equal(target.guests.size + target.accepting.size, 0);
  assert.equal(cluster.nodes.machine(nodeUuid(1)).guests.get(web1.instance_name), 'running');
  assert.ok(said.includes('Trying to cleanup after failed migration'), said.join('\n'));
});

test('a guest that has arrived stays where it is when a cleanup comes', async () => {
  const cluster = createMemoryCluster(withRunning);
  cluster.nodes.machine(nodeUuid(1)).guests.delete(web1.instance_name);
  cluster.nodes.machine(nodeUuid(2)).guests.set(web1.instance_name, 'running');
  await runOperation(cluster, instanceMigrate, { ...web1, cleanup: true });
  const found = cluster.world.config.current.instances.byName(web1.instance_name);
  assert.equal(found?.primary_node, nodeUuid(2));
});

test('a guest that runs twice is nothing to clean up without a person', async () => {
  const cluster = createMemoryCluster(withRunning);
  cluster.nodes.machine(nodeUuid(2)).guests.set(web1.instance_name, 'running');
  await assert.rejects(
    runOperation(cluster, instanceMigrate, { ...web1, cleanup: true }),
    /Instance seems to be running on two nodes/,
  );
});

test('a reboot starts an instance that is marked up and does not run', async () => {
  const down = changedWorld(withRunning, ({ nodes }) => {
    nodes.machine(nodeUuid(1)).guests.delete(web1.instance_name);
    nodes.machine(nodeUuid(1)).hardware.delete(web1.instance_name);
  });
  await provesUndo(instanceReboot, { ...web1, reboot_type: 'hard' }, down);
});

test('what is left of a guest that was shut down from inside goes before it starts again', async () => {
  const cluster = createMemoryCluster(withRunning);
  const { guests } = cluster.nodes.machine(nodeUuid(1));
  guests.set(web1.instance_name, 'shutdown');
  await runOperation(cluster, instanceStartup, { ...web1, shutdown_timeout: 5 });
  assert.equal(guests.get(web1.instance_name), 'running');
});

test('an interface gets the address of the instance only when its name was looked up', async () => {
  const request = { ...create, start: false, name_check: true, ip_check: false };
  const named = { ...request, instance_name: 'localhost', nics: [{ ip: 'auto', mode: 'auto' }] };
  const cluster = createMemoryCluster();
  await runOperation(cluster, instanceCreate, named);
  const [made] = cluster.world.config.current.instances.values();
  assert.deepEqual(
    made?.nics.map(({ ip, nicparams }) => [ip, nicparams]),
    [['127.0.0.1', {}]],
  );
  await assert.rejects(
    runOperation(createMemoryCluster(), instanceCreate, { ...named, name_check: false }),
    /IP address set to auto but name checks have been skipped/,
  );
});

const image = { osparams: { 'os-image': '/srv/image.raw' } };

test('an instance whose disk begins with an image leaves nothing behind, and needs no OS', async () => {
  const { os_type: _os, ...rest } = create;
  await provesUndo(instanceCreate, { ...rest, ...image }, memoryWorld());
  await provesUndo(instanceCreate, { ...mirrored, ...image }, memoryWorld());
  const cluster = createMemoryCluster();
  const { said } = await runSeen(cluster, instanceCreate, { ...rest, ...image });
  assert.match(said.join('\n'), /imaging instance disks/);
  assert.doesNotMatch(said.join('\n'), /OS create scripts/);
  assert.match(said.join('\n'), /Imaging disk '0' for instance 'new1.memory.example'/);
  for (const wrong of ['image.raw', 'ftp://here/image.raw']) {
    const request = { ...create, osparams: { 'os-image': wrong } };
    await assert.rejects(runOperation(cluster, instanceCreate, request), /must be an absolute path or a URL/);
  }
});

test('a reinstallation from an image is taken back until the image is written', async () => {
  const withStopped = { instances: [stopped] };
  await provesUndo(instanceReinstall, { ...web1, ...image }, memoryWorld(withStopped));
  const cluster = createMemoryCluster(withStopped);
  const { said } = await runSeen(cluster, instanceReinstall, { ...web1, ...image });
  assert.match(said.join('\n'), /Using OS image '\/srv\/image.raw'/);
  assert.match(said.join('\n'), /Imaging disk '0' for instance 'web1.memory.example'/);
});

test('timeouts of helper machines are said to have no effect where none is needed', async () => {
  const { said } = await runSeen(createMemoryCluster(), instanceCreate, {
    ...create,
    helper_startup_timeout: 5,
  });
  assert.match(said.join('\n'), /No helper virtual machine is needed: its timeouts have no effect/);
});
