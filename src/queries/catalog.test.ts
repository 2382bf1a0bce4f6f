import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { queryResources } from '../opcodes/values.ts';
import { resources } from './catalog.ts';
import type { Field } from './field.ts';

const reference = resolve(import.meta.dirname, '../../../shared/surface/query_fields.json');

interface Reference {
  readonly resources: Readonly<
    Record<
      string,
      {
        readonly fields: Readonly<
          Record<string, { readonly title: string; readonly kind: string; readonly filter_mode?: string }>
        >;
      }
    >
  >;
}

const modes: Readonly<Record<string, string>> = {
  QffHostname: 'hostname',
  QffTimestamp: 'timestamp',
  QffNormal: 'plain',
};

test('every resource has the fields, titles and kinds that Ganeti has', {
  skip: existsSync(reference) ? false : 'the description of the surface is not beside this checkout',
}, () => {
  const { resources: expected } = JSON.parse(readFileSync(reference, 'utf8')) as Reference;
  assert.deepEqual(resources.map(({ name }) => name).sort(), Object.keys(expected).sort());
  for (const { name, fields } of resources) {
    const ours = Object.fromEntries(
      (fields as Field<unknown, unknown>[]).map((field) => [
        field.name,
        { title: field.title, kind: field.kind },
      ]),
    );
    const theirs = Object.fromEntries(
      Object.entries(expected[name]!.fields).map(([field, { title, kind }]) => [field, { title, kind }]),
    );
    assert.deepEqual(ours, theirs, name);
    for (const field of fields as Field<unknown, unknown>[]) {
      const mode = expected[name]!.fields[field.name]!.filter_mode;
      if (mode !== undefined) assert.equal(field.match ?? 'plain', modes[mode], `${name} ${field.name}`);
    }
  }
});

test('every field of a resource has one name and a documentation', () => {
  assert.deepEqual(resources.map(({ name }) => name).sort(), [...queryResources]);
  for (const { name, fields, nameField, uuidField } of resources) {
    const names = (fields as Field<unknown, unknown>[]).map((field) => field.name);
    assert.equal(new Set(names).size, names.length, name);
    assert.ok(names.includes(nameField) && names.includes(uuidField), name);
    for (const field of fields as Field<unknown, unknown>[]) assert.notEqual(field.doc, '', field.name);
  }
});
