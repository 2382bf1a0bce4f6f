/** docs/openapi.json is what the daemon serves, and a document that holds together. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { routes } from '../src/rapi/routes/table.ts';
import { openApiFile, openApiText } from './openapi.ts';

const text = await openApiText();

test('the checked-in document is the generated one (node tools/openapi.ts writes it)', () => {
  assert.ok(
    readFileSync(openApiFile, 'utf8') === text,
    'docs/openapi.json is old: run node tools/openapi.ts',
  );
});

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
}

test('every route stands in it once, under a name of its own, with the variables of its path', () => {
  const { paths } = JSON.parse(text) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  const names = new Set<string>();
  let count = 0;
  for (const [path, methods] of Object.entries(paths)) {
    for (const { operationId, parameters } of Object.values(methods)) {
      count += 1;
      names.add(operationId);
      const variables = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      assert.deepEqual(
        variables,
        [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
      );
      assert.equal(new Set(parameters.map(({ name }) => name)).size, parameters.length, operationId);
    }
  }
  assert.deepEqual([count, names.size], [routes.length, routes.length]);
});

test('every reference leads somewhere', () => {
  const document = JSON.parse(text) as Record<string, unknown>;
  const references = new Set([...text.matchAll(/"\$ref": "#\/([^"]+)"/g)].map(([, path]) => path!));
  assert.ok(references.size > 5);
  for (const reference of references) {
    const found = reference
      .split('/')
      .reduce<unknown>((at, word) => (at as Record<string, unknown> | undefined)?.[word], document);
    assert.equal(typeof found, 'object', reference);
  }
});
