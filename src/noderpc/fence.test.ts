import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as z from 'zod';
import { writeFileAtomic } from '../kit/atomic-file.ts';
import { silentLog } from '../kit/log.ts';
import { pathsFor } from '../kit/paths.ts';
import { nodeCall } from './call.ts';
import { makeClientCertificate, makeClusterCertificate } from './certificates.ts';
import { createNodeClient } from './client.ts';
import { forgetMasters, isStaleMaster, openFence } from './fence.ts';
import { answers, handlerTable } from './handler.ts';
import { createIdentity } from './identity.ts';
import { createNodeServer } from './server.ts';

const root = mkdtempSync(join(tmpdir(), 'fence-'));
after(() => rmSync(root, { recursive: true, force: true }));

function folder(name: string) {
  const paths = pathsFor({ GANETI_ROOTDIR: join(root, name) });
  mkdirSync(paths.dataDir, { recursive: true });
  return paths;
}

test('a newer master is heard and remembered across restarts, an older one refused', async () => {
  const paths = folder('remembered');
  const raised: number[] = [];
  const fence = openFence(paths, async (epoch) => {
    raised.push(epoch);
  });
  assert.equal(fence.epoch, 0);
  await fence.admit(3);
  await fence.admit(3);
  await Promise.all([fence.admit(5), fence.admit(4).catch(() => {}), fence.admit(5)]);
  await assert.rejects(fence.admit(4), isStaleMaster);
  assert.deepEqual(raised, [3, 5]);
  const again = openFence(paths);
  assert.equal(again.epoch, 5);
  await assert.rejects(again.admit(1), /master of epoch 1 is no longer master: this node follows epoch 5/);
});

test('an epoch is promised to one only', async () => {
  const fence = openFence(folder('promised'));
  const outcomes = await Promise.allSettled([fence.promise(2), fence.promise(2)]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
  await fence.admit(2);
  await assert.rejects(fence.promise(1), isStaleMaster);
  await fence.promise(3);
});

test('a machine that is in no cluster follows nobody', async () => {
  const paths = folder('forgotten');
  await openFence(paths).admit(9);
  await forgetMasters(paths);
  assert.equal(openFence(paths).epoch, 0);
});

test('node calls carry the epoch: a superseded master learns of it from any node', async () => {
  const paths = folder('called');
  const clusterPem = await makeClusterCertificate({ commonName: 'cluster.example.com' });
  await writeFileAtomic(paths.serverCertificate, clusterPem, { mode: 0o600 });
  const clientPem = await makeClientCertificate(clusterPem, { commonName: 'node1.example.com' });
  await writeFileAtomic(paths.clientCertificate, clientPem, { mode: 0o600 });
  const ask = nodeCall({
    name: 'ask',
    deadline: 5,
    effect: 'read',
    argument: z.object({}),
    result: z.string(),
  });
  const server = createNodeServer({
    identity: createIdentity(paths),
    handlers: handlerTable([answers(ask, async () => 'answer')]),
    log: silentLog,
    port: 0,
    bind: '127.0.0.1',
    fence: openFence(paths),
  });
  const port = await server.listen();
  const masterOf = (epoch: number | undefined) => {
    const told: string[] = [];
    const client = createNodeClient({
      paths,
      log: silentLog,
      address: () => ({ name: 'node1.example.com', ip: '127.0.0.1', port, offline: false }),
      superseded: ({ message }) => told.push(message),
      ...(epoch === undefined ? {} : { epoch: () => epoch }),
    });
    return { client, told };
  };
  const [older, newer, bootstrap] = [masterOf(1), masterOf(2), masterOf(undefined)];
  try {
    assert.equal(await older.client.call('node1', ask, {}), 'answer');
    assert.equal(await newer.client.call('node1', ask, {}), 'answer');
    await assert.rejects(older.client.call('node1', ask, {}), isStaleMaster);
    assert.equal(older.told.length, 1);
    assert.equal(await newer.client.call('node1', ask, {}), 'answer');
    assert.equal(await bootstrap.client.call('node1', ask, {}), 'answer');
    assert.deepEqual([newer.told, bootstrap.told], [[], []]);
  } finally {
    for (const { client } of [older, newer, bootstrap]) await client.close();
    await server.close(0);
  }
});
