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
import { silentLog } from '../../src/kit/log.ts';
import { pathsFor } from '../../src/kit/paths.ts';
import { createHooksRunner } from '../../src/masterd/hooks.ts';
import { withMasterIpHooks } from '../../src/noded/master-ip-hooks.ts';
import type { NodeCall, NodeCaller } from '../../src/noderpc/call.ts';
import { backupExport } from '../../src/operations/backup/export.ts';
import { clusterDestroy, clusterPostInit } from '../../src/operations/cluster/lifecycle.ts';
import { clusterRename } from '../../src/operations/cluster/rename.ts';
import { clusterSetParams } from '../../src/operations/cluster/set-params.ts';
import { clusterVerifyGroup } from '../../src/operations/cluster/verify-group.ts';
import { groupAdd } from '../../src/operations/group/add.ts';
import { groupEvacuate } from '../../src/operations/group/evacuate.ts';
import { groupRemove } from '../../src/operations/group/remove.ts';
import { groupRename } from '../../src/operations/group/rename.ts';
import { groupSetParams } from '../../src/operations/group/set-params.ts';
import { instanceChangeGroup } from '../../src/operations/instance/change-group.ts';
import { instanceCreate } from '../../src/operations/instance/create.ts';
import { instanceGrowDisk } from '../../src/operations/instance/disks/grow.ts';
import { instanceRecreateDisks } from '../../src/operations/instance/disks/recreate.ts';
import { instanceFailover } from '../../src/operations/instance/failover.ts';
import { instanceMigrate } from '../../src/operations/instance/migrate.ts';
import { instanceSetParams } from '../../src/operations/instance/modify/set-params.ts';
import { instanceMove } from '../../src/operations/instance/move.ts';
import { instanceReboot } from '../../src/operations/instance/reboot.ts';
import { instanceReinstall } from '../../src/operations/instance/reinstall.ts';
import { instanceRemove } from '../../src/operations/instance/remove.ts';
import { instanceRename } from '../../src/operations/instance/rename.ts';
import { instanceReplaceDisks } from '../../src/operations/instance/replace/replace-disks.ts';
import { instanceShutdown } from '../../src/operations/instance/shutdown.ts';
import { instanceStartup } from '../../src/operations/instance/startup.ts';
import { networkAdd } from '../../src/operations/network/add.ts';
import { networkConnect, networkDisconnect } from '../../src/operations/network/connect.ts';
import { networkRemove } from '../../src/operations/network/remove.ts';
import { networkRename } from '../../src/operations/network/rename.ts';
import { networkSetParams } from '../../src/operations/network/set-params.ts';
import { nodeAdd } from '../../src/operations/node/add.ts';
import { nodeMigrate } from '../../src/operations/node/migrate.ts';
import { nodeRemove } from '../../src/operations/node/remove.ts';
import { nodeSetParams } from '../../src/operations/node/set-params.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { runWatcherHooks } from '../../src/watcher/hooks.ts';
import {
  createMemoryCluster,
  groupUuid,
  type MemoryCluster,
  type MemoryOptions,
  memoryInstance,
  nodeName,
  nodeUuid,
} from './cluster.ts';
import { type Request, runOperation, runSeen } from './run.ts';

const name = 'web1.memory.example';
const web1 = { instance_name: name };
const on = { nodes: [2, 3] };
const running = { nodes: 4, instances: [memoryInstance(name, on)] };
const stopped = { nodes: 4, instances: [memoryInstance(name, { ...on, state: 'down' })] };
const plain = { nodes: 4, instances: [memoryInstance(name, { ...on, template: 'plain' })] };
const rack2 = { group_name: 'rack2' };
const net1 = { network_name: 'net1', network: '10.88.0.0/29' };
const connection = {
  network_name: 'net1',
  group_name: 'default',
  network_mode: 'bridged',
  network_link: 'br0',
};

