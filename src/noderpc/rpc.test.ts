import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as z from 'zod';
import { Failure } from '../kit/failure.ts';
import { silentLog } from '../kit/log.ts';
import { pathsFor } from '../kit/paths.ts';
import { nodeCall } from './call.ts';
import { makeClientCertificate, makeClusterCertificate } from './certificates.ts';
import { createNodeClient, type NodeClient } from './client.ts';
import { answers, handlerTable } from './handler.ts';
import { createIdentity } from './identity.ts';
import { certificateIn, digestOf } from './pem.ts';
import { createNodeServer, type NodeServer } from './server.ts';

const echo = nodeCall({
  name: 'echo',
  deadline: 5,
  effect: 'read',
  argument: z.object({ text: z.string(), times: z.int().default(1) }),
  result: z.string(),
});
const fail = nodeCall({
  name: 'fail',
  deadline: 5,
  effect: 'change',
  argument: z.object({}),
  result: z.null(),
});
const hang = nodeCall({
  name: 'hang',
  deadline: 0.2,
  effect: 'read',
  argument: z.object({}),
  result: z.null(),
});
const unknown = nodeCall({
  name: 'nosuch',
  deadline: 5,
  effect: 'read',
  argument: z.object({}),
  result: z.null(),
});

const handlers = handlerTable([
  answers(echo, async (a) => a.text.repeat(a.times)),
  answers(fail, async () => {
    throw new Failure('BlockDeviceError', ['no space left', 7]);
  }),
  answers(
    hang,
    (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('called off')), { once: true });
      }),
  ),
]);

