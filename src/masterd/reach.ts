/** Whether a node answers at all, asked before something is tried on it again. */
import type { Reach } from '../jobs/stranded.ts';
import type { Configuration } from '../model/configuration.ts';
import type { NodeCaller } from '../noderpc/call.ts';
import { version } from '../noderpc/calls/node.ts';
import { parseJoiningKey } from '../operations/node/joining.ts';

/** @param node uuid, or key of a node that is joining */
export async function reachOf(node: string, nodes: NodeCaller, configuration: Configuration): Promise<Reach> {
  if (!configuration.nodes.has(node) && parseJoiningKey(node) === undefined) return 'gone';
  const replies = await nodes.callAll([node], version, {});
  return replies.get(node)?.kind === 'answered' ? 'answers' : 'silent';
}
