import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { silentLog } from '../kit/log.ts';
import { pathsFor } from '../kit/paths.ts';
import { withLines } from '../kit/ssh-keys.ts';
import { makeClientCertificate, makeClusterCertificate } from '../noderpc/certificates.ts';
import { certificateIn, digestOf, isIssuedBy } from '../noderpc/pem.ts';
import { defaultArguments } from './daemons.ts';
import { JoinData, joinCluster } from './join.ts';

const cluster = await makeClusterCertificate();
const otherCluster = await makeClusterCertificate();

function machine() {
  const root = mkdtempSync(join(tmpdir(), 'join-'));
  const paths = pathsFor({ GANETI_ROOTDIR: root });
  const data = (more: object = {}) =>
    JoinData.parse({
      cluster_name: 'cluster.example.com',
      node_name: 'node2.example.com',
      node_daemon_certificate: cluster,
      ssconf: { cluster_name: 'cluster.example.com', master_node: 'node1.example.com' },
      ...more,
    });
  const joined = (more: object = {}, dryRun = false) =>
    joinCluster({ paths, log: silentLog, dryRun }, data(more));
  return { root, paths, joined, tearDown: () => rmSync(root, { recursive: true }) };
}

describe('joining a cluster', () => {
  test('certificates, keys and values are written, secrets for their owner only', async () => {
    const { paths, joined, tearDown } = machine();
    const client = await makeClientCertificate(cluster, { commonName: 'node2.example.com' });
    const digest = await joined({
      client_certificate: client,
      hmac_key: 'key',
      cluster_domain_secret: 'secret',
    });
    assert.equal(digest, digestOf(certificateIn(client)));
    for (const [path, text] of [
      [paths.serverCertificate, cluster],
      [paths.clientCertificate, client],
      [paths.confdHmacKey, 'key'],
      [paths.clusterDomainSecret, 'secret'],
    ] as const) {
      assert.equal(readFileSync(path, 'utf8'), text);
      assert.equal(statSync(path).mode & 0o777, 0o440);
    }
    assert.equal(readFileSync(`${paths.dataDir}/ssconf_master_node`, 'utf8'), 'node1.example.com\n');
    assert.equal(await joined({ client_certificate: client }), digest);
    tearDown();
  });

  test('a client certificate is made when the master sends none', async () => {
    const { paths, joined, tearDown } = machine();
    await joined();
    const made = certificateIn(readFileSync(paths.clientCertificate, 'utf8'));
    assert.ok(isIssuedBy(made, certificateIn(cluster)));
    assert.match(made.subject, /CN=node2\.example\.com/);
    tearDown();
  });

  test('values that a newer configuration left are replaced: the node is added again', async () => {
    const { paths, joined, tearDown } = machine();
    await joined({ ssconf_serial: 219 });
    await joined({ ssconf: { cluster_name: 'cluster.example.com', master_node: 'node3.example.com' } });
    assert.equal(readFileSync(`${paths.dataDir}/ssconf_master_node`, 'utf8'), 'node3.example.com\n');
    tearDown();
  });

  test('a machine of another cluster is refused before anything is written', async () => {
    const { paths, joined, tearDown } = machine();
    await joined();
    const before = readFileSync(paths.clientCertificate, 'utf8');
    await assert.rejects(joined({ node_daemon_certificate: otherCluster }), /belongs to another cluster/);
    const renamed = { cluster_name: 'other.example.com', ssconf: { cluster_name: 'other.example.com' } };
    await assert.rejects(joined(renamed), /belongs to another cluster \('cluster.example.com'\)/);
    assert.equal(readFileSync(paths.clientCertificate, 'utf8'), before);
    tearDown();
  });

  test('what does not fit together is refused', async () => {
    const { root, joined, tearDown } = machine();
    await assert.rejects(joined({ ssconf: { cluster_name: 'x' } }), /Cluster name in ssconf does not match/);
    const stranger = await makeClientCertificate(otherCluster, { commonName: 'x' });
    await assert.rejects(joined({ client_certificate: stranger }), /not one of this cluster/);
    const mixed = `${otherCluster.split('-----BEGIN CERT')[0]}${cluster.slice(cluster.indexOf('-----BEGIN CERT'))}`;
    await assert.rejects(joined({ node_daemon_certificate: mixed }), /not signed with given key/);
    assert.ok(!existsSync(join(root, 'var')));
    tearDown();
  });

  test('a dry run checks and writes nothing', async () => {
    const { root, joined, tearDown } = machine();
    await joined({}, true);
    assert.ok(!existsSync(join(root, 'var')));
    tearDown();
  });

  test('SSH keys are put in place, older ones kept', async () => {
    const { root, joined, tearDown } = machine();
    const key = (text: string) => ({
      ssh_host_key: [['rsa', `private ${text}`, `public ${text}`]],
      authorized_keys: { node1: [`ssh-rsa ${text} root@node1`] },
    });
    await joined(key('AAAA'));
    await joined(key('BBBB'));
    await joined(key('BBBB'));
    assert.equal(readFileSync(join(root, 'etc/ssh/ssh_host_rsa_key'), 'utf8'), 'private BBBB');
    assert.equal(statSync(join(root, 'etc/ssh/ssh_host_rsa_key')).mode & 0o777, 0o600);
    const list = join(root, 'root/.ssh/authorized_keys');
    assert.equal(readFileSync(list, 'utf8'), 'ssh-rsa AAAA root@node1\nssh-rsa BBBB root@node1\n');
    tearDown();
  });
});

test('lines are added once, after a last line without end too', () => {
  assert.equal(withLines('a', ['b', ' a ', 'b', '']), 'a\nb\n');
  assert.equal(withLines('a\n', ['a']), 'a\n');
});

test('arguments of daemons from the defaults file', () => {
  const text =
    '# NODED_ARGS="-d"\nNODED_ARGS="-b 10.0.0.1 -p 1911"\nEXTRA_NODED_ARGS=--debug\nRAPI_ARGS=-x\n';
  assert.deepEqual(defaultArguments(text, 'ganeti-noded'), ['-b', '10.0.0.1', '-p', '1911', '--debug']);
  assert.deepEqual(defaultArguments('', 'ganeti-noded'), []);
});
