/** How a test of a hook is told: the operation, who is asked before and after, and with which variables. */
import assert from 'node:assert/strict';
import { about as fake } from '../../../src/hypervisors/fake/about.ts';
import { createHooksRunner } from '../../../src/masterd/hooks.ts';
import { backendParameters } from '../../../src/model/params/backend.ts';
import type { NodeCall, NodeCaller } from '../../../src/noderpc/call.ts';
import type { AnyOperation } from '../../../src/operations/operation.ts';
import { type MemoryCluster, type MemoryOptions, memoryInstance, nodeName } from '../cluster.ts';
import { type Request, runSeen } from '../run.ts';

export const all = [1, 2, 3, 4];
export const home = [1, 2, 3];
export const name = 'web1.memory.example';
export const web1 = { instance_name: name };
const on = { nodes: [2, 3] };
export const running = { nodes: 4, instances: [memoryInstance(name, on)] };
export const stopped = { nodes: 4, instances: [memoryInstance(name, { ...on, state: 'down' })] };
export const plain = { nodes: 4, instances: [memoryInstance(name, { ...on, template: 'plain' })] };

/** One run of a phase as a node sees it. */
export interface Asked {
  readonly node: string;
  readonly hook: string;
  readonly phase: string;
  readonly env: Readonly<Record<string, string>>;
}
export type Results = readonly {
  readonly script: string;
  readonly status: string;
  readonly output: string;
}[];

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
export async function heard(
  cluster: MemoryCluster,
  operation: AnyOperation,
  request: Request,
  answer?: (asked: Asked) => Results,
): Promise<Asked[]> {
  const asked: Asked[] = [];
  const nodes = listening(cluster.world.nodes, asked, answer);
  const world = { ...cluster.world, nodes };
  const hooks = createHooksRunner({ nodes, paths: world.paths, current: () => world.config.current });
  await runSeen({ world }, operation, request, undefined, { hooks });
  return asked;
}

export const numbers = (asked: readonly Asked[], phase: string) =>
  asked
    .filter((each) => each.phase === phase)
    .map(({ node }) => (node.startsWith('00000000') ? Number(node.at(-1)) : 0))
    .sort();

export interface Case {
  readonly hook: string;
  /** What is special, where a hook has several cases. */
  readonly what?: string;
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

const diskVariables: Readonly<Record<'mirrored' | 'plain', readonly string[]>> = {
  mirrored: [
    ...['PNODE', 'SNODE', 'PORT', 'PMINOR', 'SMINOR'],
    ...['DATA_VG', 'DATA_ID', 'META_VG', 'META_ID'],
  ],
  plain: ['VG', 'ID'],
};

/** Variables of an instance with a disk and an interface that have no names (hooks manual, BuildInstanceHookEnv). */
const instanceVariables = (disk: 'mirrored' | 'plain') => [
  'OP_TARGET',
  ...[
    ...['NAME', 'PRIMARY', 'SECONDARIES', 'OS_TYPE', 'STATUS', 'MINMEM', 'MAXMEM', 'MEMORY', 'VCPUS', 'TAGS'],
    ...['HYPERVISOR', 'DISK_TEMPLATE', 'DISK_COUNT', 'NIC_COUNT'],
    ...['UUID', 'SIZE', 'MODE', 'DEV_TYPE', ...diskVariables[disk]].map((key) => `DISK0_${key}`),
    ...['UUID', 'IP', 'MAC', 'MODE', 'LINK', 'VLAN', 'BRIDGE'].map((key) => `NIC0_${key}`),
    ...Object.keys(backendParameters).map((key) => `BE_${key}`),
    ...Object.keys(fake.params).map((key) => `HV_${key}`),
  ].map((key) => `INSTANCE_${key}`),
];

const before = 'GANETI_';
const behind = 'GANETI_POST_';

export function checkEnvironment({ hook, type, env, operation, options }: Case, asked: Asked): void {
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
  for (const [variable, value] of Object.entries(env)) {
    const is = asked.env[`GANETI_${variable}`];
    if (value instanceof RegExp) assert.match(is ?? '', value, `GANETI_${variable}`);
    else assert.equal(is, value, `GANETI_${variable}`);
  }
  const ofInstance = type === 'INSTANCE' ? instanceVariables(options === plain ? 'plain' : 'mirrored') : [];
  const own = [...new Set([...Object.keys(env), ...ofInstance])].sort();
  const told = Object.keys(asked.env).filter((name) => name !== 'GANETI_CLUSTER' && !(name in common));
  const after = told.filter((name) => name.startsWith(behind));
  assert.deepEqual(
    told.filter((name) => !after.includes(name)).sort(),
    own.map((name) => `${before}${name}`),
  );
  assert.deepEqual(after.sort(), asked.phase === 'post' ? own.map((name) => `${behind}${name}`) : []);
}
