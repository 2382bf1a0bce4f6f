import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jsonText } from './json-text.ts';

/** The form, written value by value. */
function slow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(slow).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([name, item]) => `${slow(name)}: ${slow(item)}`)
      .join(', ')}}`;
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

test('texts keep their commas, colons, quotes and backslashes', () => {
  const value = { 'a,b:c': ['x, "y": \\', 'ü\u2028😀', '\\"', 1.5, null, true, {}, []] };
  assert.equal(
    jsonText(value),
    '{"a,b:c": ["x, \\"y\\": \\\\", "\\u00fc\\u2028\\ud83d\\ude00", "\\\\\\"", 1.5, null, true, {}, []]}\n',
  );
  assert.equal(jsonText(undefined), 'null\n');
});

test('any value is written as value by value, and reads back as itself', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const text = jsonText(value);
      assert.equal(text, `${slow(value)}\n`);
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
    }),
  );
});
