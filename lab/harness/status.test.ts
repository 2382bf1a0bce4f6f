import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseStatus } from './status.ts';
import { bootArguments } from './uml.ts';

test('reads each state of a node', () => {
  const text = [
    'node1 up 10.77.0.11 joined',
    'node2 down',
    'node3 up 10.77.0.13 cut',
    'node4 up 10.77.0.14 primary cut',
    'node5 up 10.77.0.15 secondary cut',
    '',
  ].join('\n');
  assert.deepEqual(parseStatus(text), [
    { kind: 'up', node: 'node1', address: '10.77.0.11', cut: 'none' },
    { kind: 'down', node: 'node2' },
    { kind: 'up', node: 'node3', address: '10.77.0.13', cut: 'both' },
    { kind: 'up', node: 'node4', address: '10.77.0.14', cut: 'primary' },
    { kind: 'up', node: 'node5', address: '10.77.0.15', cut: 'secondary' },
  ]);
});

test('refuses a line that no status has', () => {
  assert.throws(() => parseStatus('lab/uml: something else\n'), { name: 'ProgrammerError' });
  assert.throws(() => parseStatus('node1 up 10.77.0.11 bent\n'), { name: 'ProgrammerError' });
});

test('boots with only what was asked for', () => {
  assert.deepEqual(bootArguments({}), ['up']);
  assert.deepEqual(bootArguments({ nodes: 2, memoryMiB: 768, volumeMiB: 4096, fresh: true }), [
    'up',
    '-n',
    '2',
    '-m',
    '768',
    '-d',
    '4096',
    '--fresh',
  ]);
});
