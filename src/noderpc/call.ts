/**
 * How a node call is defined: name, deadline, shapes of argument and result. Client (master) and
 * server (node daemon) both work from the definition; neither has a second list.
 *
 * Calls that change something are *ensure* and *absent*: calling again, or calling the undo of what
 * never happened, succeeds.
 */
import type * as z from 'zod';

export interface NodeCall<A = unknown, R = unknown> {
  /** The path of the HTTPS request; Ganeti's procedure name where it has one. */
  readonly name: string;
  /** Seconds that the master waits for the answer. */
  readonly deadline: number;
  /** A read may be asked of any node at any time, and by a plan. */
  readonly effect: 'read' | 'change';
  /** Asks how the node is: one that is silent counts as gone sooner than for work that would be lost. */
  readonly hasty?: true;
  readonly argument: z.ZodType<A>;
  readonly result: z.ZodType<R>;
}

export function nodeCall<A, R>(definition: NodeCall<A, R>): NodeCall<A, R> {
  return definition;
}

export type ArgumentOf<C> = C extends NodeCall<infer A, unknown> ? A : never;
export type ResultOf<C> =
  C extends NodeCall<never, infer R> ? R : C extends NodeCall<infer _A, infer R> ? R : never;

/** What came of asking a node. */
export type Reply<R> =
  | { readonly kind: 'answered'; readonly value: R }
  /** The node daemon said no, with its reason. */
  | {
      readonly kind: 'refused';
      readonly message: string;
      readonly error: readonly [string, readonly unknown[]];
    }
  /** No answer: down, cut off, or too late. */
  | { readonly kind: 'unreachable'; readonly message: string }
  /** Marked offline: not asked at all. */
  | { readonly kind: 'offline' };

/** Asks nodes by uuid. Implemented by noderpc/client.ts, and by fakes of the world in tests. */
export interface NodeCaller {
  /**
   * One node; a change or read that must succeed.
   * @throws Failure: the node's own failure when refused, RpcError naming node and call otherwise
   */
  call<A, R>(
    node: string,
    call: NodeCall<A, R>,
    argument: A,
    options?: { readonly signal?: AbortSignal },
  ): Promise<R>;
  /** Many nodes at once; never throws for a node. The argument may differ by node. */
  callAll<A, R>(
    nodes: readonly string[],
    call: NodeCall<A, R>,
    argument: A | ((node: string) => A),
  ): Promise<ReadonlyMap<string, Reply<R>>>;
}
