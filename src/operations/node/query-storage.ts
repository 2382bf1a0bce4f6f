/** OP_NODE_QUERY_STORAGE: storage units of nodes, every one of them. */
import { ErrorCode, Failure, prerequisiteFailure } from '../../kit/failure.ts';
import { compareNicely } from '../../kit/nice-sort.ts';
import { type StorageUnit, storageList } from '../../noderpc/calls/storage.ts';
import { NodeQueryStorage } from '../../opcodes/node.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { operation, type PlanContext } from '../operation.ts';
import { faultOf } from '../replies.ts';
import { defaultStorageType, folderOf, reportedTypes, requireStorageType } from './storage-types.ts';
import { nodeLocks, wantedNodes } from './wanted.ts';

type Op = OpcodeOf<typeof NodeQueryStorage>;

const unitFields = ['allocatable', 'free', 'name', 'size', 'used'] as const;
const ownFields = ['node', 'type'];

/** @throws Failure OpPrereqError wrong_input */
export function requireFields(known: readonly string[], selected: readonly string[]): void {
  const unknown = selected.filter((field) => !known.includes(field));
  if (unknown.length > 0)
    throw prerequisiteFailure(`Unknown output fields selected: ${unknown.join(',')}`, ErrorCode.invalid);
}

function typeOf(op: Op, { configuration: { cluster } }: PlanContext): string {
  if (op.storage_type !== null) {
    requireStorageType(cluster, op.storage_type);
    return op.storage_type;
  }
  const type = defaultStorageType(cluster);
  if (reportedTypes.includes(type)) return type;
  throw new Failure('OpPrereqError', [
    `Storage reporting for storage type '${type}' is not supported. Please use the --storage-type option to specify one of the supported storage types (${reportedTypes.join(', ')}) or set the default disk template to one that supports storage reporting.`,
  ]);
}

function cell(unit: StorageUnit, node: string, type: string, field: string): unknown {
  if (field === 'node') return node;
  if (field === 'type') return type;
  return unit[field as (typeof unitFields)[number]];
}

export const nodeQueryStorage = operation({
  opcode: NodeQueryStorage,
  steps: [],
  locks: (op, configuration) => nodeLocks(configuration, op.nodes, 'shared'),
  plan: async (op, context): Promise<unknown[][]> => {
    requireFields([...unitFields, ...ownFields], op.output_fields);
    const type = typeOf(op, context);
    const { configuration, nodes: caller } = context;
    const nodes = wantedNodes(configuration, op.nodes).sort((a, b) => compareNicely(a.name, b.name));
    const replies = await caller.callAll(
      nodes.map(({ uuid }) => uuid),
      storageList,
      {
        type,
        folder: folderOf(configuration.cluster, type),
        name: op.name,
        withUsed: op.output_fields.includes('used'),
      },
    );
    return nodes.flatMap(({ uuid, name }) => {
      const reply = replies.get(uuid);
      if (reply?.kind !== 'answered') {
        const fault = faultOf(reply);
        if (fault !== undefined) context.warn(`Can't get storage data from node ${name}: ${fault}`);
        return [];
      }
      const units = [...reply.value].sort((a, b) => compareNicely(a.name, b.name));
      return units.map((unit) => op.output_fields.map((field) => cell(unit, name, type, field)));
    });
  },
  run: async (rows) => rows,
});
