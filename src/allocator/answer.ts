/** What an allocator has answered. One that gives something else than was asked for is not believed. */
import * as z from 'zod';
import { executionFailure, messageOf } from '../kit/failure.ts';
import type { Wish, WishOf } from './wish.ts';

export interface Answer<R> {
  readonly success: boolean;
  /** Why, for people. */
  readonly info: string;
  readonly result: R;
}

const NodeNames = z.array(z.string());
/** Opcodes of jobs that carry a decision out. */
const Jobs = z.array(z.array(z.looseObject({ OP_ID: z.string() })));
/** What moves (with its group and nodes then), what doesn't (and why), the jobs. */
const Moves = z.tuple([
  z.array(z.tuple([z.string(), z.string(), z.array(z.string())])),
  z.array(z.tuple([z.string(), z.string()])),
  Jobs,
]);
const Placements = z.tuple([z.array(z.tuple([z.string(), z.array(z.string())])), z.array(z.unknown())]);

const results = {
  allocate: NodeNames,
  'multi-allocate': Placements,
  'allocate-secondary': z.string(),
  relocate: NodeNames,
  'node-evacuate': Moves,
  'change-group': Moves,
} as const;

export type ResultOf<K extends Wish['kind']> = z.infer<(typeof results)[K]>;

const Envelope = z.looseObject({ success: z.boolean(), info: z.string(), result: z.unknown() });

function parsed(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw executionFailure(`Can't parse iallocator results: ${messageOf(error)}`, error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw executionFailure("Can't parse iallocator results: not a dict");
  return value as Record<string, unknown>;
}

/**
 * Reads the answer to a wish; what an unsuccessful one has as its result is of no interest.
 * @throws Failure OpExecError
 */
export function readAnswer<K extends Wish['kind']>(wish: WishOf<K>, text: string): Answer<ResultOf<K>> {
  const asked: Wish = wish;
  const document = parsed(text);
  // Older allocators call their result "nodes".
  if ('nodes' in document && !('result' in document)) document.result = document.nodes;
  for (const key of ['success', 'info', 'result']) {
    if (!(key in document)) throw executionFailure(`Can't parse iallocator results: missing key '${key}'`);
  }
  const envelope = Envelope.safeParse(document);
  if (!envelope.success)
    throw executionFailure(`Can't parse iallocator results: ${envelope.error.issues[0]?.message}`);
  const { success, info, result } = envelope.data;
  if (!success) return { success, info, result: result as ResultOf<K> };
  const checked = results[asked.kind].safeParse(result);
  if (!checked.success)
    throw executionFailure(`iallocator returned invalid result, got ${JSON.stringify(result)}`);
  if (asked.kind === 'allocate') requireCount(asked.instance.nodeCount, checked.data as string[]);
  return { success, info, result: checked.data as ResultOf<K> };
}

function requireCount(wanted: number, nodes: readonly string[]): void {
  if (nodes.length === wanted) return;
  throw executionFailure(`iallocator returned invalid number of nodes (${nodes.length}), required ${wanted}`);
}
