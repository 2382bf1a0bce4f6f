/** OP_NODE_MODIFY_STORAGE: whether new volumes may be put on a physical volume. */

import { ErrorCode, executionFailure, prerequisiteFailure } from '../../kit/failure.ts';
import { nodeNamed } from '../../model/lookup.ts';
import { storageList } from '../../noderpc/calls/storage.ts';
import { reasonOf } from '../../noderpc/reply.ts';
import { NodeModifyStorage } from '../../opcodes/node.ts';
import { operation } from '../operation.ts';
import { setAllocatable } from '../steps/storage.ts';
import { requireStorageType } from './storage-types.ts';

/** constants.MODIFIABLE_STORAGE_FIELDS. */
const modifiable: Readonly<Record<string, readonly string[]>> = { 'lvm-pv': ['allocatable'] };

interface ModifyPlan {
  readonly node: string;
  readonly nodeName: string;
  readonly type: string;
  readonly name: string;
  readonly before: boolean;
  readonly after: boolean | undefined;
}

export const nodeModifyStorage = operation({
  opcode: NodeModifyStorage,
  steps: [setAllocatable],
  locks: (op, configuration) => [
    { level: 'node', name: nodeNamed(configuration, op.node_name).uuid, mode: 'exclusive' },
  ],
  plan: async (op, { configuration, nodes }): Promise<ModifyPlan> => {
    const node = nodeNamed(configuration, op.node_name);
    const fields = modifiable[op.storage_type];
    if (fields === undefined) {
      throw prerequisiteFailure(
        `Storage units of type '${op.storage_type}' can not be modified`,
        ErrorCode.invalid,
      );
    }
    const others = Object.keys(op.changes).filter((field) => !fields.includes(field));
    if (others.length > 0) {
      throw prerequisiteFailure(
        `The following fields can not be modified for storage units of type '${op.storage_type}': [${others.map((field) => `'${field}'`).join(', ')}]`,
        ErrorCode.invalid,
      );
    }
    requireStorageType(configuration.cluster, op.storage_type);
    const { allocatable } = op.changes;
    if (allocatable !== undefined && typeof allocatable !== 'boolean')
      throw prerequisiteFailure("'allocatable' is either true or false", ErrorCode.invalid);
    const name = op.name ?? '';
    const units = await nodes.call(node.uuid, storageList, {
      type: op.storage_type,
      folder: null,
      name,
      withUsed: false,
    });
    const [unit] = units;
    if (unit === undefined)
      throw executionFailure(`Failed to modify storage unit '${name}' on ${node.name}: there is none`);
    return {
      node: node.uuid,
      nodeName: node.name,
      type: op.storage_type,
      name,
      before: unit.allocatable,
      after: allocatable,
    };
  },
  run: async ({ node, nodeName, type, name, before, after }, job) => {
    if (after === undefined || after === before) return null;
    try {
      await job.do(setAllocatable, { node, type, folder: null, name, before, after });
    } catch (error) {
      throw executionFailure(
        `Failed to modify storage unit '${name}' on ${nodeName}: ${reasonOf(error)}`,
        error,
      );
    }
    await job.keep();
    return null;
  },
});
