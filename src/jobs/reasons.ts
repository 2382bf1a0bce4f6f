/**
 * The reason trail: who wanted an opcode, and through whose hands it went. Entries are
 * [source, text, nanoseconds since the epoch] (ganeti(7), "--reason").
 */
import type { AnyOpcode } from '../opcodes/opcode.ts';

export type ReasonEntry = readonly [source: string, text: string, nanoseconds: number];

/** Nanoseconds, in steps of a microsecond: the clock gives no more. */
export function nanoseconds(seconds: number): number {
  return Number(`${Math.round(seconds * 1e6)}000`);
}

/** The opcode with one entry more at the end of its trail. */
export function withReason(input: AnyOpcode, entry: ReasonEntry): AnyOpcode {
  const trail = Array.isArray(input.reason) ? (input.reason as unknown[]) : [];
  return { ...input, reason: [...trail, entry] };
}

const opcodeName = (input: AnyOpcode) => input.OP_ID.replace(/^OP_/, '').toLowerCase();

/** The entry that the queue adds when a job comes in. */
export function submissionReason(input: AnyOpcode, job: number, index: number, seconds: number): ReasonEntry {
  return [`gnt:opcode:${opcodeName(input)}`, `job=${job};index=${index}`, nanoseconds(seconds)];
}

/** The entry that a restarted master adds to a job that it finds in the queue. */
export function pickupReason(input: AnyOpcode, job: number, index: number, seconds: number): ReasonEntry {
  return [
    `gnt:daemon:masterd:pickup:${opcodeName(input)}`,
    `job=${job};index=${index}`,
    nanoseconds(seconds),
  ];
}

/** Entries of a trail that have the right shape; others say nothing. */
export function reasonsOf(input: AnyOpcode): ReasonEntry[] {
  const trail = Array.isArray(input.reason) ? (input.reason as unknown[]) : [];
  return trail.filter(
    (entry): entry is ReasonEntry =>
      Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'string',
  );
}
