/** What a node's refusal says, without the caller's mention of the node. */
import type { Reply } from '../noderpc/call.ts';

/** The node's own words; undefined for an answer and for a node that is offline and was not asked. */
export function faultOf(reply: Reply<unknown> | undefined): string | undefined {
  if (reply === undefined || reply.kind === 'answered' || reply.kind === 'offline') return undefined;
  if (reply.kind === 'unreachable') return reply.message;
  const [, args] = reply.error;
  return typeof args[0] === 'string' ? args[0] : reply.message;
}
