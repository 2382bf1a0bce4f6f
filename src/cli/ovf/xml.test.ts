/** XML: what is printed is read again; what is no XML, or more than data, is refused with its place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Element, formatXml, parseXml, type Tag, tag, textAt, textTag } from './xml.ts';

test('namespaces, references, comments and CDATA are read', () => {
  const root = parseXml(
    `<?xml version="1.0"?><!-- a --><a xmlns="urn:a" xmlns:b='urn:b' c="1" b:c='&lt;&#65;&#x42;'>
      <b:d> &amp;<![CDATA[<x>]]></b:d><e xmlns="">f</e><g/></a>`,
  );
  assert.equal(root.name, '{urn:a}a');
  assert.deepEqual(
    [...root.attributes],
    [
      ['c', '1'],
      ['{urn:b}c', '<AB'],
    ],
  );
  assert.deepEqual(
    root.children.map(({ name, text }) => [name, text]),
    [
      ['{urn:b}d', ' &<x>'],
      ['e', 'f'],
      ['{urn:a}g', ''],
    ],
  );
  assert.equal(textAt(root, '{urn:a}g'), '');
  assert.equal(textAt(root, '{urn:a}h'), undefined);
});

const faults: readonly (readonly [string, RegExp])[] = [
  ['<a><b></a>', /mismatched tag\): line 1, column 6/],
  ['<a>\n&bomb;</a>', /undefined entity &bomb;/],
  ['<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', /document type are not read/],
  ['<a/><b/>', /junk after document element/],
  ['<a', /invalid token/],
  ['<a b=1/>', /invalid token/],
  ['<a b="1" b="2"/>', /duplicate attribute/],
  ['<b:a/>', /unbound prefix/],
  ['<a>', /no element found/],
  ['text', /text outside/],
  ['', /no element found/],
  ['<a>'.repeat(300), /too deep/],
];
for (const [source, fault] of faults) {
  test(`${JSON.stringify(source.slice(0, 40))} is refused`, () => {
    assert.throws(() => parseXml(source), { errorClass: 'OpPrereqError', message: fault });
  });
}

test('a name that is none is not printed', () => {
  assert.throws(() => formatXml(tag('a', {}, ...textTag('b c', 'd'))), /can't be the name of an XML element/);
});

const name = fc.stringMatching(/^[a-z][a-z0-9.-]{0,5}$/);
const text = fc.stringMatching(/^[ -~äß€]{1,12}$/).filter((value) => value.trim() === value);
const printed = fc.letrec<{ tag: Tag }>((tie) => ({
  tag: fc.record({
    name,
    attributes: fc.dictionary(name, text, { maxKeys: 3 }),
    content: fc.oneof({ maxDepth: 3 }, text, fc.array(tie('tag'), { maxLength: 3 })),
  }),
})).tag;
const same = (element: Element): unknown => ({
  name: element.name,
  attributes: Object.fromEntries(element.attributes),
  content: element.children.length > 0 ? element.children.map(same) : element.text.trim() || [],
});
const plain = ({ name, attributes, content }: Tag): unknown => ({
  name,
  attributes: { ...attributes },
  content: typeof content === 'string' ? content : content.map(plain),
});

test('what is printed is read again', () => {
  fc.assert(
    fc.property(printed, (tree) => {
      assert.deepEqual(same(parseXml(formatXml(tree))), plain(tree));
    }),
  );
});
