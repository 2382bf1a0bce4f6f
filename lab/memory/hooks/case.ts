/** How a test of a hook is told: the operation, who is asked before and after, and with which variables. */
import assert from 'node:assert/strict';
import { createHooksRunner } from '../../../src/masterd/hooks.ts';
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
  await runSeen({ world }, operation, request, undefined, hooks);
  return asked;
}

export const numbers = (asked: readonly Asked[], phase: string) =>
  asked
    .filter((each) => each.phase === phase)
    .map(({ node }) => (node.startsWith('00000000') ? Number(node.at(-1)) : 0))
    .sort();

export interface Case {
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

/** Variables of every instance (hooks manual), of one with a disk and a NIC where it has them. */
const instanceVariables = [
  ...['NAME', 'PRIMARY', 'SECONDARIES', 'OS_TYPE', 'STATUS', 'MINMEM', 'MAXMEM', 'MEMORY', 'VCPUS', 'TAGS'],
  ...['DISK_TEMPLATE', 'DISK_COUNT', 'NIC_COUNT', 'HYPERVISOR', 'BE_maxmem', 'BE_auto_balance'],
  ...['UUID', 'SIZE', 'MODE', 'DEV_TYPE', 'NAME'].map((key) => `DISK0_${key}`),
].map((key) => `INSTANCE_${key}`);

export function checkEnvironment({ hook, type, env, operation }: Case, asked: Asked, isPost: boolean): void {
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
