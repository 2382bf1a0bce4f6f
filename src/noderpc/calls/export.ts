/** Node calls about exports of instances. */
import { z } from 'zod';
import { nodeCall } from '../call.ts';

/** Names of the exports that lie in the export folder of this node. */
export const exportList = nodeCall({
  name: 'export_list',
  deadline: 60,
  effect: 'read',
  argument: z.object({}),
  result: z.array(z.string()),
});
