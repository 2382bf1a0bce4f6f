/** Schemas of what lists and objects show, read from the fields of the query language. */
import type { JsonSchema } from '../../opcodes/types.ts';
import { resourceNamed } from '../../queries/catalog.ts';
import type { FieldKind } from '../../queries/field.ts';

const kinds: Readonly<Record<FieldKind, JsonSchema>> = {
  text: { type: 'string' },
  bool: { type: 'boolean' },
  number: { type: 'number' },
  float: { type: 'number' },
  unit: { type: 'number' },
  timestamp: {},
  other: {},
  unknown: {},
};

/** A value that isn't there, or can't be told now, is null. */
function fieldSchema(kind: FieldKind, doc: string): JsonSchema {
  const schema = kinds[kind];
  const nullable = Object.keys(schema).length === 0 ? {} : { anyOf: [schema, { type: 'null' }] };
  return { description: doc, ...nullable };
}

/**
 * @param fields those that the list shows; others of an object are not promised
 * @throws Failure GenericError for a resource that isn't there
 */
export function objectSchema(resource: string, fields: readonly string[]): JsonSchema {
  const known = new Map(resourceNamed(resource).fields.map((field) => [field.name, field]));
  const properties = fields.map((name) => {
    const field = known.get(name);
    return [name, field === undefined ? {} : fieldSchema(field.kind, field.doc)] as const;
  });
  return { type: 'object', properties: Object.fromEntries(properties), required: [...fields] };
}
