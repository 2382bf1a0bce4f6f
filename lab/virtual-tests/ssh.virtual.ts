/** Who can log in where: keys follow the roles of nodes, are renewed, and leave with the node that they came with. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runChecked } from '../../src/kit/process.ts';
import { keyMaterial } from '../../src/kit/ssh-keys.ts';
import { VirtualLab } from '../harness/virtual.ts';

const nodes = ['node1', 'node2', 'node3'];
const own = 'ssh-ed25519 AAAAown admin@desk';

describe('SSH keys', () => {
  let lab: VirtualLab;
  const folder = (node: string) => join(lab.root(node), 'root/.ssh');
  const lines = async (path: string) =>
    (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  const keyOf = async (node: string, type = 'ecdsa') =>
    keyMaterial(await readFile(join(folder(node), `id_${type}.pub`), 'utf8'));
  /** Nodes whose key opens this one. */
  const guests = async (node: string, type = 'ecdsa') => {
    const open = (await lines(join(folder(node), 'authorized_keys'))).map(keyMaterial);
    const found: string[] = [];
    for (const other of nodes) {
      const isThere = existsSync(join(folder(other), `id_${type}.pub`));
      if (isThere && open.includes(await keyOf(other, type))) found.push(other);
    }
    return found;
  };
  const listed = async (node: string) => (await lines(lab.paths(node).sshPublicKeys)).length;
  const gnt = (...argv: string[]) => lab.output('node1', argv);
  const addNode = (...options: string[]) => gnt('gnt-node', 'add', '--no-ssh-key-check', ...options);

  before(async () => {
    lab = await VirtualLab.up({ nodes: 3, init: false });
    for (const node of nodes) {
      await mkdir(folder(node), { recursive: true, mode: 0o700 });
      await writeFile(join(folder(node), 'authorized_keys'), `${own}\n`);
      await mkdir(join(lab.root(node), 'etc/ssh'), { recursive: true });
      const file = join(lab.root(node), 'etc/ssh/ssh_host_ecdsa_key');
      await runChecked(['ssh-keygen', '-q', '-t', 'ecdsa', '-N', '', '-C', node, '-f', file]);
    }
    const init =
      'gnt-cluster init --no-etc-hosts --ssh-key-type=ecdsa --ssh-key-bits=256 --master-netdev=lo --enabled-hypervisors=fake --enabled-disk-templates=diskless --nic-parameters mode=routed,link=100 -C 2 cluster.virtual.example';
    await gnt(...init.split(' '));
  });
  after(() => lab.down());

  test('of candidates open every node, those of others none', async () => {
    await addNode('node2');
    await addNode('node3');
    for (const node of ['node1', 'node2']) assert.deepEqual(await guests(node), ['node1', 'node2']);
    assert.deepEqual(await guests('node3'), nodes, 'its own opens it too');
    for (const node of nodes) {
      assert.equal(await listed(node), 3);
      assert.ok((await lines(join(folder(node), 'authorized_keys'))).includes(own));
    }
    const hostKey = await readFile(join(lab.root('node1'), 'etc/ssh/ssh_host_ecdsa_key'), 'utf8');
    for (const node of nodes)
      assert.equal(await readFile(join(lab.root(node), 'etc/ssh/ssh_host_ecdsa_key'), 'utf8'), hostKey);
    assert.match(
      await readFile(lab.paths('node1').knownHosts, 'utf8'),
      /^cluster\.virtual\.example ecdsa-sha2-/,
    );
  });

  test('follow the roles of their nodes', async () => {
    await gnt('gnt-node', 'modify', '--master-candidate=no', '--auto-promote', 'node2');
    assert.deepEqual(await guests('node1'), ['node1', 'node3']);
    await gnt('gnt-cluster', 'modify', '-C', '3');
    for (const node of nodes) assert.deepEqual(await guests(node), nodes);
  });

  test('are renewed, and an interrupted renewal is finished by the next', async () => {
    const before = await Promise.all(nodes.map((node) => keyOf(node)));
    await lab.output('node3', ['daemon-util', 'stop', 'ganeti-noded']);
    const refused = await lab.run('node1', ['gnt-cluster', 'renew-crypto', '-f', '--new-ssh-keys']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /New SSH keys could not be prepared on some nodes:\nNode node3\./);
    assert.deepEqual(await Promise.all(nodes.map((node) => keyOf(node))), before);
    await lab.output('node3', ['daemon-util', 'start', 'ganeti-noded']);
    await gnt(
      'gnt-cluster',
      'renew-crypto',
      '-f',
      '--new-ssh-keys',
      '--ssh-key-type=rsa',
      '--ssh-key-bits=2048',
    );
    for (const node of nodes) {
      assert.deepEqual(await guests(node, 'rsa'), nodes);
      assert.ok(!existsSync(join(folder(node), 'id_ecdsa')));
      const open = (await lines(join(folder(node), 'authorized_keys'))).map(keyMaterial);
      for (const old of before) assert.ok(!open.includes(old));
    }
  });

  test('leave with the cluster, and nothing else does', async () => {
    const key = await keyOf('node3', 'rsa');
    await gnt('gnt-node', 'remove', 'node3');
    assert.deepEqual(await lines(join(folder('node3'), 'authorized_keys')), [own]);
    assert.ok(!existsSync(join(folder('node3'), 'id_rsa')));
    assert.ok(!(await lines(join(folder('node1'), 'authorized_keys'))).map(keyMaterial).includes(key));
    assert.equal(await listed('node1'), 2);
    await addNode('node3');
    for (const node of nodes) assert.deepEqual(await guests(node, 'rsa'), nodes);
    for (const node of ['node2', 'node3']) await gnt('gnt-node', 'remove', node);
    await gnt('gnt-cluster', 'destroy', '--yes-do-it');
    for (const node of nodes)
      assert.deepEqual(await lines(join(folder(node), 'authorized_keys')), [own], node);
  });
});
