/** Where a JSON text stops being one. V8 tells no place for some faults, and an administrator needs it. */

const space = new Set([0x20, 0x09, 0x0a, 0x0d]);
const numberPattern = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/;
const literals = ['true', 'false', 'null'];

class Fault extends Error {
  readonly offset: number;
  constructor(offset: number) {
    super();
    this.offset = offset;
  }
}

class Scanner {
  readonly #data: Buffer;
  #place = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  whole(): void {
    this.#value();
    this.#skip();
    if (this.#place < this.#data.length) throw new Fault(this.#place);
  }

  #skip(): void {
    while (space.has(this.#data[this.#place] ?? 0)) this.#place += 1;
  }

  #expect(character: string): void {
    this.#skip();
    if (this.#data[this.#place] !== character.charCodeAt(0)) throw new Fault(this.#place);
    this.#place += 1;
  }

  #next(): string {
    this.#skip();
    return String.fromCharCode(this.#data[this.#place] ?? 0);
  }

  #list(close: string, item: () => void): void {
    this.#place += 1;
    if (this.#next() === close) {
      this.#place += 1;
      return;
    }
    for (;;) {
      item();
      if (this.#next() === close) break;
      this.#expect(',');
    }
    this.#place += 1;
  }

  #value(): void {
    const first = this.#next();
    if (first === '{') {
      this.#list('}', () => {
        this.#skip();
        this.#string();
        this.#expect(':');
        this.#value();
      });
    } else if (first === '[') this.#list(']', () => this.#value());
    else if (first === '"') this.#string();
    else this.#plain();
  }

  #string(): void {
    if (this.#data[this.#place] !== 0x22) throw new Fault(this.#place);
    for (this.#place += 1; ; this.#place += 1) {
      const byte = this.#data[this.#place];
      if (byte === undefined || byte < 0x20) throw new Fault(this.#place);
      if (byte === 0x22) break;
      if (byte !== 0x5c) continue;
      this.#place += 1;
      const escaped = String.fromCharCode(this.#data[this.#place] ?? 0);
      if (escaped === 'u') {
        if (!/^[0-9a-fA-F]{4}$/.test(this.#data.toString('latin1', this.#place + 1, this.#place + 5)))
          throw new Fault(this.#place);
        this.#place += 4;
      } else if (!'"\\/bfnrt'.includes(escaped)) throw new Fault(this.#place);
    }
    this.#place += 1;
  }

  #plain(): void {
    const text = this.#data.toString('latin1', this.#place, this.#place + 64);
    const found = literals.find((literal) => text.startsWith(literal)) ?? numberPattern.exec(text)?.[0];
    if (found === undefined) throw new Fault(this.#place);
    this.#place += found.length;
  }
}

/** Byte at which the text stops being JSON; undefined when it is JSON. */
export function jsonFault(data: Buffer): number | undefined {
  try {
    new Scanner(data).whole();
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error.offset;
    throw error;
  }
}
