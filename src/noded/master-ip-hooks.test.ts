/** The hooks of the cluster's address: what they are told, and that one before it can stop it. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { silentLog } from '../kit/log.ts';
import { pathsFor } from '../kit/paths.ts';
import { withMasterIpHooks } from './master-ip-hooks.ts';

let root = '';
let context: Parameters<typeof withMasterIpHooks>[0];
const put = (path: string, text: string, mode = 0o644) => {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, text);
  chmodSync(full, mode);
};
const script = (name: string, body: string) =>
  put(`etc/ganeti/hooks/${name}/10-x`, `#!/bin/sh\n${body}\n`, 0o755);
const address = { ip: '192.0.2.9', netmask: 24, netdev: 'br0', family: 2, useExternalScript: false };

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mip-'));
  const paths = pathsFor({ GANETI_ROOTDIR: root });
  context = { paths, log: silentLog, hostname: 'node1', env: { GANETI_HOSTNAME: 'node1' } };
  put('var/lib/ganeti/ssconf_cluster_name', 'c.example\n');
  put('var/lib/ganeti/ssconf_master_node', 'node1\n');
});
afterEach(() => rmSync(root, { recursive: true }));

test('scripts before and after are told of the address', async () => {
  script('master-ip-turnup-pre.d', `env >'${root}/pre'`);
  script('master-ip-turnup-post.d', `env >'${root}/post'`);
  let done = 0;
  await withMasterIpHooks(context, 'up', address, async () => {
    done += 1;
  });
  assert.equal(done, 1);
  const variables = (name: string) => new Set(readFileSync(join(root, name), 'utf8').split('\n'));
  for (const line of [
    'GANETI_OP_CODE=OP_CLUSTER_IP_TURNUP',
    'GANETI_HOOKS_PHASE=pre',
    'GANETI_HOOKS_PATH=master-ip-turnup',
    'GANETI_CLUSTER=c.example',
    'GANETI_MASTER=node1',
    'GANETI_MASTER_IP=192.0.2.9',
    'GANETI_MASTER_NETMASK=24',
    'GANETI_MASTER_NETDEV=br0',
    'GANETI_CLUSTER_IP_VERSION=4',
  ])
    assert.ok(variables('pre').has(line), line);
  assert.ok(variables('post').has('GANETI_POST_MASTER_IP=192.0.2.9'));
  assert.ok(variables('post').has('GANETI_HOOKS_PHASE=post'));
});

test('a script before it that fails keeps it from being done, one after it does not', async () => {
  script('master-ip-turndown-post.d', 'exit 1');
  let done = 0;
  const work = async () => {
    done += 1;
  };
  await withMasterIpHooks(context, 'down', address, work);
  script('master-ip-turndown-pre.d', 'echo not now; exit 1');
  await assert.rejects(withMasterIpHooks(context, 'down', address, work), { errorClass: 'HooksAbort' });
  assert.equal(done, 1);
});
