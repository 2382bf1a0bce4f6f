import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../kit/failure.ts';
import { parseTimespec } from '../../kit/timespec.ts';
import { quoteWords, splitWords } from '../shell-words.ts';
import { deviceChangesOf, diskChangesOf, nicsOf } from './devices.ts';
import { policyCommand, policyOf } from './policy.ts';
import { filterOf } from './query-filter.ts';

const refuses = (text: string) => (error: unknown) =>
  error instanceof Failure && error.message.includes(text);

test('words survive a shell', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (words) => {
      assert.deepEqual(splitWords(quoteWords(words)), words);
    }),
  );
  assert.deepEqual(splitWords(`a "b c"'d' \\e "x\\"y"`), ['a', 'b cd', 'e', 'x"y']);
  assert.throws(() => splitWords("it's"), refuses('No closing quotation'));
});

test('arguments of listings become filters', async () => {
  const how = { field: 'name', numeric: false, forced: false };
  assert.equal(await filterOf([], how), null);
  assert.deepEqual(await filterOf(['a', 'b*.x'], how), [
    '|',
    ['==', 'name', 'a'],
    ['=~', 'name', '^b[^.]*\\.x(\\..*)?$'],
  ]);
  assert.deepEqual(await filterOf(['name == "a"'], how), ['==', 'name', 'a']);
  assert.deepEqual(await filterOf(['7'], { ...how, field: 'id', numeric: true }), ['|', ['==', 'id', 7]]);
  await assert.rejects(filterOf(['a', 'b'], { ...how, forced: true }), refuses('Exactly one argument'));
});

test('NICs and disks by index, with gaps; changes by index, name or word', () => {
  assert.deepEqual(nicsOf([['2', { link: 'br0' }]]), [{}, {}, { link: 'br0' }]);
  assert.deepEqual(deviceChangesOf([['add', { ip: 'pool' }]]), [['add', -1, { ip: 'pool' }]]);
  assert.deepEqual(deviceChangesOf([['-1', { add: true, ip: 'pool' }]]), [['add', -1, { ip: 'pool' }]]);
  assert.deepEqual(deviceChangesOf([['eth0', { remove: true }]]), [['remove', 'eth0', {}]]);
  assert.deepEqual(diskChangesOf([['0', { size: '1g' }]]), [['modify', 0, { size: 1024 }]]);
  assert.throws(
    () => deviceChangesOf([['0', { add: true, remove: true }]]),
    refuses('more than one of the following'),
  );
  assert.throws(
    () => deviceChangesOf([['0', { remove: true, x: '1' }]]),
    refuses('Not accepting parameters'),
  );
});

const policyOptions = {
  ipolicy_bounds_specs: null,
  ipolicy_disk_templates: null,
  ipolicy_vcpu_ratio: null,
  ipolicy_spindle_ratio: null,
};
const bounds = {
  'cpu-count': '1',
  'disk-count': '1',
  'disk-size': '1g',
  'memory-size': '64m',
  'nic-count': '0',
  'spindle-use': '1',
};

test('policies: sizes with units, whole bounds, "default" for groups', () => {
  const policy = policyOf({ ...policyOptions, ipolicy_bounds_specs: [{ min: bounds, max: bounds }] }, false);
  const [pair] = policy.minmax as Record<string, Record<string, number>>[];
  assert.deepEqual([pair!.min!['disk-size'], pair!.max!['memory-size']], [1024, 64]);
  assert.match(
    policyCommand(policy as never),
    /^ --ipolicy-bounds-specs min:cpu-count=1,disk-count=1,disk-size=1024/,
  );
  assert.equal(
    policyOf({ ...policyOptions, ipolicy_bounds_specs: [{ default: {} }] }, true).minmax,
    'default',
  );
  const { 'nic-count': _left, ...short } = bounds;
  assert.throws(
    () => policyOf({ ...policyOptions, ipolicy_bounds_specs: [{ min: short, max: bounds }] }, false),
    refuses('Missing parameters in ipolicy spec min: nic-count'),
  );
});

test('durations', () => {
  assert.deepEqual(['90', '2m', '1h', '1d', '4w'].map(parseTimespec), [90, 120, 3600, 86400, 2419200]);
  assert.throws(() => parseTimespec('h'), refuses('only suffix passed'));
  assert.throws(() => parseTimespec('1x'), refuses("Invalid time specification '1x'"));
});
