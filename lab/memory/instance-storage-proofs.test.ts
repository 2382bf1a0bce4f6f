/** Growing, recreating and replacing disks: nothing is left behind, and no data goes before its copy is whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instanceGrowDisk } from '../../src/operations/instance/disks/grow.ts';
import { instanceRecreateDisks } from '../../src/operations/instance/disks/recreate.ts';
import { instanceMigrate } from '../../src/operations/instance/migrate.ts';
import { instanceReplaceDisks } from '../../src/operations/instance/replace/replace-disks.ts';
import { provesUndo } from '../../src/operations/proves-undo.ts';
import {
  createMemoryCluster,
  type MemoryCluster,
  type MemoryOptions,
  memoryWorld,
  nodeName,
  nodeUuid,
} from './cluster.ts';
import { runOperation, runSeen } from './run.ts';
import { running, web1, withFile, withGuest, withRunning, withStopped } from './web1.ts';

const growth = { ...web1, disk: 0, amount: 512 };

test('what grows stays grown, and a broken growth can be asked again', async () => {
  for (const options of [withGuest, withStopped, withFile])
    await provesUndo(instanceGrowDisk, growth, memoryWorld(options));
  const cluster = createMemoryCluster({ ...withStopped, cluster: { prealloc_wipe_disks: true } });
  const { said } = await runSeen(cluster, instanceGrowDisk, { ...growth, amount: 2048, absolute: true });
  assert.ok(
    said.includes("Growing disk 0 of instance 'web1.memory.example' by 1.0G to 2.0G"),
    said.join('|'),
  );
  assert.ok(said.includes(' - INFO: * Wiping disk 0 (from 1.0G to 2.0G)'), said.join('|'));
  const { disks, instances } = cluster.world.config.current;
  assert.deepEqual([disks.values()[0]!.size, disks.values()[0]!.children![0]!.size], [2048, 2048]);
  assert.equal(instances.byName(web1.instance_name)!.disks_active, false);
});

const noGrowths: readonly [string, Record<string, unknown>, RegExp][] = [
  ['of a disk that there is not', { disk: 5 }, /Invalid disk index: 5 \(instace has disks 0 to 0$/],
  [
    'to less',
    { amount: 512, absolute: true },
    /Requested size \(512M\) is smaller than current disk size \(1.0G\)$/,
  ],
  [
    'beyond the policy',
    { amount: 1048576, ignore_ipolicy: false },
    /violates policy: disk-size\/0 value 1049600 is not|Not enough disk space/,
  ],
];
for (const [what, request, words] of noGrowths) {
  test(`no growth ${what}`, async () => {
    const cluster = createMemoryCluster(withRunning);
    await assert.rejects(runOperation(cluster, instanceGrowDisk, { ...growth, ...request }), words);
  });
}

/** A cluster in which volumes of an instance are lost on a node. */
function withoutVolumes(
  options: MemoryOptions,
  ...nodes: readonly number[]
): { fresh: () => Promise<MemoryCluster> } {
  return {
    fresh: async () => {
      const cluster = createMemoryCluster(options);
      for (const number of nodes) {
        const machine = cluster.nodes.machine(nodeUuid(number));
        for (const lost of [machine.volumes, machine.info, machine.open]) lost.clear();
      }
      return cluster;
    },
  };
}

test('lost disks are made again, and taken back whole', async () => {
  await provesUndo(instanceRecreateDisks, web1, withoutVolumes(withStopped, 1, 2));
  await provesUndo(
    instanceRecreateDisks,
    { ...web1, disks: [[0, { size: 512 }]] },
    withoutVolumes(withFile, 1),
  );
  const nodes = [nodeName(3), nodeName(1)];
  await provesUndo(instanceRecreateDisks, { ...web1, nodes }, withoutVolumes(withStopped, 1, 2));
});

