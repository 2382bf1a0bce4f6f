import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { silentLog } from '../../kit/log.ts';
import { type Paths, pathsFor } from '../../kit/paths.ts';
import type { NodeCall } from '../../noderpc/call.ts';
import * as diskCalls from '../../noderpc/calls/disk.ts';
import * as nodeCalls from '../../noderpc/calls/node.ts';
import { nodeVerify } from '../../noderpc/calls/verify.ts';
import { makeClientCertificate, makeClusterCertificate } from '../../noderpc/certificates.ts';
import type { NodeHandler } from '../../noderpc/handler.ts';
import { certificateIn, digestOf } from '../../noderpc/pem.ts';
import { createStorageHost } from '../../storage/host.ts';
import { disk, request } from '../../storage/request.fixture.ts';
import { createContext } from '../context.ts';
import { nodeCallTable } from './table.ts';

const callFolder = join(import.meta.dirname, '..', '..', 'noderpc', 'calls');

async function definedCalls(): Promise<string[]> {
  const files = readdirSync(callFolder).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  const modules = (await Promise.all(files.map((file) => import(join(callFolder, file))))) as object[];
  const values = modules.flatMap((module) => Object.values(module) as unknown[]);
  const calls = values.filter((value) => typeof value === 'object' && value !== null && 'deadline' in value);
  return calls.map((call) => (call as NodeCall).name);
}

