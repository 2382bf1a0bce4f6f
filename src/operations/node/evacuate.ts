/**
 * OP_NODE_EVACUATE: instances leave a node, one job each: by an allocator's choice, or their secondary copies to
 * a node that is named.
 */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { niceSort } from '../../kit/nice-sort.ts';
import type { LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { nodeNamed, secondariesOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';
import { NodeEvacuate } from '../../opcodes/node.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { allocate, allocatorOrNode } from '../allocate.ts';
import { jobsOf } from '../evacuation.ts';
import { type FollowUpJobs, operation, type PlanContext } from '../operation.ts';

type Op = OpcodeOf<typeof NodeEvacuate>;

function wrong(message: string) {
  return prerequisiteFailure(message, ErrorCode.invalid);
}

/** What the request must say before anything is looked at. */
function requireSoundRequest(op: Op, configuration: Configuration): { iallocator: string | undefined } {
  const iallocator = allocatorOrNode(configuration, op.iallocator, op.remote_node);
  if (op.mode === 'all') {
    throw wrong(
      'Due to an issue with the iallocator interface it is not possible to evacuate all instances at once; specify explicitly whether to evacuate primary or secondary instances',
    );
  }
  if (op.remote_node !== null && op.mode !== 'secondary-only')
    throw wrong('Without the use of an iallocator only secondary instances can be evacuated');
  return { iallocator };
}

function leavingInstances(op: Op, configuration: Configuration, node: string): Instance[] {
  return configuration.instances.filter((instance) =>
    op.mode === 'primary-only'
      ? instance.primary_node === node
      : secondariesOf(configuration, instance).includes(node),
  );
}

/** Nodes that may take over: the one named, or the others of the group. */
function takers(op: Op, configuration: Configuration, node: Node): Node[] {
  if (op.remote_node !== null) return [nodeNamed(configuration, op.remote_node)];
  return configuration.nodes.values().filter((each) => each.group === node.group);
}

async function byAllocator(
  op: Op,
  context: PlanContext,
  iallocator: string,
  names: readonly string[],
): Promise<FollowUpJobs> {
  const mode = op.mode as 'primary-only' | 'secondary-only';
  const wish = { kind: 'node-evacuate', instances: names, mode } as const;
  const extra = op.ignore_soft_errors ? { 'ignore-soft-errors': null } : {};
  const { success, info, result } = await allocate<'node-evacuate'>(context, iallocator, wish, extra);
  if (success) {
    return { jobs: jobsOf(context, result, { earlyRelease: op.early_release, byNode: true }) };
  }
  throw prerequisiteFailure(
    `Can't compute node evacuation using iallocator '${iallocator}': ${info}`,
    ErrorCode.resources,
  );
}

function toNode(
  op: Op,
  remote: Node,
  instances: readonly Instance[],
  names: readonly string[],
): FollowUpJobs {
  const own = instances.find(({ primary_node }) => primary_node === remote.uuid);
  if (own !== undefined) {
    throw wrong(
      `Node ${remote.name} is the primary node of instance ${own.name}, cannot use it as secondary`,
    );
  }
  return {
    jobs: names.map((name) => [
      {
        OP_ID: 'OP_INSTANCE_REPLACE_DISKS',
        instance_name: name,
        remote_node: remote.name,
        disks: [],
        mode: 'replace_new_secondary',
        early_release: op.early_release,
      },
    ]),
  };
}

export const nodeEvacuate = operation({
  opcode: NodeEvacuate,
  steps: [],
  locks: (op, configuration): LockRequest[] => {
    requireSoundRequest(op, configuration);
    const node = nodeNamed(configuration, op.node_name);
    const nodes = [...new Set([node, ...takers(op, configuration, node)])];
    const groups = new Set(nodes.map(({ group }) => group));
    return [
      ...leavingInstances(op, configuration, node.uuid).map(
        ({ name }): LockRequest => ({ level: 'instance', name, mode: 'shared' }),
      ),
      ...[...groups].map((name): LockRequest => ({ level: 'nodegroup', name, mode: 'shared' })),
      ...nodes.map(({ uuid }): LockRequest => ({ level: 'node', name: uuid, mode: 'shared' })),
    ];
  },
  plan: async (op, context): Promise<FollowUpJobs> => {
    const { configuration } = context;
    const { iallocator } = requireSoundRequest(op, configuration);
    const node = nodeNamed(configuration, op.node_name);
    const [remote] = op.remote_node === null ? [] : takers(op, configuration, node);
    if (remote?.uuid === node.uuid) throw wrong('Can not use evacuated node as a new secondary node');
    const instances = leavingInstances(op, configuration, node.uuid);
    const names = niceSort(instances.map(({ name }) => name));
    context.info(
      names.length === 0
        ? `No instances to evacuate from node '${node.name}'`
        : `Evacuating instances from node '${node.name}': ${names.join(', ')}`,
    );
    if (remote !== undefined) return toNode(op, remote, instances, names);
    if (names.length === 0) return { jobs: [] };
    return await byAllocator(op, context, iallocator!, names);
  },
  run: async (jobs) => jobs,
});