const noRecreations: readonly [string, MemoryOptions, Record<string, unknown>, RegExp][] = [
  ['of what is there', withStopped, {}, /^OpExecError: Can't create block device .* it exists already/],
  ['of a running instance', withRunning, {}, /marked to be up, cannot recreate disks$/],
  [
    'of a disk twice',
    withStopped,
    {
      disks: [
        [0, {}],
        [0, {}],
      ],
    },
    /specified more than once: 0$/,
  ],
  ['of an index that there is not', withStopped, { disks: [3] }, /Invalid disk index '3'$/],
  [
    'with another name',
    withStopped,
    { disks: [[0, { name: 'x' }]] },
    /Parameters for disk 0 try to change unmodifyable parameter\(s\): name$/,
  ],
  [
    'on too few nodes',
    withStopped,
    { nodes: [nodeName(3)] },
    /currently has 2 nodes, but 1 replacement nodes were specified$/,
  ],
];
for (const [what, options, request, words] of noRecreations) {
  test(`no recreation ${what}`, async () => {
    const cluster = createMemoryCluster(options);
    await assert.rejects(runOperation(cluster, instanceRecreateDisks, { ...web1, ...request }), words);
  });
}

for (const [mode, broken] of [
  ['replace_on_primary', 1],
  ['replace_on_secondary', 2],
] as const) {
  test(`new storage is taken back until the old goes: ${mode}`, async () => {
    await provesUndo(instanceReplaceDisks, { ...web1, mode }, memoryWorld(withRunning));
    await provesUndo(instanceReplaceDisks, { ...web1, mode }, withoutVolumes(withRunning, broken));
    await provesUndo(instanceReplaceDisks, { ...web1, mode, early_release: true }, memoryWorld(withRunning));
  });
}

test('storage that is broken is found and replaced', async () => {
  const auto = { ...web1, mode: 'replace_auto' };
  const setting = await withoutVolumes(withRunning, 2).fresh();
  const { said } = await runSeen(setting, instanceReplaceDisks, auto);
  assert.ok(said.includes("Replacing disk(s) 0 for instance 'web1.memory.example'"), said.join('|'));
  const whole = await runSeen(createMemoryCluster(withRunning), instanceReplaceDisks, auto);
  assert.equal(whole.said.at(-1), "No disks need replacement for instance 'web1.memory.example'");
});

const toNode3 = { ...web1, mode: 'replace_new_secondary', remote_node: nodeName(3) };

test('another secondary is taken back until the old one is left', async () => {
  await provesUndo(instanceReplaceDisks, toNode3, memoryWorld(withRunning));
  await provesUndo(instanceReplaceDisks, toNode3, memoryWorld(withStopped));
  await provesUndo(instanceReplaceDisks, { ...toNode3, early_release: true }, memoryWorld(withRunning));
});

test('another secondary has all of it, and the old one nothing', async () => {
  const cluster = createMemoryCluster(withRunning);
  const { said } = await runSeen(cluster, instanceReplaceDisks, toNode3);
  assert.deepEqual(
    said.filter((line) => line.startsWith('STEP')),
    [
      'STEP 1/6 Check device existence',
      'STEP 2/6 Check peer consistency',
      'STEP 3/6 Allocate new storage',
      'STEP 4/6 Changing drbd configuration',
      'STEP 5/6 Sync devices',
      'STEP 6/6 Removing old storage',
    ],
  );
  const counts = [1, 2, 3].map((number) => cluster.nodes.machine(nodeUuid(number)).volumes.size);
  assert.deepEqual(counts, [2, 0, 2]);
  const [disk] = cluster.world.config.current.disks.values();
  assert.deepEqual(disk!.nodes, [nodeUuid(1), nodeUuid(3)]);
});

const noReplacements: readonly [string, MemoryOptions, Record<string, unknown>, RegExp][] = [
  [
    'of what is not mirrored',
    withFile,
    { mode: 'replace_on_primary' },
    /^OpPrereqError: The instance has a strange layout, expected one secondary but found 0$/,
  ],
  [
    'by the primary itself',
    withRunning,
    { ...toNode3, remote_node: nodeName(1) },
    /The specified node is the primary node of the instance$/,
  ],
  [
    'by the same secondary',
    withRunning,
    { ...toNode3, remote_node: nodeName(2) },
    /The specified node is already the secondary node of the instance$/,
  ],
  [
    'of some disks by another node',
    withRunning,
    { ...toNode3, disks: [0] },
    /Cannot specify disks to be replaced$/,
  ],
  [
    'with a node and no need of one',
    withRunning,
    { mode: 'replace_on_primary', remote_node: nodeName(3) },
    /can only be used when changing the secondary node$/,
  ],
];
for (const [what, options, request, words] of noReplacements) {
  test(`no replacement ${what}`, async () => {
    const cluster = createMemoryCluster(options);
    await assert.rejects(runOperation(cluster, instanceReplaceDisks, { ...web1, ...request }), words);
  });
}

test('a mirror whose sides are apart gets a new other side, and does not migrate before', async () => {
  const apart = () => {
    const cluster = createMemoryCluster(withRunning);
    const [disk] = running.disks;
    for (const node of [1, 2]) cluster.nodes.machine(nodeUuid(node)).connection.set(disk!.uuid, 'standalone');
    return cluster;
  };
  await assert.rejects(
    runOperation(apart(), instanceMigrate, web1),
    /Disk 0 is degraded or not fully synchronized on target node, aborting migration$/,
  );
  const cluster = apart();
  await runOperation(cluster, instanceReplaceDisks, { ...web1, mode: 'replace_on_secondary' });
  assert.equal(cluster.nodes.machine(nodeUuid(1)).connection.size, 0);
  await assert.rejects(
    runOperation(apart(), instanceReplaceDisks, { ...web1, mode: 'replace_on_primary' }),
    /has degraded storage, unsafe to replace disks/,
  );
});
