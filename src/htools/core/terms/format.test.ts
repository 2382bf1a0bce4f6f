import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decimal, fixed, general, plain, quoted, table } from './format.ts';

test('fixed rounds the shortest decimal form, half to even', () => {
  assert.equal(fixed(0.125, 2), '0.12');
  assert.equal(fixed(0.375, 2), '0.38');
  assert.equal(fixed(0.005, 2), '0.00');
  assert.equal(fixed(1.005, 2), '1.00');
  assert.equal(fixed(0.015, 2), '0.02');
  assert.equal(fixed(9.999, 2), '10.00');
  assert.equal(fixed(0.0009999999, 8), '0.00100000');
  assert.equal(fixed(0, 8), '0.00000000');
  assert.equal(fixed(-1.5, 0), '-2');
  assert.equal(fixed(2.5, 0), '2');
  assert.equal(fixed(123456.5, 0), '123456');
  assert.equal(fixed(1e-12, 8), '0.00000000');
  assert.equal(fixed(Number.NaN, 8), 'NaN');
});

test('general uses an exponent below 0.1 and from ten millions on', () => {
  assert.equal(general(0, 6), '0.000000');
  assert.equal(general(0.5, 6), '0.500000');
  assert.equal(general(0.05, 6), '5.000000e-2');
  assert.equal(general(1e-9, 6), '1.000000e-9');
  assert.equal(general(12345678, 6), '1.234568e7');
});

test('decimal always shows a point', () => {
  assert.equal(decimal(4), '4.0');
  assert.equal(decimal(0.25), '0.25');
  assert.equal(decimal(1e-9), '1.0e-9');
  assert.equal(decimal(0.05), '5.0e-2');
  assert.equal(decimal(1234567), '1234567.0');
  assert.equal(decimal(12345678), '1.2345678e7');
  assert.equal(decimal(0), '0.0');
});

test('plain shows all digits', () => {
  assert.equal(plain(1), '1.0');
  assert.equal(plain(0.05), '0.05');
  assert.equal(plain(12.5), '12.5');
});

test('quoted escapes as a literal', () => {
  assert.equal(quoted('a"b\\c\nd'), '"a\\"b\\\\c\\nd"');
  assert.equal(quoted('é1'), '"\\233\\&1"');
});

test('table pads names to the left and numbers to the right', () => {
  assert.equal(
    table(
      '  ',
      ['Name', 'N'],
      [
        ['a', '10'],
        ['bcdef', '5'],
      ],
      [false, true],
    ),
    '   Name   N\n   a     10\n   bcdef  5\n',
  );
});
