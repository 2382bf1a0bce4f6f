/** Imports and moves: each leaves nothing behind, whatever fails and wherever the master dies. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instanceCreate } from '../../src/operations/instance/create.ts';
import { instanceMove } from '../../src/operations/instance/move.ts';
import { instanceRemove } from '../../src/operations/instance/remove.ts';
import { provesUndo } from '../../src/operations/proves-undo.ts';
import { makeHandshake, signCertificate } from '../../src/operations/transfer/authority.ts';
import { memoryCertificate } from './certificate.ts';
import { type MemoryOptions, nodeName, nodeUuid } from './cluster.ts';
import { type Request, runOperation, runSeen } from './run.ts';
import {
  clusterWith,
  exported,
  failing,
  name,
  onFile,
  onFileDown,
  plain,
  running,
  secret,
  toNode3,
  web1,
  worldOf,
} from './transfer-setting.ts';

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
