/**
 * Filters as people write them on a command line, `be/memory > 128 and not (name =* "*.site")`, read into
 * the list form (qlang.ParseFilter, man page ganeti). From loose to tight: or, and, not. A condition is
 *
 *   field                          field  = == != < <= > >=  value
 *   value in field                 field  =~ !~  m/expression/flags   (delimiters / # ^ |, flags i and s)
 *   value not in field             field  =* !*  "pattern"            (* and ? don't match dots)
 *
 * A value is an integer or a quoted string; nothing inside quotes is unescaped. Between the delimiters of an
 * expression a backslash makes the next character plain, so a backslash for the expression is written twice.
 */
import { Failure } from '../../kit/failure.ts';
import { compileExpression } from './filter.ts';

type List = unknown[];

class Reader {
  readonly text: string;
  position = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** Takes what the (sticky) pattern matches behind white space; undefined and nothing taken if it doesn't. */
  take(pattern: RegExp): string | undefined {
    const start = this.position;
    this.position = this.#afterSpace(start);
    const found = this.takeHere(pattern);
    if (found === undefined) this.position = start;
    return found;
  }

  /** The same, with no white space before it. */
  takeHere(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.text);
    if (found === null) return undefined;
    this.position += found[0].length;
    return found[0];
  }

  #afterSpace(position: number): number {
    let at = position;
    while (at < this.text.length && /\s/.test(this.text[at]!)) at += 1;
    return at;
  }

  /** The first reading that succeeds; each begins where the reader stands now. */
  attempt<T>(...readings: readonly (() => T | undefined)[]): T | undefined {
    const start = this.position;
    for (const reading of readings) {
      const result = reading();
      if (result !== undefined) return result;
      this.position = start;
    }
    return undefined;
  }

  fail(expected: string, at = this.position): never {
    const position = this.#afterSpace(at);
    const found = position < this.text.length ? `found '${this.text[position]}'` : 'found end of text';
    const lines = this.text.slice(0, position).split('\n');
    const column = lines.at(-1)!.length + 1;
    const reason = `Expected ${expected}, ${found}  (at char ${position}), (line:${lines.length}, col:${column})`;
    const line = this.text.split('\n')[lines.length - 1] ?? '';
    throw new Failure('QueryFilterParseError', [
      `Failed to parse query filter '${this.text}': ${reason}`,
      [line, `${' '.repeat(column - 1)}^`, reason],
    ]);
  }
}

