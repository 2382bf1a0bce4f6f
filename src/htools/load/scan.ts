/**
 * Reading numbers and lists out of text as Ganeti's tools read them: what is not wholly a number is refused,
 * with what is left over.
 */
import { DataError } from './data-error.ts';

const numberPattern =
  /^\s*(-?)\s*(?:(0[xX][0-9a-fA-F]+|0[oO][0-7]+)|(\d+)(\.\d+)?([eE][-+]?\d+)?|(NaN|Infinity))/;

interface Scanned {
  readonly value: number;
  readonly whole: boolean;
  readonly rest: string;
}

function scan(text: string): Scanned | undefined {
  const match = numberPattern.exec(text);
  if (match === null) return undefined;
  const [all, sign, coded, digits, fraction, exponent, word] = match;
  const value = Number(coded ?? word ?? `${digits}${fraction ?? ''}${exponent ?? ''}`);
  const whole =
    coded !== undefined || (word === undefined && fraction === undefined && exponent === undefined);
  return { value: sign === '-' ? -value : value, whole, rest: text.slice(all.length) };
}

function checked(owner: string, text: string, scanned: Scanned | undefined): number {
  if (scanned === undefined) throw new DataError(`${owner}: cannot parse string '${text}'`);
  if (scanned.rest !== '') {
    throw new DataError(`${owner}: leftover characters when parsing '${text}': '${scanned.rest}'`);
  }
  return scanned.value;
}

/** A whole number; throws a DataError that names the owner. */
export function readInteger(owner: string, text: string): number {
  const scanned = scan(text);
  return checked(owner, text, scanned?.whole === true ? scanned : undefined);
}

export function readNumber(owner: string, text: string): number {
  return checked(owner, text, scan(text));
}

export function readBoolean(owner: string, text: string): boolean {
  const match = /^\s*(True|False)\b/.exec(text);
  if (match === null) throw new DataError(`${owner}: cannot parse string '${text}'`);
  const rest = text.slice(match[0].length);
  if (rest !== '') throw new DataError(`${owner}: leftover characters when parsing '${text}': '${rest}'`);
  return match[1] === 'True';
}

/** Splits at a separator; nothing gives no parts, unlike `String.split`. */
export function splitText(text: string, separator: string): string[] {
  return text === '' ? [] : text.split(separator);
}

/** Lines without their ends; an end after the last line makes no further line. */
export function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** Groups of lines, separated by empty ones. */
export function splitSections(lines: readonly string[]): string[][] {
  if (lines.length === 0) return [];
  const sections: string[][] = [[]];
  for (const line of lines) {
    if (line === '') sections.push([]);
    else sections.at(-1)!.push(line);
  }
  return sections;
}

/** MiB from "4g", "512", "2T": small letters and …iB are binary, capitals and …B decimal. */
export function readUnit(text: string): number {
  const match = /^\s*(-?)\s*(\d+)(?![.eE]\d)/.exec(text);
  if (match === null) throw new DataError(`Can't parse string '${text}'`);
  const value = BigInt(match[2]!);
  const unit = text.slice(match[0].length).replace(/^ +/, '');
  const [numerator, denominator] = unitScale(unit);
  const scaled = Number((value * numerator) / denominator);
  return match[1] === '-' ? -scaled : scaled;
}

function unitScale(unit: string): readonly [bigint, bigint] {
  const upper = unit.toUpperCase();
  const binary = 1024n;
  const si = (power: number): readonly [bigint, bigint] => [1000n ** BigInt(power), binary ** 2n];
  if (unit === '' || unit === 'm' || upper === 'MIB') return [1n, 1n];
  if (unit === 'g' || upper === 'GIB') return [binary, 1n];
  if (unit === 't' || upper === 'TIB') return [binary ** 2n, 1n];
  if (unit === 'M' || upper === 'MB') return si(2);
  if (unit === 'G' || upper === 'GB') return si(3);
  if (unit === 'T' || upper === 'TB') return si(4);
  throw new DataError(`Unknown unit '${unit}'`);
}