/** One run of a phase as a node sees it. */
interface Asked {
  readonly node: string;
  readonly hook: string;
  readonly phase: string;
  readonly env: Readonly<Record<string, string>>;
}
type Results = readonly { readonly script: string; readonly status: string; readonly output: string }[];

/** Nodes that write down the hooks that they are asked to run; `answer` is what their scripts do. */
function listening(
  inner: NodeCaller,
  asked: Asked[],
  answer: (asked: Asked) => Results = () => [],
): NodeCaller {
  const hear = (node: string, argument: unknown): Results => {
    const one = { node, ...(argument as Omit<Asked, 'node'>) };
    asked.push(one);
    return answer(one);
  };
  const isHook = (call: NodeCall<never, never>) => call.name === 'hooks_runner';
  return {
    call: async (node, call, argument, options) =>
      isHook(call as never) ? (hear(node, argument) as never) : inner.call(node, call, argument, options),
    callAll: async (nodes, call, argument) =>
      isHook(call as never)
        ? new Map(
            nodes.map((node) => [node, { kind: 'answered', value: hear(node, argument) as never }] as const),
          )
        : inner.callAll(nodes, call, argument),
  };
}

/** Runs an operation with the master's hooks runner; what the nodes were asked. */
async function heard(
  cluster: MemoryCluster,
  operation: AnyOperation,
  request: Request,
  answer?: (asked: Asked) => Results,
): Promise<Asked[]> {
  const asked: Asked[] = [];
  const nodes = listening(cluster.world.nodes, asked, answer);
  const world = { ...cluster.world, nodes };
  const hooks = createHooksRunner({ nodes, paths: world.paths, current: () => world.config.current });
  await runSeen({ world }, operation, request, undefined, hooks);
  return asked;
}

const numbers = (asked: readonly Asked[], phase: string) =>
  asked
    .filter((each) => each.phase === phase)
    .map(({ node }) => (node.startsWith('00000000') ? Number(node.at(-1)) : 0))
    .sort();

interface Case {
  readonly hook: string;
  readonly operation: AnyOperation;
  readonly request: Request;
  readonly options?: MemoryOptions;
  readonly before?: readonly (readonly [AnyOperation, Request])[];
  readonly change?: (cluster: MemoryCluster) => void;
  readonly type: string;
  /** Own variables, without those that every instance has. */
  readonly env: Readonly<Record<string, string | RegExp>>;
  /** Numbers of nodes; 0 is one that isn't a member. */
  readonly pre: readonly number[];
  readonly post: readonly number[];
}

const all = [1, 2, 3, 4];
const home = [1, 2, 3];
const subnet = {
  NETWORK_NAME: 'net1',
  NETWORK_SUBNET: '10.88.0.0/29',
};
const linked = {
  ...subnet,
  GROUP_NAME: 'default',
  GROUP_NETWORK_MODE: 'bridged',
  GROUP_NETWORK_LINK: 'br0',
  GROUP_NETWORK_VLAN: '',
};
const moved = {
  OLD_PRIMARY: nodeName(2),
  OLD_SECONDARY: nodeName(3),
  NEW_PRIMARY: nodeName(3),
  NEW_SECONDARY: nodeName(2),
};
const withNetwork = [[networkAdd, net1]] as const;
const withLink = [...withNetwork, [networkConnect, connection]] as const;
const cluster = { type: 'CLUSTER', pre: [1], post: [1] };
const group = { type: 'GROUP', pre: [1], post: [1] };
const network = { type: 'NETWORK', pre: [1], post: [1] };
const instance = { type: 'INSTANCE', options: running, pre: home, post: home, request: web1 };

