/**
 * XML as OVF descriptions need it: elements with namespaces, attributes and text, read into a tree and printed from
 * one. Documents come from strangers, so there is no DOCTYPE and no entity but XML's own five: nothing is fetched,
 * nothing grows. Pure.
 */
import { ErrorCode, type Failure, prerequisiteFailure } from '../../kit/failure.ts';

export interface Element {
  /** With its namespace in braces: "{http://ganeti}Name". */
  readonly name: string;
  /** By name; those with a prefix have their namespace in braces. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly Element[];
  /** What stands in it besides its children, as it is. */
  readonly text: string;
}

interface Open {
  readonly name: string;
  readonly written: string;
  readonly attributes: Map<string, string>;
  readonly children: Element[];
  readonly namespaces: ReadonlyMap<string, string>;
  text: string;
}

const xmlNamespace = 'http://www.w3.org/XML/1998/namespace';
const namePattern = '[A-Za-z_][\\w.-]*(?::[A-Za-z_][\\w.-]*)?';
const startTag = new RegExp(
  `<(${namePattern})((?:\\s+${namePattern}\\s*=\\s*(?:"[^"<]*"|'[^'<]*'))*)\\s*(/?)>`,
  'y',
);
const attribute = new RegExp(`(${namePattern})\\s*=\\s*("[^"<]*"|'[^'<]*')`, 'g');
const endTag = new RegExp(`</(${namePattern})\\s*>`, 'y');
const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const deepest = 200;

function malformed(source: string, at: number, what: string): Failure {
  const before = source.slice(0, at).split('\n');
  const place = `line ${before.length}, column ${before.at(-1)!.length}`;
  return prerequisiteFailure(`not well-formed (${what}): ${place}`, ErrorCode.environment);
}

/** Text with its references replaced. */
function plain(source: string, at: number, text: string): string {
  return text.replaceAll(/&([^;&\s]*;?)/g, (_whole, reference: string) => {
    const name = reference.slice(0, -1);
    const code = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(name);
    const point = code === null ? -1 : Number.parseInt(code[1] ?? code[2]!, code[1] === undefined ? 10 : 16);
    const value = point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : entities[name];
    if (!reference.endsWith(';') || value === undefined) {
      throw malformed(source, at, `undefined entity &${reference}`);
    }
    return value;
  });
}

/** `prefix:local` with its namespace in braces; attributes without a prefix have none. */
function expanded(
  written: string,
  namespaces: ReadonlyMap<string, string>,
  isAttribute: boolean,
): string | undefined {
  const [local, prefix] = written.split(':').reverse();
  if (prefix === undefined && isAttribute) return local!;
  const namespace = namespaces.get(prefix ?? '');
  if (namespace === undefined) return prefix === undefined ? local! : undefined;
  return namespace === '' ? local! : `{${namespace}}${local}`;
}

/** Reads one document. */
class Reader {
  readonly #source: string;
  #at = 0;
  readonly #open: Open[] = [];
  #root: Element | undefined;

  constructor(source: string) {
    this.#source = source.replace(/^\ufeff/, '').replaceAll(/\r\n?/g, '\n');
  }