describe('the handlers of a node', () => {
  const root = mkdtempSync(join(tmpdir(), 'noded-'));
  const paths: Paths = pathsFor({ GANETI_ROOTDIR: root });
  let table: ReadonlyMap<string, NodeHandler>;
  let stopped = 0;
  let renewed = 0;
  let clusterPem = '';

  /** Argument and result go through their definitions, as they do over the network. */
  async function call<A, R>(definition: NodeCall<A, R>, argument: unknown): Promise<R> {
    const handler = table.get(definition.name)!;
    const context = { peer: 'test', signal: new AbortController().signal };
    const result = await handler.handle(definition.argument.parse(argument) as never, context);
    return definition.result.parse(JSON.parse(JSON.stringify(result)));
  }

  before(async () => {
    for (const folder of [
      paths.dataDir,
      paths.configDir,
      paths.logDir,
      join(root, 'srv/ganeti/file-storage'),
    ]) {
      mkdirSync(folder, { recursive: true });
    }
    clusterPem = await makeClusterCertificate();
    writeFileSync(paths.serverCertificate, clusterPem);
    writeFileSync(paths.fileStoragePathsFile, '/srv/ganeti/file-storage\n');
    table = nodeCallTable(
      createContext({
        paths,
        log: silentLog,
        env: { GANETI_ROOTDIR: root, GANETI_HOSTNAME: 'node2.example.com' },
        hostname: 'node2.example.com',
        host: createStorageHost(paths, silentLog),
        stopDaemon: () => {
          stopped += 1;
        },
        certificateChanged: () => {
          renewed += 1;
        },
      }),
    );
  });
  after(() => rmSync(root, { recursive: true }));

  test('every defined call has its handler, and no other is there', async () => {
    const defined = await definedCalls();
    assert.ok(defined.length > 60);
    assert.deepEqual([...table.keys()].sort(), [...new Set(defined)].sort());
  });

  test('ssconf values are written, and none from an older configuration', async () => {
    await assert.rejects(call(nodeCalls.masterNodeName, {}), { errorClass: 'ConfigurationError' });
    const values = { master_node: 'node1.example.com', cluster_tags: '' };
    await call(nodeCalls.writeSsconfFiles, { values, serial: 7 });
    assert.equal(await call(nodeCalls.masterNodeName, {}), 'node1.example.com');
    const older = { values: { master_node: 'node9.example.com' }, serial: 6 };
    await assert.rejects(call(nodeCalls.writeSsconfFiles, older), /older than those of this node \(7\)/);
    assert.equal(readFileSync(`${paths.dataDir}/ssconf_master_node`, 'utf8'), 'node1.example.com\n');
    assert.equal(readFileSync(`${paths.dataDir}/ssconf_cluster_tags`, 'utf8'), '');
    assert.equal(statSync(`${paths.dataDir}/ssconf_master_node`).mode & 0o777, 0o444);
    const wandering = { values: { '../x': '' }, serial: 8 };
    await assert.rejects(call(nodeCalls.writeSsconfFiles, wandering), /Invalid key/);
  });

  test('only files of the cluster may be written, with their mode', async () => {
    const file = { content: 'secret', encoding: 'utf8', mode: 0o440, owner: 'root', group: 'root' };
    await call(nodeCalls.uploadFile, { ...file, path: '/var/lib/ganeti/hmac.key' });
    assert.equal(readFileSync(paths.confdHmacKey, 'utf8'), 'secret');
    assert.equal(statSync(paths.confdHmacKey).mode & 0o777, 0o440);
    for (const path of [
      '/etc/passwd',
      '/var/lib/ganeti/../../../etc/passwd',
      '/etc/ganeti/file-storage-paths',
      'var/lib/ganeti/hmac.key',
    ]) {
      await assert.rejects(call(nodeCalls.uploadFile, { ...file, path }), /not in allowed upload targets/);
    }
  });

  test('a renewed cluster certificate is taken only with its own key, and served at once', async () => {
    const file = {
      path: '/var/lib/ganeti/server.pem',
      encoding: 'utf8',
      mode: 0o440,
      owner: 'root',
      group: 'root',
    };
    const other = await makeClusterCertificate();
    const mixed = `${other.split('-----BEGIN CERT')[0]}${clusterPem.slice(clusterPem.indexOf('-----BEGIN CERT'))}`;
    await assert.rejects(call(nodeCalls.uploadFile, { ...file, content: mixed }), /key does not belong/);
    assert.equal(renewed, 0);
    await call(nodeCalls.uploadFile, { ...file, content: clusterPem });
    assert.equal(renewed, 1);
  });

  test('the hosts file keeps what is not about the node', async () => {
    writeFileSync(paths.etcHosts, '127.0.0.1 localhost\n# kept\n10.0.0.3 old.example.com old alias\n');
    const change = (action: string, ip: string | null) =>
      call(nodeCalls.etcHostsModify, { action, host: 'node3.example.com', ip });
    await change('add', '10.0.0.3');
    await change('add', '10.0.0.3');
    assert.equal(
      readFileSync(paths.etcHosts, 'utf8'),
      '127.0.0.1 localhost\n# kept\n10.0.0.3\tnode3.example.com node3\n',
    );
    await change('remove', null);
    await change('remove', null);
    assert.equal(readFileSync(paths.etcHosts, 'utf8'), '127.0.0.1 localhost\n# kept\n');
    await assert.rejects(change('add', null), /needs 'ip' parameter/);
  });

  test('a disk lives under its stable name', async () => {
    const path = '/srv/ganeti/file-storage/inst1/u1.disk0';
    const made = request(disk('file', ['loop', path], 4));
    await call(nodeCalls.fileStorageDirCreate, { path: '/srv/ganeti/file-storage/inst1' });
    const options = { onPrimary: true, info: 'x', mustBeNew: true };
    await call(diskCalls.blockdevCreate, { disk: made, ...options });
    const device = await call(diskCalls.blockdevAssemble, { disk: made, asPrimary: true });
    const link = `${paths.instanceDisksDir}/inst1.example.com:0`;
    assert.deepEqual(device, { path: root + path, link, uri: null });
    writeFileSync(root + path, Buffer.alloc(4 * 1024 * 1024, 1));
    await call(diskCalls.blockdevWipe, { disk: made, offset: 1, size: 2 });
    const bytes = readFileSync(root + path);
    assert.deepEqual([bytes[0], bytes[1024 * 1024], bytes[3 * 1024 * 1024 - 1], bytes.at(-1)], [1, 0, 0, 1]);
    await assert.rejects(call(diskCalls.blockdevWipe, { disk: made, offset: 3, size: 2 }), /beyond the end/);
    const statuses = await call(diskCalls.blockdevStatus, { disks: [made] });
    assert.equal(statuses[0]?.path, root + path);
    await call(diskCalls.blockdevShutdown, { disk: made });
    assert.ok(!existsSync(link));
    await call(diskCalls.blockdevRemove, { disk: made });
    await call(nodeCalls.fileStorageDirRemove, { path: '/srv/ganeti/file-storage/inst1' });
    await call(nodeCalls.fileStorageDirRemove, { path: '/srv/ganeti/file-storage/inst1' });
    assert.deepEqual(readdirSync(join(root, 'srv/ganeti/file-storage')), []);
  });

  test('only mirrors have a network side', async () => {
    const made = request(disk('file', ['loop', '/srv/ganeti/file-storage/x'], 4));
    await assert.rejects(call(diskCalls.drbdDisconnectNet, { disks: [made] }), /have no network side/);
    const unknown = { ...made, disk: { ...made.disk, dev_type: 'nosuch' } };
    await assert.rejects(
      call(diskCalls.blockdevFind, { disk: unknown }),
      /Invalid block device type 'nosuch'/,
    );
  });

  test('verification answers what is asked, and says what it could not find out', async () => {
    writeFileSync(`${paths.configDir}/vnc-cluster-password`, 'abc');
    const answer = await call(nodeVerify, {
      fileChecksums: ['/etc/ganeti/vnc-cluster-password', '/etc/ganeti/none'],
      addresses: ['127.0.0.1', '192.0.2.77'],
      fileStorageDirs: [
        { template: 'file', path: '/srv/ganeti/file-storage' },
        { template: 'sharedfile', path: '/srv/else' },
      ],
      bridges: [{ mode: 'bridged', link: 'gantry-none' }],
      userScripts: ['/etc/ganeti/scripts/none'],
      hypervisors: [{ name: 'nosuch', hvparams: {} }],
      masterIp: { ip: '127.0.0.1', masterName: 'node1.example.com' },
    });
    assert.deepEqual(answer.fileChecksums, {
      '/etc/ganeti/vnc-cluster-password': 'a9993e364706816aba3e25717850c26c9cd0d89d',
    });
    assert.deepEqual(answer.missingAddresses, ['192.0.2.77']);
    assert.deepEqual(
      answer.storageProblems.map(({ fault }) => fault),
      ["Path '/srv/else' is not acceptable for file storage"],
    );
    assert.deepEqual(answer.missingBridges, ['gantry-none']);
    assert.deepEqual(answer.missingScripts, ['/etc/ganeti/scripts/none']);
    assert.match(answer.hypervisors[0]!.fault!, /Unknown hypervisor 'nosuch'|nosuch/);
    assert.equal(answer.masterIpReachable, true);
    assert.deepEqual([answer.drbd, answer.volumeGroups], [null, null]);
    assert.match(answer.clientCertificate.fault!, /client\.pem/);
  });

  test('a client certificate is made, and its digest is told', async () => {
    const { digest } = await call(nodeCalls.nodeCryptoTokens, { action: 'create' });
    assert.equal(digest, digestOf(certificateIn(readFileSync(paths.clientCertificate, 'utf8'))));
    assert.deepEqual(await call(nodeCalls.nodeCryptoTokens, { action: 'get' }), { digest });
    const { clientCertificate } = await call(nodeVerify, {});
    assert.deepEqual([clientCertificate.fault, clientCertificate.digest], [null, digest]);
    writeFileSync(
      paths.clientCertificate,
      await makeClientCertificate(await makeClusterCertificate(), { commonName: 'x' }),
      {
        mode: 0o600,
      },
    );
    const again = await call(nodeVerify, {});
    assert.match(again.clientCertificate.fault!, /not signed by the cluster certificate/);
  });

  test('an address in 127.0.0.0/8 is up already; a device that is none is refused', async () => {
    const address = { ip: '127.0.3.7', netmask: 32, netdev: 'lo', family: 2, useExternalScript: false };
    await call(nodeCalls.nodeActivateMasterIp, address);
    await call(nodeCalls.nodeDeactivateMasterIp, address);
    await assert.rejects(
      call(nodeCalls.nodeActivateMasterIp, { ...address, netdev: 'eth0;x' }),
      /network device/,
    );
    await assert.rejects(
      call(nodeCalls.nodeActivateMasterIp, { ...address, family: 10 }),
      /Invalid cluster IP/,
    );
  });

  test('demotion moves the configuration away, but not the master’s', async () => {
    await call(nodeCalls.writeSsconfFiles, { values: { master_node: 'node2.example.com' }, serial: 9 });
    await assert.rejects(call(nodeCalls.nodeDemoteFromCandidate, {}), /I'm the master node, will not demote/);
    await call(nodeCalls.writeSsconfFiles, { values: { master_node: 'node1.example.com' }, serial: 10 });
    writeFileSync(paths.configFile, '{}');
    mkdirSync(paths.queueDir);
    await call(nodeCalls.nodeDemoteFromCandidate, {});
    await call(nodeCalls.nodeDemoteFromCandidate, {});
    assert.ok(!existsSync(paths.configFile) && !existsSync(paths.queueDir));
    const kept = readdirSync(paths.dataDir).filter((name) => name.includes('.backup-'));
    assert.deepEqual(kept.map((name) => name.replace(/\d+\.[0-9a-f]{8}$/, '')).sort(), [
      'config.data.backup-',
      'queue.backup-',
    ]);
  });

  test('leaving takes every trace of the cluster away and ends the daemon', async () => {
    mkdirSync(join(root, 'root/.ssh'), { recursive: true });
    writeFileSync(join(root, 'root/.ssh/id_rsa'), 'private');
    writeFileSync(join(root, 'root/.ssh/id_rsa.pub'), 'ssh-rsa AAAA root@node2\n');
    writeFileSync(join(root, 'root/.ssh/authorized_keys'), 'ssh-rsa AAAA root@node2\nssh-rsa BBBB admin\n');
    await call(nodeCalls.nodeLeaveCluster, { modifySsh: true });
    assert.equal(stopped, 1);
    const left = readdirSync(paths.dataDir, { withFileTypes: true }).filter((entry) => entry.isFile());
    assert.deepEqual(left, []);
    assert.deepEqual(readdirSync(join(root, 'root/.ssh')), ['authorized_keys']);
    assert.equal(readFileSync(join(root, 'root/.ssh/authorized_keys'), 'utf8'), 'ssh-rsa BBBB admin\n');
  });
});