const cases: readonly Case[] = [
  {
    ...cluster,
    hook: 'cluster-init',
    operation: clusterPostInit,
    request: {},
    pre: [],
    env: { OP_TARGET: 'cluster.memory.example' },
  },
  {
    ...cluster,
    hook: 'cluster-destroy',
    operation: clusterDestroy,
    request: {},
    options: { nodes: 1 },
    pre: [],
    env: { OP_TARGET: 'cluster.memory.example' },
  },
  {
    ...cluster,
    hook: 'cluster-modify',
    operation: clusterSetParams,
    request: { vg_name: 'xenvg' },
    env: { OP_TARGET: 'cluster.memory.example', NEW_VG_NAME: 'xenvg' },
  },
  {
    ...cluster,
    hook: 'cluster-rename',
    operation: clusterRename,
    request: { name: 'localhost' },
    post: all,
    env: { OP_TARGET: 'cluster.memory.example', NEW_NAME: 'localhost' },
  },
  {
    ...cluster,
    hook: 'cluster-verify',
    operation: clusterVerifyGroup,
    request: { group_name: 'default' },
    pre: [],
    post: all,
    env: { CLUSTER_TAGS: '', [`NODE_TAGS_${nodeName(3)}`]: '' },
  },
  { ...group, hook: 'group-add', operation: groupAdd, request: rack2, env: { GROUP_NAME: 'rack2' } },
  {
    ...group,
    hook: 'group-modify',
    operation: groupSetParams,
    request: { group_name: 'default', alloc_policy: 'last_resort' },
    env: { GROUP_NAME: 'default', NEW_ALLOC_POLICY: 'last_resort' },
  },
  {
    ...group,
    hook: 'group-rename',
    operation: groupRename,
    request: { group_name: 'default', new_name: 'rack1' },
    pre: all,
    post: all,
    env: { OLD_NAME: 'default', NEW_NAME: 'rack1' },
  },
  {
    ...group,
    hook: 'group-remove',
    operation: groupRemove,
    before: [[groupAdd, rack2]],
    request: rack2,
    env: { GROUP_NAME: 'rack2' },
  },
  { ...network, hook: 'network-add', operation: networkAdd, request: net1, env: subnet },
  {
    ...network,
    hook: 'network-modify',
    operation: networkSetParams,
    before: withNetwork,
    request: { network_name: 'net1', gateway: '10.88.0.1' },
    env: { ...subnet, NETWORK_GATEWAY: '10.88.0.1' },
  },
  {
    ...network,
    hook: 'network-connect',
    operation: networkConnect,
    before: withNetwork,
    request: connection,
    pre: all,
    post: all,
    env: linked,
  },
  {
    ...network,
    hook: 'network-disconnect',
    operation: networkDisconnect,
    before: withLink,
    request: { network_name: 'net1', group_name: 'default' },
    pre: all,
    post: all,
    env: linked,
  },
  {
    ...network,
    hook: 'network-rename',
    operation: networkRename,
    before: withLink,
    request: { network_name: 'net1', new_name: 'lan' },
    pre: all,
    post: all,
    env: { OLD_NAME: 'net1', NEW_NAME: 'lan' },
  },
  {
    ...network,
    hook: 'network-remove',
    operation: networkRemove,
    before: withNetwork,
    request: { network_name: 'net1' },
    env: { NETWORK_NAME: 'net1' },
  },
  {
    hook: 'node-add',
    operation: nodeAdd,
    request: { node_name: 'localhost', secondary_ip: '192.0.3.9' },
    options: { nodes: 4, joining: { name: 'localhost', ip: '127.0.0.1' } },
    type: 'NODE',
    pre: all,
    post: [0, ...all],
    env: {
      OP_TARGET: 'localhost',
      NODE_NAME: 'localhost',
      NODE_PIP: '127.0.0.1',
      NODE_SIP: '192.0.3.9',
      MASTER_CAPABLE: 'True',
      VM_CAPABLE: 'True',
    },
  },
  {
    hook: 'node-modify',
    operation: nodeSetParams,
    request: { node_name: nodeName(3), drained: true },
    type: 'NODE',
    pre: [1, 3],
    post: [1, 3],
    env: {
      OP_TARGET: nodeName(3),
      MASTER_CANDIDATE: 'None',
      OFFLINE: 'None',
      DRAINED: 'True',
      MASTER_CAPABLE: 'None',
      VM_CAPABLE: 'None',
    },
  },
  {
    hook: 'node-migrate',
    operation: nodeMigrate,
    options: running,
    request: { node_name: nodeName(2) },
    type: 'NODE',
    pre: [1],
    post: [1],
    env: { NODE_NAME: nodeName(2), ALLOW_RUNTIME_CHANGES: 'True' },
  },
  {
    hook: 'node-remove',
    operation: nodeRemove,
    request: { node_name: nodeName(4) },
    type: 'NODE',
    pre: home,
    post: [0, ...home],
    env: { OP_TARGET: nodeName(4), NODE_NAME: nodeName(4) },
  },
  {
    ...instance,
    hook: 'instance-add',
    operation: instanceCreate,
    options: { nodes: 4 },
    request: {
      ...web1,
      mode: 'create',
      os_type: 'noop',
      pnode: nodeName(2),
      snode: nodeName(3),
      disk_template: 'drbd',
      disks: [{ size: 64 }],
      nics: [{}],
    },
    env: { ADD_MODE: 'create' },
  },
  {
    ...instance,
    hook: 'instance-remove',
    operation: instanceRemove,
    pre: [1],
    env: { SHUTDOWN_TIMEOUT: '120' },
  },
  {
    ...instance,
    hook: 'instance-rename',
    operation: instanceRename,
    options: stopped,
    request: { ...web1, new_name: 'shop1.memory.example' },
    env: { INSTANCE_NEW_NAME: 'shop1.memory.example' },
  },
  {
    ...instance,
    hook: 'instance-start',
    operation: instanceStartup,
    options: stopped,
    env: { FORCE: 'False' },
  },
  { ...instance, hook: 'instance-stop', operation: instanceShutdown, env: { TIMEOUT: '120' } },
  {
    ...instance,
    hook: 'instance-reboot',
    operation: instanceReboot,
    request: { ...web1, reboot_type: 'hard' },
    env: { IGNORE_SECONDARIES: 'False', REBOOT_TYPE: 'hard', SHUTDOWN_TIMEOUT: '120' },
  },
  { ...instance, hook: 'instance-reinstall', operation: instanceReinstall, options: stopped, env: {} },
  {
    ...instance,
    hook: 'instance-modify',
    operation: instanceSetParams,
    request: { ...web1, beparams: { vcpus: 2 } },
    env: { INSTANCE_VCPUS: '2' },
  },
  {
    ...instance,
    hook: 'instance-failover',
    operation: instanceFailover,
    pre: [1, 3],
    env: { ...moved, IGNORE_CONSISTENCY: 'False', SHUTDOWN_TIMEOUT: '120', FAILOVER_CLEANUP: 'False' },
  },
  {
    ...instance,
    hook: 'instance-migrate',
    operation: instanceMigrate,
    env: { ...moved, MIGRATE_LIVE: 'True', MIGRATE_CLEANUP: 'False', ALLOW_RUNTIME_CHANGES: 'True' },
  },
  {
    ...instance,
    hook: 'instance-move',
    operation: instanceMove,
    options: plain,
    request: { ...web1, target_node: nodeName(4) },
    pre: [1, 2, 4],
    post: [1, 2, 4],
    env: { TARGET_NODE: nodeName(4), SHUTDOWN_TIMEOUT: '120' },
  },
  {
    ...instance,
    hook: 'instance-export',
    operation: backupExport,
    request: { ...web1, mode: 'local', target_node: nodeName(4) },
    pre: [1, 2, 4],
    post: [1, 2, 4],
    env: {
      EXPORT_MODE: 'local',
      EXPORT_NODE: nodeName(4),
      EXPORT_DO_SHUTDOWN: 'True',
      REMOVE_INSTANCE: 'False',
      SHUTDOWN_TIMEOUT: '120',
    },
  },
  {
    ...instance,
    hook: 'instance-recreate-disks',
    operation: instanceRecreateDisks,
    options: stopped,
    env: {},
    change: ({ nodes }) => {
      for (const number of [2, 3]) {
        const { volumes, info, open } = nodes.machine(nodeUuid(number));
        for (const lost of [volumes, info, open]) lost.clear();
      }
    },
  },
  {
    ...instance,
    hook: 'disk-grow',
    operation: instanceGrowDisk,
    options: stopped,
    request: { ...web1, disk: 0, amount: 512 },
    env: { DISK: '0', AMOUNT: '512', ABSOLUTE: 'False' },
  },
  {
    ...instance,
    hook: 'mirrors-replace',
    operation: instanceReplaceDisks,
    request: { ...web1, mode: 'replace_new_secondary', remote_node: nodeName(4) },
    pre: [1, 2, 4],
    post: [1, 2, 4],
    env: { MODE: 'replace_new_secondary', NEW_SECONDARY: nodeName(4), OLD_SECONDARY: nodeName(3) },
  },
];

