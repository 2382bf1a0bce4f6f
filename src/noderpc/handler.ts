/**
 * How a node daemon answers a call: a definition and the function behind it. A handler file exports a
 * list of these; main.ts lays the lists together into the one table that the server works from.
 */
import type * as z from 'zod';
import { Failure } from '../kit/failure.ts';
import type { NodeCall } from './call.ts';

/** What a handler may know of the request besides its argument. */
export interface CallContext {
  /** Aborts when the caller has gone away or the daemon stops without waiting any longer. */
  readonly signal: AbortSignal;
  /** Address of the caller, for the log. */
  readonly peer: string;
}

/** A call with the function behind it; the types of argument and result are checked where it is made. */
export interface NodeHandler {
  readonly call: Omit<NodeCall, 'argument' | 'result'> & {
    readonly argument: z.ZodType;
    readonly result: z.ZodType;
  };
  handle(argument: never, context: CallContext): Promise<unknown>;
}

/** Ties a function to its call; the compiler checks argument and result. */
export function answers<A, R>(
  call: NodeCall<A, R>,
  handle: (argument: A, context: CallContext) => Promise<R>,
): NodeHandler {
  return { call, handle };
}

/** @throws Failure ProgrammerError when two handlers answer the same call */
export function handlerTable(handlers: Iterable<NodeHandler>): ReadonlyMap<string, NodeHandler> {
  const table = new Map<string, NodeHandler>();
  for (const handler of handlers) {
    if (table.has(handler.call.name)) {
      throw new Failure('ProgrammerError', [`two handlers answer '${handler.call.name}'`]);
    }
    table.set(handler.call.name, handler);
  }
  return table;
}
