/**
 * JSON as the tools read it: objects keep the order of their keys (it numbers nodes and instances), and a
 * value of a wrong kind is refused with Ganeti's words.
 */
import { quotedList } from '../core/terms/format.ts';
import { annotated, DataError } from './data-error.ts';
import { jsonComplaint } from './json-complaint.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
/** A map where the order of number-like keys must be kept, a plain object otherwise. */
export type JsonObject = ReadonlyMap<string, Json> | { readonly [key: string]: Json };

export type Reader<T> = (value: Json) => T;

export function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function entriesOf(object: JsonObject): [key: string, value: Json][] {
  return object instanceof Map ? [...object] : Object.entries(object as { [key: string]: Json });
}

export function memberOf(object: JsonObject, key: string): Json | undefined {
  if (object instanceof Map) return object.get(key) as Json | undefined;
  return Object.hasOwn(object, key) ? (object as { [key: string]: Json })[key] : undefined;
}

/** Parses a text whose outermost value is an object or a list. */
export function parseJson(text: string): Json {
  const start = /\S/.exec(text)?.[0];
  if (start !== '{' && start !== '[') {
    throw new DataError('Invalid JSON: a JSON text a serialized object or array at the top level.');
  }
  try {
    return /"\d+"\s*:/.test(text) ? new OrderedParser(text).parse() : (JSON.parse(text) as Json);
  } catch (error) {
    const message = (error as Error).message.replace(/\s+/g, ' ');
    throw new DataError(jsonComplaint(text) ?? `Malformed JSON: ${message}`, { cause: error });
  }
}

/** Splits a text into its outermost keys and values; the values are left to `JSON.parse`. */
class OrderedParser {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  parse(): Json {
    JSON.parse(this.text);
    return this.value();
  }

  private skip(): string {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
    return this.text[this.at] ?? '';
  }

  private value(): Json {
    const start = this.skip();
    if (start === '{') return this.object();
    if (start === '[') return this.list();
    return this.scalar();
  }

  private scalar(): Json {
    const from = this.at;
    if (this.text[from] === '"') {
      for (this.at++; this.text[this.at] !== '"'; this.at++) if (this.text[this.at] === '\\') this.at++;
      this.at++;
    } else {
      while (/[-+.\w]/.test(this.text[this.at] ?? '')) this.at++;
    }
    return JSON.parse(this.text.slice(from, this.at)) as Json;
  }

  private object(): Json {
    const entries = new Map<string, Json>();
    this.at++;
    while (this.skip() !== '}') {
      if (this.text[this.at] === ',') {
        this.at++;
        this.skip();
      }
      const key = this.scalar() as string;
      this.skip();
      this.at++;
      entries.set(key, this.value());
    }
    this.at++;
    return entries;
  }

  private list(): Json {
    const items: Json[] = [];
    this.at++;
    while (this.skip() !== ']') {
      if (this.text[this.at] === ',') this.at++;
      items.push(this.value());
    }
    this.at++;
    return items;
  }
}

function reader<T>(fits: (value: Json) => value is Json & T, name: string): Reader<T> {
  return (value) => {
    if (!fits(value)) throw new DataError(`Unable to read ${name}`);
    return value;
  };
}

/** A text; a list of characters is one too. */
export const asString: Reader<string> = (value) => {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) throw new DataError('Unable to read String');
  return value
    .map((item: Json) => {
      if (typeof item !== 'string' || Array.from(item).length !== 1)
        throw new DataError('Unable to read Char');
      return item;
    })
    .join('');
};
export const asBoolean = reader((value): value is boolean => typeof value === 'boolean', 'Bool');
export const asNumber = reader((value): value is number => typeof value === 'number', 'Double');
export const asObject = reader(isObject, 'JSObject');
export const asValue: Reader<Json> = (value) => value;

/** A whole number; a fraction is rounded, to the even neighbour when it lies in the middle. */
export const asInteger: Reader<number> = (value) => {
  if (typeof value !== 'number') throw new DataError('Unable to read Int');
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest === 0.5) return floor % 2 === 0 ? floor : floor + 1;
  return rest < 0.5 ? floor : floor + 1;
};

export function listOf<T>(read: Reader<T>): Reader<T[]> {
  return (value) => {
    if (!Array.isArray(value)) throw new DataError('Unable to read List');
    return value.map((item: Json) => read(item));
  };
}

/** A word of a fixed set, read from a string. */
export function asWord<T>(type: string, read: (text: string) => T): Reader<T> {
  const text = described(type, asString);
  return (value) => read(text(value));
}

function convert<T>(key: string, value: Json, read: Reader<T>): T {
  return annotated(`key '${key}'`, () => read(value));
}

/** A value that must be there. */
export function required(object: JsonObject, key: string): Json {
  const value = memberOf(object, key);
  if (value !== undefined) return value;
  const keys = quotedList(entriesOf(object).map(([name]) => name));
  throw new DataError(`key '${key}' not found, object contains only ${keys}`);
}

/** A required value of an object; `owner` stands before the complaint. */
export function field<T>(owner: string, object: JsonObject, key: string, read: Reader<T>): T {
  return annotated(owner, () => convert(key, required(object, key), read));
}

/** Puts what was to be read before the complaint, as Ganeti's own objects do. */
export function described<T>(name: string, read: Reader<T>): Reader<T> {
  return (value) => annotated(`Can't parse value for '${name}'`, () => read(value));
}

/** A value that may be missing or null. */
export function optionalField<T>(object: JsonObject, key: string, read: Reader<T>): T | undefined {
  const value = memberOf(object, key);
  return value === undefined || value === null ? undefined : convert(key, value, read);
}

/** Text of a value as the tools encode it: no blanks, only ASCII. */
export function encodeJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
