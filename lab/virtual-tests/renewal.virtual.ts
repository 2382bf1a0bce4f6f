/** Certificates and keys are renewed while the cluster works; interrupted anywhere, the same command finishes it. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { pollUntil } from '../../src/kit/clock.ts';
import { VirtualLab } from '../harness/virtual.ts';

const nodes = ['node1', 'node2', 'node3'];

describe('certificates', () => {
  let lab: VirtualLab;
  before(async () => {
    lab = await VirtualLab.up({ nodes: 3 });
  });
  after(() => lab.down());

  type File = 'serverCertificate' | 'clientCertificate' | 'rapiCertificate' | 'confdHmacKey';
  const contents = (file: File) => Promise.all(nodes.map((node) => readFile(lab.paths(node)[file], 'utf8')));
  const renew = (...options: string[]) => lab.run('node1', ['gnt-cluster', 'renew-crypto', '-f', ...options]);
  /** All nodes have one cluster certificate, and nothing of the renewal lies about. */
  async function requireWhole(): Promise<string> {
    const certificates = await contents('serverCertificate');
    assert.equal(new Set(certificates).size, 1);
    assert.equal(new Set(await contents('clientCertificate')).size, nodes.length);
    for (const node of nodes) {
      const { serverCertificate, clientCertificate } = lab.paths(node);
      for (const left of [`${serverCertificate}.new`, `${serverCertificate}.old`, `${clientCertificate}.new`])
        assert.ok(!existsSync(left), left);
    }
    const verified = await lab.run('node1', ['gnt-cluster', 'verify']);
    assert.equal(verified.code, 0, verified.stdout);
    return certificates[0]!;
  }

  test('and keys that nodes have alike are all renewed at once', async () => {
    const before = [
      await requireWhole(),
      ...(await contents('rapiCertificate')),
      ...(await contents('confdHmacKey')),
    ];
    const done = await renew(
      '--new-cluster-certificate',
      '--new-rapi-certificate',
      '--new-confd-hmac-key',
      '--new-spice-certificate',
      '--new-cluster-domain-secret',
    );
    assert.equal(done.code, 0, done.stdout + done.stderr);
    const after = [
      await requireWhole(),
      ...(await contents('rapiCertificate')),
      ...(await contents('confdHmacKey')),
    ];
    for (const content of after) assert.ok(!before.includes(content));
    assert.equal(new Set(after).size, 3, 'all nodes have the same');
  });

  test('stay as they are when a node does not answer, and are renewed when it does', async () => {
    const before = await requireWhole();
    await lab.output('node3', ['daemon-util', 'stop', 'ganeti-noded']);
    const refused = await renew('--new-cluster-certificate');
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /New certificates could not be prepared on some nodes:\nNode node3\.virtual\.example: /,
    );
    await lab.output('node3', ['daemon-util', 'start', 'ganeti-noded']);
    const job = await lab.run('node1', ['gnt-cluster', 'redist-conf']);
    assert.equal(job.code, 0, 'the master is still heard');
    assert.equal((await renew('--new-cluster-certificate')).code, 0);
    assert.notEqual(await requireWhole(), before);
  });

  // What nodes show while the renewal is under way; the master dies as soon as it is seen.
  const moments = [
    ['are prepared on a node', () => existsSync(`${lab.paths('node2').serverCertificate}.new`)],
    ['are in place on a node', () => existsSync(`${lab.paths('node2').serverCertificate}.old`)],
    ['are in place on the master', () => existsSync(`${lab.paths('node1').serverCertificate}.old`)],
  ] as const;
  for (const [what, seen] of moments) {
    test(`are whole again after a master that died when they ${what}`, async () => {
      const running = renew('--new-cluster-certificate');
      assert.ok(await pollUntil(async () => seen() || undefined, { everyMs: 1, timeoutMs: 20_000 }));
      const pid = lab.killDaemon('node1', 'ganeti-masterd');
      await running;
      await lab.waitForDaemon('node1', 'ganeti-masterd', pid);
      await lab.waitForMaster('node1');
      const again = await renew('--new-cluster-certificate');
      assert.equal(again.code, 0, again.stdout + again.stderr);
      await requireWhole();
    });
  }

  test('of a node alone are renewed too, and a certificate from a file is checked', async () => {
    const before = await contents('clientCertificate');
    assert.equal((await renew('--new-node-certificates')).code, 0);
    const after = await contents('clientCertificate');
    for (const [index, content] of after.entries()) assert.notEqual(content, before[index]);
    const file = `${lab.directory}/not-a-certificate`;
    await rm(file, { force: true });
    const missing = await renew(`--rapi-certificate=${file}`);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /Unable to load X509 certificate from .*not-a-certificate/);
    await requireWhole();
  });
});
