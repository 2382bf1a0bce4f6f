/** From a node's reply to a value or a failure, for callers that can't go on without the node. */
import { decodeFailure, type ErrorClass, Failure, messageOf } from '../kit/failure.ts';
import type { Reply } from './call.ts';

/** What Ganeti says of a node that isn't asked (rpc.node, _RpcFilterOffline). */
export const offlineReason = 'Node is marked offline';

/** A call that a node has refused or not answered. Its message names the node; `reason` is for sentences that do so already. */
class NodeFailure extends Failure {
  readonly reason: string;

  constructor(
    errorClass: ErrorClass,
    prefix: string,
    reason: string,
    more: readonly unknown[] = [],
    cause?: unknown,
  ) {
    super(errorClass, [`${prefix}: ${reason}`, ...more], { cause });
    this.reason = reason;
  }
}

/** Why a call to a node failed, without the node's name. */
export function reasonOf(error: unknown): string {
  return error instanceof NodeFailure ? error.reason : messageOf(error);
}

/**
 * What a node answered.
 * @throws Failure the node's own class and arguments, its message prefixed with the node's name; RpcError
 * when there was no answer
 */
export function requireAnswer<R>(reply: Reply<R>, nodeName: string, callName: string): R {
  const silent = `RPC call '${callName}' to node ${nodeName} failed`;
  switch (reply.kind) {
    case 'answered':
      return reply.value;
    case 'refused': {
      const failure = decodeFailure(reply.error);
      const { errorClass, message, args } = failure;
      throw new NodeFailure(errorClass, `Node ${nodeName}`, message, args.slice(1), failure);
    }
    case 'unreachable':
      throw new NodeFailure('RpcError', silent, reply.message);
    case 'offline':
      throw new NodeFailure('RpcError', silent, offlineReason);
  }
}
