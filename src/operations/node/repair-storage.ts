/** OP_REPAIR_NODE_STORAGE: physical volumes that have gone are taken out of a volume group. */

import { ErrorCode, executionFailure, prerequisiteFailure } from '../../kit/failure.ts';
import { disksOf, nodeNamed, nodesOf } from '../../model/lookup.ts';
import type { Node } from '../../model/objects/node.ts';
import { blockdevStatus } from '../../noderpc/calls/disk.ts';
import { offlineReason, reasonOf } from '../../noderpc/reply.ts';
import { RepairNodeStorage } from '../../opcodes/node.ts';
import { disksOnNode } from '../on-node.ts';
import { operation, type PlanContext } from '../operation.ts';
import { faultOf } from '../replies.ts';
import { repairUnit } from '../steps/storage.ts';
import { folderOf, requireStorageType } from './storage-types.ts';

/** constants.VALID_STORAGE_OPERATIONS. */
const repairable = ['lvm-vg'];

interface RepairPlan {
  readonly node: Node;
  readonly type: string;
  readonly folder: string | null;
  readonly name: string;
}

/** Sentences about other nodes whose copies of this node's disks are not whole: they would be the only ones left. */
async function faultyCopies({ configuration, nodes }: PlanContext, node: Node): Promise<string[]> {
  const faults: string[] = [];
  for (const instance of configuration.instances) {
    const holders = nodesOf(configuration, instance);
    if (!instance.disks_active || !holders.includes(node.uuid)) continue;
    if (disksOf(configuration, instance).length === 0) continue;
    const others = holders.filter((uuid) => uuid !== node.uuid);
    const replies = await nodes.callAll(others, blockdevStatus, (uuid) => ({
      disks: disksOnNode(configuration, instance, uuid),
    }));
    for (const uuid of others) {
      const reply = replies.get(uuid);
      const name = configuration.nodes.get(uuid)?.name ?? uuid;
      if (reply?.kind !== 'answered') {
        const why = faultOf(reply) ?? offlineReason;
        faults.push(`Failed to get disk status from node ${name}: ${why}`);
      } else if (reply.value.some((status) => status === null || status.localDisk === 'faulty')) {
        faults.push(`Instance '${instance.name}' has faulty disks on node '${name}'`);
      }
    }
  }
  return faults;
}

export const repairNodeStorage = operation({
  opcode: RepairNodeStorage,
  steps: [repairUnit],
  locks: (op, configuration) => [
    { level: 'node', name: nodeNamed(configuration, op.node_name).uuid, mode: 'exclusive' },
  ],
  plan: async (op, context): Promise<RepairPlan> => {
    const { configuration } = context;
    const node = nodeNamed(configuration, op.node_name);
    if (!repairable.includes(op.storage_type)) {
      throw prerequisiteFailure(
        `Storage units of type '${op.storage_type}' can not be repaired`,
        ErrorCode.invalid,
      );
    }
    requireStorageType(configuration.cluster, op.storage_type);
    for (const fault of await faultyCopies(context, node)) {
      if (!op.ignore_consistency) throw prerequisiteFailure(fault, ErrorCode.state);
      context.warn(fault);
    }
    const { storage_type: type } = op;
    return { node, type, folder: folderOf(configuration.cluster, type), name: op.name ?? '' };
  },
  run: async ({ node, type, folder, name }, job) => {
    job.say(`Repairing storage unit '${name}' on ${node.name} ...`);
    try {
      await job.do(repairUnit, { node: node.uuid, type, folder, name });
    } catch (error) {
      throw executionFailure(
        `Failed to repair storage unit '${name}' on ${node.name}: ${reasonOf(error)}`,
        error,
      );
    }
    return null;
  },
});
