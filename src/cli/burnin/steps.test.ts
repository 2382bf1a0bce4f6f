import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions } from '../optparse/parser.ts';
import { type BurninOptions, burninOptions } from './options.ts';
import { creation, type Facts, removal, stepsOf } from './steps.ts';

const options = (...argv: string[]) =>
  parseOptions(burninOptions, ['-o', 'noop', ...argv]).values as unknown as BurninOptions;
const facts = (more: Partial<Facts> = {}): Facts => ({
  nodes: ['node1', 'node2', 'node3'],
  hypervisor: 'fake',
  hvparams: {},
  canMigrate: true,
  isMirrored: true,
  isShared: false,
  isBridged: true,
  diskSizes: [1024],
  diskGrowth: [128],
  memory: { min: 128, max: 256 },
  ...more,
});
const titles = (given: BurninOptions, known: Facts) => stepsOf(given, known, ['a']).map(({ title }) => title);

test('instances are spread over the nodes, each with its mirror on the next', () => {
  const { tasks } = creation(options(), facts(), ['a', 'b', 'c']);
  assert.deepEqual(
    tasks.map(({ opcodes: [opcode] }) => [opcode?.pnode, opcode?.snode]),
    [
      ['node1', 'node2'],
      ['node2', 'node3'],
      ['node3', 'node1'],
    ],
  );
  const [chosen] = creation(options('-I', 'hail'), facts(), ['a']).tasks[0]!.opcodes;
  assert.deepEqual([chosen?.pnode, chosen?.snode, chosen?.iallocator], [null, null, 'hail']);
});

test('what disks and nodes allow is done, and what was not switched off', () => {
  const mirrored = titles(options(), facts());
  assert.ok(mirrored.includes('Changing the secondary node') && mirrored.includes('Migrating instances'));
  assert.ok(!mirrored.includes('Moving instances'));
  const plain = titles(options('-t', 'plain'), facts({ isMirrored: false }));
  assert.ok(plain.includes('Moving instances') && !plain.includes('Failing over instances'));
  const diskless = titles(
    options('-t', 'diskless', '--no-nics'),
    facts({ isMirrored: false, isShared: true, diskSizes: [], diskGrowth: [] }),
  );
  assert.ok(!diskless.some((title) => /disks|NICs/.test(title)), diskless.join());
  const none = burninOptions.flatMap(({ names: [name] }) => (name!.startsWith('--no-') ? [name!] : []));
  assert.deepEqual(titles(options('--disk-growth', '0', ...none), facts({ diskGrowth: [0] })), []);
});

test('two nodes have no third one for a mirror, and one node has nowhere to go', () => {
  const two = titles(options(), facts({ nodes: ['node1', 'node2'] }));
  assert.ok(!two.includes('Changing the secondary node'));
  const one = titles(options('-t', 'plain'), facts({ nodes: ['node1'], isMirrored: false }));
  assert.ok(!one.includes('Moving instances') && !one.includes('Migrating instances'));
  assert.deepEqual(removal(['a']).tasks[0]!.opcodes[0]!.OP_ID, 'OP_INSTANCE_REMOVE');
});
