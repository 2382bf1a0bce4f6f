import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Cell, noData, valued } from '../cell.ts';
import { compileFilter, type Verdict } from './evaluate.ts';
import { evaluateExpression } from './evaluate-json.ts';
import { type Filter, fieldsOf, filterList, readFilter, wantedNames } from './filter.ts';
import { namePattern, parseFilter } from './parse.ts';
import { printFilter } from './print.ts';

const examples: readonly (readonly [string, unknown])[] = [
  ['be/memory > 128', ['>', 'be/memory', 128]],
  ['a = 1', ['==', 'a', 1]],
  ['a == -1', ['==', 'a', -1]],
  ['a != "x"', ['!=', 'a', 'x']],
  ["a<='x y'", ['<=', 'a', 'x y']],
  ['drained', ['?', 'drained']],
  ['not drained', ['!', ['?', 'drained']]],
  ['not not a', ['!', ['!', ['?', 'a']]]],
  ['nothing', ['?', 'nothing']],
  ['notes and oracle', ['&', ['?', 'notes'], ['?', 'oracle']]],
  ['a and b and c', ['&', ['?', 'a'], ['?', 'b'], ['?', 'c']]],
  ['a and b or not c and d', ['|', ['&', ['?', 'a'], ['?', 'b']], ['&', ['!', ['?', 'c']], ['?', 'd']]]],
  ['(a or b) and c', ['&', ['|', ['?', 'a'], ['?', 'b']], ['?', 'c']]],
  ['( ( a ) )', ['?', 'a']],
  ['"web" in tags', ['=[]', 'tags', 'web']],
  ['"web" not in tags', ['!', ['=[]', 'tags', 'web']]],
  ['12 in list', ['=[]', 'list', 12]],
  ['name =~ m/^web/i', ['=~', 'name', '(?i)^web']],
  ['name =~ /a\\/b/', ['=~', 'name', 'a/b']],
  ['name =~ #a/b#si', ['=~', 'name', '(?is)a/b']],
  ['name !~ |x|', ['!', ['=~', 'name', 'x']]],
  ['name =~ ^\\\\.x^', ['=~', 'name', '\\.x']],
  ['name =* "*.site"', ['=~', 'name', '^[^.]*\\.site(\\..*)?$']],
  ['name !* "a?"', ['!', ['=~', 'name', '^a[^.](\\..*)?$']]],
  ['\tpnode.group == "default"\n', ['==', 'pnode.group', 'default']],
];

test('text is read as documented', () => {
  for (const [text, list] of examples) assert.deepEqual(parseFilter(text), list, text);
});

test('a mistake is shown with its place', () => {
  const failure = (text: string) => {
    try {
      parseFilter(text);
    } catch (error) {
      return (error as { args: [string, string[]] }).args;
    }
    return assert.fail(`${text} was taken`);
  };
  assert.deepEqual(failure('bogus ==='), [
    "Failed to parse query filter 'bogus ===': Expected end of text, found '='  (at char 6), (line:1, col:7)",
    ['bogus ===', '      ^', "Expected end of text, found '='  (at char 6), (line:1, col:7)"],
  ]);
  for (const text of [
    '',
    '(a',
    'a == ',
    'a == b',
    'a and',
    'a =~ /(/',
    'a =~ /x/g',
    'name =* x',
    '"x" in',
    '1 == a',
    'a b',
  ]) {
    assert.match(failure(text)[0], /^Failed to parse query filter/, text);
  }
});

test('lists are read in old and new spelling, and anything else is refused', () => {
  assert.deepEqual(filterList(readFilter(['=', 'name', 'a'])), ['==', 'name', 'a']);
  assert.deepEqual(filterList(readFilter(['!=', 'n', 1])), ['!', ['==', 'n', 1]]);
  assert.equal(readFilter(null), null);
  const wrong: unknown[] = [
    'x',
    [],
    ['~', 'a', 1],
    ['=', 'a'],
    ['=', 'a', 1.5],
    ['=', 1, 1],
    ['!'],
    ['&', 3],
    ['=~', 'a', '('],
  ];
  for (const list of wrong) {
    assert.throws(() => readFilter(list), { name: 'QueryFilterParseError' }, JSON.stringify(list));
  }
});

const field = fc
  .stringMatching(/^[a-z][a-z0-9_]{0,3}(\/[a-z]{1,3})?$/)
  .filter((name) => !/^(not|and|or|in)$/.test(name));
const value = fc.oneof(fc.integer({ min: -1000, max: 1000 }), fc.stringMatching(/^[ -!#-[\]-~]{0,8}$/));
const expression = fc.stringMatching(/^(\(\?(i|s|is)\))?[a-z^$.*/#|\d]{1,6}$/).filter((text) => {
  try {
    readFilter(['=~', 'x', text]);
    return true;
  } catch {
    return false;
  }
});
const { filter: anyFilter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ kind: fc.constant('true' as const), field }),
    fc.record({
      kind: fc.constant('compare' as const),
      operator: fc.constantFrom('==', '<', '<=', '>', '>='),
      field,
      value,
    }),
    fc.record({ kind: fc.constant('matches' as const), field, expression }),
    fc.record({ kind: fc.constant('contains' as const), field, value }),
    fc.record({ kind: fc.constant('not' as const), part: tie('filter') }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      parts: fc.array(tie('filter'), { minLength: 2, maxLength: 3 }),
    }),
  ),
})) as { filter: fc.Arbitrary<Filter> };
/** Records of the generator have no prototype; what the code gives has one. */
const plain = (filter: Filter): Filter => JSON.parse(JSON.stringify(filter)) as Filter;