/** A regular expression for a DNS name with * and ? (utils.DnsNameGlobPattern). */
export function namePattern(pattern: string): string {
  const body = pattern.replace(/[^*?]+|[*?]/g, (part) => {
    if (part === '*') return '[^.]*';
    if (part === '?') return '[^.]';
    return part.replace(/[()[\]{}+|^$\\.&~#\s-]/g, '\\$&');
  });
  return `^${body}(\\..*)?$`;
}

const fieldPattern = /[A-Za-z][\w/.]*/y;
const stringPattern = /"(?:[^"\n\r\\]|""|\\[\s\S])*"|'(?:[^'\n\r\\]|''|\\[\s\S])*'/y;
const expressionPattern =
  /m?(?:\/(?:\\[\s\S]|[^\\\n/])*\/|#(?:\\[\s\S]|[^\\\n#])*#|\^(?:\\[\s\S]|[^\\\n^])*\^|\|(?:\\[\s\S]|[^\\\n|])*\|)/y;
const spaces: Readonly<Record<string, string>> = { t: '\t', n: '\n', f: '\f', r: '\r' };

function readString(reader: Reader): string | undefined {
  return reader.take(stringPattern)?.slice(1, -1);
}

function readValue(reader: Reader): string | number | undefined {
  const number = reader.take(/[+-]?\d+/y);
  return number === undefined ? readString(reader) : Number(number);
}

function readExpression(reader: Reader): string | undefined {
  const start = reader.position;
  const found = reader.take(expressionPattern);
  if (found === undefined) return undefined;
  const quoted = found.startsWith('m') ? found.slice(1) : found;
  const body = quoted.slice(1, -1).replace(/\\([\s\S])/g, (_, plain: string) => spaces[plain] ?? plain);
  const flags = (reader.takeHere(/[A-Za-z]+/y) ?? '').split('').sort();
  const unknown = flags.filter((flag) => flag !== 's' && flag !== 'i');
  if (unknown.length > 0) reader.fail(`the flags i and s only, not '${unknown.join('')}'`, start);
  const expression = `${flags.length > 0 ? `(?${flags.join('')})` : ''}${body}`;
  try {
    compileExpression(expression);
  } catch {
    reader.fail('a valid regular expression', start);
  }
  return expression;
}

/** `field` and an operator out of `operators`, which end a reading when they aren't there. */
function readLeft(reader: Reader, operators: RegExp): [field: string, operator: string] | undefined {
  const field = reader.take(fieldPattern);
  const operator = field === undefined ? undefined : reader.take(operators);
  return field === undefined || operator === undefined ? undefined : [field, operator];
}

function readComparison(reader: Reader): List | undefined {
  const left = readLeft(reader, /==|!=|<=|>=|=|<|>/y);
  const value = left === undefined ? undefined : readValue(reader);
  if (left === undefined || value === undefined) return undefined;
  return [left[1] === '=' ? '==' : left[1], left[0], value];
}

function readMatch(reader: Reader): List | undefined {
  const left = readLeft(reader, /[=!][~*]/y);
  if (left === undefined) return undefined;
  const [field, operator] = left;
  const isPattern = operator.endsWith('*');
  const right = isPattern ? readString(reader) : readExpression(reader);
  if (right === undefined) return undefined;
  const condition = ['=~', field, isPattern ? namePattern(right) : right];
  return operator.startsWith('!') ? ['!', condition] : condition;
}

function readContains(reader: Reader): List | undefined {
  const value = readValue(reader);
  if (value === undefined) return undefined;
  const isNegated = reader.take(/not/y) !== undefined;
  if (reader.take(/in/y) === undefined) return undefined;
  const field = reader.take(fieldPattern);
  if (field === undefined) return undefined;
  const condition = ['=[]', field, value];
  return isNegated ? ['!', condition] : condition;
}

function readTruth(reader: Reader): List | undefined {
  const field = reader.take(fieldPattern);
  return field === undefined ? undefined : ['?', field];
}

function readParentheses(reader: Reader): List | undefined {
  if (reader.take(/\(/y) === undefined) return undefined;
  const inner = readOr(reader);
  if (reader.take(/\)/y) === undefined) reader.fail("')'");
  return inner;
}

function readNot(reader: Reader): List {
  const negated = reader.attempt(() =>
    reader.take(/not(?![\w$])/y) === undefined ? undefined : readUnless(reader),
  );
  return negated ?? readPrimary(reader) ?? reader.fail('a condition');
}

/** What follows "not"; undefined where nothing does, so that a field may have that name. */
function readUnless(reader: Reader): List | undefined {
  const inner = reader.take(/(?=not(?![\w$]))/y) !== undefined ? readNot(reader) : readPrimary(reader);
  return inner === undefined ? undefined : ['!', inner];
}

function readPrimary(reader: Reader): List | undefined {
  return reader.attempt(
    () => readParentheses(reader),
    () => readComparison(reader),
    () => readMatch(reader),
    () => readContains(reader),
    () => readTruth(reader),
  );
}

function readChain(reader: Reader, word: RegExp, operator: string, next: (reader: Reader) => List): List {
  const parts = [next(reader)];
  while (reader.take(word) !== undefined) parts.push(next(reader));
  return parts.length === 1 ? parts[0]! : [operator, ...parts];
}

function readAnd(reader: Reader): List {
  return readChain(reader, /and(?![\w$])/y, '&', readNot);
}

function readOr(reader: Reader): List {
  return readChain(reader, /or(?![\w$])/y, '|', readAnd);
}

/**
 * @returns the list form of the filter
 * @throws Failure QueryFilterParseError; its second argument has the lines that point at the place
 */
export function parseFilter(text: string): unknown[] {
  const reader = new Reader(text);
  const filter = readOr(reader);
  if (reader.take(/$/y) === undefined) reader.fail('end of text');
  return filter;
}
