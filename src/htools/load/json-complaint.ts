/**
 * What Ganeti's tools say of a text that isn't JSON. Users and scripts know these words; where the text is broken is
 * told by the next eight characters. Only for texts that have been refused already.
 */
import { DataError } from './data-error.ts';

const contextLength = 8;
const isSpace = (character: string | undefined) => character !== undefined && /\s/.test(character);
const isDigit = (character: string | undefined) => character !== undefined && /[0-9]/.test(character);

class Complaint extends Error {}

class Walk {
  private readonly characters: readonly string[];
  private at = 0;

  constructor(text: string) {
    this.characters = Array.from(text);
  }

  private next(): string | undefined {
    return this.characters[this.at];
  }

  private skipSpace(): void {
    while (isSpace(this.next())) this.at++;
  }

  private fail(message: string, from = this.at): never {
    throw new Complaint(`${message}${this.characters.slice(from, from + contextLength).join('')}`);
  }

  private startsWith(word: string): boolean {
    return this.characters.slice(this.at, this.at + word.length).join('') === word;
  }

  /** @throws Complaint */
  all(): void {
    this.skipSpace();
    this.value();
    if (this.next() === undefined) return;
    const rest = this.characters.slice(this.at, this.at + 10).join('');
    throw new Complaint(`Invalid tokens at end of JSON string: ${JSON.stringify(rest)}`);
  }

  private value(): void {
    const next = this.next();
    if (next === '"') this.string();
    else if (next === '[') this.list();
    else if (next === '{') this.object();
    else if (next === 't' || next === 'f') this.boolean();
    else if (next === '-' || isDigit(next)) this.number();
    else if (this.startsWith('null')) this.at += 4;
    else this.fail('Malformed JSON: invalid token in this context ');
  }

  private boolean(): void {
    const word = ['true', 'false'].find((candidate) => this.startsWith(candidate));
    if (word === undefined) this.fail('Unable to parse JSON Bool: ');
    this.at += word.length;
  }

  private list(): void {
    this.at++;
    this.skipSpace();
    if (this.closes(']')) return;
    for (;;) {
      this.value();
      const from = this.at;
      this.skipSpace();
      if (this.closes(']')) return;
      if (this.next() !== ',') this.fail('Unable to parse JSON array: unterminated array: ', from);
      this.at++;
      this.skipSpace();
    }
  }

  private object(): void {
    this.at++;
    this.skipSpace();
    if (this.closes('}')) return;
    for (;;) {
      if (this.next() !== '"') this.fail('Malformed JSON: expecting string: ');
      this.string();
      let from = this.at;
      this.skipSpace();
      if (this.next() !== ':') this.fail('Malformed JSON labelled field: ', from);
      this.at++;
      this.skipSpace();
      this.value();
      from = this.at;
      this.skipSpace();
      if (this.closes('}')) return;
      if (this.next() !== ',') this.fail('Unable to parse JSON object: unterminated sequence: ', from);
      this.at++;
      this.skipSpace();
    }
  }

  /** Takes the end of a list or an object, and the blanks after it. */
  private closes(end: string): boolean {
    if (this.next() !== end) return false;
    this.at++;
    this.skipSpace();
    return true;
  }

  private string(): void {
    for (this.at++; this.next() !== '"'; this.at++) {
      const next = this.next();
      const escaped = this.characters[this.at + 1];
      if (next === undefined || (next === '\\' && escaped === undefined)) {
        throw new Complaint('Unable to parse JSON String: unterminated String: ');
      }
      if (next < ' ') this.fail('Illegal unescaped character in string: ');
      if (next === '\\') this.escape(escaped!);
    }
    this.at++;
  }

  private escape(escaped: string): void {
    this.at++;
    if (escaped === 'u') {
      const digits = this.characters.slice(this.at + 1, this.at + 5).join('');
      if (digits.length < 4) this.fail('Unable to parse JSON String: invalid hex: ', this.at + 1);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new Complaint(hexComplaint(digits));
      this.at += 4;
    } else if (!'"\\/bfnrt'.includes(escaped)) {
      throw new Complaint(`Unable to parse JSON String: invalid escape char: '${escaped}'`);
    }
  }

  private digits(): boolean {
    const from = this.at;
    while (isDigit(this.next())) this.at++;
    return this.at > from;
  }

  private number(): void {
    if (this.next() === '-') this.at++;
    if (this.next() === '0') this.at++;
    else if (!this.digits()) this.fail('Unable to parse JSON Rational: ', this.at + 1);
    if (this.next() === '.') {
      this.at++;
      this.digits();
    }
    if (this.next() !== 'e' && this.next() !== 'E') return;
    this.at++;
    if (this.next() === '+' || this.next() === '-') this.at++;
    if (!this.digits()) this.fail('Unable to parse JSON exponential: ');
  }
}

/** The digits that could be read, as their number, and what is left. */
function hexComplaint(digits: string): string {
  const good = /^[0-9a-fA-F]*/.exec(digits)![0];
  const read =
    good === '' ? '[]' : `[(${Number.parseInt(good, 16)},${JSON.stringify(digits.slice(good.length))})]`;
  return `Unable to parse JSON String: invalid hex: ${read.slice(0, contextLength)}`;
}

/** What is wrong with the text; undefined when that can't be said in Ganeti's words. */
export function jsonComplaint(text: string): string | undefined {
  try {
    new Walk(text).all();
    return undefined;
  } catch (error) {
    if (error instanceof Complaint) return error.message;
    if (error instanceof RangeError) throw new DataError('Malformed JSON: too deep', { cause: error });
    throw error;
  }
}
