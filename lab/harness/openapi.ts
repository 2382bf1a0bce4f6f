/**
 * The published document of the remote API as a test walks it: operations with a request that fits each, and
 * whether a value is what a schema says. Knows the words of JSON Schema that the document uses and refuses others.
 */
import { Failure } from '../../src/kit/failure.ts';

export type Schema = Readonly<Record<string, unknown>>;

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
  readonly schema: Schema;
}

interface RawOperation {
  readonly operationId: string;
  readonly security: readonly Schema[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: { readonly 200: { readonly content: Content } };
  readonly 'x-opcode'?: string;
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>;

export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly opcode: string | undefined;
  readonly needsUser: boolean;
  readonly parameters: readonly Parameter[];
  readonly body: Schema | undefined;
  readonly isBodyNeeded: boolean;
  /** None: not JSON. */
  readonly result: Schema | undefined;
}

export function operationsOf({ paths }: Document): Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      id: operation.operationId,
      method: method.toUpperCase(),
      path,
      opcode: operation['x-opcode'],
      needsUser: !operation.security.some((choice) => Object.keys(choice).length === 0),
      parameters: operation.parameters,
      body: operation.requestBody?.content['application/json']?.schema,
      isBodyNeeded: operation.requestBody?.required === true,
      result: operation.responses[200].content['application/json']?.schema,
    })),
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => Number.isInteger(value),
  number: (value) => typeof value === 'number',
  null: (value) => value === null,
  array: Array.isArray,
  object: isObject,
};
const sameJson = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/** Each word of a schema says what is wrong with a value, or nothing. */
type Rule = (said: unknown, value: unknown, schema: Schema, faultOf: Check) => string | undefined;
type Check = (schema: Schema, value: unknown) => string | undefined;

const first = (faults: Iterable<string | undefined>) => [...faults].find((fault) => fault !== undefined);

const rules: Readonly<Record<string, Rule>> = {
  type: (said, value) => {
    const wanted = [said].flat() as string[];
    return wanted.some((type) => types[type]!(value)) ? undefined : `is no ${wanted.join(' or ')}`;
  },
  const: (said, value) => (sameJson(said, value) ? undefined : `is not ${JSON.stringify(said)}`),
  enum: (said, value) =>
    (said as unknown[]).some((one) => sameJson(one, value)) ? undefined : `is none of ${String(said)}`,
  minimum: (said, value) =>
    typeof value !== 'number' || value >= (said as number) ? undefined : 'is too small',
  minLength: (said, value) =>
    typeof value !== 'string' || value.length >= (said as number) ? undefined : 'is too short',
  minItems: (said, value) =>
    !Array.isArray(value) || value.length >= (said as number) ? undefined : 'has too few items',
  maxItems: (said, value) =>
    !Array.isArray(value) || value.length <= (said as number) ? undefined : 'has too many items',
  pattern: (said, value) =>
    typeof value !== 'string' || new RegExp(said as string, 'u').test(value)
      ? undefined
      : 'has other characters',
  anyOf: (said, value, _, faultOf) => {
    const faults = (said as Schema[]).map((schema) => faultOf(schema, value));
    return faults.includes(undefined) ? undefined : faults.join('; ');
  },
  oneOf: (said, value, _, faultOf) => {
    const fitting = (said as Schema[]).filter((schema) => faultOf(schema, value) === undefined).length;
    return fitting === 1 ? undefined : `fits ${fitting} of the choices`;
  },
  allOf: (said, value, _, faultOf) => first((said as Schema[]).map((schema) => faultOf(schema, value))),
  items: (said, value, _, faultOf) =>
    Array.isArray(value) ? first(value.map((item) => faultOf(said as Schema, item))) : undefined,
  prefixItems: (said, value, _, faultOf) =>
    Array.isArray(value)
      ? first((said as Schema[]).map((schema, index) => faultOf(schema, value[index])))
      : undefined,
  required: (said, value) => {
    if (!isObject(value)) return undefined;
    const missing = (said as string[]).filter((name) => !Object.hasOwn(value, name));
    return missing.length === 0 ? undefined : `lacks ${missing.join(', ')}`;
  },
  properties: (said, value, _, faultOf) => {
    if (!isObject(value)) return undefined;
    const known = Object.entries(said as Record<string, Schema>).filter(([name]) =>
      Object.hasOwn(value, name),
    );
    return first(
      known.map(([name, schema]) => {
        const fault = faultOf(schema, value[name]);
        return fault === undefined ? undefined : `${name}: ${fault}`;
      }),
    );
  },
  propertyNames: (said, value, _, faultOf) =>
    isObject(value) ? first(Object.keys(value).map((name) => faultOf(said as Schema, name))) : undefined,
  additionalProperties: (said, value, { properties = {} }, faultOf) => {
    if (!isObject(value)) return undefined;
    const others = Object.keys(value).filter((name) => !Object.hasOwn(properties as object, name));
    if (said === false) return others.length === 0 ? undefined : `has ${others.join(', ')}`;
    return first(others.map((name) => faultOf(said as Schema, value[name])));
  },
};
const words = new Set(['description', 'default', 'writeOnly', 'deprecated']);

/** What is wrong with a value; undefined when it fits. */
export function faultOf(document: Document, schema: Schema, value: unknown): string | undefined {
  const check: Check = (part, found) => {
    for (const [word, said] of Object.entries(part)) {
      if (words.has(word)) continue;
      if (word === '$ref') {
        const name = String(said).replace('#/components/schemas/', '');
        const fault = check(document.components.schemas[name]!, found);
        if (fault !== undefined) return fault;
        continue;
      }
      const rule = rules[word];
      if (rule === undefined) throw new Failure('ProgrammerError', [`the schema says '${word}'`]);
      const fault = rule(said, found, part, check);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
  return check(schema, value);
}

/** A value that a schema takes, the simplest there is. Hints say it where a schema can't, by name of a property. */
export function sampleOf(schema: Schema, hints: Readonly<Record<string, unknown>> = {}): unknown {
  const { enum: choices, anyOf, allOf, type, properties, required = [], prefixItems, minimum = 1 } = schema;
  if ('const' in schema) return schema.const;
  if (choices !== undefined) return (choices as unknown[])[0];
  if (anyOf !== undefined) return sampleOf((anyOf as Schema[])[0]!, hints);
  if (type === undefined && allOf !== undefined) return sampleOf((allOf as Schema[])[0]!, hints);
  const [kind] = [type].flat();
  if (kind === 'array') return ((prefixItems ?? []) as Schema[]).map((item) => sampleOf(item, hints));
  if (kind === 'string') return 'a1';
  if (kind === 'integer' || kind === 'number') return minimum;
  if (kind === 'boolean') return true;
  if (kind !== 'object') return null;
  const conditions = ((allOf ?? []) as Schema[]).flatMap((condition) => {
    const one = condition.oneOf === undefined ? condition : (condition.oneOf as Schema[])[0]!;
    return (one.required ?? []) as string[];
  });
  const wanted = [...(required as string[]), ...conditions];
  return Object.fromEntries(
    wanted.map((name) => {
      const property = (properties as Record<string, Schema>)[name] ?? {};
      return [name, Object.hasOwn(hints, name) ? hints[name] : sampleOf(property, hints)];
    }),
  );
}