/** Variables of every instance (hooks manual), of one with a disk and a NIC where it has them. */
const instanceVariables = [
  ...['NAME', 'PRIMARY', 'SECONDARIES', 'OS_TYPE', 'STATUS', 'MINMEM', 'MAXMEM', 'MEMORY', 'VCPUS', 'TAGS'],
  ...['DISK_TEMPLATE', 'DISK_COUNT', 'NIC_COUNT', 'HYPERVISOR', 'BE_maxmem', 'BE_auto_balance'],
  ...['UUID', 'SIZE', 'MODE', 'DEV_TYPE', 'NAME'].map((key) => `DISK0_${key}`),
].map((key) => `INSTANCE_${key}`);

function checkEnvironment({ hook, type, env, operation }: Case, asked: Asked, isPost: boolean): void {
  const common = {
    PATH: '/sbin:/bin:/usr/sbin:/usr/bin',
    GANETI_HOOKS_VERSION: '2',
    GANETI_HOOKS_PHASE: asked.phase,
    GANETI_HOOKS_PATH: hook,
    GANETI_OP_CODE: operation.opcode.id,
    GANETI_OBJECT_TYPE: type,
    GANETI_DATA_DIR: '/var/lib/ganeti',
    GANETI_MASTER: nodeName(1),
  };
  for (const [variable, value] of Object.entries(common)) assert.equal(asked.env[variable], value, variable);
  assert.match(asked.env.GANETI_CLUSTER ?? '', /^(cluster\.memory\.example|localhost)$/);
  for (const [variable, value] of Object.entries(env))
    assert.equal(asked.env[`GANETI_${variable}`], value, `GANETI_${variable}`);
  if (type === 'INSTANCE')
    for (const variable of ['OP_TARGET', ...instanceVariables])
      assert.ok(`GANETI_${variable}` in asked.env, `GANETI_${variable} is missing`);
  const behind = Object.keys(asked.env).filter((variable) => variable.startsWith('GANETI_POST_'));
  if (!isPost) assert.deepEqual(behind, [], 'nothing is known before of what will be');
}

/** What hooks of an operation are told that has to ask an allocator first: its plan is made here. */
function planned(operation: AnyOperation, plan: Request, options: MemoryOptions) {
  const { current } = createMemoryCluster(options).world.config;
  const [group, instance] = [current.nodegroups.get(groupUuid), current.instances.byName(name)];
  return operation.hooks?.({} as never, { ...plan, group, instance }, current);
}

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

  for (const each of cases) {
    test(`${each.hook} is told of its ${each.type} before and after`, async () => {
      const setting = createMemoryCluster(each.options ?? { nodes: 4 });
      for (const [operation, request] of each.before ?? []) await runOperation(setting, operation, request);
      each.change?.(setting);
      const asked = await heard(setting, each.operation, each.request);
      const own = asked.filter(({ hook }) => hook !== 'config-update');
      assert.deepEqual(new Set(own.map(({ hook }) => hook)), new Set([each.hook]));
      assert.deepEqual([numbers(own, 'pre'), numbers(own, 'post')], [each.pre, each.post]);
      for (const one of own) checkEnvironment(each, one, one.phase === 'post');
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