describe('node calls over TLS', () => {
  const root = mkdtempSync(join(tmpdir(), 'noderpc-'));
  const server = join(root, 'server');
  const master = join(root, 'master');
  let clusterPem = '';
  let nodeServer: NodeServer;
  let port = 0;
  let client: NodeClient;

  const pathsIn = (directory: string) => ({
    ...pathsFor({}),
    dataDir: directory,
    serverCertificate: `${directory}/server.pem`,
    clientCertificate: `${directory}/client.pem`,
  });
  const clientFor = (directory: string, to = () => port) =>
    createNodeClient({
      paths: pathsIn(directory),
      log: silentLog,
      address: (uuid) => {
        if (uuid === 'gone') return undefined;
        return { name: `${uuid}.example.com`, ip: '127.0.0.1', port: to(), offline: uuid === 'offline' };
      },
    });
  const write = (directory: string, name: string, text: string) => writeFileSync(join(directory, name), text);

  before(async () => {
    for (const directory of [server, master]) {
      mkdirSync(directory);
    }
    clusterPem = await makeClusterCertificate();
    write(server, 'server.pem', clusterPem);
    write(master, 'server.pem', clusterPem);
    write(master, 'client.pem', await makeClientCertificate(clusterPem, { commonName: 'node1.example.com' }));
    nodeServer = createNodeServer({
      identity: createIdentity(pathsIn(server)),
      handlers,
      log: silentLog,
      port: 0,
      bind: '127.0.0.1',
    });
    port = await nodeServer.listen();
    client = clientFor(master);
  });
  after(async () => {
    await client.close();
    await nodeServer.close(1000);
    rmSync(root, { recursive: true });
  });

  test('an argument goes there and its result comes back, with defaults filled', async () => {
    const argument = { text: 'grüße' } as { text: string; times: number };
    assert.equal(await client.call('node2', echo, argument), 'grüße');
    assert.equal(
      await client.call('node2', echo, { text: 'x'.repeat(1_000_000), times: 3 }),
      'x'.repeat(3_000_000),
    );
  });

  test('a failure of the node keeps its class and arguments, and names the node', async () => {
    await assert.rejects(client.call('node2', fail, {}), (error: Failure) => {
      assert.equal(error.errorClass, 'BlockDeviceError');
      assert.deepEqual(error.args, ['Node node2.example.com: no space left', 7]);
      return true;
    });
  });

  test('each node has a reply of its own kind', async () => {
    const replies = await client.callAll(['node2', 'offline', 'gone'], echo, (node) => ({
      text: node,
      times: 1,
    }));
    assert.deepEqual(replies.get('node2'), { kind: 'answered', value: 'node2' });
    assert.deepEqual(replies.get('offline'), { kind: 'offline' });
    assert.equal(replies.get('gone')?.kind, 'unreachable');
    const refused = (await client.callAll(['node2'], fail, {})).get('node2');
    assert.deepEqual(refused, {
      kind: 'refused',
      message: 'no space left',
      error: ['BlockDeviceError', ['no space left', 7]],
    });
  });

  test('a wrong argument, an unknown call and a late answer are told apart', async () => {
    await assert.rejects(client.call('node2', echo, { text: 5 } as never), { errorClass: 'ProtocolError' });
    await assert.rejects(client.call('node2', unknown, {}), /does not know the call 'nosuch'/);
    await assert.rejects(client.call('node2', hang, {}), /no answer within 0.2 seconds/);
  });

  test('a caller can call a call off', async () => {
    const abort = new AbortController();
    const slow = { ...hang, deadline: 60 };
    const asked = client.call('node2', slow, {}, { signal: abort.signal });
    setImmediate(() => abort.abort(new Error('job cancelled')));
    await assert.rejects(asked, /job cancelled/);
  });

  test('a node that nobody serves is unreachable', async () => {
    const lonely = clientFor(master, () => 1);
    await assert.rejects(lonely.call('node2', echo, { text: 'a', times: 1 }), {
      errorClass: 'RpcError',
      message: /^RPC call 'echo' to node node2.example.com failed: .*ECONNREFUSED/,
    });
    await lonely.close();
  });

  test('only the cluster certificate is accepted of a node', async () => {
    const elsewhere = join(root, 'elsewhere');
    mkdirSync(elsewhere);
    write(elsewhere, 'server.pem', await makeClusterCertificate());
    const stranger = clientFor(elsewhere);
    await assert.rejects(
      stranger.call('node2', echo, { text: 'a', times: 1 }),
      /certificate of this cluster/,
    );
    await stranger.close();
  });

  test('a client certificate of another cluster is refused', async () => {
    const forged = join(root, 'forged');
    mkdirSync(forged);
    write(forged, 'server.pem', clusterPem);
    const other = await makeClusterCertificate();
    write(forged, 'client.pem', await makeClientCertificate(other, { commonName: 'node1.example.com' }));
    const forger = clientFor(forged);
    await assert.rejects(forger.call('node2', echo, { text: 'a', times: 1 }), /not of this cluster/);
    await forger.close();
  });

  test('once candidates are known only they may call, on open connections too', async () => {
    const demoted = join(root, 'demoted');
    mkdirSync(demoted);
    write(demoted, 'server.pem', clusterPem);
    write(
      demoted,
      'client.pem',
      await makeClientCertificate(clusterPem, { commonName: 'node3.example.com' }),
    );
    const former = clientFor(demoted);
    assert.equal(await former.call('node2', echo, { text: 'a', times: 1 }), 'a');
    const digest = digestOf(certificateIn(readFileSync(join(master, 'client.pem'), 'utf8')));
    write(server, 'ssconf_master_candidates_certs', `uuid1=${digest}\n`);
    await assert.rejects(
      former.call('node2', echo, { text: 'a', times: 1 }),
      /not that of a master candidate/,
    );
    assert.equal(await client.call('node2', echo, { text: 'a', times: 1 }), 'a');
    rmSync(join(server, 'ssconf_master_candidates_certs'));
    await former.close();
  });

  test('an expired client certificate is refused', async () => {
    const old = join(root, 'old');
    mkdirSync(old);
    write(old, 'server.pem', clusterPem);
    const from = Date.UTC(2001, 0, 1);
    write(old, 'client.pem', await makeClientCertificate(clusterPem, { commonName: 'a', from, days: 1 }));
    const late = clientFor(old);
    await assert.rejects(late.call('node2', echo, { text: 'a', times: 1 }), /certificate is expired/);
    await late.close();
  });
});
