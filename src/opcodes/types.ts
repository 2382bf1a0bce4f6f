/**
 * Types of opcode parameters: a check and the description that Ganeti gives of it (ht.py), which error
 * texts and `gnt-debug` show. Small on purpose: command-line programs load it, so it must start fast.
 */

/** JSON Schema, as OpenAPI documents have it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export interface ParameterType<T> {
  /** Ganeti's words: "None or NonEmptyString". */
  readonly description: string;
  readonly accepts: (value: unknown) => boolean;
  /** What is accepted, as far as a schema can say it. */
  readonly schema: JsonSchema;
  /** Never set: carries the type only. */
  readonly type?: T;
  /** Holds secrets: shown and logged as "<redacted>". */
  readonly secret?: boolean;
}

/** The TypeScript type of a parameter type. */
export type ValueOf<P> = P extends ParameterType<infer T> ? T : never;

function type<T>(
  description: string,
  schema: JsonSchema,
  accepts: (value: unknown) => boolean,
): ParameterType<T> {
  return { description, schema, accepts };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const joined = (parts: readonly { description: string }[]) => parts.map((part) => part.description);
/** Set on a type when one of its parts holds secrets. */
const mark = <T>(result: ParameterType<T>, ...parts: readonly ParameterType<unknown>[]) =>
  parts.some((part) => part.secret === true) ? { ...result, secret: true } : result;
const grouped = (text: string) => (/^[\w-]+$/.test(text) ? text : `(${text})`);

export const anything = type<unknown>('Anything', {}, () => true);
export const boolean = type<boolean>('Boolean', { type: 'boolean' }, (value) => typeof value === 'boolean');
export const string = type<string>('String', { type: 'string' }, (value) => typeof value === 'string');
export const nonEmptyString = type<string>(
  'NonEmptyString',
  { type: 'string', minLength: 1 },
  (value) => typeof value === 'string' && value !== '',
);
export const integer = type<number>('Integer', { type: 'integer' }, (value) => Number.isInteger(value));
export const float = type<number>('Float', { type: 'number' }, (value) => typeof value === 'number');
export const nonNegative = type<number>(
  'EqualOrGreaterThanZero',
  { type: 'integer', minimum: 0 },
  (value) => Number.isInteger(value) && (value as number) >= 0,
);
export const positive = type<number>(
  'GreaterThanZero',
  { type: 'integer', minimum: 1 },
  (value) => Number.isInteger(value) && (value as number) > 0,
);
export const list = type<unknown[]>('List', { type: 'array' }, Array.isArray);
export const dictionary = type<Record<string, unknown>>('Dictionary', { type: 'object' }, isObject);

export function maybe<T>(inner: ParameterType<T>): ParameterType<T | null> {
  return mark(
    type<T | null>(
      `None or ${grouped(inner.description)}`,
      { anyOf: [inner.schema, { type: 'null' }] },
      (value) => value === null || value === undefined || inner.accepts(value),
    ),
    inner,
  );
}

export function oneOf<const T extends string | number>(...values: readonly T[]): ParameterType<T> {
  const description = `OneOf ${values.map(String).sort().join(', ')}`;
  return type<T>(description, { enum: values }, (value) => values.includes(value as T));
}

export function listOf<T>(inner: ParameterType<T>): ParameterType<T[]> {
  return mark(
    type<T[]>(
      `List of ${grouped(inner.description)}`,
      { type: 'array', items: inner.schema },
      (value) => Array.isArray(value) && value.every((item) => inner.accepts(item)),
    ),
    inner,
  );
}

export function setOf<T>(inner: ParameterType<T>): ParameterType<T[]> {
  return { ...listOf(inner), description: `Set of ${grouped(inner.description)}` };
}

export function tupleOf<const T extends readonly ParameterType<unknown>[]>(
  ...items: T
): ParameterType<{ -readonly [K in keyof T]: ValueOf<T[K]> }> {
  return type(
    `Tuple of (${joined(items).join(', ')})`,
    {
      type: 'array',
      prefixItems: items.map((item) => item.schema),
      minItems: items.length,
      maxItems: items.length,
    },
    (value) =>
      Array.isArray(value) &&
      value.length === items.length &&
      items.every((item, i) => item.accepts(value[i])),
  );
}

export function dictionaryOf<V>(
  key: ParameterType<string>,
  inner: ParameterType<V>,
): ParameterType<Record<string, V>> {
  return mark(
    type<Record<string, V>>(
      `Dictionary with keys of ${grouped(key.description)} and values of ${grouped(inner.description)}`,
      { type: 'object', propertyNames: key.schema, additionalProperties: inner.schema },
      (value) =>
        isObject(value) && Object.entries(value).every(([k, v]) => key.accepts(k) && inner.accepts(v)),
    ),
    inner,
  );
}

export function either<A, B>(left: ParameterType<A>, right: ParameterType<B>): ParameterType<A | B> {
  return type<A | B>(
    `${grouped(left.description)} or ${grouped(right.description)}`,
    { anyOf: [left.schema, right.schema] },
    (value) => left.accepts(value) || right.accepts(value),
  );
}

/** `inner` and a further condition that `description` names. */
export function restricted<T>(
  inner: ParameterType<T>,
  description: string,
  holds: (value: T) => boolean,
): ParameterType<T> {
  return type<T>(
    `${inner.description} and (${description})`,
    { allOf: [inner.schema], description },
    (value) => inner.accepts(value) && holds(value as T),
  );
}

/** A list of fixed length whose items each have a type, in the words that ht.TItems has for it. */
export function itemsOf<const T extends readonly ParameterType<unknown>[]>(
  ...items: T
): ParameterType<{ -readonly [K in keyof T]: ValueOf<T[K]> }> {
  const texts = joined(items).map((text, i) => `${i === 0 ? 'Item' : 'item'} ${i} is (${text})`);
  return { ...tupleOf(...items), description: `(Length ${items.length}) and (${texts.join(', ')})` };
}

/** The same check under another description. */
export function described<T>(inner: ParameterType<T>, description: string): ParameterType<T> {
  return { ...inner, description };
}

/** A value that no log, job listing or error shows. */
export function secret<T>(inner: ParameterType<T>): ParameterType<T> {
  return { ...inner, description: `Private ${inner.description}`, secret: true };
}
