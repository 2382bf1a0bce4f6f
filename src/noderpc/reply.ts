/** From a node's reply to a value or a failure, for callers that can't go on without the node. */
import { decodeFailure, Failure } from '../kit/failure.ts';
import type { Reply } from './call.ts';

/**
 * What a node answered.
 * @throws Failure the node's own class and arguments, its message prefixed with the node's name; RpcError
 * when there was no answer
 */
export function requireAnswer<R>(reply: Reply<R>, nodeName: string, callName: string): R {
  switch (reply.kind) {
    case 'answered':
      return reply.value;
    case 'refused': {
      const failure = decodeFailure(reply.error);
      throw new Failure(
        failure.errorClass,
        [`Node ${nodeName}: ${failure.message}`, ...failure.args.slice(1)],
        {
          cause: failure,
        },
      );
    }
    case 'unreachable':
      throw new Failure('RpcError', [`RPC call '${callName}' to node ${nodeName} failed: ${reply.message}`]);
    case 'offline':
      throw new Failure('RpcError', [
        `RPC call '${callName}' to node ${nodeName} failed: the node is marked offline`,
      ]);
  }
}