  read(): Element {
    while (this.#at < this.#source.length) this.#next();
    if (this.#root === undefined || this.#open.length > 0) throw this.#fault('no element found');
    return this.#root;
  }

  #fault(what: string): Failure {
    return malformed(this.#source, this.#at, what);
  }

  /** Passes what begins with `begin`. @returns what stands between */
  #between(begin: string, end: string): string | undefined {
    if (!this.#source.startsWith(begin, this.#at)) return undefined;
    const until = this.#source.indexOf(end, this.#at + begin.length);
    if (until < 0) throw this.#fault('unclosed token');
    const inner = this.#source.slice(this.#at + begin.length, until);
    this.#at = until + end.length;
    return inner;
  }

  #next(): void {
    if (this.#between('<!--', '-->') !== undefined || this.#between('<?', '?>') !== undefined) return;
    const data = this.#between('<![CDATA[', ']]>');
    if (data !== undefined) this.#addText(data);
    else if (this.#source.startsWith('<!', this.#at))
      throw this.#fault('declarations of a document type are not read');
    else if (this.#source.startsWith('</', this.#at)) this.#end();
    else if (this.#source[this.#at] === '<') this.#start();
    else this.#characters();
  }

  #characters(): void {
    const found = this.#source.indexOf('<', this.#at);
    const until = found < 0 ? this.#source.length : found;
    this.#addText(plain(this.#source, this.#at, this.#source.slice(this.#at, until)));
    this.#at = until;
  }

  #addText(text: string): void {
    const open = this.#open.at(-1);
    if (open !== undefined) open.text += text;
    else if (text.trim() !== '') throw this.#fault('text outside of the document element');
  }

  #start(): void {
    startTag.lastIndex = this.#at;
    const tag = startTag.exec(this.#source);
    if (tag === null) throw this.#fault('invalid token');
    if (this.#root !== undefined) throw this.#fault('junk after document element');
    if (this.#open.length >= deepest) throw this.#fault('too deep');
    const [whole, written = '', inner = '', isEmpty] = tag;
    this.#open.push(this.#opened(written, inner));
    this.#at += whole.length;
    if (isEmpty === '/') this.#close();
  }

  #opened(written: string, inner: string): Open {
    const given = [...inner.matchAll(attribute)].map(
      ([, name, quoted]) => [name!, plain(this.#source, this.#at, quoted!.slice(1, -1))] as const,
    );
    const namespaces = new Map(this.#open.at(-1)?.namespaces ?? [['xml', xmlNamespace]]);
    for (const [name, value] of given) {
      if (name === 'xmlns') namespaces.set('', value);
      else if (name.startsWith('xmlns:')) namespaces.set(name.slice(6), value);
    }
    const nameOf = (name: string, isAttribute: boolean) => {
      const full = expanded(name, namespaces, isAttribute);
      if (full === undefined) throw this.#fault('unbound prefix');
      return full;
    };
    const attributes = new Map<string, string>();
    for (const [name, value] of given) {
      if (name === 'xmlns' || name.startsWith('xmlns:')) continue;
      const full = nameOf(name, true);
      if (attributes.has(full)) throw this.#fault('duplicate attribute');
      attributes.set(full, value);
    }
    return { name: nameOf(written, false), written, attributes, namespaces, children: [], text: '' };
  }

  #end(): void {
    endTag.lastIndex = this.#at;
    const tag = endTag.exec(this.#source);
    if (tag === null) throw this.#fault('invalid token');
    if (this.#open.at(-1)?.written !== tag[1]) throw this.#fault('mismatched tag');
    this.#at += tag[0].length;
    this.#close();
  }

  #close(): void {
    const { name, attributes, children, text } = this.#open.pop()!;
    const element = { name, attributes, children, text };
    const parent = this.#open.at(-1);
    if (parent === undefined) this.#root = element;
    else parent.children.push(element);
  }
}

/** @throws Failure OpPrereqError with line and column, when it is no XML document */
export function parseXml(source: string): Element {
  return new Reader(source).read();
}

/** Elements that are reached from `root` by these names, one below the other. */
export function elementsAt(root: Element, ...names: readonly string[]): Element[] {
  let found: Element[] = [root];
  for (const name of names) {
    found = found.flatMap((element) => element.children.filter((child) => child.name === name));
  }
  return found;
}

/** Text of the first element at the names; undefined when there is none. */
export function textAt(root: Element, ...names: readonly string[]): string | undefined {
  return elementsAt(root, ...names)[0]?.text;
}

/** An element to print, named as it is written. */
export interface Tag {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly content: string | readonly Tag[];
}

/** An element with other elements. */
export function tag(
  name: string,
  attributes: Readonly<Record<string, string>>,
  ...content: readonly Tag[]
): Tag {
  return { name, attributes, content };
}

/** An element with text; none when there is no text for it. */
export function textTag(name: string, text: string | number | undefined): Tag[] {
  return text === undefined ? [] : [{ name, attributes: {}, content: String(text) }];
}

const isName = new RegExp(`^${namePattern}$`);
const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

function lines({ name, attributes, content }: Tag, indent: string): string {
  if (!isName.test(name)) {
    throw prerequisiteFailure(`'${name}' can't be the name of an XML element`, ErrorCode.invalid);
  }
  const given = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  const head = `${indent}<${name}${given.join('')}`;
  if (content.length === 0) return `${head}/>\n`;
  if (typeof content === 'string') return `${head}>${escaped(content)}</${name}>\n`;
  return `${head}>\n${content.map((child) => lines(child, `${indent}  `)).join('')}${indent}</${name}>\n`;
}

/** A document, an element a line. @throws Failure OpPrereqError when a name can't be one of an element */
export function formatXml(root: Tag): string {
  return `<?xml version="1.0" ?>\n${lines(root, '')}`;
}
