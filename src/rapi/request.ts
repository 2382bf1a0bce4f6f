/**
 * A request as the routes see it, and what they take from it: names in the path, arguments of the query, the
 * body. Checks and their sentences are Ganeti's (rapi/baserlib.py).
 */
import { badRequest } from './http-error.ts';

export interface RapiRequest {
  /** Variables of the path by name. */
  readonly names: Readonly<Record<string, string>>;
  readonly query: ReadonlyMap<string, readonly string[]>;
  /** Decoded JSON; null without a body. */
  readonly body: unknown;
  /** Ends with the connection. */
  readonly gone?: AbortSignal;
}

export type Query = RapiRequest['query'];
export type Body = Readonly<Record<string, unknown>>;

/** Arguments without a value don't count, as in Python's parse_qs. */
export function parseQuery(text: string): Query {
  const result = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (value !== '') result.set(name, [...(result.get(name) ?? []), value]);
  }
  return result;
}

export function textArgument<D>(query: Query, name: string, otherwise: D): string | D {
  return query.get(name)?.[0] ?? otherwise;
}

/** @throws HttpError 400 when it isn't a number */
export function numberArgument(query: Query, name: string, otherwise = 0): number {
  const text = query.get(name)?.[0];
  if (text === undefined) return otherwise;
  if (!/^\s*[+-]?\d{1,15}\s*$/.test(text)) throw badRequest(`Invalid value for the '${name}' parameter`);
  return Number(text);
}

export function flagArgument(query: Query, name: string): boolean {
  return numberArgument(query, name) !== 0;
}

/** Python's name of a JSON value's type. */
function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'NoneType';
  if (Array.isArray(value)) return 'list';
  switch (typeof value) {
    case 'string':
      return 'str';
    case 'boolean':
      return 'bool';
    case 'number':
      return Number.isInteger(value) ? 'int' : 'float';
    default:
      return 'dict';
  }
}

export type PythonType = 'dict' | 'list' | 'str' | 'int' | 'bool';

/** @throws HttpError 400 */
export function checkType(value: unknown, expected: PythonType, what: string): void {
  const found = typeName(value);
  if (found !== expected && !(expected === 'int' && found === 'bool')) {
    throw badRequest(`${what}: Type is '${found}', but '${expected}' is expected`);
  }
}

/** @throws HttpError 400 when the body is anything but an object or nothing */
export function bodyObject(body: unknown): Body {
  if (body === null || body === undefined) return {};
  checkType(body, 'dict', 'Body contents');
  return body as Body;
}

/**
 * A value of the body.
 * @throws HttpError 400 of another type
 */
export function bodyParameter(body: Body, name: string, otherwise: unknown, expected?: PythonType): unknown {
  if (!Object.hasOwn(body, name)) return otherwise;
  const value = body[name];
  if (expected !== undefined) checkType(value, expected, `'${name}' parameter`);
  return value;
}
