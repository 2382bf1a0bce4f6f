/**
 * Numbers and tables as Ganeti's tools print them. They round the shortest decimal form of a number, half to
 * even, which differs from rounding its exact binary value: 0.125 with two places is 0.12.
 */

interface Digits {
  readonly negative: boolean;
  /** Significant decimal digits, without leading zeros; empty for zero. */
  readonly digits: readonly number[];
  /** Position of the decimal point: 0.d1d2… × 10^exponent. */
  readonly exponent: number;
}

function digitsOf(value: number): Digits {
  const text = Math.abs(value).toExponential();
  const [mantissa = '', exponent = '0'] = text.split('e');
  const digits = mantissa.replace('.', '').split('').map(Number);
  const negative = value < 0 || Object.is(value, -0);
  if (value === 0) return { negative, digits: [], exponent: 0 };
  return { negative, digits, exponent: Number(exponent) + 1 };
}

/** Keeps `count` digits; returns the carry that went past the first one, and the digits. */
function roundDigits(digits: readonly number[], count: number): { carry: boolean; digits: number[] } {
  const kept = Array.from({ length: count }, (_, i) => digits[i] ?? 0);
  const next = digits[count] ?? 0;
  const tail = digits.slice(count + 1).some((digit) => digit !== 0);
  const even = count === 0 ? true : kept[count - 1]! % 2 === 0;
  let carry = next > 5 || (next === 5 && (tail || !even));
  for (let i = count - 1; i >= 0 && carry; i--) {
    kept[i] = (kept[i]! + 1) % 10;
    carry = kept[i] === 0;
  }
  return { carry, digits: kept };
}

function notFinite(value: number): string | undefined {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return 'Infinity';
  return value === Number.NEGATIVE_INFINITY ? '-Infinity' : undefined;
}

/** `%.Nf`. */
export function fixed(value: number, places: number): string {
  const special = notFinite(value);
  if (special !== undefined) return special;
  const { negative, digits, exponent } = digitsOf(value);
  const lead = Math.max(0, -exponent);
  const padded = [...Array<number>(lead).fill(0), ...digits];
  const wholeLength = Math.max(0, exponent);
  const { carry, digits: rounded } = roundDigits(padded, wholeLength + places);
  const all = carry ? [1, ...rounded] : rounded;
  const whole = all.slice(0, all.length - places).join('') || '0';
  const fraction = places === 0 ? '' : `.${all.slice(all.length - places).join('')}`;
  return `${negative ? '-' : ''}${whole}${fraction}`;
}

/** `%.Ng` as the tools mean it: N places, with an exponent below 0.1 and from ten millions on. */
export function general(value: number, places: number): string {
  const special = notFinite(value);
  if (special !== undefined) return special;
  const { negative, digits, exponent } = digitsOf(value);
  if (exponent >= 0 && exponent <= 7) return fixed(value, places);
  const { carry, digits: rounded } = roundDigits(digits, places + 1);
  const all = carry ? [1, ...rounded.slice(0, -1)] : rounded;
  const power = exponent - 1 + (carry ? 1 : 0);
  return `${negative ? '-' : ''}${all[0]}.${all.slice(1).join('')}e${power}`;
}

/** A number with a fraction, always with a decimal point: 4.0, 0.25, 1.0e-9. */
export function decimal(value: number): string {
  const special = notFinite(value);
  if (special !== undefined) return special;
  const { negative, digits, exponent } = digitsOf(value);
  const sign = negative ? '-' : '';
  if (digits.length === 0) return `${sign}0.0`;
  if (exponent > 0 && exponent <= 7) {
    const padded = [...digits, ...Array<number>(Math.max(0, exponent - digits.length)).fill(0)];
    return `${sign}${padded.slice(0, exponent).join('')}.${padded.slice(exponent).join('') || '0'}`;
  }
  if (exponent === 0) return `${sign}0.${digits.join('')}`;
  return `${sign}${digits[0]}.${digits.slice(1).join('') || '0'}e${exponent - 1}`;
}

/** `%f` without a number of places: all digits, never an exponent. */
export function plain(value: number): string {
  const special = notFinite(value);
  if (special !== undefined) return special;
  const { negative, digits, exponent } = digitsOf(value);
  const padded = [
    ...Array<number>(Math.max(0, -exponent)).fill(0),
    ...digits,
    ...Array<number>(Math.max(0, exponent - digits.length)).fill(0),
  ];
  const whole = padded.slice(0, Math.max(0, exponent)).join('') || '0';
  return `${negative ? '-' : ''}${whole}.${padded.slice(Math.max(0, exponent)).join('') || '0'}`;
}

/** A string as a quoted literal, the way lists of names are shown. */
export function quoted(text: string): string {
  let out = '"';
  let afterNumber = false;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    const escaped = escapeOf(character, code);
    if (afterNumber && character >= '0' && character <= '9') out += '\\&';
    out += escaped ?? character;
    afterNumber = escaped !== undefined && /\d$/.test(escaped);
  }
  return `${out}"`;
}

const controls = [
  'NUL SOH STX ETX EOT ENQ ACK a b t n v f r SO SI',
  'DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US',
]
  .join(' ')
  .split(' ');

function escapeOf(character: string, code: number): string | undefined {
  if (character === '"' || character === '\\') return `\\${character}`;
  if (code < 32) return `\\${controls[code]}`;
  if (code === 127) return '\\DEL';
  return code > 127 ? `\\${code}` : undefined;
}

export function quotedList(texts: readonly string[]): string {
  return `[${texts.map(quoted).join(',')}]`;
}

/** Rows padded to columns; numbers to the right. */
export function alignRows(rows: readonly (readonly string[])[], numeric: readonly boolean[]): string[][] {
  const widths = numeric.map((_, column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .slice(0, numeric.length)
      .map((cell, column) =>
        numeric[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      ),
  );
}

/** A table with a header line; every line begins with `prefix` and a blank. */
export function table(
  prefix: string,
  header: readonly string[],
  rows: readonly (readonly string[])[],
  numeric: readonly boolean[],
): string {
  return alignRows([header, ...rows], numeric)
    .map((cells) => `${prefix} ${cells.join(' ')}\n`)
    .join('');
}
