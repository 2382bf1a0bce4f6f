/**
 * All 40 hooks of Ganeti: with what is each told, of what kind of object, and on which nodes before and after. The
 * operations run in a cluster of memory; what their hooks get goes through the master's own runner to nodes that write
 * down what they are asked. node1 is the master, the instance lives on node2 and node3, node4 has no part in it.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { silentLog } from '../../../src/kit/log.ts';
import { pathsFor } from '../../../src/kit/paths.ts';
import { Network } from '../../../src/model/objects/network.ts';
import { Table } from '../../../src/model/table.ts';
import { withMasterIpHooks } from '../../../src/noded/master-ip-hooks.ts';
import { clusterVerifyGroup } from '../../../src/operations/cluster/verify-group.ts';
import { groupAdd } from '../../../src/operations/group/add.ts';
import { groupEvacuate } from '../../../src/operations/group/evacuate.ts';
import { instanceEnvironment } from '../../../src/operations/hooks-environment.ts';
import { instanceChangeGroup } from '../../../src/operations/instance/change-group.ts';
import { instanceShutdown } from '../../../src/operations/instance/shutdown.ts';
import type { AnyOperation } from '../../../src/operations/operation.ts';
import { runWatcherHooks } from '../../../src/watcher/hooks.ts';
import { createMemoryCluster, groupUuid, type MemoryOptions, nodeName, nodeUuid } from '../cluster.ts';
import { type Request, runOperation } from '../run.ts';
import { type Asked, all, checkEnvironment, heard, name, numbers, running, web1 } from './case.ts';
import { clusterCases, rack2 } from './cluster-cases.ts';
import { instanceCases } from './instance-cases.ts';
import { nodeCases } from './node-cases.ts';

/** What hooks of an operation are told that has to ask an allocator first: its plan is made here. */
function planned(operation: AnyOperation, plan: Request, options: MemoryOptions) {
  const { current } = createMemoryCluster(options).world.config;
  const [group, instance] = [current.nodegroups.get(groupUuid), current.instances.byName(name)];
  return operation.hooks?.({} as never, { ...plan, group, instance }, current);
}

const networkUuid = '00000000-0000-4000-8000-000000000077';

const folder = mkdtempSync(join(tmpdir(), 'hooks-'));
after(() => rmSync(folder, { recursive: true }));
const paths = pathsFor({ GANETI_ROOTDIR: folder });

function script(place: string, text: string): void {
  mkdirSync(join(paths.hooksDir, place), { recursive: true });
  const path = join(paths.hooksDir, place, '10-note');
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
}

