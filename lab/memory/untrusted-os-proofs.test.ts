/** Installations by scripts that no node trusts: the helper that runs them goes with all that it had, whatever happens. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstanceOnNode } from '../../src/noderpc/calls/shapes.ts';
import { instanceCreate } from '../../src/operations/instance/create.ts';
import { diskLetters } from '../../src/operations/instance/helper/install.ts';
import { instanceReinstall } from '../../src/operations/instance/reinstall.ts';
import { provesUndo } from '../../src/operations/proves-undo.ts';
import { createMemoryCluster, memoryInstance, memoryWorld, nodeName, nodeUuid } from './cluster.ts';
import { helperWords } from './helper-words.ts';
import { type Request, runOperation, runSeen } from './run.ts';

const name = 'web1.memory.example';
const install_image = '/helpers/install.raw';
const cluster = { install_image };
const communication = `ganeti:communication:${name}`;
const doing = 'Running OS create script';
const create = {
  instance_name: name,
  mode: 'create',
  os_type: 'untrusted+default',
  disk_template: 'plain',
  disks: [{ size: 128 }, { size: 64 }],
  nics: [{ name: communication, mode: 'routed', ip: '169.254.0.7' }],
  pnode: nodeName(1),
  hypervisor: 'kvm',
  osparams_private: { password: 'hush' },
  osparams_secret: { token: 'hush hush' },
  name_check: false,
  ip_check: false,
};

const stopped = (() => {
  const { instance, disks } = memoryInstance(name, { state: 'down', hypervisor: 'kvm' });
  const [nic] = instance.nics;
  const nics = [{ ...nic!, name: communication, ip: '169.254.0.7' }];
  return { instance: { ...instance, os: 'untrusted', nics }, disks };
})();

test('a creation with untrusted scripts is taken back whole', async () => {
  await provesUndo(instanceCreate, create, memoryWorld({ cluster }));
  const mirrored = {
    ...create,
    disk_template: 'drbd',
    snode: nodeName(2),
    start: false,
    disks: [{ size: 128 }],
  };
  await provesUndo(instanceCreate, mirrored, memoryWorld({ cluster }));
});

test('a reinstallation with untrusted scripts is taken back until it is done', async () => {
  const options = { cluster, instances: [stopped] };
  await provesUndo(instanceReinstall, { instance_name: name }, memoryWorld(options));
});

test('the helper gets the scripts, sees the disks behind its own, and says what Ganeti says', async () => {
  const made = createMemoryCluster({ cluster });
  const calls: [string, unknown][] = [];
  made.nodes.watch = (call, argument) => void calls.push([call, argument]);
  const { said } = await runSeen(made, instanceCreate, create);
  const from = said.findIndex((line) => line.startsWith('Created OS install package'));
  const { uuid, disks } = made.world.config.current.instances.byName(name)!;
  assert.deepEqual(said.slice(from), [
    `Created OS install package '/var/run/ganeti/metad/packages/${uuid}.tgz'`,
    ...helperWords(doing, install_image, name),
    '* starting instance...',
  ]);
  const asked = <T>(call: string) =>
    calls.flatMap(([each, argument]) => (each === call ? [argument as T] : []));
  const [wish] = asked<{ environment: unknown; secretParameters: unknown; secretNames: unknown }>(
    'os_package_make',
  );
  assert.deepEqual(wish!.environment, {
    OS_SCRIPT: 'create_untrusted',
    DISK_0_PATH: '/dev/vdb',
    DISK_1_PATH: '/dev/vdc',
  });
  assert.deepEqual(
    [wish!.secretParameters, wish!.secretNames],
    [{ password: 'hush', token: 'hush hush' }, ['token']],
  );
  const starts = asked<{ instance: InstanceOnNode }>('instance_start').map(({ instance }) =>
    instance.disks.map(({ disk }) => disk.uuid),
  );
  assert.equal(starts.length, 2);
  assert.deepEqual([starts[0]!.slice(1), starts[1]], [disks, disks]);
  assert.deepEqual(asked('instance_os_add'), []);
  assert.equal(made.nodes.machine(nodeUuid(1)).packages.size, 0);
});

test('a package that the parameters name is used as it is', async () => {
  const request = { ...create, osparams: { 'os-install-package': '/srv/ganeti/os/untrusted/package.tgz' } };
  const { said } = await runSeen(createMemoryCluster({ cluster }), instanceCreate, request);
  assert.ok(said.includes("Using OS install package '/srv/ganeti/os/untrusted/package.tgz'"));
  assert.ok(!said.some((line) => line.startsWith('Created OS install package')));
});

const refused: readonly [string, Request, Record<string, string>, RegExp][] = [
  [
    'without an image',
    create,
    {},
    /^OpExecError: Cannot create install instance because an install image has not been specified$/,
  ],
  [
    'without instance communication',
    { ...create, nics: [] },
    cluster,
    /the instance needs instance communication$/,
  ],
  [
    'with a helper that is never done',
    { ...create, helper_shutdown_timeout: 0 },
    { install_image: '/images/busy.raw' },
    /^OpExecError: Error running helper VM with image \/images\/busy\.raw$/,
  ],
];
for (const [what, request, options, words] of refused) {
  test(`no installation ${what}, and nothing is left`, async () => {
    const made = createMemoryCluster({ cluster: options });
    const before = made.snapshot();
    await assert.rejects(runOperation(made, instanceCreate, request), words);
    assert.deepEqual(made.snapshot(), before);
  });
}

test('names of disks go on after the last letter', () => {
  assert.deepEqual([0, 1, 25, 26, 27, 51, 52, 701, 702].map(diskLetters), [
    ...['a', 'b', 'z', 'aa', 'ab', 'az', 'ba', 'zz', 'aaa'],
  ]);
});