test('what is printed reads as the same filter', () => {
  fc.assert(
    fc.property(anyFilter, (filter) => {
      assert.deepEqual(readFilter(parseFilter(printFilter(filter))), plain(filter));
    }),
    { seed: 2006 },
  );
});

test('the list form reads as the same filter', () => {
  fc.assert(
    fc.property(anyFilter, (filter) => {
      assert.deepEqual(readFilter(JSON.parse(JSON.stringify(filterList(filter)))), plain(filter));
    }),
    { seed: 2006 },
  );
});

test('a string that no quotes fit is refused rather than printed wrong', () => {
  assert.throws(() => printFilter({ kind: 'contains', field: 'a', value: `"'` }), /cannot be written/);
});

type World = Readonly<Record<string, Cell | 'pending'>>;
function verdict(text: string, world: World): Verdict {
  const filter = compileFilter(readFilter(parseFilter(text)), (name) => ({
    field: name,
    match: name === 'name' ? 'hostname' : name === 'when' ? 'timestamp' : 'plain',
  }));
  return filter((name) => world[name] ?? noData);
}

test('conditions hold for the values they should', () => {
  const world: World = {
    name: valued('web1.site'),
    n: valued(5),
    b: valued(false),
    tags: valued(['a', 'b']),
    when: valued([100, 5]),
  };
  for (const text of [
    'n == 5',
    'n < 6',
    'n <= 5',
    'n >= 5',
    'n > 4',
    'n != 4',
    'not b',
    'name == "web1"',
    'name == "web1.site"',
    '"a" in tags',
    '"c" not in tags',
    'name =* "web?"',
    'name =~ /E/i',
    'when == 100',
    'when < 101',
  ]) {
    assert.equal(verdict(text, world), true, text);
  }
  for (const text of [
    'n == 4',
    'b',
    'name == "web"',
    'name =* "web"',
    'name !~ /web/',
    '"c" in tags',
    'n > 5',
    'when > 100',
  ]) {
    assert.equal(verdict(text, world), false, text);
  }
});

test("values of the wrong kind are the asker's mistake", () => {
  const world: World = { n: valued(5), s: valued('x'), b: valued(true) };
  for (const text of ['n == "5"', 's < 3', 's', 'n =~ /5/', '"x" in s', 'b == 1']) {
    assert.throws(() => verdict(text, world), { name: 'ParameterError' }, text);
  }
});

test('what is not known passes, and is pending only while nothing else decides', () => {
  const world: World = { live: 'pending', gone: noData, yes: valued(true), no: valued(false) };
  assert.equal(verdict('gone == 3', world), true);
  assert.equal(verdict('not gone == 3', world), false);
  assert.equal(verdict('live == 3', world), 'pending');
  assert.equal(verdict('not live == 3', world), 'pending');
  assert.equal(verdict('live == 3 and no', world), false);
  assert.equal(verdict('live == 3 and yes', world), 'pending');
  assert.equal(verdict('live == 3 or yes', world), true);
  assert.equal(verdict('live == 3 or no', world), 'pending');
});

test('names that are asked for, and fields that are spoken of', () => {
  const names = (text: string) => wantedNames(readFilter(parseFilter(text)), 'name');
  assert.deepEqual(names('name == "a" or name == "b"'), ['a', 'b']);
  assert.equal(names('name == "a" or pnode == "b"'), undefined);
  assert.equal(names('name != "a"'), undefined);
  assert.deepEqual(wantedNames(null, 'name'), []);
  assert.deepEqual(fieldsOf(readFilter(parseFilter('a == 1 and not (b or "x" in a)'))), ['a', 'b']);
});

test('patterns of names stop at dots', () => {
  const pattern = new RegExp(namePattern('web*'));
  assert.ok(pattern.test('web1'));
  assert.ok(pattern.test('web1.site.example'));
  assert.ok(!pattern.test('aweb1'));
  assert.ok(!new RegExp(namePattern('*.site')).test('a.b.site'));
  assert.ok(new RegExp(namePattern('a-b.c')).test('a-b.c.d'));
});

test('job filters compare without complaint and refuse what they cannot read', () => {
  const fields: Record<string, unknown> = { id: 12, OP_ID: 'OP_TEST_DELAY', on: true, tags: ['x'] };
  const holds = (filter: unknown) => evaluateExpression(filter, (name) => fields[name]);
  assert.ok(holds(null));
  assert.ok(holds(['=', 'OP_ID', 'OP_TEST_DELAY']));
  assert.ok(!holds(['=', 'OP_ID', 3]));
  assert.ok(holds(['>=', 'id', 12]));
  assert.ok(!holds(['==', 'missing', 'x']));
  assert.ok(holds(['&', ['?', 'on'], ['=[]', 'tags', 'x'], ['!', ['=~', 'OP_ID', '^X']]]));
  assert.throws(() => holds(['?', 'id']), { name: 'ParameterError' });
});