describe('hooks', () => {
  const covered = new Set<string>();

  for (const each of [...clusterCases, ...nodeCases, ...instanceCases]) {
    test(`${each.hook}${each.what ?? ''} is told of its ${each.type} before and after`, async () => {
      const setting = createMemoryCluster(each.options ?? { nodes: 4 });
      for (const [operation, request] of each.before ?? []) await runOperation(setting, operation, request);
      each.change?.(setting);
      const asked = await heard(setting, each.operation, each.request);
      const own = asked.filter(({ hook }) => hook !== 'config-update');
      assert.deepEqual(new Set(own.map(({ hook }) => hook)), new Set([each.hook]));
      assert.deepEqual([numbers(own, 'pre'), numbers(own, 'post')], [each.pre, each.post]);
      for (const one of own) checkEnvironment(each, one);
      covered.add(each.hook);
    });
  }

  test('config-update comes after every change of the configuration, on the master alone', async () => {
    const asked = await heard(createMemoryCluster({ nodes: 4 }), groupAdd, rack2);
    const [one, ...more] = asked.filter(({ hook }) => hook === 'config-update');
    assert.deepEqual([more.length, one?.node, one?.phase], [0, nodeUuid(1), 'post']);
    assert.deepEqual(
      [one?.env.GANETI_HOOKS_PATH, one?.env.GANETI_OP_CODE, one?.env.GANETI_GROUP_NAME],
      ['config-update', 'OP_GROUP_ADD', 'rack2'],
    );
    const nothing = await heard(createMemoryCluster({ nodes: 4 }), clusterVerifyGroup, {
      group_name: 'default',
    });
    assert.ok(nothing.every(({ hook }) => hook !== 'config-update'));
    covered.add('config-update');
  });

  test('group-evacuate and instance-change-group are told where it goes', () => {
    const groupPlan = planned(groupEvacuate, { targets: ['rack2'] }, running);
    const change = planned(instanceChangeGroup, { targets: [groupUuid], jobs: [] }, running);
    assert.deepEqual(
      [change?.path, change?.objectType, change?.env.TARGET_GROUPS, change?.env.INSTANCE_NAME],
      ['instance-change-group', 'INSTANCE', groupUuid, name],
    );
    assert.deepEqual([change?.preNodes, change?.postNodes], [[nodeUuid(1)], [nodeUuid(1)]]);
    const where = all.map(nodeUuid);
    assert.deepEqual(groupPlan, {
      path: 'group-evacuate',
      objectType: 'GROUP',
      env: { GROUP_NAME: 'default', TARGET_GROUPS: 'rack2' },
      preNodes: where,
      postNodes: where,
    });
    covered.add('group-evacuate').add('instance-change-group');
  });

  test('what an instance has not is no variable; a network and a name are', () => {
    const { world } = createMemoryCluster(running);
    const { current } = world.config;
    const { nics, ...rest } = current.instances.byName(name)!;
    const network = Network.parse({
      ...{ uuid: networkUuid, name: 'net1', network: '10.88.0.0/29', tags: ['lan'] },
      ...{ serial_no: 1, ctime: 0, mtime: 0 },
    });
    const variables = (nic: object) =>
      Object.entries(
        instanceEnvironment(
          { ...current, networks: Table.of([network]) },
          { ...rest, nics: [{ ...nics[0]!, ...nic }] },
        ),
      ).filter(([variable]) => /^INSTANCE_NIC0_(NAME|BRIDGE|NETWORK)/.test(variable));
    const nicparams = { mode: 'openvswitch', link: 'switch1', vlan: '' };
    assert.deepEqual(variables({ name: 'lan', nicparams, network: network.uuid }), [
      ['INSTANCE_NIC0_NAME', 'lan'],
      ['INSTANCE_NIC0_BRIDGE', 'switch1'],
      ['INSTANCE_NIC0_NETWORK_NAME', 'net1'],
      ['INSTANCE_NIC0_NETWORK_UUID', networkUuid],
      ['INSTANCE_NIC0_NETWORK_TAGS', 'lan'],
      ['INSTANCE_NIC0_NETWORK_SUBNET', '10.88.0.0/29'],
    ]);
    assert.deepEqual(variables({ nicparams: { mode: 'routed', link: 'main' } }), []);
  });

  test('master-ip-turnup and master-ip-turndown are run where the address is', async () => {
    const context = { paths, log: silentLog, hostname: 'node1', env: {} };
    const address = { ip: '192.0.2.9', netmask: 24, netdev: 'br0', family: 2, useExternalScript: false };
    for (const [direction, hook] of [
      ['up', 'master-ip-turnup'],
      ['down', 'master-ip-turndown'],
    ] as const) {
      const seen = join(folder, hook);
      for (const phase of ['pre', 'post'])
        script(`${hook}-${phase}.d`, `echo $GANETI_HOOKS_PHASE $GANETI_MASTER_IP >>'${seen}'`);
      await withMasterIpHooks(context, direction, address, async () => {});
      assert.equal(readFileSync(seen, 'utf8'), 'pre 192.0.2.9\npost 192.0.2.9\n');
      covered.add(hook);
    }
  });

  test('watcher has no phases', async () => {
    const seen = join(folder, 'watched');
    script('watcher', `echo ran >>'${seen}'`);
    await runWatcherHooks(paths, silentLog);
    assert.equal(readFileSync(seen, 'utf8'), 'ran\n');
    covered.add('watcher');
  });

  test('these are all that Ganeti has', () => {
    assert.equal(covered.size, 40);
  });

  test('a script before that fails on any node stops the operation; one after it is told', async () => {
    const setting = createMemoryCluster(running);
    const before = setting.snapshot();
    const failing = (phase: string) => (asked: Asked) =>
      asked.phase === phase && asked.node === nodeUuid(3)
        ? [{ script: `instance-stop-${phase}.d/10-no`, status: 'error', output: 'not today' }]
        : [];
    await assert.rejects(heard(setting, instanceShutdown, web1, failing('pre')), {
      errorClass: 'HooksAbort',
      args: [[[nodeName(3), 'instance-stop-pre.d/10-no', 'not today']]],
    });
    assert.deepEqual(setting.snapshot(), before);
    await heard(setting, instanceShutdown, web1, failing('post'));
    assert.equal(setting.world.config.current.instances.byName(name)!.admin_state, 'down');
  });
});
