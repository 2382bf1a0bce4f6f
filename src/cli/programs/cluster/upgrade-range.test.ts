import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  configurationVersionOf,
  formatIntent,
  isConfigurationChanged,
  needsDowngrade,
  parseIntent,
  parseVersion,
  upgradeFault,
  type Version,
} from './upgrade-range.ts';

const at = (text: string): Version => parseVersion(text)!;

test('versions are read as people and packages write them', () => {
  assert.deepEqual(parseVersion('3.1'), [3, 1, 0]);
  assert.deepEqual(parseVersion('3.1.2'), [3, 1, 2]);
  assert.deepEqual(parseVersion('3.0.2~rc1'), [3, 0, 2]);
  for (const text of ['', '3', 'new', '3.1; rm']) assert.equal(parseVersion(text), undefined, text);
  assert.deepEqual(configurationVersionOf(3010000), [3, 1, 0]);
  assert.deepEqual(configurationVersionOf(2160000), [2, 16, 0]);
});

test('one minor version down, any up, and between 2.16 and 3.0', () => {
  for (const [target, current, fault] of [
    ['3.2', '3.1', undefined],
    ['3.4', '3.1', undefined],
    ['3.0', '3.1', undefined],
    ['3.0', '3.2', 'can only downgrade one minor version at a time'],
    ['2.16', '3.0', undefined],
    ['3.0', '2.16', undefined],
    ['2.16', '3.1', 'major version up- or downgrades are only supported between 2.16 and 3.0'],
    ['2.9', '2.10', 'automatic upgrades only supported from 2.10 onwards'],
  ] as const)
    assert.equal(upgradeFault(at(target), at(current)), fault, `${current} to ${target}`);
  assert.ok(needsDowngrade(at('3.0'), at('3.1')));
  assert.ok(!needsDowngrade(at('3.2'), at('3.1')));
});

test('what has begun is read back as it was written', () => {
  for (const intent of [
    { from: '3.1.0', to: '3.2' },
    { from: 'a,b', to: 'c\\d' },
  ])
    assert.deepEqual(parseIntent(formatIntent(intent, 12)), intent);
  assert.equal(parseIntent('3.1'), undefined);
});

test('an upgrade that is taken up knows whether the configuration is done', () => {
  assert.ok(!isConfigurationChanged(at('3.2'), at('3.1'), at('3.1')));
  assert.ok(isConfigurationChanged(at('3.2'), at('3.2'), at('3.1')));
  assert.ok(isConfigurationChanged(at('3.2'), at('3.2'), at('3.2')));
});
