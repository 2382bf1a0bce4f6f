/** OP_QUERY and OP_QUERY_FIELDS: queries as jobs, which may hold locks while they look. */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { LockLevel } from '../../locks/contract.ts';
import { Query, QueryFields } from '../../opcodes/query.ts';
import { type QueryResult, queryFields, runQuery } from '../../queries/run.ts';
import { operation } from '../operation.ts';

/** What is held while a resource is looked at, when that is asked for. */
const levels: Readonly<Record<string, LockLevel>> = {
  export: 'node',
  extstorage: 'node',
  group: 'nodegroup',
  instance: 'instance',
  network: 'network',
  node: 'node',
  os: 'node',
};

export const query = operation({
  opcode: Query,
  steps: [],
  locks: (op) => {
    if (!op.use_locking) return [];
    const level = levels[op.what];
    if (level === undefined)
      throw prerequisiteFailure(`Can not use locking for ${op.what} queries`, ErrorCode.invalid);
    return [{ level, name: 'all', mode: 'shared' }];
  },
  plan: async (op, { configuration, nodes, master }): Promise<QueryResult> => {
    const context = (await master?.queryContext()) ?? { configuration, nodes };
    return await runQuery(op.what, op.fields, op.qfilter, context);
  },
  run: async (result) => result,
});

export const queryFieldsOperation = operation({
  opcode: QueryFields,
  steps: [],
  locks: () => [],
  plan: async (op) => queryFields(op.what, op.fields ?? []),
  run: async (result) => result,
});
