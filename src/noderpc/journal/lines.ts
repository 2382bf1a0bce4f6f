/**
 * One entry of the journal as one line of text:
 *
 *     <crc32> <number> <epoch> <batch> <kind> <json>\n
 *
 * `number` counts without gaps. `epoch` counts masters. `batch` is the number of the first entry of the
 * write that the line belongs to: everything before it was durable when the line was written, which is
 * how a torn last write is told from damage in the middle. The sum covers all that follows it.
 */
import { crc32 } from 'node:zlib';

export interface JournalEntry {
  readonly number: number;
  readonly epoch: number;
  /** Whose entry it is: letters and dashes. */
  readonly kind: string;
  /** One line of JSON. */
  readonly json: string;
}

export interface LineEntry extends JournalEntry {
  readonly batch: number;
}

const newline = 10;
const pattern = /^(\d{1,15}) (\d{1,9}) (\d{1,15}) ([a-z][a-z-]{0,31}) ([^\n]+)$/;

/** The line with its newline. */
export function encodeLine(entry: JournalEntry, batch: number): string {
  const body = `${entry.number} ${entry.epoch} ${batch} ${entry.kind} ${entry.json}`;
  return `${crc32(body).toString(16).padStart(8, '0')} ${body}\n`;
}

/** undefined when the line (without its newline) is not whole. */
export function decodeLine(line: Buffer): LineEntry | undefined {
  if (line.length < 12 || line[8] !== 32) return undefined;
  const body = line.subarray(9);
  if (crc32(body).toString(16).padStart(8, '0') !== line.toString('latin1', 0, 8)) return undefined;
  const match = pattern.exec(body.toString('utf8'));
  if (match === null) return undefined;
  return {
    number: Number(match[1]),
    epoch: Number(match[2]),
    batch: Number(match[3]),
    kind: match[4]!,
    json: match[5]!,
  };
}

export interface Scan {
  readonly entries: readonly LineEntry[];
  /** Bytes up to the end of the last whole line. */
  readonly wholeBytes: number;
  /** What follows them is not whole. */
  readonly torn: boolean;
  /** A whole line further on proves that the one at `wholeBytes` was durable once: this is no torn write. */
  readonly damaged: boolean;
}

function provesDamage(data: Buffer, from: number, expected: number): boolean {
  let start = from;
  for (let end = data.indexOf(newline, start); end !== -1; end = data.indexOf(newline, start)) {
    const entry = decodeLine(data.subarray(start, end));
    if (entry !== undefined && entry.batch > expected) return true;
    start = end + 1;
  }
  return false;
}

/** Reads the lines of a file whose first entry has the number `first`. */
export function scanLines(data: Buffer, first: number): Scan {
  const entries: LineEntry[] = [];
  let start = 0;
  while (start < data.length) {
    const end = data.indexOf(newline, start);
    const entry = end === -1 ? undefined : decodeLine(data.subarray(start, end));
    const expected = first + entries.length;
    if (entry === undefined || entry.number !== expected) {
      return { entries, wholeBytes: start, torn: true, damaged: provesDamage(data, start, expected) };
    }
    entries.push(entry);
    start = end + 1;
  }
  return { entries, wholeBytes: start, torn: false, damaged: false };
}
