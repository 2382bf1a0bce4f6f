/** Operations on instances: each leaves nothing behind, whatever fails and wherever the master dies. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instanceActivateDisks } from '../../src/operations/instance/disks/activate.ts';
import { instanceDeactivateDisks } from '../../src/operations/instance/disks/deactivate.ts';
import { instanceSetParams } from '../../src/operations/instance/modify/set-params.ts';
import { instanceReinstall } from '../../src/operations/instance/reinstall.ts';
import { instanceRename } from '../../src/operations/instance/rename.ts';
import { provesUndo } from '../../src/operations/proves-undo.ts';
import {
  createMemoryCluster,
  type MemoryOptions,
  memoryInstance,
  memoryWorld,
  nodeName,
  nodeUuid,
} from './cluster.ts';
import { preparedWorld, runOperation, runSeen } from './run.ts';
import { onFile, stopped, web1, withFile, withGuest, withRunning, withStopped } from './web1.ts';

test('activating disks is taken back whole, and tells where they are', async () => {
  await provesUndo(instanceActivateDisks, web1, memoryWorld(withStopped));
  const cluster = createMemoryCluster(withStopped);
  const result = await runOperation(cluster, instanceActivateDisks, { ...web1, ignore_size: true });
  assert.deepEqual(result, [[nodeName(1), 'disk/0', `/memory/${stopped.disks[0]!.uuid}`]]);
});

test('sides of a mirror that refuse each other are said, whichever of them knows', async () => {
  const [disk] = stopped.disks;
  for (const [first, second] of [
    ['looking', 'refused'],
    ['refused', 'looking'],
  ] as const) {
    const cluster = createMemoryCluster(withStopped);
    cluster.nodes.machine(nodeUuid(1)).connection.set(disk!.uuid, first);
    cluster.nodes.machine(nodeUuid(2)).connection.set(disk!.uuid, second);
    const { said } = await runSeen(cluster, instanceActivateDisks, web1);
    assert.equal(said.filter((line) => /split brain/.test(line)).length, 1, said.join('\n'));
  }
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
  await provesUndo(instanceRename, renaming, memoryWorld(withFile));
  const cluster = createMemoryCluster(withFile);
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

const second = { size: 512 };

const changes: readonly [string, MemoryOptions, Record<string, unknown>][] = [
  [
    'parameters',
    withStopped,
    { beparams: { vcpus: 2 }, hvparams: {}, os_name: 'other', osparams: { a: 'b' } },
  ],
  ['memory of a running guest', withRunning, { runtime_mem: 120, force: true }],
  ['a mirrored disk of a stopped instance', withStopped, { disks: [['add', -1, second]] }],
  ['a mirrored disk of a running guest', withGuest, { disks: [['add', 0, second]] }],
  [
    'a wiped disk',
    { ...withStopped, cluster: { prealloc_wipe_disks: true } },
    { disks: [['add', -1, second]] },
  ],
  ['a disk that goes', withStopped, { disks: [['remove', 0, {}]] }],
  ['a disk that goes while the guest runs', withGuest, { disks: [['remove', -1, {}]] }],
  ['a disk that is set aside', withGuest, { disks: [['detach', 0, {}]] }],
  ['a file that is set aside', withFile, { disks: [['detach', 0, {}]] }],
  [
    'disks that come and go at once',
    withGuest,
    {
      disks: [
        ['add', 0, { size: 64, name: 'data' }],
        ['modify', 'data', { mode: 'ro' }],
        ['remove', 1, {}],
      ],
    },
  ],
  [
    'interfaces of a running guest',
    withGuest,
    {
      nics: [
        ['add', -1, { ip: '10.0.0.1' }],
        ['modify', 0, { mac: 'generate' }],
        ['remove', 1, {}],
      ],
    },
  ],
  ['an instance taken out of service', withStopped, { offline: true }],
  ['another primary node', withStopped, { pnode: nodeName(2) }],
];
for (const [what, options, request] of changes) {
  test(`a modification is taken back whole: ${what}`, async () => {
    await provesUndo(instanceSetParams, { ...web1, ...request }, memoryWorld(options));
  });
}

const plain = memoryInstance('web1.memory.example', { state: 'down', template: 'plain' });
const conversions: readonly [string, MemoryOptions, Record<string, unknown>][] = [
  ['a mirror to one volume', withStopped, { disk_template: 'plain' }],
  ['a volume to a mirror', { instances: [plain] }, { disk_template: 'drbd', remote_node: nodeName(3) }],
  ['a volume to a file', { instances: [plain] }, { disk_template: 'file', beparams: { vcpus: 2 } }],
  ['a file to a mirror', withFile, { disk_template: 'drbd', remote_node: nodeName(2) }],
  ['a mirror to a shared file', withStopped, { disk_template: 'sharedfile' }],
];
for (const [what, options, request] of conversions) {
  test(`a conversion is taken back until the old volumes go: ${what}`, async () => {
    await provesUndo(instanceSetParams, { ...web1, ...request }, memoryWorld(options));
  });
}

test('a volume that became a mirror and a volume again is the same volume', async () => {
  const cluster = createMemoryCluster({ instances: [plain] });
  const { said } = await runSeen(cluster, instanceSetParams, { ...web1, ...conversions[1]![2] });
  assert.deepEqual(said.slice(0, 4), [
    "Converting disk template from 'plain' to 'drbd'",
    'Creating additional volumes...',
    'Renaming original volumes...',
    'Initializing DRBD devices...',
  ]);
  const back = await runSeen(cluster, instanceSetParams, { ...web1, disk_template: 'plain' });
  assert.deepEqual(back.result, [['disk_template', 'plain']]);
  const volumes = [1, 2, 3].map((number) => [...cluster.nodes.machine(nodeUuid(number)).volumes.keys()]);
  const [disk] = cluster.world.config.current.disks.values();
  assert.deepEqual(volumes, [[JSON.stringify(disk!.logical_id)], [], []]);
});

const noConversions: readonly [string, MemoryOptions, Record<string, unknown>, RegExp][] = [
  ['to the same', withStopped, { disk_template: 'drbd' }, /already has disk template drbd$/],
  [
    'to none',
    withStopped,
    { disk_template: 'diskless' },
    /Conversion to the 'diskless' disk template is not supported$/,
  ],
  [
    'to what the cluster has not',
    withStopped,
    { disk_template: 'rbd' },
    /Disk template 'rbd' is not enabled for this cluster \(enabled templates: drbd, plain, file, sharedfile, diskless\)$/,
  ],
  ['while it runs', withRunning, { disk_template: 'plain' }, /marked to be up, cannot change disk template$/],
  [
    'with its own node as mirror',
    { instances: [plain] },
    { disk_template: 'drbd', remote_node: nodeName(1) },
    /Given new secondary node node1.memory.example is the same as the primary node/,
  ],
  [
    'and other changes of disks',
    withStopped,
    { disk_template: 'plain', disks: [['add', -1, second]] },
    /Disk template conversion and other disk changes not supported at the same time$/,
  ],
];
for (const [what, options, request, words] of noConversions) {
  test(`no conversion ${what}`, async () => {
    const cluster = createMemoryCluster(options);
    await assert.rejects(runOperation(cluster, instanceSetParams, { ...web1, ...request }), words);
  });
}

test('a disk that was set aside is attached again, and taken back from there', async () => {
  for (const options of [withGuest, withFile]) {
    const world = preparedWorld(options, [[instanceSetParams, { ...web1, disks: [['detach', 0, {}]] }]]);
    const { uuid } = options.instances[0]!.disks[0]!;
    const request = { ...web1, disks: [['attach', -1, { uuid }]] };
    await provesUndo(instanceSetParams, request, world);
  }
});

test('a modification tells what it did in the words that commands print', async () => {
  const cluster = createMemoryCluster(withGuest);
  const { result, said } = await runSeen(cluster, instanceSetParams, {
    ...web1,
    disks: [['add', 1, { size: 512, name: 'data' }]],
    nics: [['modify', 0, { ip: '10.0.0.1' }]],
    beparams: { maxmem: 256 },
    hvparams: { kernel_args: 'ro quiet' },
  });
  assert.deepEqual(result, [
    ['disk/1', 'add:size=512,mode=rw'],
    ['disk/1', 'hotplug:done'],
    ['nic.ip/0', '10.0.0.1'],
    ['nic.link/0', 'xen-br0'],
    ['nic.mode/0', 'bridged'],
    ['nic.vlan/0', ''],
    ['nic/0', 'hotplug:done'],
    ['hv/kernel_args', 'ro quiet'],
    ['be/maxmem', 256],
  ]);
  assert.ok(said.includes(" - INFO: Instance web1.memory.example's disks are in sync"), said.join('|'));
  const { disks, beparams } = cluster.world.config.current.instances.byName(web1.instance_name)!;
  assert.deepEqual([disks.length, beparams], [2, { maxmem: 256 }]);
});

const noChanges: readonly [string, MemoryOptions, Record<string, unknown>, RegExp][] = [
  ['nothing', withRunning, {}, /No changes submitted$/],
  [
    'an interface that there is not',
    withRunning,
    { nics: [['remove', 9, {}]] },
    /^OpExecError: Got NIC index 9, but there are only 1$/,
  ],
  [
    'a volume under a running guest that cannot be told',
    withRunning,
    { disks: [['remove', 0, {}]] },
    /marked to be up, can't remove volume from a running instance without using hotplug$/,
  ],
  [
    'another primary node while it runs',
    withRunning,
    { pnode: nodeName(2) },
    /Instance is still running on node1.memory.example$/,
  ],
  [
    'offline while it runs',
    withRunning,
    { offline: true },
    /is marked to be up, can't change to offline without being down first$/,
  ],
  [
    'online while it is',
    withRunning,
    { offline: false },
    /is marked to be up, can't change to online \(down\) without being offline first$/,
  ],
  [
    'memory beyond its bounds',
    withRunning,
    { runtime_mem: 200 },
    /Instance web1.memory.example must have memory between 128 and 128 MB of memory unless --force is given$/,
  ],
  [
    'a parameter of the whole cluster',
    withGuest,
    { hvparams: { migration_port: 1 } },
    /are global and cannot be customized at instance level, please modify them at cluster level: migration_port$/,
  ],
  [
    'another size of a disk',
    withRunning,
    { disks: [['modify', 0, { size: 1 }]] },
    /Disk size change not possible, use grow-disk$/,
  ],
  [
    'settings of what goes',
    withGuest,
    { disks: [['remove', 0, { size: 1 }]] },
    /No settings should be passed when removing or detaching a disk$/,
  ],
  [
    'a second device of a name',
    withGuest,
    { disks: [['add', -1, { size: 64, name: '12' }]] },
    /Invalid name '12'. Purely numeric disk names are not allowed$/,
  ],
  [
    'more than the policy',
    withRunning,
    { beparams: { vcpus: 99 } },
    /violates policy: cpu-count value 99 is not in range \[1, 8\]$/,
  ],
];
for (const [what, options, request, words] of noChanges) {
  test(`a modification refuses ${what}`, async () => {
    const cluster = createMemoryCluster(options);
    await assert.rejects(runOperation(cluster, instanceSetParams, { ...web1, ...request }), words);
  });
}
