/** Steps with storage units of nodes. */
import * as z from 'zod';
import { storageModify, storageRepair } from '../../noderpc/calls/storage.ts';
import { step } from '../operation.ts';

const unit = { node: z.string(), type: z.string(), folder: z.string().nullable(), name: z.string() };

/** Whether new volumes may be put on it; undone by the opposite, when it was the opposite. */
export const setAllocatable = step({
  name: 'set-allocatable',
  input: z.object({ ...unit, before: z.boolean(), after: z.boolean() }),
  run: async ({ nodes }, { node, type, folder, name, after }) => {
    await nodes.call(node, storageModify, { type, folder, name, allocatable: after });
  },
  undo: async ({ nodes }, { node, type, folder, name, before }) => {
    await nodes.call(node, storageModify, { type, folder, name, allocatable: before });
  },
});

/** What has gone is gone: nothing of a repair can be taken back. */
export const repairUnit = step({
  name: 'repair-storage-unit',
  input: z.object(unit),
  run: async ({ nodes }, { node, ...rest }) => {
    await nodes.call(node, storageRepair, rest);
  },
  undo: 'none',
});
