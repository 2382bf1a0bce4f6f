/**
 * What goes over the connection: the argument as JSON in the request, and in the answer Ganeti's pair
 * [true, result] or [false, [error class, [arguments]]].
 */
import { encodeFailure } from '../kit/failure.ts';

/** Requests and answers larger than this are not read: a configuration with its jobs fits many times. */
export const bodyLimit = 256 * 1024 * 1024;

export type Answer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: unknown };

export function encodeAnswer(value: unknown): string {
  return JSON.stringify([true, value]);
}

export function encodeRefusal(error: unknown): string {
  return JSON.stringify([false, encodeFailure(error)]);
}

/** undefined when the text is no answer of a node daemon. */
export function decodeAnswer(text: string): Answer | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed) || parsed.length !== 2 || typeof parsed[0] !== 'boolean') return undefined;
  return parsed[0] ? { ok: true, value: parsed[1] } : { ok: false, error: parsed[1] };
}
