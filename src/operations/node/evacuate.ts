/** OP_NODE_EVACUATE: the secondary copies on a node are made anew on another one, one job an instance. */
import { ErrorCode, notSupportedYet, prerequisiteFailure } from '../../kit/failure.ts';
import { niceSort } from '../../kit/nice-sort.ts';
import type { LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { nodeNamed, secondariesOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import { NodeEvacuate } from '../../opcodes/node.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { type FollowUpJobs, operation } from '../operation.ts';

type Op = OpcodeOf<typeof NodeEvacuate>;

function wrong(message: string) {
  return prerequisiteFailure(message, ErrorCode.invalid);
}

/** What the request must say before anything is looked at; the name of the node that takes over. */
function requireRemoteNode(op: Op, { cluster }: Configuration): string {
  if (op.remote_node !== null && op.iallocator !== null)
    throw wrong('Do not specify both, iallocator and node');
  if (op.mode === 'all') {
    throw wrong(
      'Due to an issue with the iallocator interface it is not possible to evacuate all instances at once; specify explicitly whether to evacuate primary or secondary instances',
    );
  }
  if (op.remote_node !== null) {
    if (op.mode !== 'secondary-only')
      throw wrong('Without the use of an iallocator only secondary instances can be evacuated');
    return op.remote_node;
  }
  if (op.iallocator === null && !cluster.default_iallocator) {
    throw wrong(
      'No iallocator or node given and no cluster-wide default iallocator found; please specify either an iallocator or a node, or set a cluster-wide default iallocator',
    );
  }
  throw notSupportedYet('Evacuating a node by an instance allocator (give a new secondary node)');
}

function secondaryInstances(configuration: Configuration, node: string): Instance[] {
  return configuration.instances.filter((instance) => secondariesOf(configuration, instance).includes(node));
}

export const nodeEvacuate = operation({
  opcode: NodeEvacuate,
  steps: [],
  locks: (op, configuration): LockRequest[] => {
    const remote = nodeNamed(configuration, requireRemoteNode(op, configuration));
    const node = nodeNamed(configuration, op.node_name);
    const instances = secondaryInstances(configuration, node.uuid);
    const groups = new Set([node.group, remote.group]);
    return [
      ...instances.map(({ name }): LockRequest => ({ level: 'instance', name, mode: 'shared' })),
      ...[...groups].map((name): LockRequest => ({ level: 'nodegroup', name, mode: 'shared' })),
      ...[node, remote].map(({ uuid }): LockRequest => ({ level: 'node', name: uuid, mode: 'shared' })),
    ];
  },
  plan: async (op, context): Promise<FollowUpJobs> => {
    const { configuration } = context;
    const node = nodeNamed(configuration, op.node_name);
    const remote = nodeNamed(configuration, requireRemoteNode(op, configuration));
    if (remote.uuid === node.uuid) throw wrong('Can not use evacuated node as a new secondary node');
    const instances = secondaryInstances(configuration, node.uuid);
    const names = niceSort(instances.map(({ name }) => name));
    context.info(
      names.length === 0
        ? `No instances to evacuate from node '${node.name}'`
        : `Evacuating instances from node '${node.name}': ${names.join(', ')}`,
    );
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
  },
  run: async (jobs) => jobs,
});
